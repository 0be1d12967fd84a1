//! Readers that watch an executor from outside. Telemetry is the executor's own word; these are
//! not.

mod counting;
mod disk;
mod latency;
mod rendezvous;

pub use counting::CountingReader;
pub use disk::DiskState;
pub use latency::LatencyReader;
pub use rendezvous::RendezvousReader;
