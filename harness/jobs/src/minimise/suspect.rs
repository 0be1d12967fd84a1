//! A suspected executor: whether a block still fails, and how often.

use super::NotShrunk;
use crate::{
    finding::{ACCEPTS, Failure, Finding, Kind, REJECTS},
    trials::{Answer, StuckThread, Trials},
};
use lockstep_cases::generate::{Features, Limits, Recipe};
use lockstep_engine::{Candidate, NoExecution, Slot, isolation::Cause};
use lockstep_judge::{compare::compare_outcomes, runnable::Runnable};
use lockstep_model::{Case, Execution, ExecutorError, Outcome, RunOptions};
use std::{fmt, time::Duration};

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

/// Runs after which a candidate counts as right: a block that fails more seldom cannot be made smaller in reasonable
/// time.
pub const MOST_RUNS: u32 = 400;

/// Runs that hung or crashed are not repeated as often: each costs a worker process.
const DEAR_RUNS: u32 = 2;

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
#[derive(Debug)]
pub struct Suspect {
    reference: Slot,
    candidate: Slot,
    trials: Trials,
    hang_after: Duration,
}

/// What a trial is for, where an earlier worker has run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Its answer: it is not run again.
    Answer,
    /// The outcome of one that fails, which is run again.
    Outcome,
    /// What the run itself shows: it is run again, unless that ended the worker.
    Run,
}

/// A failing run, with its outcome where there is one.
type Failed = (Failure, Option<Outcome>);

impl Suspect {
    /// `candidate` against `reference`. The job ends a run of `hang_after`.
    pub fn new(
        reference: &Candidate,
        candidate: &Candidate,
        trials: Trials,
        hang_after: Duration,
    ) -> Self {
        Self {
            reference: Slot::new(reference),
            candidate: Slot::new(candidate),
            trials,
            hang_after,
        }
    }

    /// The outcome of the reference.
    ///
    /// # Errors
    /// When it cannot run the block.
    pub fn right(&mut self, block: &Runnable, options: &RunOptions) -> Result<Outcome, NotShrunk> {
        match self.reference.execute(&block.case, options) {
            Ok(execution) => {
                block.pre.answer_all(&execution.outcome);
                Ok(execution.outcome)
            }
            Err(failure) => Err(NotShrunk::Reference(failure.reason("reference"))),
        }
    }

    /// The candidate's name, with its threads.
    pub fn label(&self) -> &str {
        &self.candidate.label
    }

    /// The way in which the block fails, if it does in so many runs.
    ///
    /// # Errors
    /// [`NotShrunk::Agrees`] where it does not.
    pub fn first_failure(&mut self, block: &Runnable, runs: u32) -> Result<Failure, NotShrunk> {
        let mut right = None;
        for _ in 0..runs {
            if let Some((failure, _)) =
                self.run((block, &RunOptions::of(&block.case)), &mut right, Needs::Answer)?
            {
                return Ok(failure);
            }
        }
        Err(NotShrunk::Agrees { runs })
    }

    /// Runs the block once. `right` keeps the outcome of the reference from run to run. After a failure the
    /// executor is made anew, so that nothing of a failing run reaches the next one.
    ///
    /// # Errors
    /// When the reference cannot run it.
    pub(crate) fn try_once(
        &mut self,
        block: (&Runnable, &RunOptions),
        right: &mut Option<Outcome>,
        needs: Needs,
    ) -> Result<Option<Failure>, NotShrunk> {
        let failed = self.run(block, right, needs)?;
        if failed.is_some() {
            self.candidate.renew();
        }
        Ok(failed.map(|(failure, _)| failure))
    }

    /// As [`Self::first_failure`], with the outcome, where there is one.
    ///
    /// # Errors
    /// [`NotShrunk::Agrees`] where it does not fail.
    pub fn failing_outcome(
        &mut self,
        block: &Runnable,
        options: &RunOptions,
        runs: u32,
    ) -> Result<Failed, NotShrunk> {
        let mut right = None;
        for _ in 0..runs {
            if let Some(failed) = self.run((block, options), &mut right, Needs::Outcome)? {
                return Ok(failed);
            }
        }
        Err(NotShrunk::Agrees { runs })
    }

    /// The threads of a run that does not end, with their states; none if so many runs all end.
    pub fn stuck(&mut self, block: &Runnable, runs: u32) -> Vec<StuckThread> {
        let options = RunOptions::of(&block.case);
        for _ in 0..runs {
            let (number, known) = self.trials.next();
            match known {
                Some(Answer::Hung(threads)) => return threads,
                Some(_) => continue,
                None => {}
            }
            let pre_state = self.trials.watch_reads(block.case.pre_state.clone());
            let case = Case { pre_state, ..block.case.clone() };
            self.trials.begin(number);
            let _ = self.candidate.execute(&case, &options);
            self.trials.end(number, Answer::Agrees);
        }
        Vec::new()
    }

