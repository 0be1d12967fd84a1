//! One block in alloy-evm's block executor, and how it stops.

use super::receipts::PlainReceipts;
use crate::evm::{Hardforks, ReadError, StorageProbe, StrictEvm, rule_of_validation};
use alloy_consensus::Header;
use alloy_evm::{
    Evm, EvmEnv,
    block::{BlockExecutionError, BlockExecutionResult},
    eth::{EthBlockExecutionCtx, EthBlockExecutor},
};
use alloy_primitives::{Address, U256};
use lockstep_model::{
    At, BlockOutcome, Case, Execution, ExecutorError, Mode, Outcome, Rejection, Telemetry,
};
use revm::{
    Database as _,
    context::result::EVMError,
    database::{State, bal::EvmDatabaseError},
};

/// The databases that a session runs on.
pub(crate) trait SessionDb: StorageProbe<Error = ReadError> {}
impl<DB: StorageProbe<Error = ReadError>> SessionDb for DB {}

/// One block on its way through alloy-evm.
pub(crate) type Session<'a, DB> =
    EthBlockExecutor<'a, StrictEvm<State<DB>>, Hardforks, PlainReceipts>;

/// The reason why a block ends early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The block breaks a rule.
    Rejected(Rejection),
    /// The executor broke.
    Broken(ExecutorError),
}

/// The result of a run, from how it stopped.
pub(crate) fn execution(
    stopped: Result<BlockOutcome, Stop>,
    telemetry: Telemetry,
) -> Result<Execution, ExecutorError> {
    let outcome = match stopped {
        Ok(outcome) => Outcome::Accepted(Box::new(outcome)),
        Err(Stop::Rejected(rejection)) => Outcome::Rejected(rejection),
        Err(Stop::Broken(error)) => return Err(error),
    };
    Ok(Execution { outcome, telemetry })
}

/// The telemetry of a sequential executor.
pub(crate) fn sequential_telemetry(transactions: usize) -> Telemetry {
    let executions = transactions as u64;
    Telemetry { mode: Mode::Sequential, threads: 1, executions, ..Telemetry::default() }
}

/// The context of a block that alloy-evm's block executors get beside its environment.
pub(crate) fn block_context<'a>(case: &Case, ommers: &'a [Header]) -> EthBlockExecutionCtx<'a> {
    let block = &case.block;
    EthBlockExecutionCtx {
        parent_hash: block.parent_hash,
        parent_beacon_block_root: block.parent_beacon_block_root,
        ommers,
        withdrawals: block.withdrawals.clone().map(Into::into),
        extra_data: Default::default(),
        tx_count_hint: Some(block.transactions.len()),
        slot_number: block.slot_number,
    }
}

/// Opens a block on top of `db`, with a list of what is accessed where `lists` says so. The ommers are
/// [`ommer_headers`] of the case.
pub(crate) fn session<'a, DB: SessionDb>(
    case: &Case,
    env: &EvmEnv,
    ommers: &'a [Header],
    db: DB,
    lists: bool,
) -> Session<'a, DB> {
    let state =
        State::builder().with_database(db).with_bundle_update().with_bal_builder_if(lists).build();
    let context = block_context(case, ommers);
    let evm = StrictEvm::new(state, env.clone());
    EthBlockExecutor::new(evm, context, Hardforks::of(&case.rules), PlainReceipts)
}

/// Headers of the ommers with the two fields that rewards depend on.
pub(crate) fn ommer_headers(case: &Case) -> Vec<Header> {
    let ommers = case.block.ommers.iter();
    let header = |ommer: &lockstep_model::Ommer| Header {
        beneficiary: ommer.beneficiary,
        number: ommer.number,
        ..Header::default()
    };
    ommers.map(header).collect()
}

/// The end of a block that has transactions and nothing else.
pub(crate) fn end_of_transactions<DB: SessionDb>(
    session: Session<DB>,
) -> (State<DB>, BlockExecutionResult<super::receipts::PlainReceipt>) {
    let amsterdam = session.evm.cfg_env().enable_amsterdam_eip8037;
    let gas_used =
        if amsterdam { session.max_block_gas_used() } else { session.cumulative_tx_gas_used };
    let result = BlockExecutionResult {
        gas_used,
        blob_gas_used: session.blob_gas_used,
        ..BlockExecutionResult::default()
    };
    (session.evm.finish().0, result)
}

/// Sorts an error of the block executor into rejections and breakage.
pub(crate) fn stop(error: BlockExecutionError, at: At) -> Stop {
    let rule = error.as_validation().and_then(rule_of_validation);
    if let Some(rule) = rule {
        return Stop::Rejected(Rejection { at, rule });
    }
    Stop::Broken(broken(&error))
}

/// Keeps a failed pre-state read what it is; everything else is a bug.
fn broken(error: &BlockExecutionError) -> ExecutorError {
    let evm = error
        .as_internal()
        .and_then(|error| error.downcast_evm::<EVMError<EvmDatabaseError<ReadError>>>());
    match evm {
        Some(EVMError::Database(EvmDatabaseError::Database(ReadError::State(error)))) => {
            error.clone().into()
        }
        _ => ExecutorError::Broken(error.to_string()),
    }
}

impl<DB: SessionDb> StorageProbe for State<DB> {
    /// Only the pre-state can hold an account with storage but without code and nonce: a created
    /// contract has a nonce from Spurious Dragon on, and before that no address could be created
    /// twice. So storage is there exactly where the pre-state has it and the account was not
    /// destroyed on the way.
    fn has_storage(&mut self, address: Address) -> Result<bool, Self::Error> {
        let gone = self
            .cache
            .accounts
            .get(&address)
            .is_some_and(|account| account.account.is_none() || account.status.was_destroyed());
        if gone {
            return Ok(false);
        }
        self.database.has_storage(address).map_err(EvmDatabaseError::Database)
    }
}

/// The balance that an account has now.
pub(crate) fn balance<DB: SessionDb>(
    state: &mut State<DB>,
    address: Address,
) -> Result<Option<U256>, Stop> {
    let account = state.basic(address).map_err(|error| broken_read(&error))?;
    Ok(account.map(|account| account.balance))
}

/// A read that failed outside the EVM.
pub(crate) fn broken_read(error: &EvmDatabaseError<ReadError>) -> Stop {
    Stop::Broken(match error {
        EvmDatabaseError::Database(ReadError::State(error)) => error.clone().into(),
        other => ExecutorError::Broken(other.to_string()),
    })
}
