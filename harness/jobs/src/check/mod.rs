//! Runs tests through the reference and the candidates.
//!
//! ```text
//! job ──Assignment──► worker: source thread ──Load──► pool threads (one judge each)
//!     ◄──Event───────                                     │
//!     ◄──heartbeat─── one lane for each pool thread ◄─────┘
//! ```
//!
//! The job ends a worker one of whose lanes stands still for too long, and another one goes on behind it.
//!
//! * `plan`: the tests and candidates; decided before any work starts. * `events`: assignments and events.
//! * `run`: the job's side. * `lost`: results of tests that took their worker with them.
//! * `pool`, `pool_thread`, `rest`, `lane`: the worker's side.
//! * `judge`: one test, from execution to verdict. * `chain`: the same for a chain of blocks.
//! * `outcomes`: the reference's outcome of a case, for a record.
//! * `overlap`: proves from outside that a candidate is parallel.

mod chain;
mod events;
mod judge;
mod lane;
mod lost;
mod outcomes;
mod overlap;
mod plan;
mod pool;
mod pool_thread;
mod rest;
mod run;

pub use events::{Assignment, Event, Rest};
pub use judge::Judge;
pub use overlap::prove_overlap;
pub use plan::{Expectations, PackOptions, Plan, Selection};
pub use pool::{Input, work};
pub use run::run;
