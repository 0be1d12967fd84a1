//! Runs trials: a case, an executor, and what keeps the two from taking the run down.
//!
//! * [`Slot`]: an executor that is kept from case to case; a panic costs one case.
//! * [`Admission`], [`Semaphore`]: which cases may run at the same time.
//! * [`isolation`]: worker processes that may die, and the watchdog over them.
//! * [`instrument`]: readers that watch an executor from outside.
//!
//! It knows no job, no source of cases and no verdict.

mod admission;
mod candidate;
pub mod instrument;
pub mod isolation;
mod panics;
mod semaphore;
mod slot;

pub use admission::{Admission, ORDINARY_GAS, Ticket};
pub use candidate::{Candidate, Factory};
pub use panics::panic_text;
pub use semaphore::Semaphore;
pub use slot::{NoExecution, Slot};
