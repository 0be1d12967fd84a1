//! The loop of one thread of the pool.

use super::{
    events::{Event, Events},
    judge::Judge,
    lane::TestName,
    lost::crashed,
    plan::{Plan, Selection},
    rest::Left,
};
use crossbeam_channel::Receiver;
use lockstep_cases::batch::Batch;
use lockstep_engine::{Admission, ORDINARY_GAS, Semaphore, panic_text};
use lockstep_formats::{Found, SourceError};
use lockstep_judge::definition::{Body, SkipReason, Test};
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

/// It takes ten times as long to fill a tenth of a gigabyte.
const AT_ONCE: Duration = Duration::from_millis(5);

/// A batch, and its number. A test's number, for partitions, is this and its place in the batch.
#[derive(Debug, Clone)]
pub(super) struct Load {
    pub(super) batch: Batch,
    pub(super) number: usize,
}

/// A pool thread, with all that it needs.
pub(super) struct PoolThread {
    pub(super) plan: Arc<Plan>,
    pub(super) left: Arc<Left>,
    pub(super) judge: Judge,
    pub(super) loads: Receiver<Load>,
    pub(super) events: Events,
    pub(super) semaphore: Arc<Semaphore>,
    pub(super) admission: Arc<Admission>,
}

impl PoolThread {
    /// Works until there is nothing left, or until there is no job any more.
    pub(super) fn work(mut self) {
        let events = self.events.clone();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.work_unguarded())) {
            self.left.stop.store(true, Ordering::Relaxed);
            let _ = events.send(&Event::Complaint(harness_panicked(&panic_text(&*panic))));
        }
    }

    fn work_unguarded(&mut self) {
        while let Ok(load) = self.loads.recv() {
            self.semaphore.leave(load.batch.size());
            if self.work_on(&load).is_err() || self.is_stopped() {
                return;
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.left.stop.load(Ordering::Relaxed) || self.plan.interrupted.load(Ordering::Relaxed)
    }

    fn work_on(&mut self, load: &Load) -> io::Result<()> {
        let read = catch_unwind(AssertUnwindSafe(|| load.batch.read()));
        let found = read.unwrap_or_else(|panic| {
            let problem = format!("reading it panicked, a bug of ours: {}", panic_text(&*panic));
            SourceError::file(load.batch.origin(), problem).into()
        });
        let Found { tests, unreadable, others } = found.only(self.plan.selection.source);
        self.events.report(unreadable, others)?;
        let origin = load.batch.origin().to_owned();
        let mut sibling = Sibling { elapsed: None };
        for (index, test) in tests.into_iter().enumerate() {
            if self.is_stopped() {
                break;
            }
            let Some(test) = self.select(test, load.number + index) else { continue };
            self.judge.wait_while_paused();
            let name = TestName::of(&test, &origin);
            let ticket = if self.left.is_suspect(&test.id) {
                self.admission.enter_alone()
            } else {
                self.admission.enter(sibling.likely_gas(test.gas_limit()))
            };
            let start = Instant::now();
            let trial = self.left.next_trial();
            self.judge.turn_to(&name, trial, ticket.is_alone());
            let judged = catch_unwind(AssertUnwindSafe(|| self.judge.judge(test, &origin)));
            let mut result = judged.unwrap_or_else(|panic| {
                crashed(name, "the harness itself", &panic_text(&*panic), None)
            });
            result.time_ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.admission.leave(ticket);
            sibling = Sibling { elapsed: Some(start.elapsed()) };
            self.events.send(&Event::Test { trial, result: Box::new(result) })?;
            self.judge.leave();
        }
        Ok(())
    }

    /// The test, if it is asked for.
    fn select(&self, test: Test, number: usize) -> Option<Test> {
        let selection = &self.plan.selection;
        let Selection { partition, skip_slow, .. } = selection;
        let in_slice = partition.is_none_or(|partition| partition.contains(number));
        if !in_slice || !selection.takes(&test) || self.left.take_done(&test.id) {
            return None;
        }
        let runs = !matches!(test.body, Body::Skip(_));
        if *skip_slow && self.plan.lists.is_slow(&test.id) && runs {
            return Some(Test { body: Body::Skip(SkipReason::Slow), ..test });
        }
        Some(test)
    }
}

/// A panic outside of executors.
pub(super) fn harness_panicked(text: &str) -> String {
    format!("the harness itself panicked, and the run ended there: {text}")
}

/// The test before in the same file: files hold variants of one test.
struct Sibling {
    elapsed: Option<Duration>,
}

impl Sibling {
    /// A test that ended at once cannot have filled memory, nor will its sibling, whatever gas they
    /// are given: it counts as an ordinary one.
    fn likely_gas(&self, gas_limit: u64) -> u64 {
        if self.elapsed.is_some_and(|elapsed| elapsed < AT_ONCE) {
            gas_limit.min(ORDINARY_GAS)
        } else {
            gas_limit
        }
    }
}
