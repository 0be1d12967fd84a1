//! Threads, queues and the watchdog.

use super::{
    desk::{Desk, Limits},
    judge::{Judge, hung},
    plan::{PackOptions, Plan},
    worker::{Load, Worker},
};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use lockstep_cases::{
    batch::{Batch, batches},
    pack::{Packer, Packing},
};
use lockstep_engine::{Admission, Semaphore, panic_text};
use lockstep_formats::{Found, OtherFile, SourceError, Walk};
use lockstep_judge::definition::{Body, SkipReason, SourceKind, Test};
use lockstep_report::record::TestResult;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    thread,
    time::Duration,
};

/// Bytes of files, compressed, that may wait for a worker.
const WAITING_BYTES: usize = 12 << 20;

/// How often the watchdog looks.
const WATCH_EVERY: Duration = Duration::from_millis(50);

/// Where the tests come from.
#[derive(Debug, Clone)]
pub enum Input {
    /// Files, folders and archives.
    Paths(Walk),
    /// Tests that are already there.
    Tests(Vec<Test>),
}

/// After so many abandoned workers a supervised run goes on in another process: their threads still
/// take time from all other workers.
const MOST_ABANDONED: usize = 3;

/// Something happened.
#[derive(Debug)]
pub enum Event {
    /// A test has a result.
    Test(Box<TestResult>),
    /// An input could not be read.
    Unreadable(SourceError),
    /// A file has no tests for us.
    Other(OtherFile),
    /// The packer is done.
    Packed(Packing),
    /// The harness itself has panicked: a bug of ours, and the end of the run.
    Panic(String),
    /// A worker has nothing left to do.
    WorkerDone(usize),
}

/// Reports what was found in a batch beside tests.
pub(super) fn report(events: &Sender<Event>, unreadable: Vec<SourceError>, others: Vec<OtherFile>) {
    // After an early end the receiver is gone.
    for error in unreadable {
        let _ = events.send(Event::Unreadable(error));
    }
    for other in others {
        let _ = events.send(Event::Other(other));
    }
}

/// Runs everything and calls `on_event` for each event, on the calling thread. Returns when all
/// is done, or soon after `plan.interrupted` is set.
pub fn run(plan: &Arc<Plan>, input: Input, on_event: &mut dyn FnMut(Event)) {
    // The semaphore bounds what waits, by its size.
    let (loads, waiting) = unbounded::<Load>();
    let (events, happened) = unbounded();
    let semaphore = Arc::new(Semaphore::new(WAITING_BYTES));
    let source =
        Source { plan: plan.clone(), loads, events: events.clone(), semaphore: semaphore.clone() };
    let panics = events.clone();
    thread::spawn(move || {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| source.feed(input))) {
            let _ = panics.send(Event::Panic(format!("reading: {}", panic_text(&*panic))));
        }
    });

    let limits = Arc::new(Limits::new(plan.hang_after));
    let mut crew = Crew {
        plan: plan.clone(),
        limits,
        loads: waiting,
        events,
        semaphore,
        admission: Arc::new(Admission::new(plan.release_memory)),
        desks: Vec::new(),
        abandoned: 0,
    };
    for _ in 0..plan.jobs {
        crew.hire(None);
    }
    crew.watch(&happened, on_event);
}

/// The workers and who watches them.
struct Crew {
    plan: Arc<Plan>,
    limits: Arc<Limits>,
    loads: Receiver<Load>,
    events: Sender<Event>,
    semaphore: Arc<Semaphore>,
    admission: Arc<Admission>,
    /// Desks of the workers that are neither done nor abandoned.
    desks: Vec<Option<Arc<Desk>>>,
    /// How many were abandoned.
    abandoned: usize,
}

impl Crew {
    fn hire(&mut self, inherited: Option<(Load, usize)>) {
        let desk = Desk::with_journal(self.desks.len(), self.plan.journal.clone());
        let judge = Judge::new(&self.plan, self.limits.clone()).at(desk);
        self.desks.push(Some(judge.desk.clone()));
        let worker = Worker {
            id: self.desks.len() - 1,
            plan: self.plan.clone(),
            judge,
            loads: self.loads.clone(),
            events: self.events.clone(),
            semaphore: self.semaphore.clone(),
            admission: self.admission.clone(),
            inherited,
        };
        thread::spawn(move || worker.work());
    }

