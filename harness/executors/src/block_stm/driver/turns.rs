//! One worker at a time: each runs up to its next step, and a [`Steering`] chooses who goes on.
//!
//! A worker is a coroutine on a stack of its own; all of them share one thread. So a run is a function of the
//! choices, and nothing else decides anything. A worker waits for its turn where it holds no lock: another one
//! that wanted the lock could never get it.
//!
//! What this does not show: a load that is older than the last store. Turns are sequentially consistent;
//! weak memory is the business of the models (`models.rs`).

use super::{
    Steps, Turn, Waits,
    schedule::{Next, Schedule, Wake},
};
use crate::{
    block_stm::scheduler::{Scheduler, TransactionIndex},
    sync::{Arc, AtomicBool, Mutex, Ordering, PoisonError, lock},
};
use corosensei::{Coroutine, CoroutineResult, Yielder};
use lockstep_model::{Happened, Incarnation, Mode, NextStep, Steering, StepKind};
use std::{cell::Cell, fmt};

/// The scheduler of one block, driven by a [`Steering`].
pub(crate) struct Turns {
    schedule: Mutex<Schedule>,
    wake: Mutex<Vec<Wake>>,
    steering: Arc<dyn Steering>,
    /// The run is over: from here on workers wait for no turn, and each of them leaves.
    is_over: AtomicBool,
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").field("schedule", &self.schedule).finish_non_exhaustive()
    }
}

/// Where a worker has paused.
pub(crate) enum Pause {
    /// Before a step.
    Before(NextStep),
    /// Asleep: it goes on when it is woken.
    Asleep,
    /// In the middle of an execution: it goes on when a task has ended.
    Waiting,
}

/// A worker as a coroutine.
pub(crate) type WorkerCoroutine = Coroutine<(), Pause, ()>;

/// A worker, as the loop sees it.
#[derive(Debug, Clone, Copy)]
enum State {
    Ready(NextStep),
    Asleep,
    Waiting,
    Gone,
}

impl Turns {
    pub(crate) fn new(scheduler: Scheduler, mode: Mode, steering: Arc<dyn Steering>) -> Self {
        Self {
            schedule: Mutex::new(Schedule::new(scheduler, mode)),
            wake: Mutex::default(),
            steering,
            is_over: AtomicBool::new(false),
        }
    }

    /// Has a worker take part, inside its coroutine, until the block is done.
    pub(crate) fn drive(&self, turn: &WorkerTurn<'_>, worker: &mut impl Steps) {
        loop {
            turn.before(StepKind::Claim, None, 0);
            let (next, wake) = lock(&self.schedule).next();
            lock(&self.wake).push(wake);
            match next {
                Next::Leave => return,
                Next::Sleep => {
                    lock(&self.schedule).sleeps();
                    turn.sleep();
                    lock(&self.schedule).woke();
                }
                Next::Perform(task) => {
                    worker.perform(task);
                    turn.before(StepKind::Report, None, 0);
                    let wake = lock(&self.schedule).report(worker);
                    lock(&self.wake).push(wake);
                }
            }
        }
    }

    /// Runs all workers until the block is done. `stop` ends the block early, for a reason.
    pub(crate) fn run(&self, mut workers: Vec<WorkerCoroutine>, stop: &dyn Fn(String)) {
        let mut states: Vec<State> = Vec::with_capacity(workers.len());
        for worker in &mut workers {
            states.push(resumed(worker));
        }
        let mut ready = Vec::with_capacity(workers.len());
        loop {
            ready.clear();
            ready.extend(states.iter().filter_map(|state| match state {
                State::Ready(step) => Some(*step),
                State::Asleep | State::Waiting | State::Gone => None,
            }));
            if ready.is_empty() {
                if !states.iter().all(|state| matches!(state, State::Gone)) {
                    stop(DEADLOCK.to_owned());
                    self.end(&mut workers);
                }
                return;
            }
            let chosen = self.steering.choose(&ready).and_then(|chosen| {
                let step = ready.get(chosen);
                step.ok_or_else(|| format!("choice {chosen} of {} steps", ready.len()))
            });
            match chosen {
                Ok(step) => {
                    let chosen = step.worker as usize;
                    states[chosen] = resumed(&mut workers[chosen]);
                    self.wake_up(&mut states);
                }
                Err(reason) => {
                    stop(reason);
                    return self.end(&mut workers);
                }
            }
        }
    }

