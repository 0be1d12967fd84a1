//! The loop of one worker.

use super::{
    desk::TestName,
    judge::{Abandoned, Judge},
    plan::{Plan, Selection},
    run::{Event, report},
};
use crossbeam_channel::{Receiver, Sender};
use lockstep_cases::batch::Batch;
use lockstep_engine::{Admission, ORDINARY_GAS, Semaphore, panic_text};
use lockstep_formats::Found;
use lockstep_judge::definition::{Body, SkipReason, Test};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

/// It takes ten times as long to fill a tenth of a gigabyte.
const AT_ONCE: Duration = Duration::from_millis(5);

/// A batch, and its number. A test's number, for partitions, is this and its place in the batch.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub(crate) batch: Batch,
    pub(crate) number: usize,
}

/// What a worker needs.
pub(crate) struct Worker {
    pub(crate) id: usize,
    pub(crate) plan: Arc<Plan>,
    pub(crate) judge: Judge,
    pub(crate) loads: Receiver<Load>,
    pub(crate) events: Sender<Event>,
    pub(crate) semaphore: Arc<Semaphore>,
    pub(crate) admission: Arc<Admission>,
    /// A batch that another worker was abandoned in, and the test to go on at.
    pub(crate) inherited: Option<(Load, usize)>,
}

impl Worker {
    /// Works until there is nothing left, or until the watchdog has given this worker up.
    pub(crate) fn work(self) {
        let (id, events) = (self.id, self.events.clone());
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.work_unguarded())) {
            let _ = events.send(Event::Panic(panic_text(&*panic)));
            let _ = events.send(Event::WorkerDone(id));
        }
    }

    fn work_unguarded(mut self) {
        if let Some((load, first)) = self.inherited.take()
            && self.work_on(&load, first).is_err()
        {
            return;
        }
        while let Ok(load) = self.loads.recv() {
            self.semaphore.leave(load.batch.size());
            if self.work_on(&load, 0).is_err() {
                return;
            }
        }
        // After an early end the receiver is gone.
        let _ = self.events.send(Event::WorkerDone(self.id));
    }

    fn work_on(&mut self, load: &Load, first: usize) -> Result<(), Abandoned> {
        let Found { tests, unreadable, others } = load.batch.read();
        if first == 0 {
            report(&self.events, unreadable, others);
        }
        let origin = load.batch.origin().to_owned();
        let mut sibling = Sibling { elapsed: None };
        for (index, test) in tests.into_iter().enumerate().skip(first) {
            if self.plan.interrupted.load(Ordering::Relaxed) {
                break;
            }
            let Some(test) = select(&self.plan.selection, &self.plan, test, load.number + index)
            else {
                continue;
            };
            let name = TestName::of(&test, &origin);
            let ticket = if self.plan.resume.is_suspect(&test.id) {
                self.admission.enter_alone()
            } else {
                self.admission.enter(sibling.likely_gas(test.gas_limit()))
            };
            let start = Instant::now();
            self.judge.desk.turn_to(&name, load, index, ticket);
            let mut result = self.judge.judge(test, &origin)?;
            result.time_ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.admission.leave(ticket);
            sibling = Sibling { elapsed: Some(start.elapsed()) };
            let _ = self.events.send(Event::Test(Box::new(result)));
        }
        Ok(())
    }
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

/// The test, if it is asked for.
fn select(selection: &Selection, plan: &Plan, test: Test, number: usize) -> Option<Test> {
    let in_slice = selection.partition.is_none_or(|partition| partition.contains(number));
    let matches = selection.filter.as_ref().is_none_or(|filter| filter.is_match(&test.id));
    if !in_slice || !matches || plan.resume.take_done(&test.id) {
        return None;
    }
    if selection.skip_slow && plan.lists.is_slow(&test.id) && !matches!(test.body, Body::Skip(_)) {
        return Some(Test { body: Body::Skip(SkipReason::Slow), ..test });
    }
    Some(test)
}
