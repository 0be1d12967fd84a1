//! A run under a strategy, written down step by step.

use super::{
    coverage::ReadFrom,
    schedule::{Digest, Move, Schedule},
    strategy::Strategy,
};
use lockstep_model::{Happened, NextStep, Steering, StepKind};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Something that happened, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logged {
    /// In which step, from 1 on.
    pub step: u64,
    /// The worker whose step it was.
    pub worker: u32,
    /// What happened.
    pub happened: Happened,
}

/// Everything that is known of a run.
#[derive(Debug, Default)]
pub struct Record {
    /// In order.
    pub moves: Vec<Move>,
    /// Of all steps.
    pub digest: Digest,
    /// Steps in all.
    pub steps: u64,
    /// Places that were read, in the order of the steps, with the worker that read.
    pub reads: Vec<(u32, u64)>,
    /// Steps of each worker at which the schedules of SURW aim.
    pub events: Vec<u32>,
    /// What happened, in order.
    pub log: Vec<Logged>,
    /// Whether each move ended though its worker could have gone on: a preemption.
    pub preempted: Vec<bool>,
    /// Why the strategy stopped the run.
    pub stopped: Option<String>,
}

impl Record {
    /// The schedule of the run.
    pub fn schedule(&self, workers: u32, block: u32) -> Schedule {
        Schedule { workers, block, moves: self.moves.clone(), digest: self.digest.value() }
    }

    /// Moves that ended though their worker could have gone on.
    pub fn preemptions(&self) -> usize {
        self.preempted.iter().filter(|preempted| **preempted).count()
    }

    /// Who read what from whom.
    pub(super) fn pairs_read(&self) -> impl Iterator<Item = ReadFrom> {
        self.log.iter().filter_map(|logged| match logged.happened {
            Happened::Read { reader, place, writer } => Some(ReadFrom { reader, place, writer }),
            _ => None,
        })
    }
}

/// Steps at which SURW aims: those after which others see something new.
pub(super) const fn is_event(kind: StepKind) -> bool {
    matches!(kind, StepKind::Publish | StepKind::Validate | StepKind::Commit | StepKind::Wake)
}

/// Steers a run by a strategy, and writes it down.
pub(super) struct Recorder(Mutex<Inner>);

struct Inner {
    strategy: Box<dyn Strategy>,
    most_steps: u64,
    record: Record,
}

impl Recorder {
    /// A run of `most_steps` never ends.
    pub(super) fn new(strategy: Box<dyn Strategy>, most_steps: u64) -> Self {
        Self(Mutex::new(Inner { strategy, most_steps, record: Record::default() }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The record, when the run is over.
    pub(super) fn take(&self) -> Record {
        std::mem::take(&mut self.inner().record)
    }
}

/// What a run says that takes too many steps.
fn endless(steps: u64) -> String {
    format!("the block is not done after {steps} steps of its workers: it would never end")
}

impl Steering for Recorder {
    fn choose(&self, ready: &[NextStep]) -> Result<usize, String> {
        let Inner { strategy, most_steps, record } = &mut *self.inner();
        if record.steps >= *most_steps {
            return Err(endless(record.steps));
        }
        let chosen = strategy.choose(ready).inspect_err(|reason| {
            record.stopped = Some(reason.clone());
        })?;
        record.add(ready, &ready[chosen]);
        Ok(chosen)
    }

    fn tell(&self, happened: Happened) {
        let record = &mut self.inner().record;
        if let Some(last) = record.moves.last() {
            let logged = Logged { step: record.steps, worker: last.worker, happened };
            record.log.push(logged);
        }
    }
}

impl Record {
    fn add(&mut self, ready: &[NextStep], step: &NextStep) {
        let NextStep { worker, kind, .. } = *step;
        self.steps += 1;
        self.digest = self.digest.with_step(step);
        if kind == StepKind::Read {
            self.reads.push((worker, step.place));
        }
        if is_event(kind) {
            let index = worker as usize;
            if self.events.len() <= index {
                self.events.resize(index + 1, 0);
            }
            self.events[index] += 1;
        }
        match self.moves.last_mut() {
            Some(last) if last.worker == worker => last.steps += 1,
            last => {
                if let Some(last) = last {
                    let could_go_on = ready.iter().any(|step| step.worker == last.worker);
                    self.preempted.push(could_go_on);
                }
                self.moves.push(Move { worker, kind, steps: 1 });
            }
        }
    }
}
