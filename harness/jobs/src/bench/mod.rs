//! Measures executors against a baseline, in one process, run by run in turn.
//!
//! * `plan`: what to measure; decided before any work starts.
//! * `run`: runs of rounds, in turn.
//! * `measured_slot`: one executor on one block; each of its runs has a verdict of its own.
//! * `import`: the import of the whole block, stage by stage.
//! * `storage`: where the pre-state is.
//! * `receipts`: when single receipts are final.
//! * `machine`: processor time, pinning; `facts`: what machine it is.
//! * `watch`: who runs at the moment.
//!
//! A run that is wrong has no time: the outcome of every timed run is compared with the
//! reference's, off the clock.

mod facts;
mod import;
mod machine;
mod measured_slot;
mod plan;
mod receipts;
mod run;
mod storage;
mod watch;

pub use facts::this_machine;
pub use import::digest;
pub use plan::{BenchPlan, FindDependencies, MemoryMeter, Storage};
pub use run::Bench;
pub use watch::Watch;
