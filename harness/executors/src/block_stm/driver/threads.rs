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

use super::Steps;
use crate::{
    block_stm::scheduler::{Scheduler, Task},
    sync::{
        AtomicU64, Condvar, Mutex, MutexGuard, Ordering, PoisonError, SPINS, lock, spin_loop, wait,
    },
};
use lockstep_faults::memory::LONE_SLEEPER_NOT_WOKEN;
use lockstep_model::Mode;

/// The scheduler of one block, driven by threads.
#[derive(Debug)]
pub(crate) struct Threads {
    schedule: Mutex<Schedule>,
    /// Signalled when a worker sleeps and there is a task for it, or the block is done.
    wake_up: Condvar,
    /// Counts ended tasks, for those who spin.
    ended_tasks: AtomicU64,
    mode: Mode,
    /// Whether there is a core for each worker, so that spinning takes no time from another one.
    spins: bool,
}

#[derive(Debug)]
struct Schedule {
    scheduler: Scheduler,
    sleepers: usize,
    /// One thread alone goes on from the committed prefix.
    given_up: bool,
}

impl Threads {
    pub(crate) fn new(scheduler: Scheduler, mode: Mode, spins: bool) -> Self {
        let schedule = Schedule { scheduler, sleepers: 0, given_up: false };
        Self {
            schedule: Mutex::new(schedule),
            wake_up: Condvar::new(),
            ended_tasks: AtomicU64::new(0),
            mode,
            spins,
        }
    }

    /// Has a worker take part, on this thread, until the block is done.
    pub(crate) fn drive(&self, worker: &mut impl Steps) {
        let mut schedule = lock(&self.schedule);
        loop {
            match schedule.scheduler.next_task() {
                Task::Done => return self.wake(&schedule, Condvar::notify_all),
                Task::Wait => schedule = self.wait_for_a_task(schedule),
                task => {
                    // One alone, who looks in turn whether there is more: to wake many for one task costs more
                    // than most tasks.
                    if schedule.sleepers > 0 && schedule.scheduler.has_task() {
                        self.wake(&schedule, Condvar::notify_one);
                    }
                    drop(schedule);
                    worker.perform(task);
                    schedule = lock(&self.schedule);
                    worker.report(&mut schedule.scheduler);
                    self.give_up_if_hopeless(&mut schedule);
                    self.ended_tasks.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// In mode `auto`, where guessing goes wrong most of the time, one thread goes on alone.
    fn give_up_if_hopeless(&self, schedule: &mut Schedule) {
        if self.mode == Mode::Auto
            && schedule.scheduler.is_hopeless()
            && !schedule.scheduler.is_done()
        {
            schedule.given_up = true;
            schedule.scheduler.halt();
        }
    }

    fn wait_for_a_task<'a>(
        &'a self,
        schedule: MutexGuard<'a, Schedule>,
    ) -> MutexGuard<'a, Schedule> {
        // Relaxed, here and below: every count is raised under the schedule's lock, and a worker that sees a new
        // one takes that lock before it looks at anything else.
        let ended = self.ended_tasks.load(Ordering::Relaxed);
        let mut schedule = schedule;
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
            schedule.sleepers += 1;
            schedule = wait(&self.wake_up, schedule);
            schedule.sleepers -= 1;
        }
        schedule
    }

    /// Wakes one of those who sleep, or all. Under the lock.
    fn wake(&self, schedule: &Schedule, notify: impl FnOnce(&Condvar)) {
        if schedule.sleepers > usize::from(LONE_SLEEPER_NOT_WOKEN.is_planted()) {
            notify(&self.wake_up);
        }
    }

    /// Ends the block early: no more tasks are handed out.
    pub(crate) fn halt(&self) {
        let mut schedule = lock(&self.schedule);
        schedule.scheduler.halt();
        self.ended_tasks.fetch_add(1, Ordering::Relaxed);
        self.wake(&schedule, Condvar::notify_all);
    }

    /// Whether one thread alone has to go on: the block was given up as hopeless.
    pub(crate) fn is_given_up(&self) -> bool {
        lock(&self.schedule).given_up
    }

    /// Transactions that are committed.
    pub(crate) fn committed(&self) -> usize {
        lock(&self.schedule).scheduler.committed()
    }

    /// The scheduler, when all workers are gone.
    pub(crate) fn into_scheduler(self) -> Scheduler {
        self.schedule.into_inner().unwrap_or_else(PoisonError::into_inner).scheduler
    }
}
