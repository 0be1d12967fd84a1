//! Samples of measurements, and what follows from them.
//!
//! * `circumstances`: program, machine and options of a measurement.
//! * `sample`: raw samples of one executor on one block.
//! * `stages`, `receipts`, `storage`: further times of the same runs.
//! * [`statistics`], [`bootstrap`]: medians, quantiles, intervals; pure functions.

pub mod bootstrap;
mod circumstances;
mod receipts;
mod sample;
mod stages;
pub mod statistics;
mod storage;

pub use circumstances::{Circumstances, Machine, SCHEMA};
pub use receipts::ReceiptTimes;
pub use sample::{Bound, Group, SampleSet, Shares, Usage};
pub use stages::Stages;
pub use storage::StorageFacts;
