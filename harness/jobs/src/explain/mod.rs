//! Why an executor was wrong on a block: the first transaction that came out differently, and the value
//! that it must have read to come out so.
//!
//! Executors tell nothing of what they read. It is found by trying: the transaction is executed again,
//! alone, on the state that it should have seen but for one place, which is as an earlier transaction
//! left it; where that gives what the executor gave, that is what it read. If no single location
//! explains it, whole states of before are tried.
//!
//! * `stale`: the value that explains it.
//! * `render`: as text, and as Markdown for an issue.

mod render;
mod stale;

use crate::{
    finding::{Failure, Kind},
    history::{History, Place, Writer},
    minimise::{MOST_RUNS, NotShrunk, Suspect},
    trials::StuckThread,
};
use lockstep_judge::{
    compare::compare_outcomes, difference::Difference, runnable::Runnable, state::NormalChanges,
};
use lockstep_model::{
    At, BlockOutcome, Case, ExecutorError, Outcome, Receipt, Rule, RunOptions, StateChanges,
    StateReader, Step, Traced,
};
pub use render::{Style, render};
pub use stale::StaleRead;
use std::sync::Arc;

/// Executes one transaction of a case on a state.
pub type Tracer<'a> =
    &'a dyn Fn(&Case, usize, Arc<dyn StateReader>) -> Result<Traced, ExecutorError>;

/// Why an executor was wrong.
#[derive(Debug)]
pub struct Explanation {
    /// The block.
    pub block: String,
    /// The executor, with its threads.
    pub executor: String,
    /// Its failure.
    pub failure: Failure,
    /// Everything in which its outcome differs.
    pub differences: Vec<Difference>,
    /// The first transaction that came out differently; `None` where all came out right, and only the
    /// block did not.
    pub transaction: Option<usize>,
    /// The stale read that explains it, where one does.
    pub stale: Option<StaleRead>,
    /// The transaction as it should run, and as it ran with what was read; the first step that is not
    /// the same.
    pub traces: Option<Traces>,
    /// Accounts of the first differences, with those who wrote them.
    pub writers: Vec<(Place, Vec<Writer>)>,
    /// The reference's outcome on the block, where the candidate comes to none.
    pub reference: Option<String>,
    /// The threads of a run that does not end, with their states.
    pub stuck: Vec<StuckThread>,
}

/// Two runs of one transaction.
#[derive(Debug)]
pub struct Traces {
    /// As it should run.
    pub right: Vec<Step>,
    /// As it ran.
    pub wrong: Vec<Step>,
    /// The first step that is not the same.
    pub first_different: usize,
}

/// The result of a transaction.
enum Came<'a> {
    Executed(&'a Receipt, Option<&'a StateChanges>),
    Refused(&'a Rule),
    /// Not so far: the block ended before.
    Nothing,
}

/// Explains what the suspect does on the block.
///
/// # Errors
/// When it does nothing wrong, or the reference cannot run the block.
pub fn explain(
    block: &Runnable,
    suspect: &mut Suspect,
    tracer: Tracer<'_>,
) -> Result<Explanation, NotShrunk> {
    let options = RunOptions { changes_by_transaction: true, ..RunOptions::default() };
    let right = suspect.right(block, &options)?;
    let (failure, wrong) = match suspect.failing_outcome(block, &options, MOST_RUNS) {
        // Asked for the changes of each transaction, an executor may take another way.
        Err(NotShrunk::Agrees { .. }) => {
            suspect.failing_outcome(block, &RunOptions::of(&block.case), MOST_RUNS)?
        }
        found => found?,
    };
    let mut explanation = Explanation {
        block: block.case.id.to_string(),
        executor: suspect.label().to_owned(),
        failure,
        differences: Vec::new(),
        transaction: None,
        stale: None,
        traces: None,
        writers: Vec::new(),
        reference: None,
        stuck: Vec::new(),
    };
    let Some(wrong) = wrong else {
        explanation.reference = Some(what_it_did(&right));
        if explanation.failure.kind == Kind::Hung {
            explanation.stuck = suspect.stuck(block, RUNS_TO_HANG);
        }
        return Ok(explanation);
    };
    explanation.differences = compare_outcomes(&block.pre, &right, &wrong, suspect.label());
    let history = History::of(block, &right);
    explanation.transaction = first_different(&history, &right, &wrong);
    explanation.writers = writers(&history, &explanation.differences);
    if let Some(index) = explanation.transaction {
        let found = stale::find(&block.case, &history, index, &came(&wrong, index), tracer);
        let found = found.map_err(|error| NotShrunk::Reference(error.to_string()))?;
        explanation.traces = found.traces;
        explanation.stale = found.stale;
    }
    Ok(explanation)
}

