//! One test, from execution to verdict.

use super::{
    events::Rest,
    lane::{FIRST_CANDIDATE, Lane, Limits, NOTHING, REFERENCE, TestName},
    outcomes,
    plan::{Expectations, Plan},
};
use lockstep_engine::{Candidate, NoExecution, Slot};
use lockstep_judge::{
    compare::{
        Comparison, compare_expectation, compare_undecodable, interfering_members, lacks_states,
    },
    definition::{Body, SkipReason, Test},
    difference::Difference,
    exceptions,
    expected::Expectation,
    pack::{Mode, Recipe},
    runnable::{Runnable, Undecodable},
    state::{NormalChanges, PreState, TrieError, roots::proved_state_root},
};
use lockstep_model::{
    At, Case, Execution, ExecutorError, Outcome, Rejection, RunOptions, Telemetry,
};
use lockstep_report::record::{Cases, PackedBlock, ProvedRoots, Run, Status, TestResult, Verdict};
use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

/// Runs tests one after the other, with executors of its own.
pub struct Judge {
    pub(super) reference: Slot,
    candidates: Vec<Slot>,
    /// Which candidates are not run any more, and why.
    given_up: Vec<Option<String>>,
    /// The heartbeat lane of the pool thread.
    lane: Option<Lane>,
    limits: Arc<Limits>,
    pub(super) expectations: Expectations,
    pub(super) outcomes: bool,
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judge").field("candidates", &self.candidates.len()).finish_non_exhaustive()
    }
}

impl Judge {
    /// A judge for a plan.
    pub(super) fn new(plan: &Plan, limits: Arc<Limits>) -> Self {
        Self {
            reference: Slot::new(&plan.reference),
            candidates: plan.candidates.iter().map(Slot::new).collect(),
            given_up: vec![None; plan.candidates.len()],
            lane: None,
            limits,
            expectations: plan.expectations,
            outcomes: plan.outcomes,
        }
    }

    /// The same, for a thread of a pool.
    pub(super) fn with(self, lane: Lane, rest: &Rest) -> Self {
        let why = |candidate: &Slot| rest.given_up.get(&candidate.label).cloned();
        let given_up = self.candidates.iter().map(why).collect();
        Self { lane: Some(lane), given_up, ..self }
    }

    /// Returns when the run is not paused.
    pub(super) fn wait_while_paused(&mut self) {
        self.lane.iter_mut().for_each(Lane::wait_while_paused);
    }

    /// The thread turns to a test; `is_alone`: no other test runs meanwhile.
    pub(super) fn turn_to(&mut self, test: &TestName, trial: u64, is_alone: bool) {
        self.lane.iter_mut().for_each(|lane| lane.turn_to(test, trial, is_alone));
    }

    /// The test's result is out.
    pub(super) fn leave(&mut self) {
        self.lane.iter_mut().for_each(Lane::leave);
    }

    fn runs(&mut self, slot: u64, limit: Duration) {
        self.lane.iter_mut().for_each(|lane| lane.run(slot, limit));
    }

    /// A judge on its own, for one test at a time on the calling thread, without a watchdog.
    pub fn standalone(plan: &Plan) -> Self {
        Self::new(plan, Arc::new(Limits::new(plan.hang_after)))
    }

    /// A judge of what sources expect: the reference alone.
    pub fn of_reference(reference: &lockstep_engine::Factory) -> Self {
        Self {
            reference: Slot::new(&Candidate::reference(reference)),
            candidates: Vec::new(),
            given_up: Vec::new(),
            lane: None,
            limits: Arc::new(Limits::new(Duration::MAX)),
            expectations: Expectations::Use,
            outcomes: false,
        }
    }

    /// Runs one test on the calling thread.
    pub fn judge_alone(&mut self, test: Test) -> TestResult {
        self.judge(test, "")
    }

