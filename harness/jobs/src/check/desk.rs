//! The heartbeat of a worker thread, for the watchdog.

use super::{journal::Journal, worker::Load};
use lockstep_engine::Ticket;
use lockstep_judge::definition::Test;
use lockstep_report::record::TestResult;
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// How often the slowest run of the reference fits into the limit.
const LIMIT_FACTOR: u32 = 20;

/// The longest that the reference itself may take: it has nothing to be measured against.
const REFERENCE_LIMIT: Duration = Duration::from_secs(3600);

/// One worker's desk.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    state: Mutex<State>,
    /// Where a supervised worker writes down what it does, and its number there.
    journal: Option<(usize, Arc<Journal>)>,
}

#[derive(Debug, Default)]
struct State {
    /// The batch, and the place of the test in it.
    at: Option<(Load, usize, Ticket)>,
    running: Option<Running>,
    /// What was found on the test before this run.
    so_far: Option<Box<TestResult>>,
    abandoned: bool,
}

#[derive(Debug, Clone)]
struct Running {
    test: TestName,
    executor: String,
    since: Instant,
    limit: Duration,
}

/// Which test a worker is at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TestName {
    pub(crate) id: String,
    /// What the user named to get to it.
    pub(crate) origin: String,
    pub(crate) source: lockstep_judge::definition::SourceKind,
    pub(crate) fork: String,
}

impl TestName {
    pub(crate) fn of(test: &Test, origin: &str) -> Self {
        let (id, source, fork) = (test.id.clone(), test.source, test.fork.clone());
        Self { id, origin: origin.to_owned(), source, fork }
    }
}

/// A run that did not end.
#[derive(Debug)]
pub(crate) struct Hang {
    pub(crate) test: TestName,
    pub(crate) executor: String,
    pub(crate) limit: Duration,
    pub(crate) load: Load,
    /// The place of the first test after it.
    pub(crate) next: usize,
    /// What the worker will never give back itself.
    pub(crate) ticket: Ticket,
    /// What was found on the test before.
    pub(crate) so_far: Option<Box<TestResult>>,
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A desk whose worker is supervised.
    pub(crate) fn with_journal(worker: usize, journal: Option<Arc<Journal>>) -> Self {
        Self { journal: journal.map(|journal| (worker, journal)), ..Self::default() }
    }

    /// The worker turns to a test.
    pub(crate) fn turn_to(&self, test: &TestName, load: &Load, place: usize, ticket: Ticket) {
        if let Some((worker, journal)) = &self.journal {
            journal.turn(*worker, test, ticket.is_alone());
        }
        let mut state = self.state();
        state.at = Some((load.clone(), place, ticket));
        state.so_far = None;
    }

    /// What must not be lost if the next run does not end.
    pub(crate) fn keep(&self, result: &TestResult) {
        self.state().so_far = Some(Box::new(result.clone()));
    }

    /// A run starts.
    pub(crate) fn start(&self, test: TestName, executor: &str, limit: Duration) {
        if let Some((worker, journal)) = &self.journal {
            journal.run(*worker, executor);
        }
        let (executor, since) = (executor.to_owned(), Instant::now());
        self.state().running = Some(Running { test, executor, since, limit });
    }

    /// The run has ended. False where the watchdog has given this worker up: then it must end
    /// without another word.
    pub(crate) fn end(&self) -> bool {
        let mut state = self.state();
        state.running = None;
        !state.abandoned
    }

    /// Gives the worker up if its run is over its limit.
    pub(crate) fn check(&self) -> Option<Hang> {
        let mut state = self.state();
        let running = state.running.as_ref()?;
        if state.abandoned || running.since.elapsed() <= running.limit {
            return None;
        }
        let Running { test, executor, limit, .. } = running.clone();
        let (load, place, ticket) = state.at.take()?;
        let so_far = state.so_far.take();
        state.abandoned = true;
        Some(Hang { test, executor, limit, load, next: place + 1, ticket, so_far })
    }
}

/// How long a run may take, learnt from the reference.
#[derive(Debug)]
pub(crate) struct Limits {
    least: Duration,
    slowest_reference_ns: AtomicU64,
}

impl Limits {
    pub(crate) const fn new(least: Duration) -> Self {
        Self { least, slowest_reference_ns: AtomicU64::new(0) }
    }

    pub(crate) fn reference_took(&self, time: Duration) {
        let time_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.slowest_reference_ns.fetch_max(time_ns, Ordering::Relaxed);
    }

    pub(crate) const fn of_reference(&self) -> Duration {
        REFERENCE_LIMIT
    }

    pub(crate) fn of_candidate(&self) -> Duration {
        let slowest = Duration::from_nanos(self.slowest_reference_ns.load(Ordering::Relaxed));
        self.least.max(slowest * LIMIT_FACTOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_follows_the_slowest_reference_run() {
        let limits = Limits::new(Duration::from_secs(60));
        assert_eq!(limits.of_candidate(), Duration::from_secs(60));
        limits.reference_took(Duration::from_secs(5));
        limits.reference_took(Duration::from_secs(1));
        assert_eq!(limits.of_candidate(), Duration::from_secs(100));
    }
}
