//! The sequential reference: alloy-evm's `EthBlockExecutor` over revm, the production path of
//! Rust clients, and not our own.
//!
//! One thread, block order. Additions to the library, for older forks and for strictness, stand in
//! `corrections`, `orphans` and the strict EVM, and nowhere else.

pub(crate) mod corrections;
mod kept_list;
mod list;
pub(crate) mod orphans;
mod receipts;
mod session;

use crate::evm::{evm_env, spec_id, take_changes, transaction_env};
use alloy_consensus::transaction::Recovered;
use alloy_evm::{EvmEnv, block::BlockExecutor};
pub(crate) use kept_list::kept_list;
use list::Making;
use lockstep_model::{
    At, BlockOutcome, Case, Execution, Executor, ExecutorError, Fork, Phases, Prepared, RunOptions,
    StateChanges, StateError,
};
use orphans::OrphanReader;
use revm::context::TxEnv;

pub use list::{Beside, MadeList};
pub(crate) use receipts::{deposit_receipt, model_receipts};
pub(crate) use session::{
    Session, SessionDb, Stop, block_context, execution, ommer_headers, sequential_telemetry,
    session, stop,
};

/// The sequential reference executor.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reference;

impl Executor for Reference {
    fn prepare(
        &mut self,
        case: &Case,
        options: &RunOptions,
    ) -> Result<Box<dyn Prepared>, ExecutorError> {
        Ok(Box::new(PreparedReference::new(case, options)?))
    }
}

/// The access list of a block. For a rejected block, it goes as far as the block did.
pub(crate) fn access_list(case: &Case) -> Result<MadeList, ExecutorError> {
    let prepared = PreparedReference::new(case, &RunOptions::default())?;
    let run = |end| {
        let run = prepared.execute(Some(Making::default()), end);
        match (run.list, run.stopped) {
            (Some(list), _) => Ok(Some(list?)),
            (None, Err(Stop::Broken(error))) => Err(error),
            (None, _) => Ok(None),
        }
    };
    // The list is lost with the phase that failed: what comes before it is made again.
    let list = match run(case.phases)? {
        Some(list) => list,
        None => run(Phases::TransactionsOnly)?.unwrap_or_default(),
    };
    Ok(list)
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
    options: RunOptions,
    env: EvmEnv,
    transactions: Vec<TxEnv>,
}

/// The result of a run.
struct Run {
    stopped: Result<BlockOutcome, Stop>,
    /// The list that was asked for; none where the block failed after its transactions.
    list: Option<Result<MadeList, StateError>>,
}

impl Prepared for PreparedReference {
    fn run(&mut self) -> Result<Execution, ExecutorError> {
        let making = kept_list::wants_list().then(Making::default);
        let Run { stopped, list } = self.execute(making, self.case.phases);
        if let Some(Ok(list)) = list {
            kept_list::keep_list(&self.case, list);
        }
        execution(stopped, sequential_telemetry(self.transactions.len()))
    }
}

impl PreparedReference {
    fn new(case: &Case, options: &RunOptions) -> Result<Self, ExecutorError> {
        refuse_unsupported(case)?;
        let transactions = case.block.transactions.iter().map(transaction_env).collect();
        let (options, env) = (options.clone(), evm_env(case));
        Ok(Self { case: case.clone(), options, env, transactions })
    }

