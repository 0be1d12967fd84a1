//! The worker's side: trials with a number, answered once.

use super::{Answer, Event, Past, Report};
use lockstep_engine::{
    instrument::LastReads,
    isolation::{Beat, Ends, Heart, Outbox},
};
use lockstep_model::StateReader;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// [`Beat::slot`] while the candidate runs; else it is zero.
pub(super) const RUNNING: u64 = 1;

/// Counts trials, and knows the answers of those that earlier workers have run.
#[derive(Debug, Clone)]
pub struct Trials(Arc<Mutex<Log>>);

#[derive(Debug)]
struct Log {
    past: Past,
    next: u64,
    heart: Heart,
    outbox: Outbox<Event>,
}

impl Trials {
    /// Takes over what is known; `None` where the job has gone away.
    pub fn of(ends: Ends<Past, Event>) -> Option<Self> {
        let Ends { mut inbox, outbox, mut heart } = ends;
        let past = inbox.next()?;
        heart.beat(Beat::default());
        Some(Self(Arc::new(Mutex::new(Log { past, next: 0, heart, outbox }))))
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time that earlier workers have taken.
    pub fn spent(&self) -> Duration {
        self.log().past.spent
    }

    /// Whether the job should end with what there is.
    pub fn is_stopped(&self) -> bool {
        self.log().past.is_stopped
    }

    /// The number of the next trial, and its answer where that is known.
    pub(crate) fn next(&self) -> (u64, Option<Answer>) {
        let mut log = self.log();
        let number = log.next;
        log.next += 1;
        (number, log.past.answers.get(&number).cloned())
    }

    /// From here on the candidate runs; should the worker end, it is to blame.
    pub(crate) fn begin(&self, number: u64) {
        self.log().heart.beat(Beat { trial: number, slot: RUNNING, ..Beat::default() });
    }

    /// A reader that tells the job of each read.
    pub(crate) fn watch_reads(&self, reader: Arc<dyn StateReader>) -> Arc<dyn StateReader> {
        Arc::new(LastReads::new(reader, self.log().heart.lane(0)))
    }

    /// The candidate has ended.
    pub(crate) fn end(&self, number: u64, answer: Answer) {
        let mut log = self.log();
        log.heart.beat(Beat { trial: number, ..Beat::default() });
        // If the job has gone away, this process is ended.
        let _ = log.outbox.send(&Event::Answered(number, answer));
    }

    /// Tells how far the job is; seldom enough to be cheap.
    pub fn progress(&self, text: String) {
        let _ = self.log().outbox.send(&Event::Progress(text));
    }

    /// The job is done.
    pub fn done(&self, report: Report) {
        let _ = self.log().outbox.send(&Event::Done(report));
    }
}
