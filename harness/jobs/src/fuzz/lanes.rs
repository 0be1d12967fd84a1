//! What is checked on one block.

use super::{
    FuzzPlan,
    history::{Reads, first_wrong},
    metamorphic::{first_changed, with_stranger},
    plan::FindDependencies,
};
use crate::{
    finding::{Finding, Kind},
    history::History,
};
use lockstep_cases::generate::{Features, Generated, Limits, Shape, from_seed, next_of_chain};
use lockstep_engine::{Candidate, NoExecution, Slot};
use lockstep_judge::{compare::compare_outcomes, runnable::Runnable};
use lockstep_model::{Case, Outcome};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// One block in so many takes the deep lane.
pub const DEEP_EVERY: u64 = 64;

/// One seed in so many is that of a chain of blocks: each on the state that the one before has left.
const CHAIN_EVERY: u64 = 8;

/// Blocks of a chain after its first.
const LINKS: u64 = 2;

/// Runs of each candidate in the deep lane: what is said twice should be the same twice.
const REPEATS: usize = 2;

/// Executors, kept from block to block.
pub struct Lanes {
    reference: Slot,
    fast: Vec<Slot>,
    deep: Vec<Slot>,
    /// Whose turn it is: the reference has number 0.
    turn: Arc<AtomicUsize>,
    dependencies: FindDependencies,
}

impl std::fmt::Debug for Lanes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lanes").finish_non_exhaustive()
    }
}

/// What came of one block.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Its seed.
    pub seed: u64,
    /// Which block of the seed's chain.
    pub link: u64,
    /// Whether it took the deep lane.
    pub is_deep: bool,
    /// Whether the reference accepted it.
    pub is_accepted: bool,
    /// Its transactions.
    pub transactions: u64,
    /// Those of them that have a receipt.
    pub executed: u64,
    /// Those of them that succeeded.
    pub succeeded: u64,
    /// Re-executions that the candidates told of.
    pub re_executions: u64,
    /// Of its transactions, those that depend on an earlier one; known of blocks in the deep lane that
    /// were accepted.
    pub dependent: Option<u64>,
    /// What it may have.
    pub features: Features,
    /// How its transactions conflict.
    pub shape: Shape,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Lanes {
    /// Executors for a campaign. Whose turn it is can be seen in `turn`.
    pub fn new(plan: &FuzzPlan, turn: Arc<AtomicUsize>) -> Self {
        Self {
            turn,
            dependencies: plan.dependencies,
            reference: Slot::new(&Candidate::reference(&plan.reference)),
            fast: plan.fast.iter().map(Slot::new).collect(),
            deep: plan.deep.iter().map(Slot::new).collect(),
        }
    }

    /// Checks the block of a seed and, of one seed in eight, the blocks that follow it.
    pub fn check(&mut self, seed: u64, limits: &Limits) -> Vec<Checked> {
        let mut generated = from_seed(seed, limits);
        let (first, mut outcome) = self.check_block(seed, 0, &generated);
        let mut all = vec![first];
        let links = if seed.is_multiple_of(CHAIN_EVERY) { LINKS } else { 0 };
        for link in 1..=links {
            let Some(Outcome::Accepted(before)) = &outcome else { break };
            generated = next_of_chain(seed, link, &generated, &before.changes, limits);
            let (checked, next) = self.check_block(seed, link, &generated);
            all.push(checked);
            outcome = next;
        }
        all
    }

    /// Checks one block; gives what the reference made of it.
    fn check_block(
        &mut self,
        seed: u64,
        link: u64,
        generated: &Generated,
    ) -> (Checked, Option<Outcome>) {
        let block = &generated.block;
        let mut checked = Checked {
            seed,
            link,
            is_deep: link == 0 && seed.is_multiple_of(DEEP_EVERY),
            is_accepted: false,
            transactions: block.case.block.transactions.len() as u64,
            executed: 0,
            succeeded: 0,
            re_executions: 0,
            dependent: None,
            features: generated.features,
            shape: generated.shape,
            findings: Vec::new(),
        };
        self.turn.store(0, Ordering::Relaxed);
        let right = match self.reference.execute(&block.case) {
            Ok(execution) => execution.outcome,
            Err(failure) => {
                let failed = failed(&checked, block, "reference", failure);
                checked.findings.push(failed);
                return (checked, None);
            }
        };
        if let Outcome::Accepted(outcome) = &right {
            checked.is_accepted = true;
            checked.executed = outcome.receipts.len() as u64;
            checked.succeeded =
                outcome.receipts.iter().filter(|receipt| receipt.success).count() as u64;
        }
        for (number, candidate) in self.fast.iter_mut().enumerate() {
            self.turn.store(1 + number, Ordering::Relaxed);
            compare(candidate, block, &right, &mut checked);
        }
        if checked.is_deep {
            checked.dependent = self.dependent(block, &right);
            self.go_deep(block, &right, &mut checked);
            self.add_a_stranger(generated, &mut checked);
        }
        (checked, Some(right))
    }

    /// How many transactions depend on an earlier one.
    fn dependent(&self, block: &Runnable, right: &Outcome) -> Option<u64> {
        let dependencies = match right {
            Outcome::Accepted(_) => (self.dependencies)(&block.case).ok()?,
            Outcome::Rejected(_) => return None,
        };
        Some(dependencies.transactions.iter().filter(|tx| !tx.after.is_empty()).count() as u64)
    }

    /// Compares each candidate of the fast lane with itself: a transaction that has nothing to do with
    /// the others must change none of them.
    fn add_a_stranger(&mut self, generated: &Generated, checked: &mut Checked) {
        let Some(larger) = with_stranger(generated) else { return };
        let block = &generated.block;
        for (number, candidate) in self.fast.iter_mut().enumerate() {
            self.turn.store(1 + number, Ordering::Relaxed);
            let label = candidate.label.clone();
            let runs = candidate
                .execute(&block.case)
                .and_then(|alone| Ok((alone.outcome, candidate.execute(&larger.case)?.outcome)));
            match runs {
                Ok((alone, with)) => {
                    if let Some(changed) = first_changed(&alone, &with) {
                        let reason = format!("a stranger's transfer in front changes {changed}");
                        let kind = Kind::Diverged;
                        let finding = found(checked, block, &label, kind, Some(reason));
                        checked.findings.push(finding);
                    }
                }
                Err(failure) => {
                    let failed = failed(checked, block, &label, failure);
                    checked.findings.push(failed);
                }
            }
        }
    }

    fn go_deep(&mut self, block: &Runnable, right: &Outcome, checked: &mut Checked) {
        // The harness itself first: the reference must say the same again.
        self.turn.store(0, Ordering::Relaxed);
        let before = checked.findings.len();
        if !compare(&mut self.reference, block, right, checked) {
            checked.findings[before].kind = Kind::Unstable;
        }
        let history = self.history(block);
        let reads = Arc::new(Reads::default());
        let observed = Case { reads: Some(reads.clone()), ..block.case.clone() };
        let observed = Runnable { case: observed, ..block.clone() };
        let first = 1 + self.fast.len();
        for (number, candidate) in self.deep.iter_mut().enumerate() {
            self.turn.store(first + number, Ordering::Relaxed);
            let before = checked.findings.len();
            let mut wrong = 0;
            for _ in 0..REPEATS {
                let agrees = compare(candidate, &observed, right, checked);
                wrong += usize::from(!agrees);
                let reads = reads.take();
                let fork = block.case.rules.fork;
                let misread = history.as_ref().and_then(|known| first_wrong(known, fork, &reads));
                if let Some(misread) = misread {
                    name_misread(misread.to_string(), agrees, &candidate.label, block, checked);
                }
            }
            // Wrong once and right once: worse to find, so it is said.
            if wrong > 0 && wrong < REPEATS {
                checked.findings[before].kind = Kind::Unstable;
            }
        }
    }

    /// What each transaction should read; known of blocks that the reference accepts.
    fn history(&mut self, block: &Runnable) -> Option<History> {
        let case = Case { changes_by_transaction: true, ..block.case.clone() };
        let outcome = self.reference.execute(&case).ok()?.outcome;
        matches!(outcome, Outcome::Accepted(_)).then(|| History::of(block, &outcome))
    }
}