    /// Makes ready who was woken in the last step.
    fn wake_up(&self, states: &mut [State]) {
        for wake in lock(&self.wake).drain(..) {
            let most = match wake {
                Wake::Nobody => 0,
                Wake::One => 1,
                Wake::All | Wake::Readers => states.len(),
            };
            let is_meant = |state: &State| match wake {
                Wake::Readers => matches!(state, State::Waiting),
                _ => matches!(state, State::Asleep),
            };
            let woken = (0..).zip(&mut *states).filter(|(_, state)| is_meant(state));
            for (worker, state) in woken.take(most) {
                let kind = StepKind::Wake;
                *state = State::Ready(NextStep { worker, kind, incarnation: None, place: 0 });
            }
        }
    }

    /// Lets every worker run to its end. The block is halted, so that none takes another task.
    fn end(&self, workers: &mut [WorkerCoroutine]) {
        self.is_over.store(true, Ordering::Relaxed);
        for worker in workers.iter_mut().filter(|worker| !worker.done()) {
            resumed(worker);
        }
    }

    /// The turns of one worker, inside its coroutine.
    pub(crate) const fn of_worker<'a>(
        &'a self,
        worker: u32,
        yielder: &'a Yielder<(), Pause>,
    ) -> WorkerTurn<'a> {
        WorkerTurn { turns: self, worker, yielder, works_on: Cell::new(None) }
    }

    /// Ends the block early: no more tasks are handed out.
    pub(crate) fn halt(&self) {
        let wake = lock(&self.schedule).halt();
        lock(&self.wake).extend(wake);
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

/// What a run says in which every worker sleeps.
const DEADLOCK: &str =
    "every worker sleeps, no task is in flight, and the block is not done: it would never end";

fn resumed(worker: &mut WorkerCoroutine) -> State {
    match worker.resume(()) {
        CoroutineResult::Yield(Pause::Before(step)) => State::Ready(step),
        CoroutineResult::Yield(Pause::Asleep) => State::Asleep,
        CoroutineResult::Yield(Pause::Waiting) => State::Waiting,
        CoroutineResult::Return(()) => State::Gone,
    }
}

/// The turns of one worker.
pub(crate) struct WorkerTurn<'a> {
    turns: &'a Turns,
    worker: u32,
    yielder: &'a Yielder<(), Pause>,
    works_on: Cell<Option<Incarnation>>,
}

impl WorkerTurn<'_> {
    fn pause(&self, pause: Pause) {
        if !self.turns.is_over.load(Ordering::Relaxed) {
            self.yielder.suspend(pause);
        }
    }

    fn sleep(&self) {
        self.pause(Pause::Asleep);
    }
}

impl Waits for WorkerTurn<'_> {
    fn wait_for(&self, reader: TransactionIndex, writer: TransactionIndex) -> bool {
        let schedule = &self.turns.schedule;
        let waits = lock(schedule).lets_wait(reader, writer);
        if let (true, Some(incarnation)) = (waits, self.works_on.get()) {
            self.tell(Happened::Waited(incarnation, writer));
        }
        while waits && !self.turns.is_over.load(Ordering::Relaxed) {
            let mut schedule = lock(schedule);
            if !schedule.is_executing(writer) {
                break;
            }
            schedule.reader_waits();
            drop(schedule);
            self.pause(Pause::Waiting);
            lock(&self.turns.schedule).reader_woke();
        }
        waits
    }
}

impl Turn for WorkerTurn<'_> {
    fn begin(&self, incarnation: Incarnation) {
        self.works_on.set(Some(incarnation));
        self.tell(Happened::Began(incarnation));
    }

    fn before(&self, kind: StepKind, incarnation: Option<Incarnation>, place: u64) {
        let worker = self.worker;
        self.pause(Pause::Before(NextStep { worker, kind, incarnation, place }));
    }

    fn before_read(&self, place: u64) {
        self.before(StepKind::Read, self.works_on.get(), place);
    }

    fn has_read(&self, place: u64, writer: Option<Incarnation>) {
        if let Some(reader) = self.works_on.get() {
            self.tell(Happened::Read { reader, place, writer });
        }
    }

    fn tell(&self, happened: Happened) {
        self.turns.steering.tell(happened);
    }
}
