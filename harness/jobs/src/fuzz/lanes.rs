//! The checks of one block: the fast lane and the deep lane.

use super::{
    FuzzPlan,
    history::{Reads, first_wrong},
    metamorphic::{first_changed, with_stranger},
    plan::FindDependencies,
};
use crate::{
    finding::{ACCEPTS, Finding, Kind, REJECTS},
    history::History,
};
use lockstep_cases::generate::{
    Features, Generated, Limits, Recipe, Shape, from_seed, next_of_chain,
};
use lockstep_engine::{
    Candidate, NoExecution, Slot,
    isolation::{Beat, Heart},
};
use lockstep_judge::{
    compare::{Comparison, lacks_states},
    runnable::Runnable,
};
use lockstep_model::{ExecutorError, Outcome, RunOptions};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// One block in so many takes the deep lane.
pub const DEEP_EVERY: u64 = 64;

/// One seed in so many is that of a chain of blocks: each on the state that the one before has left.
const CHAIN_EVERY: u64 = 8;

/// Blocks of a chain after its first.
const LINKS: u64 = 2;

/// Runs of each candidate in the deep lane: two runs must have the same outcome.
const REPEATS: usize = 2;

/// Other programs may take one part in so many of the time.
const CLIENTS_EVERY: u32 = 20;

/// Executors, kept from block to block.
pub struct Lanes {
    reference: Slot,
    fast: Vec<Slot>,
    deep: Vec<Slot>,
    clients: Vec<Slot>,
    since: Instant,
    spent_on_clients: Duration,
    /// Beats before each executor run. Slot 0 is the reference.
    heart: Heart,
    limits: Limits,
    dependencies: FindDependencies,
}

impl std::fmt::Debug for Lanes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lanes").finish_non_exhaustive()
    }
}

/// One checked block.
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
    /// Transactions that depend on an earlier one; known of blocks in the deep lane that
    /// were accepted.
    pub dependent: Option<u64>,
    /// Features that it may have.
    pub features: Features,
    /// How its transactions conflict.
    pub shape: Shape,
    /// Runs of clients, without those that do not support the block.
    pub by_clients: u64,
    /// Runs of candidates that do not support the block.
    pub unsupported: u64,
    /// Runs of candidates that gave no changes of each transaction where the fork needs them.
    pub without_states: u64,
    /// Its findings.
    pub findings: Vec<Finding>,
}

impl Lanes {
    /// Executors for a campaign.
    pub fn new(plan: &FuzzPlan, heart: Heart) -> Self {
        Self {
            heart,
            limits: plan.limits.clone(),
            dependencies: plan.dependencies,
            reference: Slot::new(&Candidate::reference(&plan.reference)),
            fast: plan.fast.iter().map(Slot::new).collect(),
            deep: plan.deep.iter().map(Slot::new).collect(),
            clients: plan.clients.iter().map(Slot::new).collect(),
            since: Instant::now(),
            spent_on_clients: Duration::ZERO,
        }
    }