    pub(super) fn judge(&mut self, test: Test, origin: &str) -> TestResult {
        let result = TestResult {
            id: test.id.clone(),
            origin: origin.to_owned(),
            source: test.source,
            fork: test.fork.clone(),
            status: Status::Passed,
            verdict: None,
            reason: None,
            differences: Vec::new(),
            undecidable: Vec::new(),
            time_ns: 0,
            cases: Cases::default(),
            runs: Vec::new(),
            packed: None,
            outcomes: Vec::new(),
            roots: None,
        };
        match test.body {
            Body::Skip(reason) => skipped(result, reason),
            Body::Undecodable(test) => self.undecodable(&test, result),
            Body::Run(runnable) => self.runnable(&runnable, None, result),
            Body::Chain(chain) => self.chain(&chain, result),
            Body::Pack(recipe) => self.pack(*recipe, result),
        }
    }

    fn undecodable(&self, test: &Undecodable, mut result: TestResult) -> TestResult {
        if self.outcomes {
            let why = Rejection { at: At::Transaction(0), rule: test.rule.clone() };
            result.outcomes.push(outcomes::rejected(&test.pre, why.to_string(), None));
        }
        if self.expectations == Expectations::Ignore {
            return result;
        }
        result.undecidable = undecidable(&test.expectation);
        let Undecodable { rule, beneficiary, pre, expectation } = test;
        with_expectation(result, compare_undecodable(pre, expectation, rule, *beneficiary))
    }

    /// Runs a case; the reference's outcome may be there already.
    fn runnable(
        &mut self,
        runnable: &Runnable,
        reference: Option<Execution>,
        mut result: TestResult,
    ) -> TestResult {
        let reference = match reference {
            Some(execution) => execution,
            None => match self.reference(&runnable.case) {
                Ok(execution) => execution,
                Err(error) => {
                    result.cases.add(Verdict::Inconclusive);
                    let mut reason = error.reason(&self.reference.label);
                    if let Some(unanswered) = runnable.pre.unanswered() {
                        reason = format!("{reason}: {unanswered}");
                    }
                    return inconclusive(result, reason);
                }
            },
        };
        // An executor may take a read that failed for a failure of the block.
        if let Some(unanswered) = runnable.pre.unanswered() {
            result.cases.add(Verdict::Inconclusive);
            let label = &self.reference.label;
            return inconclusive(result, format!("executor broke: {label}: {unanswered}"));
        }
        runnable.pre.answer_all(&reference.outcome);
        result.runs.push(Run {
            executor: self.reference.label.clone(),
            verdict: Verdict::Agreed,
            telemetry: reference.telemetry,
        });
        let Runnable { case, pre, expectation, .. } = runnable;
        if self.outcomes {
            result.outcomes.push(outcomes::of(case, pre, &reference.outcome, None));
        }
        result.roots = proved_roots(pre, expectation, &reference.outcome);
        if self.expectations == Expectations::Use {
            result.undecidable = undecidable(expectation);
            result.undecidable.extend(unknown_root(pre, expectation, &reference.outcome));
            let missed = compare_expectation(case, pre, expectation, &reference.outcome);
            result = with_expectation(result, missed);
        }
        self.candidates(case, pre, &reference.outcome, None, result)
    }

    /// Runs the candidates on a case of which the reference's outcome is there.
    pub(super) fn candidates(
        &mut self,
        case: &Case,
        pre: &PreState,
        reference: &Outcome,
        block: Option<usize>,
        mut result: TestResult,
    ) -> TestResult {
        result.verdict.get_or_insert(Verdict::Agreed);
        let comparison = Comparison::new(pre, reference).of_block(&case.block);
        let mut worst = Verdict::Agreed;
        for index in 0..self.candidates.len() {
            if let Some(why) = &self.given_up[index] {
                result.undecidable.push(why.clone().into());
                continue;
            }
            if let (Some(lane), Status::Failed) = (&self.lane, result.status) {
                lane.keep(&result);
            }
            let label = self.candidates[index].label.clone();
            let execution = self.candidate(index, case);
            let (verdict, telemetry) = match execution {
                Err(NoExecution::Broke(ExecutorError::Unsupported(why))) => {
                    result.undecidable.push(format!("not run by {label}: {why}").into());
                    continue;
                }
                Err(error) => {
                    result = inconclusive(result, error.reason(&label));
                    (Verdict::Inconclusive, Telemetry::default())
                }
                Ok(execution) => {
                    let outcome = execution.outcome;
                    let found = comparison.with(&outcome, &label);
                    if rule_is_unnamed(reference, &outcome) {
                        result.undecidable.push(Cow::Borrowed(UNNAMED_RULE));
                    }
                    result.undecidable.extend(not_shown(&label, &outcome).map(Cow::Owned));
                    if lacks_states(reference, &outcome) {
                        result.undecidable.push(Cow::Borrowed(NO_STATES));
                    }
                    let agreed = found.is_empty();
                    if !agreed {
                        result = diverged(result, found, block);
                    }
                    let verdict = if agreed { Verdict::Agreed } else { Verdict::Diverged };
                    (verdict, execution.telemetry)
                }
            };
            worst = worst.worse_of(verdict);
            result.runs.push(Run { executor: label, verdict, telemetry });
        }
        self.runs(NOTHING, Duration::MAX);
        result.cases.add(worst);
        result
    }

