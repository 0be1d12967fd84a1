//! Whether a block still fails, and how often.

use super::NotShrunk;
use crate::finding::Kind;
use crossbeam_channel::{Receiver, Sender, bounded};
use lockstep_engine::{Candidate, NoExecution, Slot};
use lockstep_judge::{compare::compare_outcomes, difference::Scope, runnable::Runnable};
use lockstep_model::{Case, Execution, Outcome};
use std::{fmt, thread, time::Duration};

/// How a block fails: what has to stay the same while it gets smaller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the executor did.
    pub kind: Kind,
    /// Where its outcome differs first, if it gave one.
    pub place: Option<(Scope, String)>,
    /// The first difference, or what the executor said.
    pub text: String,
}

/// How often a block fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Runs that failed.
    pub failed: u32,
    /// Runs in all.
    pub runs: u32,
}

/// Runs that tell how often a block fails. More would cost more than they tell.
const RUNS: u32 = 24;

/// Runs after which nobody is wrong: a block that fails more seldom cannot be made smaller in reasonable
/// time.
pub const MOST_RUNS: u32 = 400;

/// Runs that hung are not repeated as often: each costs the whole time.
const HUNG_RUNS: u32 = 2;

impl Rate {
    /// Runs after which a block that fails as often has failed at least once, in 99 of 100 cases.
    pub fn runs_to_be_sure(self) -> u32 {
        if self.failed >= self.runs {
            return 1;
        }
        let passes = 1.0 - f64::from(self.failed) / f64::from(self.runs);
        (0.01_f64.ln() / passes.ln()).ceil().clamp(1.0, f64::from(MOST_RUNS)) as u32
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} runs", self.failed, self.runs)
    }
}

/// How a block fails, and how often.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) failure: Failure,
    pub(super) rate: Rate,
}

/// An executor that is suspected, and the reference.
pub struct Suspect {
    reference: Slot,
    candidate: Candidate,
    worker: Option<Worker>,
    hang_after: Duration,
}

impl fmt::Debug for Suspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suspect").field("candidate", &self.candidate).finish_non_exhaustive()
    }
}

/// A thread that runs cases, and is abandoned where it hangs.
struct Worker {
    cases: Sender<Case>,
    executions: Receiver<Result<Execution, NoExecution>>,
}

impl Worker {
    fn new(candidate: &Candidate) -> Self {
        let (cases, todo) = bounded::<Case>(1);
        let (done, executions) = bounded(1);
        let candidate = candidate.clone();
        thread::spawn(move || {
            let mut contestant = Slot::new(&candidate);
            for case in todo {
                if done.send(contestant.execute(&case)).is_err() {
                    return;
                }
            }
        });
        Self { cases, executions }
    }
}

impl Suspect {
    /// `candidate` against `reference`; a run of `hang_after` hangs.
    pub fn new(reference: &Candidate, candidate: Candidate, hang_after: Duration) -> Self {
        Self { reference: Slot::new(reference), candidate, worker: None, hang_after }
    }

    /// What the reference makes of the block.
    ///
    /// # Errors
    /// When it cannot run it.
    pub fn right(&mut self, block: &Runnable) -> Result<Outcome, NotShrunk> {
        match self.reference.execute(&block.case) {
            Ok(execution) => Ok(execution.outcome),
            Err(failure) => Err(NotShrunk::Reference(failure.reason("reference"))),
        }
    }

    /// Whom it is about, with its threads.
    pub fn label(&self) -> &str {
        &self.candidate.label
    }

    /// How the block fails, if it does in so many runs.
    ///
    /// # Errors
    /// [`NotShrunk::Agrees`] where it does not.
    pub fn first_failure(&mut self, block: &Runnable, runs: u32) -> Result<Failure, NotShrunk> {
        self.failing_outcome(block, runs).map(|(failure, _)| failure)
    }

    /// As [`Self::first_failure`], with the outcome, where there was one.
    ///
    /// # Errors
    /// [`NotShrunk::Agrees`] where it does not fail.
    pub fn failing_outcome(
        &mut self,
        block: &Runnable,
        runs: u32,
    ) -> Result<(Failure, Option<Outcome>), NotShrunk> {
        let right = self.right(block)?;
        let found = (0..runs).find_map(|_| self.run(block, &right));
        found.ok_or(NotShrunk::Agrees { runs })
    }

    /// Runs the block several times.
    pub(super) fn look(&mut self, block: &Runnable) -> Result<Look, NotShrunk> {
        let right = self.right(block)?;
        let mut rate = Rate { failed: 0, runs: 0 };
        let mut first = None;
        // A block that seldom fails is worth more runs than one that always does.
        while rate.runs < RUNS || (rate.failed == 0 && rate.runs < MOST_RUNS) {
            rate.runs += 1;
            if let Some((failure, _)) = self.run(block, &right) {
                rate.failed += 1;
                let is_hung = failure.kind == Kind::Hung;
                first.get_or_insert(failure);
                if is_hung && rate.failed >= HUNG_RUNS {
                    break;
                }
            }
        }
        let failure = first.ok_or(NotShrunk::Agrees { runs: rate.runs })?;
        Ok(Look { failure, rate })
    }

    /// Whether one of so many runs fails in this way.
    pub(super) fn fails_as(&mut self, block: &Runnable, wanted: &Failure, runs: u32) -> bool {
        let Ok(right) = self.right(block) else { return false };
        (0..runs).any(|_| self.run(block, &right).is_some_and(|(found, _)| found.is_like(wanted)))
    }

    fn run(&mut self, block: &Runnable, right: &Outcome) -> Option<(Failure, Option<Outcome>)> {
        let candidate = &self.candidate;
        let worker = self.worker.get_or_insert_with(|| Worker::new(candidate));
        let sent = worker.cases.send(block.case.clone());
        let answer = sent.ok().and_then(|()| worker.executions.recv_timeout(self.hang_after).ok());
        let Some(answer) = answer else {
            // Whatever it is at, it is at it alone.
            self.worker = None;
            let text = format!("not done after {:?}", self.hang_after);
            return Some((Failure { kind: Kind::Hung, place: None, text }, None));
        };
        match answer {
            Ok(execution) => {
                let label = &self.candidate.label;
                let found = compare_outcomes(&block.pre, right, &execution.outcome, label);
                let first = found.first()?;
                let place = Some((first.scope, first.field.to_string()));
                let text = first.to_string();
                let failure = Failure { kind: Kind::Diverged, place, text };
                Some((failure, Some(execution.outcome)))
            }
            Err(failure) => {
                let text = failure.reason(&self.candidate.label);
                let kind = match failure {
                    NoExecution::Broke(_) => Kind::Broke,
                    NoExecution::Panicked(_) => Kind::Panicked,
                };
                Some((Failure { kind, place: None, text }, None))
            }
        }
    }
}

impl Failure {
    /// Whether it is the same kind of difference.
    fn is_like(&self, other: &Self) -> bool {
        self.kind == other.kind && self.place == other.place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_runs_as_it_takes() {
        assert_eq!(Rate { failed: 5, runs: 5 }.runs_to_be_sure(), 1);
        // 0.5^7 is below one in a hundred, 0.5^6 is not.
        assert_eq!(Rate { failed: 10, runs: 20 }.runs_to_be_sure(), 7);
        assert_eq!(Rate { failed: 1, runs: 400 }.runs_to_be_sure(), MOST_RUNS);
    }
}