    fn watch(&mut self, happened: &Receiver<Event>, on_event: &mut dyn FnMut(Event)) {
        while self.desks.iter().any(Option::is_some) {
            match happened.recv_timeout(WATCH_EVERY) {
                Ok(Event::WorkerDone(id)) => self.desks[id] = None,
                Ok(Event::Panic(text)) => {
                    on_event(Event::Panic(text));
                    self.plan.interrupted.store(true, Ordering::Relaxed);
                }
                Ok(event) => on_event(event),
                Err(RecvTimeoutError::Timeout) => {
                    if self.plan.interrupted.load(Ordering::Relaxed) {
                        break;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.replace_hung(on_event);
        }
        // What was sent before the last worker left, or before the interruption.
        happened.try_iter().for_each(|event| {
            if !matches!(event, Event::WorkerDone(_)) {
                on_event(event);
            }
        });
    }

    fn replace_hung(&mut self, on_event: &mut dyn FnMut(Event)) {
        for id in 0..self.desks.len() {
            let Some(hang) = self.desks[id].as_ref().and_then(|desk| desk.check()) else {
                continue;
            };
            self.desks[id] = None;
            self.admission.leave(hang.ticket);
            let result = hung(hang.test, &hang.executor, hang.limit, hang.so_far);
            on_event(Event::Test(Box::new(result)));
            self.abandoned += 1;
            if self.plan.journal.is_some() && self.abandoned >= MOST_ABANDONED {
                self.plan.worn_out.store(true, Ordering::Relaxed);
                self.plan.interrupted.store(true, Ordering::Relaxed);
            } else {
                self.hire(Some((hang.load, hang.next)));
            }
        }
    }
}

/// Feeds the workers.
struct Source {
    plan: Arc<Plan>,
    loads: Sender<Load>,
    events: Sender<Event>,
    semaphore: Arc<Semaphore>,
}

impl Source {
    fn feed(self, input: Input) {
        match (input, self.plan.pack.clone()) {
            (Input::Tests(tests), None) => self.feed_tests(tests),
            (Input::Paths(walk), None) => {
                let mut number = 0;
                self.batches(&walk, &mut |batch| {
                    number += 1;
                    self.send(batch, number - 1)
                });
            }
            (input, Some(options)) => self.feed_packed(input, &options),
        }
    }

    /// False where no more batches are wanted.
    fn send(&self, batch: Batch, number: usize) -> bool {
        self.semaphore.enter(batch.size());
        !self.plan.interrupted.load(Ordering::Relaxed)
            && self.loads.send(Load { batch, number }).is_ok()
    }

    /// One by one: a test that hangs costs nothing but itself.
    fn feed_tests(&self, tests: Vec<Test>) {
        for (number, test) in tests.into_iter().enumerate() {
            if !self.send(Batch::Made([test].into()), number) {
                return;
            }
        }
    }

    fn batches(&self, walk: &Walk, use_batch: &mut dyn FnMut(Batch) -> bool) {
        batches(walk, &mut |batch| match batch {
            Ok(batch) => use_batch(batch),
            Err(error) => self.events.send(Event::Unreadable(error)).is_ok(),
        });
    }

    fn skip_if_slow(&self, test: &mut Test) {
        if self.plan.selection.skip_slow && self.plan.lists.is_slow(&test.id) {
            test.body = Body::Skip(SkipReason::Slow);
        }
    }

    /// Reads everything first: a packed block may hold tests from anywhere.
    fn feed_packed(&self, input: Input, options: &PackOptions) {
        let mut packer = Packer::default();
        let mut number = 0;
        // What cannot be packed by its kind runs as it is.
        let mut take = |batch: &Batch, tests: Vec<Test>| {
            let (mut states, others): (Vec<_>, Vec<_>) =
                tests.into_iter().partition(|test| test.source == SourceKind::StateTest);
            states.iter_mut().for_each(|test| self.skip_if_slow(test));
            states.into_iter().for_each(|test| packer.add(test));
            number += usize::from(!others.is_empty());
            others.is_empty() || self.send(batch.clone(), number)
        };
        match input {
            Input::Tests(tests) => {
                for test in tests {
                    take(&Batch::Made([test.clone()].into()), vec![test]);
                }
            }
            Input::Paths(walk) => self.batches(&walk, &mut |batch| {
                let Found { tests, unreadable, others } = batch.read();
                // A batch of another kind names its errors when it runs.
                if tests.iter().all(|test| test.source == SourceKind::StateTest) {
                    report(&self.events, unreadable, others);
                }
                take(&batch, tests) && !self.plan.interrupted.load(Ordering::Relaxed)
            }),
        }
        let (tests, packing) = packer.pack(options.size, &options.modes, options.seed);
        let _ = self.events.send(Event::Packed(packing));
        self.feed_tests(tests);
    }
}