/// A block that hangs seldom is not waited for.
const RUNS_TO_HANG: u32 = 24;

/// An outcome in one sentence.
fn what_it_did(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted(block) => format!(
            "accepts the block: {} transactions, {} gas used",
            block.receipts.len(),
            block.receipts.iter().map(|receipt| receipt.gas_used).sum::<u64>()
        ),
        Outcome::Rejected(rejection) => format!("rejects the block: {rejection}"),
    }
}

/// The result of a transaction in an outcome.
fn came(outcome: &Outcome, index: usize) -> Came<'_> {
    match outcome {
        Outcome::Accepted(outcome) => {
            let changes = outcome.changes_by_transaction.as_ref();
            match outcome.receipts.get(index) {
                Some(receipt) => {
                    Came::Executed(receipt, changes.and_then(|changes| changes.get(index)))
                }
                None => Came::Nothing,
            }
        }
        Outcome::Rejected(rejection) if rejection.at == At::Transaction(index) => {
            Came::Refused(&rejection.rule)
        }
        Outcome::Rejected(_) => Came::Nothing,
    }
}

fn first_different(history: &History, right: &Outcome, wrong: &Outcome) -> Option<usize> {
    let (Some(ours), Some(theirs)) = (right.accepted(), wrong.accepted()) else {
        let at = |outcome: &Outcome| match outcome {
            Outcome::Rejected(rejection) => match rejection.at {
                At::Transaction(index) => Some(index),
                _ => None,
            },
            Outcome::Accepted(_) => None,
        };
        // The one whose rejection the other does not share.
        return at(wrong).into_iter().chain(at(right)).min();
    };
    let receipts = ours.receipts.iter().zip(&theirs.receipts);
    let by_receipt = receipts
        .enumerate()
        .find(|(_, (ours, theirs))| !is_same_receipt(ours, theirs))
        .map(|(index, _)| index);
    let by_changes = (0..ours.receipts.len()).find(|index| {
        let changes = |outcome: &BlockOutcome| {
            let all = outcome.changes_by_transaction.as_ref()?;
            Some(NormalChanges::new(history.before(*index), all.get(*index)?))
        };
        match (changes(ours), changes(theirs)) {
            (Some(ours), Some(theirs)) => ours.accounts != theirs.accounts,
            _ => false,
        }
    });
    by_receipt.into_iter().chain(by_changes).min()
}

/// The gas of those before is not its own.
fn is_same_receipt(ours: &Receipt, theirs: &Receipt) -> bool {
    (ours.success, ours.gas_used, &ours.logs, ours.transaction_type)
        == (theirs.success, theirs.gas_used, &theirs.logs, theirs.transaction_type)
}

fn writers(history: &History, differences: &[Difference]) -> Vec<(Place, Vec<Writer>)> {
    let places = differences.iter().filter_map(|difference| {
        let address = difference.address?;
        Some(difference.slot.map_or(Place::Account(address), |slot| Place::Slot(address, slot)))
    });
    let mut known = Vec::new();
    for place in places {
        if known.iter().all(|(other, _)| *other != place) {
            known.push((place, history.writers(place)));
        }
    }
    known.truncate(MOST_PLACES);
    known
}

/// More are no help.
const MOST_PLACES: usize = 8;