    /// Runs the block, to the `end` of which phases. Makes its list where `making` says so.
    fn execute(&self, making: Option<Making>, end: Phases) -> Run {
        let case = &self.case;
        let reader = OrphanReader::new(case.pre_state.clone());
        let ommers = ommer_headers(case);
        let lists = making.is_some() || has_access_list(case);
        let mut session = session(case, &self.env, &ommers, reader, lists);
        let mut changes = Changes::new(&self.options, making);
        if let Err(stop) = self.transactions(&mut session, &mut changes) {
            let is_rejected = matches!(stop, Stop::Rejected(_));
            let making = changes.making.filter(|_| is_rejected);
            let built = session.evm.db_mut().take_built_alloy_bal();
            let list = making.map(|making| making.finish(built, case));
            return Run { stopped: Err(stop), list };
        }
        let receipts = model_receipts(&session.receipts);
        let ended = if end == Phases::Full {
            corrections::post_block(session, case)
        } else {
            Ok(session::end_of_transactions(session))
        };
        let (mut state, result) = match ended {
            Ok(ended) => ended,
            Err(stop) => return Run { stopped: Err(stop), list: None },
        };
        changes.at_end(take_changes(&mut state));
        let built = state.take_built_alloy_bal();
        let (access_list, list) = match changes.making {
            // Then revm builds one for the outcome alone.
            None => (built, None),
            Some(making) => {
                let access_list = built.as_ref().filter(|_| has_access_list(case)).cloned();
                (access_list, Some(making.finish(built, case)))
            }
        };
        let outcome = BlockOutcome {
            receipts,
            gas_used: result.gas_used,
            blob_gas_used: result.blob_gas_used,
            requests: result.requests.into_iter().collect(),
            changes: changes.block,
            changes_by_transaction: changes.by_transaction,
            changes_before_transactions: changes.before_transactions,
            access_list,
            ..BlockOutcome::default()
        };
        Run { stopped: Ok(outcome), list }
    }

    /// Runs the pre-block phase and the transactions.
    fn transactions(
        &self,
        session: &mut Session<'_, OrphanReader>,
        changes: &mut Changes,
    ) -> Result<(), Stop> {
        let case = &self.case;
        if case.phases == Phases::Full {
            corrections::pre_block(session, case)?;
        }
        changes.before_transactions(session);
        for (index, env) in self.transactions.iter().enumerate() {
            let transaction = &case.block.transactions[index];
            let recovered =
                Recovered::new_unchecked(transaction.envelope.clone(), transaction.sender);
            corrections::set_access_index(session, index as u64 + 1);
            session
                .execute_transaction((env.clone(), recovered))
                .map_err(|error| stop(error, At::Transaction(index)))?;
            orphans::keep_storage(session);
            if let Some(observer) = &self.options.receipts {
                observer.next_is_final();
            }
            changes.after_transaction(session);
        }
        Ok(())
    }
}

/// Collects the changes of the block and, where the case or an access list needs them, of each transaction.
struct Changes {
    block: StateChanges,
    before_transactions: Option<StateChanges>,
    by_transaction: Option<Vec<StateChanges>>,
    making: Option<Making>,
}

impl Changes {
    fn new(options: &RunOptions, making: Option<Making>) -> Self {
        let by_transaction = options.changes_by_transaction.then(Vec::new);
        Self { block: StateChanges::default(), before_transactions: None, by_transaction, making }
    }

    fn before_transactions<DB: session::SessionDb>(&mut self, session: &mut Session<DB>) {
        if let Some(changes) = self.take(session) {
            self.before_transactions = self.by_transaction.is_some().then(|| changes.clone());
            self.block.extend(changes);
        }
    }

    fn after_transaction<DB: session::SessionDb>(&mut self, session: &mut Session<DB>) {
        if let Some(changes) = self.take(session) {
            if let Some(all) = &mut self.by_transaction {
                all.push(changes.clone());
            }
            self.block.extend(changes);
        }
    }

    fn take<DB: session::SessionDb>(&mut self, session: &mut Session<DB>) -> Option<StateChanges> {
        let is_wanted = self.by_transaction.is_some() || self.making.is_some();
        let changes = is_wanted.then(|| take_changes(session.evm.db_mut()))?;
        self.list(&changes);
        Some(changes)
    }

    fn at_end(&mut self, changes: StateChanges) {
        self.list(&changes);
        self.block.extend(changes);
    }

    /// Adds the changes at the next index of the access list, where one is made.
    fn list(&mut self, changes: &StateChanges) {
        if let Some(making) = &mut self.making {
            making.add(changes);
        }
    }
}

/// Whether the rules have EIP-7928 block access lists.
pub(crate) fn has_access_list(case: &Case) -> bool {
    spec_id(case.rules.fork).is_enabled_in(revm::primitives::hardfork::SpecId::AMSTERDAM)
}
