//! The fastest one-thread execution of a block by revm: what speedups are stated against.
//!
//! # Why it is correct
//!
//! One EVM and one journal run the whole block. revm's journal is made for that: every transaction
//! has an id, an account or slot that an earlier one left there is cold again, and its present value
//! becomes the original of EIP-2200. Two things need care.
//!
//! * *Ends between transactions.* An account that a transaction destroys is reset by the journal when
//!   a later one loads it. An empty account that a transaction touches ends with it (EIP-161); the
//!   journal keeps it as an empty one, which no instruction can tell apart. Only the question of
//!   EIP-7610, whether an account has storage, could: `state::BlockState` notes when the pre-state
//!   shows an empty account that exists, and from then on such accounts are ended after each
//!   transaction.
//! * *The fee recipient* is paid in one sum, as long as no transaction loads it: see
//!   the deferred reward of `evm`. What is owed is added the moment it is loaded.
//!
//! Before Spurious Dragon touching creates accounts, Amsterdam needs the list of accesses, and receipts
//! before Byzantium the changes of each transaction: such blocks run as the reference runs them, which
//! is exact and a little slower.

mod changes;
mod state;

use crate::{
    commit::{GasClaim, OrderedCommit},
    evm::{
        Deferral, ReadError, ReaderDb, StrictEvm, broken_evm, evm_env, has_state_clearing,
        rule_of_invalid_transaction, run_deferring_reward, transaction_env,
    },
    phases,
    reference::{Reference, SessionDb, Stop, execution, has_access_list, sequential_telemetry},
    sync::Arc,
};
use alloy_evm::EvmEnv;
use alloy_primitives::Bytes;
pub(crate) use changes::changes_of;
use lockstep_faults::gas_and_receipts::H10;
use lockstep_model::{
    BlockOutcome, Case, Execution, Executor, ExecutorError, Prepared, StateChanges,
};
use revm::context::{
    TxEnv,
    result::{EVMError, ExecutionResult},
};
pub(crate) use state::Overlaid;
use state::{AfterTransactions, BlockState};

/// One EVM and one journal for the whole block.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sequential;

impl Executor for Sequential {
    fn prepare(&mut self, case: &Case) -> Result<Box<dyn Prepared>, ExecutorError> {
        if !runs_in_one_journal(case) {
            return Reference.prepare(case);
        }
        crate::reference::refuse_unsupported(case)?;
        let transactions = case.block.transactions.iter().map(transaction_env).collect();
        let claims = GasClaim::all(&case.block.transactions);
        let (case, env) = (case.clone(), evm_env(case));
        Ok(Box::new(PreparedSequential { case, env, transactions, claims }))
    }
}

struct PreparedSequential {
    case: Case,
    env: EvmEnv,
    transactions: Vec<TxEnv>,
    claims: Arc<[GasClaim]>,
}

impl Prepared for PreparedSequential {
    fn run(&mut self) -> Result<Execution, ExecutorError> {
        let outcome = execute(&self.case, &self.env, &self.transactions, &self.claims);
        execution(outcome, sequential_telemetry(self.transactions.len()))
    }
}

/// Executes a whole block that [`runs_in_one_journal`].
pub(crate) fn execute(
    case: &Case,
    env: &EvmEnv,
    transactions: &[TxEnv],
    claims: &[GasClaim],
) -> Result<BlockOutcome, Stop> {
    let before = phases::pre_block(case, env, ReaderDb(case.pre_state.clone()))?;
    let below = Overlaid::new(case.pre_state.clone(), &before.changes);
    let mut gas = OrderedCommit::new(case);
    let rest = Rest { case, env, transactions, claims, first: 0 };
    let mut changes = before.changes;
    let requests = rest.execute(below, &mut gas, &mut changes)?;
    Ok(BlockOutcome {
        gas_used: gas.gas_used(),
        blob_gas_used: gas.blob_gas(),
        receipts: gas.into_receipts(),
        requests,
        changes,
        ..BlockOutcome::default()
    })
}

/// Whether one journal can run the block; see the top of this module.
pub(crate) fn runs_in_one_journal(case: &Case) -> bool {
    has_state_clearing(case) && !has_access_list(case) && !case.changes_by_transaction
}

/// The transactions of a block from one on, and what comes after them.
pub(crate) struct Rest<'a> {
    pub(crate) case: &'a Case,
    pub(crate) env: &'a EvmEnv,
    /// All of the block's.
    pub(crate) transactions: &'a [TxEnv],
    pub(crate) claims: &'a [GasClaim],
    /// The first to be executed.
    pub(crate) first: usize,
}

impl Rest<'_> {
    /// Executes it on the state below; the receipts go to `gas`, and what changes is added to what has
    /// changed below. Gives the block's requests.
    pub(crate) fn execute<DB: SessionDb>(
        &self,
        below: DB,
        gas: &mut OrderedCommit,
        changes: &mut StateChanges,
    ) -> Result<Vec<Bytes>, Stop> {
        let deferral = Deferral::of(self.case).map_err(|error| Stop::Broken(error.into()))?;
        let state = BlockState::new(below, self.case.block.beneficiary);
        let mut evm = StrictEvm::new(state, self.env.clone());
        let transactions = self.claims.iter().zip(self.transactions);
        for (claim, env) in transactions.skip(self.first) {
            let before = evm.context().journaled_state.inner.transaction_id;
            let result = match transact(&mut evm, env.clone(), deferral) {
                Ok(result) => Ok(result.into()),
                Err(EVMError::Transaction(invalid)) => Err(rule_of_invalid_transaction(&invalid)),
                Err(error) => return Err(Stop::Broken(broken_evm(error))),
            };
            gas.commit(claim, result).map_err(Stop::Rejected)?;
            if H10.is_planted() {
                evm.context().journaled_state.inner.transaction_id = before;
            }
        }
        let mut after = AfterTransactions::new(evm);
        let end = phases::post_block(self.case, self.env, &mut after, gas)?;
        after.add_to(changes).map_err(|error| Stop::Broken(error.into()))?;
        changes.extend(end.changes);
        Ok(end.requests)
    }
}

fn transact<DB: SessionDb>(
    evm: &mut StrictEvm<BlockState<DB>>,
    transaction: TxEnv,
    deferral: Deferral,
) -> Result<ExecutionResult, EVMError<ReadError>> {
    let (result, owed) = run_deferring_reward(evm, transaction, deferral)?;
    if let Some(amount) = owed {
        evm.db_mut().owe(amount);
    }
    if evm.db_mut().has_empty_accounts() {
        state::end_empty_accounts(&mut evm.context().journaled_state.inner.state);
    }
    Ok(result)
}
