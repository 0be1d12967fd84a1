//! The fastest one-thread execution of a block by revm: what speedups are stated against.
//!
//! # Why it is correct
//!
//! One EVM and one journal run the whole block: `commit_tx` ends a transaction and increments the
//! journal's transaction id. Each piece of state that outlives it, and why the next transaction cannot
//! tell (read in revm-context 43.0.3 `journal/inner.rs`, revm-state 43.0.1; the test `fresh_journal`
//! compares, after each transaction of generated blocks, the kept journal with a fresh one over the
//! committed state):
//!
//! * *Transient storage, logs, call depth, revert entries, the EIP-8246 list, the warm fee recipient and
//!   the access list* are cleared by `commit_tx`. A transaction that fails validation rejects the block:
//!   the journal is not used after it.
//! * *Warm marks* of accounts and slots carry the id of the transaction that set them: under a later id
//!   the account or slot is cold. Precompiles are warm in every transaction of a fork.
//! * *Present values* (balance, nonce, code, slots) are the committed ones. *Code* is replaced together
//!   with its hash; a reverted creation leaves `None`, which is loaded again by hash.
//! * *Original values* of slots (EIP-2200) are set to the present ones by the first load under a new id.
//!   *Original account infos* are asked for by Amsterdam's rules alone, which run elsewhere.
//! * *`CreatedLocal`, `SelfDestructedLocal`* are cleared, and a destroyed account is reset, by the first
//!   load under a new id. Nothing looks at an account without loading it first.
//! * *`Created`* answers slots that were never loaded with zero instead of asking the pre-state. A created
//!   account had no storage there (EIP-7610), and neither has one whose creation was reverted.
//! * *`SelfDestructed`* is asked by EIP-7610's question alone: the storage in the pre-state is gone. A
//!   reverted destruction takes the flag back. Slots of a destroyed contract that were never loaded would
//!   come from the pre-state, but only code reads slots: a new creation sets `Created`, and where code
//!   comes by delegation (Prague), destruction needs a creation (EIP-6780).
//! * *`LoadedAsNotExisting`* and *`Touched`* together tell EIP-7702 whether an authority exists, and its
//!   refund depends on it. `Touched` stays on an account that an earlier transaction met without a change
//!   (a transfer or call of nothing, a destruction in its favour), so that the account would count as
//!   existing. `state::end_authorities` resets ended accounts among the authorities of a transaction
//!   before it runs. Elsewhere `Touched` decides only whether a revert entry is written.
//! * *Empty accounts that exist* can come from the pre-state alone. The first transaction that touches one
//!   ends it (EIP-161), storage included: `state::BlockState` notes when the pre-state shows such an
//!   account, and from then on `state::end_empty_accounts` runs after each transaction.
//! * *Empty 0x03*: revm keeps its touch in reverted frames; it ends with the other empty accounts.
//! * *The fee recipient* is paid in one sum, as long as no transaction loads it: see the deferred reward
//!   of `evm`. The amount owed is added the moment the account is loaded.
//!
//! Before Spurious Dragon touching creates accounts, Amsterdam needs the list of accesses, and receipts
//! before Byzantium the changes of each transaction: such blocks run as the reference runs them, which
//! is exact and a little slower.

mod changes;
#[cfg(test)]
mod fresh_journal;
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
use lockstep_faults::{
    delegation::TOUCHED_AUTHORITY_EXISTS, gas_and_receipts::ORIGINAL_VALUES_OF_BLOCK_START,
};
use lockstep_model::{
    BlockOutcome, Case, Execution, Executor, ExecutorError, Prepared, RunOptions, StateChanges,
};
use revm::{
    context::{
        TxEnv,
        result::{EVMError, ExecutionResult},
    },
    context_interface::transaction::AuthorizationTr as _,
};
pub(crate) use state::Overlaid;
use state::{AfterTransactions, BlockState};

/// One EVM and one journal for the whole block.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sequential;

impl Executor for Sequential {
    fn prepare(
        &mut self,
        case: &Case,
        options: &RunOptions,
    ) -> Result<Box<dyn Prepared>, ExecutorError> {
        if !runs_in_one_journal(case, options) {
            return Reference.prepare(case, options);
        }
        crate::reference::refuse_unsupported(case)?;
        let transactions = case.block.transactions.iter().map(transaction_env).collect();
        let claims = GasClaim::all(&case.block.transactions);
        let (case, options, env) = (case.clone(), options.clone(), evm_env(case));
        Ok(Box::new(PreparedSequential { case, options, env, transactions, claims }))
    }
}

struct PreparedSequential {
    case: Case,
    options: RunOptions,
    env: EvmEnv,
    transactions: Vec<TxEnv>,
    claims: Arc<[GasClaim]>,
}

impl Prepared for PreparedSequential {
    fn run(&mut self) -> Result<Execution, ExecutorError> {
        let Self { case, options, env, transactions, claims } = self;
        let outcome = execute((case, options), env, transactions, claims);
        execution(outcome, sequential_telemetry(self.transactions.len()))
    }
}

/// Executes a whole block that [`runs_in_one_journal`].
pub(crate) fn execute(
    (case, options): (&Case, &RunOptions),
    env: &EvmEnv,
    transactions: &[TxEnv],
    claims: &[GasClaim],
) -> Result<BlockOutcome, Stop> {
    let before = phases::pre_block(case, env, ReaderDb(case.pre_state.clone()))?;
    let below = Overlaid::new(case.pre_state.clone(), &before.changes);
    let mut gas = OrderedCommit::new(case, options);
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
pub(crate) fn runs_in_one_journal(case: &Case, options: &RunOptions) -> bool {
    has_state_clearing(case) && !has_access_list(case) && !options.changes_by_transaction
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
            if ORIGINAL_VALUES_OF_BLOCK_START.is_planted() {
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
    if !TOUCHED_AUTHORITY_EXISTS.is_planted() {
        let authorities = transaction.authorization_list.iter().filter_map(|one| one.authority());
        state::end_authorities(&mut evm.context().journaled_state.inner.state, authorities);
    }
    let (result, owed) = run_deferring_reward(evm, transaction, deferral)?;
    if let Some(amount) = owed {
        evm.db_mut().owe(amount);
    }
    if evm.db_mut().has_empty_accounts() {
        state::end_empty_accounts(&mut evm.context().journaled_state.inner.state);
    }
    Ok(result)
}
