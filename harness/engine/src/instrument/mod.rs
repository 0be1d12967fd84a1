//! Readers that watch an executor from outside. Telemetry is the executor's own word; these are
//! not.

mod counting;
mod disk;
mod last_reads;
mod latency;
mod rendezvous;

pub use counting::CountingReader;
pub use disk::DiskState;
pub use last_reads::{LastReads, MOST_LANES};
pub use latency::LatencyReader;
pub use rendezvous::RendezvousReader;
