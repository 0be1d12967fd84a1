//! Measures executors against a baseline, in one process, run by run in turn.
//!
//! * `plan`: what to measure; decided before any work starts.
//! * `run`: rounds of timed runs, in turn.
//! * `contestant`: one executor on one block; each of its runs has a verdict of its own.
//! * `import`: the import of the whole block, stage by stage.
//! * `storage`: where the pre-state is.
//! * `sample`: what came of it: raw samples, and what follows from them.
//! * `statistics`: medians and intervals; pure functions.
//! * `machine`: processor time, pinning.
//!
//! A run that is wrong has no time: the outcome of every timed run is compared with the
//! reference's, off the clock.

mod contestant;
mod import;
mod machine;
mod plan;
mod run;
mod sample;
pub mod statistics;
mod storage;

pub use import::Stages;
pub use plan::{BenchPlan, FindDependencies, MemoryMeter, Storage};
pub use run::Bench;
pub use sample::{Bound, Group, SampleSet, Usage};
pub use storage::StorageFacts;
