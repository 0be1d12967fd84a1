//! Executors that are wrong on purpose.

use alloy_primitives::U256;
use lockstep_executors::Reference;
use lockstep_model::{
    At, Block, BlockOutcome, Case, Execution, Executor, ExecutorError, Mode, Outcome, Prepared,
    Rejection, Rule, RunOptions, StateReader, Telemetry,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// The corruption of a correct execution.
pub(crate) type Corruption = fn(&Case, &mut Execution);

/// The reference, corrupted from its `after`-th run on.
pub(crate) struct Corrupt {
    pub(crate) corruption: Corruption,
    pub(crate) after: usize,
    pub(crate) runs: Arc<AtomicUsize>,
}

impl Corrupt {
    pub(crate) fn new(corruption: Corruption, after: usize) -> Self {
        Self { corruption, after, runs: Arc::default() }
    }
}

impl Executor for Corrupt {
    fn prepare(
        &mut self,
        case: &Case,
        options: &RunOptions,
    ) -> Result<Box<dyn Prepared>, ExecutorError> {
        let inner = Reference.prepare(case, options)?;
        let corrupt = Self { runs: self.runs.clone(), ..*self };
        Ok(Box::new(PreparedCorrupt { inner, case: case.clone(), corrupt }))
    }
}

struct PreparedCorrupt {
    inner: Box<dyn Prepared>,
    case: Case,
    corrupt: Corrupt,
}

impl Prepared for PreparedCorrupt {
    fn run(&mut self) -> Result<Execution, ExecutorError> {
        let mut execution = self.inner.run()?;
        if self.corrupt.runs.fetch_add(1, Ordering::SeqCst) >= self.corrupt.after {
            (self.corrupt.corruption)(&self.case, &mut execution);
        }
        Ok(execution)
    }
}

fn accepted(execution: &mut Execution) -> &mut BlockOutcome {
    match &mut execution.outcome {
        Outcome::Accepted(outcome) => outcome,
        Outcome::Rejected(rejection) => panic!("{rejection}"),
    }
}

pub(crate) fn wrong_gas(_: &Case, execution: &mut Execution) {
    accepted(execution).receipts[1].gas_used += 1;
}

pub(crate) fn lost_log(_: &Case, execution: &mut Execution) {
    accepted(execution).receipts[2].logs.pop().expect("the block logs");
}

pub(crate) fn wrong_status(_: &Case, execution: &mut Execution) {
    let receipt = &mut accepted(execution).receipts[0];
    receipt.success = !receipt.success;
}

pub(crate) fn lost_fees(case: &Case, execution: &mut Execution) {
    let accounts = &mut accepted(execution).changes.accounts;
    let before = accounts.len();
    accounts.retain(|address, _| address != case.block.beneficiary);
    assert!(accounts.len() < before, "it was paid");
}

pub(crate) fn lost_code(_: &Case, execution: &mut Execution) {
    let changes = &mut accepted(execution).changes;
    assert!(!changes.codes.is_empty(), "the block deploys");
    changes.codes.clear();
}

/// The destroyed contract's storage survives it.
pub(crate) fn lost_clearing(case: &Case, execution: &mut Execution) {
    let accounts = &mut accepted(execution).changes.accounts;
    let cleared = accounts.iter_mut().find(|(_, change)| change.storage_cleared);
    let (address, change) = cleared.expect("the block destroys");
    change.storage_cleared = false;
    change.info = case.pre_state.account(address).unwrap();
}

/// The last transaction is run on the pre-state, as if it had seen none of the others.
pub(crate) fn stale_read(case: &Case, execution: &mut Execution) {
    let last = case.block.transactions.last().cloned().into_iter().collect();
    let alone = Case {
        block: Arc::new(Block { transactions: last, ..Block::clone(&case.block) }),
        ..case.clone()
    };
    let mut alone = Reference.prepare(&alone, &RunOptions::of(&alone)).unwrap().run().unwrap();
    for (address, stale) in accepted(&mut alone).changes.accounts.iter() {
        let accounts = accepted(execution).changes.accounts.iter_mut();
        if let Some((_, change)) = accounts.rev().find(|(changed, _)| *changed == address) {
            change.storage.extend_from_slice(&stale.storage);
        }
    }
}

pub(crate) fn wrong_rule(_: &Case, execution: &mut Execution) {
    match &mut execution.outcome {
        Outcome::Rejected(rejection) => rejection.rule = Rule::NonceTooLow,
        Outcome::Accepted(_) => panic!("the block must be rejected"),
    }
}

pub(crate) fn wrong_place(_: &Case, execution: &mut Execution) {
    match &mut execution.outcome {
        Outcome::Rejected(rejection) => rejection.at = At::Transaction(0),
        Outcome::Accepted(_) => panic!("the block must be rejected"),
    }
}

pub(crate) fn rejects_all(_: &Case, execution: &mut Execution) {
    let rejection = Rejection { at: At::Transaction(0), rule: Rule::NonceTooLow };
    execution.outcome = Outcome::Rejected(rejection);
}

pub(crate) fn wrong_intermediate_state(_: &Case, execution: &mut Execution) {
    let changes = accepted(execution).changes_by_transaction.as_mut().expect("before Byzantium");
    let (_, account) = changes[0].accounts.iter_mut().next().expect("it changed something");
    account.info.as_mut().expect("it exists").balance += U256::from(1);
}

/// Says that it is parallel, with as many threads as it was given; runs on one.
pub(crate) fn claims_to_be_parallel(_: &Case, execution: &mut Execution) {
    execution.telemetry = Telemetry { mode: Mode::Forced, threads: 2, ..execution.telemetry };
}

/// Never ends.
pub(crate) struct Spinning;

impl Executor for Spinning {
    fn prepare(&mut self, _: &Case, _: &RunOptions) -> Result<Box<dyn Prepared>, ExecutorError> {
        Ok(Box::new(Self))
    }
}

impl Prepared for Spinning {
    fn run(&mut self) -> Result<Execution, ExecutorError> {
        loop {
            // Asleep rather than busy: the other tests want the processor.
            thread::sleep(Duration::from_secs(3600));
        }
    }
}

/// Panics on a thread of its own, and hands the panic on.
pub(crate) struct Panicking;

impl Executor for Panicking {
    fn prepare(&mut self, _: &Case, _: &RunOptions) -> Result<Box<dyn Prepared>, ExecutorError> {
        Ok(Box::new(Self))
    }
}

impl Prepared for Panicking {
    fn run(&mut self) -> Result<Execution, ExecutorError> {
        let worker = thread::spawn(|| panic!("a worker has lost its head"));
        match worker.join() {
            Ok(()) => unreachable!(),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Passes reads on and panics at the first that is not the first: inside the executor's own worker.
pub(crate) struct PanickingReader(pub(crate) Arc<dyn StateReader>, pub(crate) AtomicUsize);

impl StateReader for PanickingReader {
    fn account(
        &self,
        address: alloy_primitives::Address,
    ) -> Result<Option<lockstep_model::AccountInfo>, lockstep_model::StateError> {
        assert!(self.1.fetch_add(1, Ordering::SeqCst) < 3, "the reader has had enough");
        self.0.account(address)
    }

    fn storage(
        &self,
        address: alloy_primitives::Address,
        slot: U256,
    ) -> Result<U256, lockstep_model::StateError> {
        self.0.storage(address, slot)
    }

    fn code(
        &self,
        hash: alloy_primitives::B256,
    ) -> Result<alloy_primitives::Bytes, lockstep_model::StateError> {
        self.0.code(hash)
    }

    fn block_hash(
        &self,
        number: u64,
    ) -> Result<alloy_primitives::B256, lockstep_model::StateError> {
        self.0.block_hash(number)
    }

    fn has_storage(
        &self,
        address: alloy_primitives::Address,
    ) -> Result<bool, lockstep_model::StateError> {
        self.0.has_storage(address)
    }
}