    fn candidate(&mut self, index: usize, case: &Case) -> Result<Execution, NoExecution> {
        let limit = self.limits.of_candidate() + self.candidates[index].patience;
        self.runs(FIRST_CANDIDATE + index as u64, limit);
        self.candidates[index].execute(case, &RunOptions::of(case))
    }

    pub(super) fn reference(&mut self, case: &Case) -> Result<Execution, NoExecution> {
        self.runs(REFERENCE, self.limits.of_reference() + self.reference.patience);
        let since = Instant::now();
        let execution = self.reference.execute(case, &RunOptions::of(case));
        self.limits.reference_took(since.elapsed());
        execution
    }

    /// Assembles a packed block, leaves out what does not fit into it, and runs it.
    fn pack(&mut self, mut recipe: Recipe, mut result: TestResult) -> TestResult {
        let before = recipe.len();
        let fitted = self.fit(&result.id, &mut recipe);
        result.packed = Some(PackedBlock {
            mode: Cow::Borrowed(recipe.mode().name()),
            members: recipe.ids().map(ToOwned::to_owned).collect(),
            left_out: before - recipe.len(),
        });
        match fitted {
            Fitted::Block(runnable, execution) => self.runnable(&runnable, Some(execution), result),
            Fitted::Nothing => skipped(result, SkipReason::Interferes),
            Fitted::Broke(error) => {
                result.cases.add(Verdict::Inconclusive);
                inconclusive(result, error.reason(&self.reference.label))
            }
        }
    }

    fn fit(&mut self, id: &str, recipe: &mut Recipe) -> Fitted {
        while recipe.len() > 1 && (recipe.mode() != Mode::Invalid || recipe.rejected().is_some()) {
            let runnable = recipe.assemble(id);
            let execution = match self.reference(&runnable.case) {
                Ok(execution) => execution,
                Err(error) => return Fitted::Broke(error),
            };
            let misfits = self.misfits(recipe, &runnable, &execution.outcome);
            if misfits.is_empty() {
                return Fitted::Block(Box::new(runnable), execution);
            }
            for index in misfits.into_iter().rev() {
                recipe.leave_out(index);
            }
        }
        Fitted::Nothing
    }

    /// The tests, ascending, whose outcome depends on the block around them: alone they are as
    /// expected, in the block the reference does something else.
    fn misfits(&mut self, recipe: &Recipe, runnable: &Runnable, outcome: &Outcome) -> Vec<usize> {
        let suspects = match (outcome, recipe.rejected()) {
            (Outcome::Rejected(rejection), place) => match rejection.at {
                At::Transaction(index) if Some(index) != place => vec![index],
                _ => Vec::new(),
            },
            (Outcome::Accepted(_), Some(place)) => vec![place],
            (Outcome::Accepted(outcome), None) => {
                interfering_members(&runnable.pre, &runnable.expectation.members, outcome)
            }
        };
        // Rewritten tests have nothing of their own to be right about.
        if recipe.mode() == Mode::Shared {
            return suspects;
        }
        let mut misfits = Vec::new();
        for index in suspects {
            if self.is_right_alone(recipe.alone(index)) {
                misfits.push(index);
            }
        }
        misfits
    }

    fn is_right_alone(&mut self, alone: &Runnable) -> bool {
        let Ok(execution) = self.reference(&alone.case) else { return false };
        let missed =
            compare_expectation(&alone.case, &alone.pre, &alone.expectation, &execution.outcome);
        missed.is_empty()
    }
}

