//! What every driver does between two tasks of a worker: a state machine around the scheduler, which knows who
//! sleeps and who has to be woken, and no thread.

use super::Steps;
use crate::block_stm::scheduler::{Scheduler, Task, TransactionIndex};
use lockstep_faults::memory::LONE_SLEEPER_NOT_WOKEN;
use lockstep_model::Mode;

/// The scheduler of one block, and its workers as far as they sleep.
#[derive(Debug)]
pub(crate) struct Schedule {
    scheduler: Scheduler,
    sleepers: usize,
    /// Workers that wait in the middle of an execution.
    waiting_readers: usize,
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

/// Who is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    Nobody,
    /// One sleeping worker.
    One,
    /// All sleeping workers.
    All,
    /// All workers that wait in the middle of an execution.
    Readers,
}

impl Schedule {
    pub(super) const fn new(scheduler: Scheduler, mode: Mode) -> Self {
        Self { scheduler, sleepers: 0, waiting_readers: 0, given_up: false, mode }
    }

    /// The next thing to do for the worker that asks, and whom it wakes first.
    pub(super) fn next(&mut self) -> (Next, Wake) {
        match self.scheduler.next_task() {
            Task::Done => (Next::Leave, self.sleepers_of(Wake::All)),
            Task::Wait => (Next::Sleep, Wake::Nobody),
            // One alone, who looks in turn whether there is more: to wake many for one task costs more than
            // most tasks.
            task if self.sleepers > 0 && self.scheduler.has_task() => {
                (Next::Perform(task), self.sleepers_of(Wake::One))
            }
            task => (Next::Perform(task), Wake::Nobody),
        }
    }

    /// The worker's task has ended. The readers that wait look whether it was the one that they wait for.
    pub(super) fn report(&mut self, worker: &mut impl Steps) -> Wake {
        worker.report(&mut self.scheduler);
        // In mode `auto`, where guessing goes wrong most of the time, one thread goes on alone.
        if self.mode == Mode::Auto && self.scheduler.is_hopeless() && !self.scheduler.is_done() {
            self.given_up = true;
            self.scheduler.halt();
        }
        self.readers()
    }

    /// Whether `reader` is to wait for `writer` where it is.
    pub(super) fn lets_wait(&mut self, reader: TransactionIndex, writer: TransactionIndex) -> bool {
        !self.scheduler.is_done() && self.scheduler.lets_wait(reader, writer)
    }

    /// Whether a worker is at this transaction, and will tell of its end.
    pub(super) fn is_executing(&self, transaction: TransactionIndex) -> bool {
        !self.scheduler.is_done() && self.scheduler.is_executing(transaction)
    }

    /// A reader waits.
    pub(super) const fn reader_waits(&mut self) {
        self.waiting_readers += 1;
    }

    /// A reader has woken.
    pub(super) const fn reader_woke(&mut self) {
        self.waiting_readers -= 1;
    }

    /// Ends the block early: no more tasks are handed out.
    pub(super) fn halt(&mut self) -> [Wake; 2] {
        self.scheduler.halt();
        [self.sleepers_of(Wake::All), self.readers()]
    }

    /// A worker falls asleep.
    pub(super) const fn sleeps(&mut self) {
        self.sleepers += 1;
    }

    /// A worker has woken.
    pub(super) const fn woke(&mut self) {
        self.sleepers -= 1;
    }

    const fn readers(&self) -> Wake {
        if self.waiting_readers > 0 { Wake::Readers } else { Wake::Nobody }
    }

    fn sleepers_of(&self, wake: Wake) -> Wake {
        if self.sleepers > LONE_SLEEPER_NOT_WOKEN.is_planted() as usize {
            wake
        } else {
            Wake::Nobody
        }
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
