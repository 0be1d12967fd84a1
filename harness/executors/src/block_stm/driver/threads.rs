//! Threads drive the scheduler: each asks for a task under one lock, and performs it without.
//!
//! # Why no worker sleeps for ever
//!
//! A worker sleeps only where the scheduler had no task for it and no task has ended since. Both are looked
//! at under the lock, and a task ends under the lock (its report, and the count that goes up with it). So a
//! task that ends after the last look ends only after the worker waits on the condition, and the worker that
//! ended it asks for a task next: it takes one itself, and wakes a sleeper if there is another. While a task
//! is in flight its worker will come to that; where none is, the scheduler has a task for the lowest
//! transaction (`scheduler`, "Why it always ends") or is done, which wakes all. The model
//! `no_worker_sleeps_for_ever` runs this under loom.
//!
//! A worker also waits in the middle of an execution, for a lower transaction that another worker has claimed. It
//! looks at that under the lock, too, and every report wakes all who wait so. Workers do not wait for each other
//! in a circle: each waits for a transaction below its own claim. So the claim of the one for which it waits begins
//! below its own; and the worker whose claim begins lowest does not wait. The model `no_reader_waits_for_ever`
//! runs this.

use super::{
    Steps, Waits,
    schedule::{Next, Schedule, Wake},
};
use crate::{
    block_stm::scheduler::{Scheduler, TransactionIndex},
    sync::{
        AtomicU64, Condvar, Mutex, MutexGuard, Ordering, PoisonError, SPINS, lock, spin_loop, wait,
    },
};
use lockstep_model::Mode;

/// The scheduler of one block, driven by threads.
#[derive(Debug)]
pub(crate) struct Threads {
    schedule: Mutex<Schedule>,
    /// Signalled when a worker sleeps and there is a task for it, or the block is done.
    wake_up: Condvar,
    /// Signalled when a task has ended and a worker waits in the middle of an execution.
    task_ended: Condvar,
    /// Counts ended tasks, for those who spin.
    ended_tasks: AtomicU64,
    /// Whether there is a core for each worker, so that spinning takes no time from another one.
    spins: bool,
}

impl Threads {
    pub(crate) fn new(scheduler: Scheduler, mode: Mode, spins: bool) -> Self {
        Self {
            schedule: Mutex::new(Schedule::new(scheduler, mode)),
            wake_up: Condvar::new(),
            task_ended: Condvar::new(),
            ended_tasks: AtomicU64::new(0),
            spins,
        }
    }

    /// Has a worker take part, on this thread, until the block is done.
    pub(crate) fn drive(&self, worker: &mut impl Steps) {
        let mut schedule = lock(&self.schedule);
        loop {
            let (next, wake) = schedule.next();
            // Under the lock.
            self.wake(wake);
            match next {
                Next::Leave => return,
                Next::Sleep => schedule = self.wait_for_a_task(schedule),
                Next::Perform(task) => {
                    drop(schedule);
                    worker.perform(task);
                    schedule = lock(&self.schedule);
                    let wake = schedule.report(worker);
                    self.wake(wake);
                    self.ended_tasks.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    fn wait_for_a_task<'a>(
        &'a self,
        schedule: MutexGuard<'a, Schedule>,
    ) -> MutexGuard<'a, Schedule> {
        self.wait_for_an_end(schedule, |mut schedule| {
            schedule.sleeps();
            schedule = wait(&self.wake_up, schedule);
            schedule.woke();
            schedule
        })
    }

    /// Spins until a task has ended, and then sleeps.
    fn wait_for_an_end<'a>(
        &'a self,
        mut schedule: MutexGuard<'a, Schedule>,
        sleep: impl FnOnce(MutexGuard<'a, Schedule>) -> MutexGuard<'a, Schedule>,
    ) -> MutexGuard<'a, Schedule> {
        // Relaxed, here and below: every count is raised under the schedule's lock, and a worker that sees a new
        // one takes that lock before it looks at anything else.
        let ended = self.ended_tasks.load(Ordering::Relaxed);
        if self.spins {
            drop(schedule);
            for _ in 0..SPINS {
                if self.ended_tasks.load(Ordering::Relaxed) != ended {
                    break;
                }
                spin_loop();
            }
            schedule = lock(&self.schedule);
        }
        // Looked at under the lock: nothing can end unseen from here to the wait.
        if self.ended_tasks.load(Ordering::Relaxed) == ended {
            schedule = sleep(schedule);
        }
        schedule
    }

    fn wake(&self, wake: Wake) {
        match wake {
            Wake::Nobody => {}
            Wake::One => self.wake_up.notify_one(),
            Wake::All => self.wake_up.notify_all(),
            Wake::Readers => self.task_ended.notify_all(),
        }
    }

    /// Ends the block early: no more tasks are handed out.
    pub(crate) fn halt(&self) {
        let mut schedule = lock(&self.schedule);
        self.ended_tasks.fetch_add(1, Ordering::Relaxed);
        for wake in schedule.halt() {
            self.wake(wake);
        }
    }

    /// Whether one thread alone has to go on: the block was given up as hopeless.
    pub(crate) fn is_given_up(&self) -> bool {
        lock(&self.schedule).is_given_up()
    }

    /// Transactions that are committed.
    pub(crate) fn committed(&self) -> usize {
        lock(&self.schedule).committed()
    }

    /// The scheduler, when all workers are gone.
    pub(crate) fn into_scheduler(self) -> Scheduler {
        self.schedule.into_inner().unwrap_or_else(PoisonError::into_inner).into_scheduler()
    }
}

impl Waits for Threads {
    fn wait_for(&self, reader: TransactionIndex, writer: TransactionIndex) -> bool {
        let mut schedule = lock(&self.schedule);
        let waits = schedule.lets_wait(reader, writer);
        while waits && schedule.is_executing(writer) {
            schedule = self.wait_for_an_end(schedule, |mut schedule| {
                schedule.reader_waits();
                schedule = wait(&self.task_ended, schedule);
                schedule.reader_woke();
                schedule
            });
        }
        waits
    }
}
