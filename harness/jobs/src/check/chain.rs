//! A chain of blocks, from import to verdict.
//!
//! The tree grows by the reference's results. After a missed expectation nothing more is expected of
//! the chain, but its other blocks still go through every executor: whether those agree is a
//! question of its own.

use super::{
    judge::{Judge, inconclusive, with_expectation},
    outcomes,
    plan::Expectations,
};
use lockstep_judge::{
    chain::{
        Chain, ChainBlock,
        import::{self, Imported},
        tree::Tree,
    },
    compare::{STATUS_FILLED_IN, compare_end, compare_receipts, is_filled_in},
    consensus::{Broken, outcome::Mismatch},
    difference::{Difference, Scope, ShouldBe},
    exceptions,
    state::{NormalChanges, roots},
};
use lockstep_model::{Block, Case, Fork, Outcome, StateChanges};
use lockstep_report::record::{CaseOutcome, Run, TestResult, Verdict};
use std::{borrow::Cow, sync::Arc};

/// A chain on its way.
struct Progress<'a> {
    chain: &'a Chain,
    tree: Tree,
    /// An expectation was missed: later blocks are checked for agreement alone.
    missed: bool,
}

/// The reference's run of a block, checked against the block's header.
struct Examined {
    /// Every reason for which the block is invalid.
    broken: Vec<Broken>,
    mismatches: Vec<Mismatch>,
    /// The changes of a block that execution accepts, whatever its header says of it.
    changes: Option<StateChanges>,
}

impl Judge {
    pub(super) fn chain(&mut self, chain: &Chain, result: TestResult) -> TestResult {
        let is_differential = self.expectations == Expectations::Ignore;
        let broken = if is_differential { Vec::new() } else { chain.broken.clone() };
        let mut result = with_expectation(result, broken);
        let tree = Tree::new(&chain.genesis);
        // Without expectations, nothing can be missed.
        let mut progress = Progress { chain, tree, missed: is_differential };
        for (index, arrived) in chain.blocks.iter().enumerate() {
            result = self.block(&mut progress, (index, arrived), result);
        }
        if !progress.missed {
            let head = progress.tree.head();
            result = with_expectation(result, compare_end(head.hash, &head.state, &chain.end));
        }
        result
    }

    fn block(
        &mut self,
        progress: &mut Progress<'_>,
        (index, arrived): (usize, &ChainBlock),
        mut result: TestResult,
    ) -> TestResult {
        let id = format!("{}#{index}", result.id);
        let imported = match import::import(progress.chain, &progress.tree, &id, arrived) {
            Ok(imported) => imported,
            Err(broken) => {
                if self.outcomes {
                    let why: Vec<String> = broken.iter().map(ToString::to_string).collect();
                    let parent = arrived.parent.and_then(|hash| progress.tree.get(hash));
                    let state = &parent.unwrap_or_else(|| progress.tree.head()).state;
                    let rejected = outcomes::rejected(state, why.join(", "), Some(index));
                    result.outcomes.push(with_header(rejected, arrived));
                }
                let missed = missed_by_invalid(arrived, &broken, || {
                    import::misplaced_fields(progress.chain, &progress.tree, arrived)
                });
                if !progress.missed {
                    result.undecidable.extend(unnamed_reason(arrived).map(Cow::Owned));
                }
                return progress.conclude(index, missed, result);
            }
        };
        let reference = match self.reference(&imported.case) {
            Ok(execution) => execution,
            Err(error) => {
                progress.missed = true;
                result.cases.add(Verdict::Inconclusive);
                return inconclusive(result, error.reason(&self.reference.label));
            }
        };
        result.runs.push(Run {
            executor: self.reference.label.clone(),
            verdict: Verdict::Agreed,
            telemetry: reference.telemetry,
        });
        let examined = examine(&imported, &reference.outcome);
        let missed = missed_by_executed(arrived, &imported, &examined, &reference.outcome);
        if missed.is_empty() && !progress.missed {
            let undecidable = undecidable(arrived, &reference.outcome);
            result.undecidable.extend(undecidable.map(Cow::Borrowed));
            result.undecidable.extend(unnamed_reason(arrived).map(Cow::Owned));
        }
        let (case, parent) = (imported.case.clone(), imported.parent.state.clone());
        if self.outcomes {
            let of = outcomes::of(&case, &parent, &reference.outcome, Some(index));
            let broken: Vec<String> = match &reference.outcome {
                Outcome::Accepted(_) => examined.broken.iter().map(ToString::to_string).collect(),
                Outcome::Rejected(_) => Vec::new(),
            };
            let invalid = (!broken.is_empty()).then(|| broken.join(", "));
            let mode = Some(reference.telemetry.mode);
            result.outcomes.push(with_header(CaseOutcome { invalid, mode, ..of }, arrived));
        }
        let is_differential = self.expectations == Expectations::Ignore;
        let accepted =
            (is_differential || arrived.exception.is_none() || examined.broken.is_empty())
                .then_some(examined.changes)
                .flatten();
        let grown = accepted.map(|changes| (imported.fork, imported.block.clone(), changes));
        result = progress.conclude(index, missed, result);
        if let Some((fork, block, changes)) = grown {
            let header = (block.header.clone(), block.hash);
            progress.tree.insert(fork, header, import::ommer_hashes(&block), &changes);
        }
        let case = with_list(case, arrived, &reference.outcome);
        self.candidates(&case, &parent, &reference.outcome, Some(index), result)
    }
}