    /// Checks the block of a seed and, of one seed in eight, the blocks that follow it.
    pub fn check(&mut self, seed: u64) -> Vec<Checked> {
        self.heart.wait_while_paused(Beat { trial: seed, ..Beat::default() });
        let limits = self.limits.clone();
        let mut generated = from_seed(seed, &limits);
        let (first, mut outcome) = self.check_block(seed, 0, &generated);
        let mut all = vec![first];
        let links = if seed.is_multiple_of(CHAIN_EVERY) { LINKS } else { 0 };
        for link in 1..=links {
            let Some(Outcome::Accepted(before)) = &outcome else { break };
            generated = next_of_chain(seed, link, &generated, &before.changes, &limits);
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
            by_clients: 0,
            unsupported: 0,
            without_states: 0,
            findings: Vec::new(),
        };
        let mut at = Beat { trial: seed, part: link, ..Beat::default() };
        self.heart.beat(at);
        let recipe = Recipe { seed, link, limits: self.limits.clone() };
        let right = match self.reference.execute(&block.case, &RunOptions::of(&block.case)) {
            Ok(execution) => execution.outcome,
            Err(failure) => {
                checked.findings.push(failed(&recipe, "reference", failure));
                return (checked, None);
            }
        };
        at.known = known(&right);
        let comparison = Comparison::new(&block.pre, &right);
        let options = RunOptions::of(&block.case);
        let trial = Trial { block, right: &right, comparison, options, recipe, at };
        if let Outcome::Accepted(outcome) = &right {
            checked.is_accepted = true;
            checked.executed = outcome.receipts.len() as u64;
            checked.succeeded =
                outcome.receipts.iter().filter(|receipt| receipt.success).count() as u64;
        }
        for (number, candidate) in self.fast.iter_mut().enumerate() {
            self.heart.beat(trial.at_slot(1 + number));
            compare(candidate, &trial.options, &trial, &mut checked);
        }
        if checked.is_deep {
            checked.dependent = self.dependent(block, &right);
            self.go_deep(&trial, &mut checked);
            self.add_a_stranger(generated, &trial, &mut checked);
            self.show_clients(&trial, &mut checked);
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

    /// A metamorphic check of the fast lane: an unrelated transfer is prepended, and must change nothing else.
    fn add_a_stranger(&mut self, generated: &Generated, trial: &Trial<'_>, checked: &mut Checked) {
        let Some(larger) = with_stranger(generated) else { return };
        for (number, candidate) in self.fast.iter_mut().enumerate() {
            self.heart.beat(trial.at_slot(1 + number));
            let runs = candidate.execute(&trial.block.case, &trial.options).and_then(|alone| {
                let with = candidate.execute(&larger.case, &trial.options)?;
                Ok((alone.outcome, with.outcome))
            });
            match runs {
                Ok((alone, with)) => {
                    if let Some(changed) = first_changed(&alone, &with) {
                        let reason = format!("an unrelated transfer in front changes {changed}");
                        let finding = trial.finding(&candidate.label, Kind::Diverged);
                        checked.findings.push(Finding { reason: Some(reason), ..finding });
                    }
                }
                Err(failure) => {
                    let found = trial.failed(&candidate.label, failure, checked);
                    checked.findings.extend(found);
                }
            }
        }
    }

    fn go_deep(&mut self, trial: &Trial<'_>, checked: &mut Checked) {
        let block = trial.block;
        // The harness itself first: the reference must say the same again.
        self.heart.beat(trial.at_slot(0));
        let before = checked.findings.len();
        if !compare(&mut self.reference, &trial.options, trial, checked)
            && let Some(finding) = checked.findings.get_mut(before)
        {
            finding.kind = Kind::Unstable;
        }
        let history = self.history(block);
        let reads = Arc::new(Reads::default());
        let observed = RunOptions { reads: Some(reads.clone()), ..trial.options.clone() };
        let first = 1 + self.fast.len();
        for (number, candidate) in self.deep.iter_mut().enumerate() {
            self.heart.beat(trial.at_slot(first + number));
            let before = checked.findings.len();
            let mut wrong = 0;
            for _ in 0..REPEATS {
                let agrees = compare(candidate, &observed, trial, checked);
                wrong += usize::from(!agrees);
                let reads = reads.take();
                let fork = block.case.rules.fork;
                let misread = history.as_ref().and_then(|known| first_wrong(known, fork, &reads));
                if let Some(misread) = misread {
                    name_misread(misread.to_string(), agrees, &candidate.label, trial, checked);
                }
            }
            // Wrong once and right once: worse to find, so it is said.
            if wrong > 0
                && wrong < REPEATS
                && let Some(finding) = checked.findings.get_mut(before)
            {
                finding.kind = Kind::Unstable;
            }
        }
    }

    /// Shows the block to the clients, unless they have had their share of the time.
    fn show_clients(&mut self, trial: &Trial<'_>, checked: &mut Checked) {
        if self.clients.is_empty() || self.spent_on_clients * CLIENTS_EVERY > self.since.elapsed() {
            return;
        }
        let (start, first) = (Instant::now(), 1 + self.fast.len() + self.deep.len());
        for (number, client) in self.clients.iter_mut().enumerate() {
            self.heart.beat(trial.at_slot(first + number));
            let unsupported = checked.unsupported;
            compare(client, &trial.options, trial, checked);
            checked.by_clients += u64::from(checked.unsupported == unsupported);
        }
        self.spent_on_clients += start.elapsed();
    }

    /// The reads that each transaction should make; known of blocks that the reference accepts.
    fn history(&mut self, block: &Runnable) -> Option<History> {
        let options = RunOptions { changes_by_transaction: true, ..RunOptions::default() };
        let outcome = self.reference.execute(&block.case, &options).ok()?.outcome;
        matches!(outcome, Outcome::Accepted(_)).then(|| History::of(block, &outcome))
    }
}

/// A block, what the reference made of it, and how it is made again.
struct Trial<'a> {
    block: &'a Runnable,
    right: &'a Outcome,
    comparison: Comparison<'a>,
    options: RunOptions,
    recipe: Recipe,
    at: Beat,
}

impl Trial<'_> {
    fn at_slot(&self, slot: usize) -> Beat {
        Beat { slot: slot as u64, ..self.at }
    }

