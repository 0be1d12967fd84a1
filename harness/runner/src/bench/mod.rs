//! Measures executors against a baseline, in one process, run by run in turn.
//!
//! * `plan`: what to measure; decided before any work starts.
//! * `run`: rounds of timed runs, each with a verdict of its own.
//! * `sample`: what came of it: raw samples, and what follows from them.
//! * `statistics`: medians and intervals; pure functions.
//! * `machine`: processor time, pinning.
//!
//! A run that is wrong has no time: the outcome of every timed run is compared with the
//! reference's, off the clock.

mod machine;
mod plan;
mod run;
mod sample;
pub mod statistics;

pub use plan::{BenchPlan, MemoryMeter};
pub use run::Bench;
pub use sample::{Group, SampleSet, Usage};