/// Adds the first wrong read to what was found; where nothing was, it is a finding.
fn name_misread(
    misread: String,
    agrees: bool,
    label: &str,
    block: &Runnable,
    checked: &mut Checked,
) {
    match checked.findings.last_mut() {
        Some(finding) if !agrees => finding.reason = finding.reason.take().or(Some(misread)),
        _ => {
            let finding = found(checked, block, label, Kind::Misread, Some(misread));
            checked.findings.push(finding);
        }
    }
}

/// Whether the candidate agrees with the reference; if not, that is a finding.
fn compare(candidate: &mut Slot, block: &Runnable, right: &Outcome, checked: &mut Checked) -> bool {
    let mut finding = match candidate.execute(&block.case) {
        Ok(execution) => {
            checked.re_executions += execution.telemetry.re_executions;
            let differences =
                compare_outcomes(&block.pre, right, &execution.outcome, &candidate.label);
            if differences.is_empty() {
                return true;
            }
            let found = found(checked, block, &candidate.label, Kind::Diverged, None);
            Finding { differences, ..found }
        }
        Err(failure) => failed(checked, block, &candidate.label, failure),
    };
    finding.differences.truncate(MOST_DIFFERENCES);
    checked.findings.push(finding);
    false
}

/// More are no help.
const MOST_DIFFERENCES: usize = 20;

fn failed(checked: &Checked, block: &Runnable, executor: &str, failure: NoExecution) -> Finding {
    let (kind, reason) = match failure {
        NoExecution::Broke(error) => (Kind::Broke, error.to_string()),
        NoExecution::Panicked(text) => (Kind::Panicked, text),
    };
    found(checked, block, executor, kind, Some(reason))
}

fn found(
    checked: &Checked,
    block: &Runnable,
    executor: &str,
    kind: Kind,
    reason: Option<String>,
) -> Finding {
    Finding {
        seed: checked.seed,
        link: checked.link,
        block: block.case.id.to_string(),
        executor: executor.to_owned(),
        kind,
        differences: Vec::new(),
        reason,
    }
}

/// A block of the chain of a seed; the blocks before it are run by the reference.
///
/// # Errors
/// When one of those is rejected, or cannot be run: then the chain ends there.
pub fn block_of_chain(
    seed: u64,
    link: u64,
    limits: &Limits,
    reference: &Candidate,
) -> Result<Generated, String> {
    let mut generated = from_seed(seed, limits);
    let mut reference = Slot::new(reference);
    for next in 1..=link {
        let outcome = reference.execute(&generated.block.case).map(|execution| execution.outcome);
        let Ok(Outcome::Accepted(before)) = outcome else {
            return Err(format!("{}: the chain ends with this block", generated.block.case.id));
        };
        generated = next_of_chain(seed, next, &generated, &before.changes, limits);
    }
    Ok(generated)
}