    fn finding(&self, executor: &str, kind: Kind) -> Finding {
        let finding = Finding::new(self.recipe.clone(), executor, kind).with_reference(self.right);
        Finding { block: self.block.case.id.to_string(), ..finding }
    }

    /// The finding of a run without an outcome. An unsupported block is none: it is counted.
    fn failed(
        &self,
        executor: &str,
        failure: NoExecution,
        checked: &mut Checked,
    ) -> Option<Finding> {
        if let NoExecution::Broke(ExecutorError::Unsupported(_)) = failure {
            checked.unsupported += 1;
            return None;
        }
        let failed = failed(&self.recipe, executor, failure).with_reference(self.right);
        Some(Finding { block: self.block.case.id.to_string(), ..failed })
    }
}

/// [`Beat::known`] of a block: 1 where the reference accepts it, 2 where it rejects it.
const fn known(right: &Outcome) -> u64 {
    match right {
        Outcome::Accepted(_) => 1,
        Outcome::Rejected(_) => 2,
    }
}

/// The reference's verdict on a block, from [`Beat::known`].
pub(super) fn reference_of(known: u64) -> Option<String> {
    match known {
        1 => Some(ACCEPTS.to_owned()),
        2 => Some(REJECTS.to_owned()),
        _ => None,
    }
}

/// Adds the first wrong read to the finding of a wrong run; of a right run it is a finding by itself.
fn name_misread(
    misread: String,
    agrees: bool,
    label: &str,
    trial: &Trial<'_>,
    checked: &mut Checked,
) {
    match checked.findings.last_mut() {
        Some(finding) if !agrees => finding.reason = finding.reason.take().or(Some(misread)),
        _ => {
            let finding = trial.finding(label, Kind::Misread);
            checked.findings.push(Finding { reason: Some(misread), ..finding });
        }
    }
}

/// Whether the candidate agrees with the reference; if not, that is a finding. The options are those of the trial, and
/// may record reads. A candidate that does not support the block is not held against it.
fn compare(
    candidate: &mut Slot,
    options: &RunOptions,
    trial: &Trial<'_>,
    checked: &mut Checked,
) -> bool {
    let (block, right) = (trial.block, trial.right);
    match candidate.execute(&block.case, options) {
        Ok(execution) => {
            checked.re_executions += execution.telemetry.re_executions;
            let outcome = &execution.outcome;
            checked.without_states += u64::from(lacks_states(right, outcome));
            let mut differences = trial.comparison.with(outcome, &candidate.label);
            if differences.is_empty() {
                return true;
            }
            differences.truncate(MOST_DIFFERENCES);
            let finding = trial.finding(&candidate.label, Kind::Diverged);
            checked.findings.push(finding.with_differences(block, right, differences));
            false
        }
        Err(failure) => {
            let found = trial.failed(&candidate.label, failure, checked);
            let agrees = found.is_none();
            checked.findings.extend(found);
            agrees
        }
    }
}

/// More are no help.
const MOST_DIFFERENCES: usize = 20;

fn failed(recipe: &Recipe, executor: &str, failure: NoExecution) -> Finding {
    let (kind, reason) = match failure {
        NoExecution::Broke(error) => (Kind::Broke, error.to_string()),
        NoExecution::Panicked(text) => (Kind::Panicked, text),
    };
    Finding { reason: Some(reason), ..Finding::new(recipe.clone(), executor, kind) }
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
        let case = &generated.block.case;
        let outcome = reference.execute(case, &RunOptions::of(case)).map(|done| done.outcome);
        let Ok(Outcome::Accepted(before)) = outcome else {
            return Err(format!("{}: the chain ends with this block", generated.block.case.id));
        };
        generated = next_of_chain(seed, next, &generated, &before.changes, limits);
    }
    Ok(generated)
}
