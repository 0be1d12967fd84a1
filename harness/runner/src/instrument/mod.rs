//! Readers that watch an executor from outside. Telemetry is the executor's own word; these are
//! not.

mod counting;
mod rendezvous;

pub use counting::CountingReader;
pub use rendezvous::RendezvousReader;
