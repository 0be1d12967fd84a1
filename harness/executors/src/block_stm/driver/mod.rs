//! Drivers: they decide which worker performs which task, and when.
//!
//! The scheduler is a state machine, and a worker is a set of steps: neither knows a thread. A driver asks
//! the scheduler for a task, has a worker perform it, and reports how it ended.
//!
//! * [`threads`]: as many workers at once as there are threads, in production.

pub(crate) mod threads;

use super::scheduler::{Scheduler, Task};

/// A worker, as a driver sees it.
pub(crate) trait Steps {
    /// Performs a task; other workers may be at theirs.
    fn perform(&mut self, task: Task);

    /// Tells the scheduler how the last task ended. The driver lets one worker report at a time.
    fn report(&mut self, scheduler: &mut Scheduler);
}
