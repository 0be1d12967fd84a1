//! The import of a whole block, stage by stage and together.

use super::measured_slot::nanoseconds;
use crate::import::{Importer, ReceiptsCommitment};
use alloy_primitives::{B256, keccak256};
use lockstep_judge::{
    runnable::Runnable,
    state::{NormalChanges, roots},
};
use lockstep_model::{BlockOutcome, Fork, Outcome, Prepared};
use lockstep_report::samples::Stages;
use std::time::Instant;

/// Times of one import, in ns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    senders: u64,
    execution: u64,
    receipts: u64,
    state_root: u64,
    import: u64,
}

impl Times {
    pub(super) fn push_to(self, stages: &mut Stages) {
        let times = self;
        stages.senders_ns.push(times.senders);
        stages.execution_ns.push(times.execution);
        stages.receipts_ns.push(times.receipts);
        stages.state_root_ns.push(times.state_root);
        stages.import_ns.push(times.import);
    }
}

/// Commitments that an import must reproduce, by the judge's own functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Commitments {
    receipts: ReceiptsCommitment,
    state_root: B256,
}

impl Commitments {
    /// One hash of what the block comes to.
    pub(super) fn digest(&self) -> B256 {
        keccak256([self.state_root, self.receipts.root].concat())
    }

    /// Holds them against the header, as far as a source states it.
    fn check(&self, block: &Runnable) -> Result<(), String> {
        let expectation = &block.expectation;
        let header = expectation.header.as_ref();
        let stated = [
            ("state root", expectation.state_root, self.state_root),
            ("receipts root", header.and_then(|header| header.receipts_root), self.receipts.root),
        ];
        match stated
            .into_iter()
            .find(|(_, stated, found)| stated.is_some_and(|stated| stated != *found))
        {
            Some((what, stated, found)) => {
                let stated = stated.unwrap_or_default();
                Err(format!("{what}: the header states {stated}, the reference comes to {found}"))
            }
            None => Ok(()),
        }
    }

    /// The commitments of the right outcome.
    ///
    /// # Errors
    /// Why this block has no import to measure.
    pub(super) fn of(block: &Runnable, right: &Outcome) -> Result<Self, String> {
        let Outcome::Accepted(right) = right else { return Err("the block is invalid".to_owned()) };
        if block.case.rules.fork < Fork::Byzantium {
            return Err("receipts before Byzantium hold a state root each".to_owned());
        }
        let changes = NormalChanges::new(&block.pre, &right.changes);
        let (root, bloom) =
            (roots::receipts_root(&right.receipts), roots::logs_bloom(&right.receipts));
        let receipts = ReceiptsCommitment { root, bloom };
        let found = Self { receipts, state_root: roots::state_root(&block.pre, &changes) };
        found.check(block)?;
        Ok(found)
    }
}

/// One hash of what a block comes to: keccak-256 of its state root and receipts root. `None` of an invalid
/// block, and before Byzantium.
pub fn digest(block: &Runnable, outcome: &Outcome) -> Option<B256> {
    Commitments::of(block, outcome).ok().map(|commitments| commitments.digest())
}

/// One import.
pub(super) struct Import {
    pub(super) times: Times,
    pub(super) outcome: Outcome,
}

/// Imports the block twice: stage by stage, each by itself, and then together.
///
/// # Errors
/// The wrong commitment, sender or outcome.
pub(super) fn import(
    block: &Runnable,
    prepared: &mut dyn Prepared,
    importer: &Importer,
    expected: &Commitments,
) -> Result<Import, String> {
    let mut clock = Instant::now();
    let mut lap = || nanoseconds(std::mem::replace(&mut clock, Instant::now()).elapsed());
    senders(block, importer)?;
    let senders_ns = lap();
    let outcome = execute(prepared)?;
    let execution_ns = lap();
    let receipts = importer.receipts(&outcome.receipts);
    let receipts_ns = lap();
    let state_root = importer.state_root(&block.pre, &outcome.changes);
    let state_root_ns = lap();
    agree(&Commitments { receipts, state_root }, expected)?;
    drop(outcome);

    let start = Instant::now();
    let (outcome, found) = together(block, prepared, importer)?;
    let import_ns = nanoseconds(start.elapsed());
    agree(&found, expected)?;
    let times = Times {
        senders: senders_ns,
        execution: execution_ns,
        receipts: receipts_ns,
        state_root: state_root_ns,
        import: import_ns,
    };
    Ok(Import { times, outcome: Outcome::Accepted(outcome) })
}

/// Imports the block as a whole. If the block states its changes, the state root is computed beside
/// everything else.
fn together(
    block: &Runnable,
    prepared: &mut dyn Prepared,
    importer: &Importer,
) -> Result<(Box<BlockOutcome>, Commitments), String> {
    match prepared.stated_changes().map_err(|error| error.to_string())? {
        Some(stated) => {
            let root = || importer.state_root(&block.pre, &stated);
            let (state_root, rest) = importer.beside(root, || {
                senders(block, importer)?;
                let outcome = execute(prepared)?;
                let receipts = importer.receipts(&outcome.receipts);
                Ok::<_, String>((outcome, receipts))
            });
            let (outcome, receipts) = rest?;
            Ok((outcome, Commitments { receipts, state_root }))
        }
        None => {
            senders(block, importer)?;
            let outcome = execute(prepared)?;
            let root = || importer.state_root(&block.pre, &outcome.changes);
            let receipts = || importer.receipts(&outcome.receipts);
            let (state_root, receipts) = importer.beside(root, receipts);
            Ok((outcome, Commitments { receipts, state_root }))
        }
    }
}

fn senders(block: &Runnable, importer: &Importer) -> Result<(), String> {
    let transactions = &block.case.block.transactions;
    let senders = importer.senders(transactions);
    let senders =
        senders.map_err(|index| format!("transaction {index}: its signature is not valid"))?;
    match senders.iter().zip(transactions).position(|(sender, known)| *sender != known.sender) {
        Some(index) => Err(format!(
            "transaction {index}: signed by {}, sent by {}",
            senders[index], transactions[index].sender
        )),
        None => Ok(()),
    }
}

fn execute(prepared: &mut dyn Prepared) -> Result<Box<BlockOutcome>, String> {
    match prepared.run().map_err(|error| error.to_string())?.outcome {
        Outcome::Accepted(outcome) => Ok(outcome),
        Outcome::Rejected(rejection) => Err(format!("rejected: {rejection:?}")),
    }
}

fn agree(found: &Commitments, expected: &Commitments) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("import: expected {expected:?}, found {found:?}"))
}
