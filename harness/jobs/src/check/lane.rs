//! The current work of a pool thread, for the job that watches it.

use super::events::{Event, Events};
use lockstep_engine::isolation::{Beat, Heart};
use lockstep_judge::definition::{SourceKind, Test};
use lockstep_report::record::TestResult;
use serde::{Deserialize, Serialize};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// How often the slowest run of the reference fits into the limit.
const LIMIT_FACTOR: u32 = 20;

/// The longest that the reference itself may take: it has nothing to be measured against.
const REFERENCE_LIMIT: Duration = Duration::from_secs(3600);

/// Slots in a [`Beat`]: nothing runs, the reference, and the candidates in the order of the plan.
pub(super) const NOTHING: u64 = 0;
pub(super) const REFERENCE: u64 = 1;
pub(super) const FIRST_CANDIDATE: u64 = 2;

/// Which test a pool thread is at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TestName {
    pub(super) id: String,
    /// The archive, folder or file that the user named and that led to it.
    pub(super) origin: String,
    pub(super) source: SourceKind,
    pub(super) fork: String,
}

impl TestName {
    pub(super) fn of(test: &Test, origin: &str) -> Self {
        let (id, source, fork) = (test.id.clone(), test.source, test.fork.clone());
        Self { id, origin: origin.to_owned(), source, fork }
    }
}

/// One pool thread's lane of the heartbeat.
#[derive(Debug)]
pub(super) struct Lane {
    number: usize,
    heart: Heart,
    events: Events,
    /// The trial, and whether it runs alone.
    at: Beat,
}

impl Lane {
    pub(super) fn new(number: usize, heart: &Heart, events: Events) -> Self {
        Self { number, heart: heart.lane(number), events, at: Beat::default() }
    }

    /// Returns when the run is not paused.
    pub(super) fn wait_while_paused(&mut self) {
        self.heart.wait_while_paused(Beat::default());
    }

    /// The thread turns to a test; `is_alone`: no other test runs meanwhile.
    pub(super) fn turn_to(&mut self, test: &TestName, trial: u64, is_alone: bool) {
        self.heart.note(&serde_json::to_string(test).expect("strings"));
        self.at = Beat { trial, part: is_alone.into(), ..Beat::default() };
        self.heart.beat(self.at);
    }

    /// An executor runs, and may take so long.
    pub(super) fn run(&mut self, slot: u64, limit: Duration) {
        let known = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        self.heart.beat(Beat { slot, known, ..self.at });
    }

    /// Sends the partial result: it must not be lost if the next run takes this worker down, or does not end.
    pub(super) fn keep(&self, result: &TestResult) {
        let result = Box::new(result.clone());
        // Without a job no reader needs it; the next event tells the thread.
        let _ = self.events.send(&Event::SoFar { lane: self.number, result });
    }

    /// The test's result is out.
    pub(super) fn leave(&mut self) {
        self.at = Beat::default();
        self.heart.beat(self.at);
    }
}

/// How long a run may take, learnt from the reference.
#[derive(Debug)]
pub(super) struct Limits {
    least: Duration,
    slowest_reference_ns: AtomicU64,
}

impl Limits {
    pub(super) const fn new(least: Duration) -> Self {
        Self { least, slowest_reference_ns: AtomicU64::new(0) }
    }

    pub(super) fn reference_took(&self, time: Duration) {
        let time_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        // Relaxed: one number; a limit that is a moment old is a limit.
        self.slowest_reference_ns.fetch_max(time_ns, Ordering::Relaxed);
    }

    pub(super) const fn of_reference(&self) -> Duration {
        REFERENCE_LIMIT
    }

    pub(super) fn of_candidate(&self) -> Duration {
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
