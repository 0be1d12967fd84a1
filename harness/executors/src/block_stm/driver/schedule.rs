//! What every driver does between two tasks of a worker: a state machine around the scheduler, which knows who
//! sleeps and who has to be woken, and no thread.

use super::Steps;
use crate::block_stm::scheduler::{Scheduler, Task};
use lockstep_faults::memory::LONE_SLEEPER_NOT_WOKEN;
use lockstep_model::Mode;

/// The scheduler of one block, and its workers as far as they sleep.
#[derive(Debug)]
pub(crate) struct Schedule {
    scheduler: Scheduler,
    sleepers: usize,
    /// One thread alone goes on from the committed prefix.
    given_up: bool,
    mode: Mode,
}

/// What a worker does next.
#[derive(Debug)]
pub(super) enum Next {
    /// Performs a task, and reports.
    Perform(Task),
    /// Sleeps until another one wakes it.
    Sleep,
    /// Leaves: the block is done.
    Leave,
}

/// How many sleepers are woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    None,
    One,
    All,
}

impl Schedule {
    pub(super) const fn new(scheduler: Scheduler, mode: Mode) -> Self {
        Self { scheduler, sleepers: 0, given_up: false, mode }
    }

    /// The next thing to do for the worker that asks, and whom it wakes first.
    pub(super) fn next(&mut self) -> (Next, Wake) {
        match self.scheduler.next_task() {
            Task::Done => (Next::Leave, self.sleepers_of(Wake::All)),
            Task::Wait => (Next::Sleep, Wake::None),
            // One alone, who looks in turn whether there is more: to wake many for one task costs more than
            // most tasks.
            task if self.sleepers > 0 && self.scheduler.has_task() => {
                (Next::Perform(task), self.sleepers_of(Wake::One))
            }
            task => (Next::Perform(task), Wake::None),
        }
    }

    /// The worker's task has ended.
    pub(super) fn report(&mut self, worker: &mut impl Steps) {
        worker.report(&mut self.scheduler);
        // In mode `auto`, where guessing goes wrong most of the time, one thread goes on alone.
        if self.mode == Mode::Auto && self.scheduler.is_hopeless() && !self.scheduler.is_done() {
            self.given_up = true;
            self.scheduler.halt();
        }
    }

    /// Ends the block early: no more tasks are handed out.
    pub(super) fn halt(&mut self) -> Wake {
        self.scheduler.halt();
        self.sleepers_of(Wake::All)
    }

    /// A worker falls asleep.
    pub(super) const fn sleeps(&mut self) {
        self.sleepers += 1;
    }

    /// A worker has woken.
    pub(super) const fn woke(&mut self) {
        self.sleepers -= 1;
    }

    fn sleepers_of(&self, wake: Wake) -> Wake {
        if self.sleepers > LONE_SLEEPER_NOT_WOKEN.is_planted() as usize { wake } else { Wake::None }
    }

    /// Whether one thread alone has to go on: the block was given up as hopeless.
    pub(super) const fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// Transactions that are committed.
    pub(super) const fn committed(&self) -> usize {
        self.scheduler.committed()
    }

    pub(super) fn into_scheduler(self) -> Scheduler {
        self.scheduler
    }
}
