//! Runs tests through the reference and the candidates.
//!
//! ```text
//! source thread ──Batch──► workers (one judge each) ──Event──► the calling thread
//!                              ▲                                   │ watchdog: abandons a worker
//!                              └───────── rest of its batch ───────┘ whose run does not end
//! ```
//!
//! * `plan`: what to run; decided before any work starts.
//! * `judge`: one test, from execution to verdict.
//! * `chain`: the same for a chain of blocks.
//! * `desk`: what a worker is doing right now, for the watchdog.
//! * `worker`: the loop of one worker.
//! * `outcomes`: what the reference made of a case, for a record.
//! * `journal`: what outlives the process.
//! * `run`: threads, queues and the watchdog.
//! * `overlap`: proves from outside that a candidate is parallel.

mod chain;
mod desk;
mod journal;
mod judge;
mod outcomes;
mod overlap;
mod plan;
mod run;
mod worker;

pub use journal::{Journal, Past, Resume, proof_id};
pub use judge::Judge;
pub use overlap::prove_overlap;
pub use plan::{Expectations, PackOptions, Partition, Plan, Selection};
pub use run::{Event, Input, run};