/// The state roots that the block's witness proves.
fn proved_roots(
    pre: &PreState,
    expectation: &Expectation,
    reference: &Outcome,
) -> Option<ProvedRoots> {
    let proof = pre.proof.as_deref()?;
    let before = usize::from(proof.is_anchored());
    let found = ProvedRoots { before, blocks: 1, ..ProvedRoots::default() };
    let Outcome::Accepted(block) = reference else { return Some(found) };
    let after = proved_state_root(proof, &NormalChanges::new(pre, &block.changes));
    let after = after.ok().filter(|after| Some(after.root) == expectation.state_root);
    let assumed = after.map_or(0, |after| after.assumed);
    Some(ProvedRoots { after: after.is_some().into(), assumed, ..found })
}

/// Why the root after the block cannot be decided from its witness.
fn unknown_root(
    pre: &PreState,
    expectation: &Expectation,
    reference: &Outcome,
) -> Option<Cow<'static, str>> {
    let (proof, expected) = (pre.proof.as_deref()?, expectation.state_root?);
    let changes = NormalChanges::new(pre, &reference.accepted()?.changes);
    match proved_state_root(proof, &changes) {
        Err(error @ TrieError::Missing { .. }) => Some(format!("state root after: {error}").into()),
        Ok(after) if after.assumed > 0 && after.root != expected => {
            Some("state root after: a removal collapses onto a node that the witness lacks".into())
        }
        _ => None,
    }
}

/// Said of a rejection whose rule only one side has a name for.
const UNNAMED_RULE: &str =
    "broken rule: an executor has its own name for it, the place alone was compared";

fn rule_is_unnamed(reference: &Outcome, candidate: &Outcome) -> bool {
    match (reference, candidate) {
        (Outcome::Rejected(one), Outcome::Rejected(other)) => !one.rule.is_comparable(&other.rule),
        _ => false,
    }
}

/// Said of a candidate that does not show everything.
fn not_shown(label: &str, outcome: &Outcome) -> Option<String> {
    let hidden: Vec<&str> = outcome.accepted()?.hidden.names().collect();
    (!hidden.is_empty()).then(|| format!("not shown by {label}: {}", hidden.join(", ")))
}

/// Said of a candidate whose states between transactions cannot be compared.
const NO_STATES: &str =
    "states between transactions: the executor gives no changes of each transaction";

/// The expectations of a source that cannot be decided here.
fn undecidable(expectation: &Expectation) -> Vec<Cow<'static, str>> {
    let names = expectation.rejection.as_ref().map(|rejection| rejection.names.as_str());
    let unnamed = names.and_then(exceptions::undecidable).map(|name| {
        format!("reason of a rejection: `{name}` is not a rule that is checked here").into()
    });
    expectation.undecidable.iter().cloned().chain(unnamed).collect()
}

enum Fitted {
    Block(Box<Runnable>, Execution),
    Nothing,
    Broke(NoExecution),
}

fn skipped(result: TestResult, reason: SkipReason) -> TestResult {
    TestResult { status: Status::Skipped, reason: Some(reason.text().to_owned()), ..result }
}

/// A reason that is there already stands.
pub(super) fn with_expectation(mut result: TestResult, missed: Vec<Difference>) -> TestResult {
    if !missed.is_empty() {
        result.status = Status::Failed;
        result.reason.get_or_insert_with(|| "expectation missed".to_owned());
        result.differences.extend(missed);
    }
    result
}

fn diverged(
    mut result: TestResult,
    mut found: Vec<Difference>,
    block: Option<usize>,
) -> TestResult {
    found.iter_mut().for_each(|difference| difference.block = block);
    result.status = Status::Failed;
    result.verdict = Some(Verdict::Diverged);
    result.reason = Some("diverged".to_owned());
    result.differences.extend(found);
    result
}

/// A divergence that is already found stands.
pub(super) fn inconclusive(mut result: TestResult, reason: String) -> TestResult {
    result.status = Status::Failed;
    if result.verdict != Some(Verdict::Diverged) {
        result.verdict = Some(Verdict::Inconclusive);
        result.reason = Some(reason);
    }
    result
}