    /// Runs the block several times.
    pub(super) fn look(&mut self, block: &Runnable) -> Result<Look, NotShrunk> {
        let mut right = None;
        let mut rate = Rate { failed: 0, runs: 0 };
        let mut first = None;
        // A block that seldom fails is worth more runs than one that always does.
        while rate.runs < RUNS || (rate.failed == 0 && rate.runs < MOST_RUNS) {
            rate.runs += 1;
            if let Some((failure, _)) =
                self.run((block, &RunOptions::of(&block.case)), &mut right, Needs::Answer)?
            {
                rate.failed += 1;
                let is_dear = matches!(failure.kind, Kind::Hung | Kind::Crashed);
                first.get_or_insert(failure);
                if is_dear && rate.failed >= DEAR_RUNS {
                    break;
                }
            }
        }
        let failure = first.ok_or(NotShrunk::Agrees { runs: rate.runs })?;
        Ok(Look { failure, rate })
    }

    /// Whether one of so many runs fails in this way.
    pub(super) fn fails_as(&mut self, block: &Runnable, wanted: &Failure, runs: u32) -> bool {
        let mut right = None;
        (0..runs).any(|_| {
            let found = self.run((block, &RunOptions::of(&block.case)), &mut right, Needs::Answer);
            found.is_ok_and(|found| found.is_some_and(|(found, _)| found.is_like(wanted)))
        })
    }

    /// One trial. The reference runs when the candidate does, and then once a block.
    fn run(
        &mut self,
        (block, options): (&Runnable, &RunOptions),
        right: &mut Option<Outcome>,
        needs: Needs,
    ) -> Result<Option<Failed>, NotShrunk> {
        let (number, known) = self.trials.next();
        match known {
            Some(Answer::Agrees) if needs != Needs::Run => return Ok(None),
            Some(Answer::Fails(failure)) if needs == Needs::Answer => {
                return Ok(Some((failure, None)));
            }
            Some(Answer::Agrees | Answer::Fails(_)) | None => {}
            Some(Answer::Hung(_)) => {
                let text = format!("did not end within {:?}", self.hang_after);
                return self.without_outcome(block, Kind::Hung, None, text).map(Some);
            }
            Some(Answer::Crashed(cause)) => {
                let text = cause.to_string();
                return self.without_outcome(block, Kind::Crashed, Some(cause), text).map(Some);
            }
        }
        if right.is_none() {
            *right = Some(self.right(block, options)?);
        }
        let Some(right) = right else { return Ok(None) };
        self.trials.begin(number);
        let answer = self.candidate.execute(&block.case, options);
        let failed = self.failed(block, right, answer);
        let answer = match &failed {
            None => Answer::Agrees,
            Some((failure, _)) => Answer::Fails(failure.clone()),
        };
        self.trials.end(number, answer);
        Ok(failed)
    }

    /// The failure of a run, if any. An unsupported block is none.
    fn failed(
        &self,
        block: &Runnable,
        right: &Outcome,
        answer: Result<Execution, NoExecution>,
    ) -> Option<Failed> {
        let label = &self.candidate.label;
        let execution = match answer {
            Ok(execution) => execution,
            Err(NoExecution::Broke(ExecutorError::Unsupported(_))) => return None,
            Err(failure) => {
                let text = failure.reason(label);
                let kind = match failure {
                    NoExecution::Broke(_) => Kind::Broke,
                    NoExecution::Panicked(_) => Kind::Panicked,
                };
                let finding = Finding::new(nowhere(), label, kind).with_reference(right);
                return Some((Failure { kind, signature: finding.signature(), text }, None));
            }
        };
        let found = compare_outcomes(&block.pre, right, &execution.outcome, label);
        let text = found.first()?.to_string();
        let finding = Finding::new(nowhere(), label, Kind::Diverged).with_reference(right);
        let signature = finding.with_differences(block, right, found).signature();
        Some((Failure { kind: Kind::Diverged, signature, text }, Some(execution.outcome)))
    }

    fn without_outcome(
        &mut self,
        block: &Runnable,
        kind: Kind,
        cause: Option<Cause>,
        text: String,
    ) -> Result<Failed, NotShrunk> {
        let known = match self.right(block, &RunOptions::default())? {
            Outcome::Accepted(_) => ACCEPTS,
            Outcome::Rejected(_) => REJECTS,
        };
        let finding = Finding::new(nowhere(), &self.candidate.label, kind);
        let finding = Finding { cause, reference: Some(known.to_owned()), ..finding };
        Ok((Failure { kind, signature: finding.signature(), text }, None))
    }
}

/// A signature does not depend on where the block comes from.
const fn nowhere() -> Recipe {
    Recipe {
        seed: 0,
        link: 0,
        limits: Limits { forks: Vec::new(), features: Features::none(), transactions: 0 },
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
