//! Drivers: they decide which worker performs which task, and when.
//!
//! The scheduler is a state machine, and a worker is a set of steps: neither knows a thread. A driver asks
//! the scheduler for a task, has a worker perform it, and reports how it ended.
//!
//! * [`schedule`]: what every driver does between two tasks of a worker; no threads.
//! * [`threads`]: as many workers at once as there are threads, in production.
//! * [`turns`]: one worker at a time, up to its next step; a [`lockstep_model::Steering`] chooses whose turn it
//!   is. A seeded one explores schedules, one that replays a list shows a run again, and one with a clock for each
//!   worker simulates more cores than there are.

pub(super) mod schedule;
pub(crate) mod threads;
pub(crate) mod turns;

use super::scheduler::{Scheduler, Task, TransactionIndex};
use lockstep_model::{Happened, Incarnation, StepKind};

/// A worker, as a driver sees it.
pub(crate) trait Steps {
    /// Performs a task; other workers may be at theirs.
    fn perform(&mut self, task: Task);

    /// Tells the scheduler how the last task ended. The driver lets one worker report at a time.
    fn report(&mut self, scheduler: &mut Scheduler);
}

/// Has a reader wait in the middle of its execution.
pub(crate) trait Waits {
    /// `reader`, which the calling worker executes, has come to a value that `writer` is about to write again. Waits
    /// until `writer` is no longer being executed. False, and at once, if it is not, or if there is another task to do
    /// meanwhile: then the execution is given up.
    fn wait_for(&self, reader: TransactionIndex, writer: TransactionIndex) -> bool;
}

/// The turns of one worker, as the worker sees them. Threads have none.
pub(crate) trait Turn: Waits {
    /// The worker executes this from here on.
    fn begin(&self, incarnation: Incarnation);

    /// Waits for the worker's turn to do this.
    fn before(&self, kind: StepKind, incarnation: Option<Incarnation>, place: u64);

    /// The execution that the worker is at reads this place: waits for its turn.
    fn before_read(&self, place: u64);

    /// The execution that the worker is at has read this place, and found what `writer` wrote.
    fn has_read(&self, place: u64, writer: Option<Incarnation>);

    /// Something happened.
    fn tell(&self, happened: Happened);
}
