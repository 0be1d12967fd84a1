//! The sequential reference: alloy-evm's `EthBlockExecutor` over revm, the production path of
//! Rust clients, and not our own.
//!
//! One thread, block order. What the library lacks for older forks and for strictness stands in
//! `corrections`, `orphans` and the strict EVM, and nowhere else.

pub(crate) mod corrections;
pub(crate) mod orphans;
mod receipts;
mod session;

use crate::evm::{bundle_changes, evm_env, spec_id, transaction_env};
use alloy_consensus::transaction::Recovered;
use alloy_evm::{EvmEnv, block::BlockExecutor};
use lockstep_model::{
    At, BlockOutcome, Case, Execution, Executor, ExecutorError, Fork, Phases, Prepared,
    StateChanges,
};
use orphans::OrphanReader;
use revm::{context::TxEnv, database::states::bundle_state::BundleRetention};

pub(crate) use receipts::{deposit_receipt, model_receipts};
pub(crate) use session::{
    Session, SessionDb, Stop, block_context, execution, ommer_headers, sequential_telemetry,
    session, session_with, stop, take_changes,
};

/// The sequential reference executor.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reference;

impl Executor for Reference {
    fn prepare(&mut self, case: &Case) -> Result<Box<dyn Prepared>, ExecutorError> {
        refuse_unsupported(case)?;
        let transactions = case.block.transactions.iter().map(transaction_env).collect();
        Ok(Box::new(PreparedReference { case: case.clone(), env: evm_env(case), transactions }))
    }
}

/// Refuses the one rule set that revm does not implement: Constantinople without Petersburg
/// (EIP-1283 net gas metering).
pub(crate) fn refuse_unsupported(case: &Case) -> Result<(), ExecutorError> {
    if case.rules.fork == Fork::Constantinople {
        return Err(ExecutorError::Unsupported("Constantinople proper (EIP-1283)".to_owned()));
    }
    Ok(())
}

struct PreparedReference {
    case: Case,
    env: EvmEnv,
    transactions: Vec<TxEnv>,
}

impl Prepared for PreparedReference {
    fn run(&mut self) -> Result<Execution, ExecutorError> {
        execution(self.execute(), sequential_telemetry(self.transactions.len()))
    }
}

impl PreparedReference {
    fn execute(&self) -> Result<BlockOutcome, Stop> {
        let case = &self.case;
        let reader = OrphanReader::new(case.pre_state.clone());
        let ommers = ommer_headers(case);
        let mut session = session(case, &self.env, &ommers, reader);
        let mut changes = Changes::new(case);

        if case.phases == Phases::Full {
            corrections::pre_block(&mut session, case)?;
        }
        changes.before_transactions(&mut session);
        for (index, env) in self.transactions.iter().enumerate() {
            let transaction = &case.block.transactions[index];
            let recovered =
                Recovered::new_unchecked(transaction.envelope.clone(), transaction.sender);
            corrections::set_access_index(&mut session, index as u64 + 1);
            session
                .execute_transaction((env.clone(), recovered))
                .map_err(|error| stop(error, At::Transaction(index)))?;
            orphans::keep_storage(&mut session);
            if let Some(observer) = &case.receipts {
                observer.next_is_final();
            }
            changes.after_transaction(&mut session);
        }
        let receipts = model_receipts(&session.receipts);
        let (mut state, result) = if case.phases == Phases::Full {
            corrections::post_block(session, case)?
        } else {
            session::end_of_transactions(session)
        };
        state.merge_transitions(BundleRetention::PlainState);
        changes.add(bundle_changes(state.take_bundle()));
        Ok(BlockOutcome {
            receipts,
            gas_used: result.gas_used,
            blob_gas_used: result.blob_gas_used,
            requests: result.requests.into_iter().collect(),
            changes: changes.block,
            changes_by_transaction: changes.by_transaction,
            changes_before_transactions: changes.before_transactions,
            access_list: state.take_built_alloy_bal(),
        })
    }
}

/// Collects the changes of the block and, where the case asks for it, of each transaction.
struct Changes {
    block: StateChanges,
    before_transactions: Option<StateChanges>,
    by_transaction: Option<Vec<StateChanges>>,
}

impl Changes {
    fn new(case: &Case) -> Self {
        let by_transaction = case.changes_by_transaction.then(Vec::new);
        Self { block: StateChanges::default(), before_transactions: None, by_transaction }
    }

    fn before_transactions<DB: session::SessionDb>(&mut self, session: &mut Session<DB>) {
        if self.by_transaction.is_some() {
            let changes = take_changes(session);
            self.before_transactions = Some(changes.clone());
            self.add(changes);
        }
    }

    fn after_transaction<DB: session::SessionDb>(&mut self, session: &mut Session<DB>) {
        if self.by_transaction.is_some() {
            let changes = take_changes(session);
            self.add(changes.clone());
            self.by_transaction.get_or_insert_default().push(changes);
        }
    }

    fn add(&mut self, later: StateChanges) {
        self.block.extend(later);
    }
}

/// Whether the rules have EIP-7928 block access lists.
pub(crate) fn has_access_list(case: &Case) -> bool {
    spec_id(case.rules.fork).is_enabled_in(revm::primitives::hardfork::SpecId::AMSTERDAM)
}
