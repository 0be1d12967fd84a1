//! The worker's side of a run: threads, a queue, and who feeds it.

use super::{
    events::{Assignment, Event, Events, Rest},
    judge::Judge,
    lane::{Lane, Limits},
    overlap::prove_overlap,
    plan::{PackOptions, Plan},
    pool_thread::{Load, PoolThread, harness_panicked},
    rest::Left,
};
use crossbeam_channel::{Sender, unbounded};
use lockstep_cases::{
    batch::{Batch, batches},
    pack::Packer,
};
use lockstep_engine::{
    Admission, Semaphore,
    isolation::{Beat, Ends, Heart},
    panic_text,
};
use lockstep_formats::{Found, Walk};
use lockstep_judge::definition::{Body, SkipReason, SourceKind, Test};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    thread,
};

/// Bytes of files, compressed, that may wait for a thread.
const WAITING_BYTES: usize = 12 << 20;

/// Source of the tests.
#[derive(Debug, Clone)]
pub enum Input {
    /// Files, folders and archives.
    Paths(Walk),
    /// Tests that are already there.
    Tests(Vec<Test>),
}

/// Does what the job assigns, until it has no more.
pub fn work(plan: &Arc<Plan>, input: &Input, ends: Ends<Assignment, Event>) {
    let Ends { inbox, outbox, mut heart } = ends;
    let events = Events::new(outbox);
    // The worker has begun.
    heart.beat(Beat::default());
    for assignment in inbox {
        match assignment {
            Assignment::Tests(rest) => run_tests(plan, input.clone(), rest, &heart, &events),
            Assignment::Proof(number) => {
                let candidate = &plan.candidates[number];
                let (executor, overlap) = (candidate.label.clone(), prove_overlap(candidate));
                let _ = events.send(&Event::Overlap { executor, overlap });
            }
        }
        if events.send(&Event::Finished).is_err() {
            return;
        }
    }
}

/// Runs the remaining tests, in as many threads as the plan has jobs.
fn run_tests(plan: &Arc<Plan>, input: Input, rest: Rest, heart: &Heart, events: &Events) {
    // The semaphore bounds what waits, by its size.
    let (loads, waiting) = unbounded::<Load>();
    let semaphore = Arc::new(Semaphore::new(WAITING_BYTES));
    let limits = Arc::new(Limits::new(plan.hang_after));
    let admission = Arc::new(Admission::new(plan.release_memory));
    let judges: Vec<Judge> = (0..plan.jobs)
        .map(|number| {
            let lane = Lane::new(number, heart, events.clone());
            Judge::new(plan, limits.clone()).with(lane, &rest)
        })
        .collect();
    let left = Arc::new(Left::of(rest));
    let source = Source {
        plan: plan.clone(),
        left: left.clone(),
        loads,
        events: events.clone(),
        semaphore: semaphore.clone(),
    };
    // Not joined: if the run ends early, it may be blocked on a full queue.
    thread::spawn(move || source.feed_guarded(input));
    let threads: Vec<_> = judges
        .into_iter()
        .map(|judge| PoolThread {
            plan: plan.clone(),
            left: left.clone(),
            judge,
            loads: waiting.clone(),
            events: events.clone(),
            semaphore: semaphore.clone(),
            admission: admission.clone(),
        })
        .map(|pool_thread| thread::spawn(move || pool_thread.work()))
        .collect();
    drop(waiting);
    for thread in threads {
        // Panics are caught inside.
        let _ = thread.join();
    }
}

/// Feeds the threads.
struct Source {
    plan: Arc<Plan>,
    left: Arc<Left>,
    loads: Sender<Load>,
    events: Events,
    semaphore: Arc<Semaphore>,
}

impl Source {
    fn feed_guarded(self, input: Input) {
        let (events, left) = (self.events.clone(), self.left.clone());
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.feed(input))) {
            left.stop.store(true, Ordering::Relaxed);
            let text = format!("reading: {}", panic_text(&*panic));
            let _ = events.send(&Event::Complaint(harness_panicked(&text)));
        }
    }

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
            Err(error) => self.events.send(&Event::Unreadable(error)).is_ok(),
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
        // Tests of a kind that cannot be packed run as they are.
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
                    let _ = self.events.report(unreadable, others);
                }
                take(&batch, tests) && !self.plan.interrupted.load(Ordering::Relaxed)
            }),
        }
        let (tests, packing) = packer.pack(options.size, &options.modes, options.seed);
        let _ = self.events.send(&Event::Packed(packing));
        self.feed_tests(tests);
    }
}