/// The case for executors that go by the list that came with the block: the right one, or a wrong one that the test is
/// about. Where transactions make the block invalid the list may be anything, and a list of another draft of the
/// rules would end the block before much of it has run.
fn with_list(case: Case, arrived: &ChainBlock, outcome: &Outcome) -> Case {
    let right = outcome.accepted().and_then(|accepted| accepted.access_list.as_deref());
    let (Some(given), Some(right)) = (&arrived.access_list, right) else { return case };
    if **given != *right && arrived.exception.is_none() {
        return case;
    }
    let access_list = Some(given.clone());
    Case { block: Arc::new(Block { access_list, ..Block::clone(&case.block) }), ..case }
}

/// Names the block that the outcome is of.
fn with_header(outcome: CaseOutcome, arrived: &ChainBlock) -> CaseOutcome {
    let Ok(block) = &arrived.decoded else { return outcome };
    CaseOutcome { number: Some(block.header.number), hash: Some(block.hash), ..outcome }
}

impl Progress<'_> {
    /// Takes note of what a block misses, unless nothing is expected any more.
    fn conclude(
        &mut self,
        index: usize,
        mut missed: Vec<Difference>,
        result: TestResult,
    ) -> TestResult {
        if self.missed || missed.is_empty() {
            return result;
        }
        self.missed = true;
        missed.iter_mut().for_each(|difference| difference.block = Some(index));
        with_expectation(result, missed)
    }
}

fn examine(imported: &Imported<'_>, outcome: &Outcome) -> Examined {
    let mut broken: Vec<Broken> = imported.broken.iter().copied().map(Broken::Block).collect();
    let outcome = match outcome {
        Outcome::Accepted(outcome) => outcome,
        Outcome::Rejected(rejection) => {
            broken.push(Broken::Execution(rejection.clone()));
            return Examined { broken, mismatches: Vec::new(), changes: None };
        }
    };
    let pre = &imported.parent.state;
    let changes = NormalChanges::new(pre, &outcome.changes);
    let header = &imported.block.header;
    let mismatches =
        lockstep_judge::consensus::outcome::check(imported.fork, header, pre, &changes, outcome);
    broken.extend(mismatches.iter().map(|mismatch| Broken::Block(mismatch.rule)));
    Examined { broken, mismatches, changes: Some(outcome.changes.clone()) }
}

fn missed_by_executed(
    arrived: &ChainBlock,
    imported: &Imported<'_>,
    examined: &Examined,
    outcome: &Outcome,
) -> Vec<Difference> {
    let Outcome::Accepted(outcome) = outcome else {
        return missed_by_invalid(arrived, &examined.broken, Vec::new);
    };
    if arrived.exception.is_some() {
        return missed_by_invalid(arrived, &examined.broken, Vec::new);
    }
    let mut missed: Vec<_> = examined.mismatches.iter().map(difference).collect();
    missed.extend(imported.broken.iter().map(|rule| expected("body", "no rule broken", rule)));
    if let Some(stated) = &arrived.receipts
        && missed.is_empty()
    {
        let pre = &imported.parent.state;
        // Only receipts before Byzantium have the state in them.
        let states = match imported.fork {
            fork if fork < Fork::Byzantium => roots::intermediate_roots(pre, outcome),
            _ => Vec::new(),
        };
        let transactions = &imported.block.transactions;
        missed.extend(compare_receipts(stated, transactions, &outcome.receipts, &states));
    }
    missed
}

/// A statement of a file about a block that the block's own header contradicts.
fn undecidable(arrived: &ChainBlock, outcome: &Outcome) -> Option<&'static str> {
    let (Some(stated), Outcome::Accepted(outcome)) = (&arrived.receipts, outcome) else {
        return None;
    };
    let mut pairs = stated.iter().zip(&outcome.receipts);
    pairs.any(|(stated, receipt)| is_filled_in(stated, receipt)).then_some(STATUS_FILLED_IN)
}

/// Why the reason of a rejection is not compared: a name of it stands for no rule that is checked here.
fn unnamed_reason(arrived: &ChainBlock) -> Option<String> {
    let name = exceptions::undecidable(arrived.exception.as_ref()?)?;
    Some(format!("reason of a rejection: `{name}` is not a rule that is checked here"))
}

/// The missed expectations of a block that is invalid for these reasons.
fn missed_by_invalid(
    arrived: &ChainBlock,
    broken: &[Broken],
    misplaced_fields: impl FnOnce() -> Vec<String>,
) -> Vec<Difference> {
    let found = || match broken {
        [] => "accepted".to_owned(),
        reasons => {
            let names = reasons.iter().map(ToString::to_string).chain(misplaced_fields());
            let malformed = arrived.call.as_ref().and_then(|call| call.malformed.clone());
            let names: Vec<String> = names.chain(malformed).collect();
            format!("rejected: {}", names.join(", "))
        }
    };
    let missed = match &arrived.exception {
        None => (!broken.is_empty()).then(|| expected("verdict", "accepted", found())),
        Some(names) => {
            let is_decidable = exceptions::undecidable(names).is_none();
            let met = broken.iter().any(|broken| exceptions::matches(names, broken))
                || !is_decidable && !broken.is_empty();
            (!met).then(|| expected("exception", names, found()))
        }
    };
    let missed = missed.map(|difference| Difference { scope: Scope::Rejection, ..difference });
    missed.into_iter().collect()
}

fn expected(field: &'static str, expected: impl ToString, found: impl ToString) -> Difference {
    let should_be = ShouldBe::Expected(expected.to_string());
    Difference::new(Scope::Block, field, should_be, found, "reference")
}

fn difference(mismatch: &Mismatch) -> Difference {
    expected(mismatch.field, &mismatch.stated, &mismatch.found)
}
