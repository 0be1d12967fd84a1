//! One module a command: which cases, which executors, how often, and what is told of it.
//!
//! * [`check`]: runs tests through the reference and the candidates.
//! * [`fuzz`]: campaigns with generated blocks.
//! * [`finding`], [`history`]: a wrong executor on a block; the values that each transaction should have read.
//! * [`minimise`], [`explain`]: a failing block, made small and explained.
//! * [`explore`]: one block under many schedules.
//! * [`trials`]: runs of a candidate in a worker process that may die.
//! * [`mod@bench`], [`import`]: speedups of execution and of whole block imports.
//! * [`t8n`]: a transition tool over an executor.
//! * [`profile`]: what keeps a block from running in parallel.
//! * [`simulate`]: a block on more cores than there are.
//! * [`suite`]: the conformance suite for other clients.
//! * [`AtWork`]: what each worker is at, for who watches.
//! * [`gate`]: whether a change made something slower.

mod at_work;
pub mod bench;
pub mod capture;
pub mod check;
pub mod explain;
pub mod explore;
pub mod finding;
pub mod fuzz;
pub mod gate;
pub mod history;
pub mod import;
pub mod minimise;
pub mod partition;
pub mod profile;
pub mod simulate;
pub mod suite;
pub mod t8n;
pub mod trials;

pub use at_work::AtWork;
