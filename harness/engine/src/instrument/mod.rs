//! Readers that watch an executor from outside. Telemetry is the executor's own word; these are
//! not.

mod counting;
mod disk;
mod held_reads;
mod last_reads;
mod latency;
mod rendezvous;

pub use counting::CountingReader;
pub use disk::DiskState;
pub use held_reads::HeldReads;
pub use last_reads::{LastReads, MOST_LANES};
pub use latency::LatencyReader;
pub use rendezvous::RendezvousReader;
