//! Brings any `alloy-evm` block executor factory: reth's way of executing blocks, or a chain's own.
//!
//! The factory's executor runs as it is, with none of the reference's corrections: where it does
//! something else than the protocol, `check` says so.

use crate::{
    evm::{ReaderDb, evm_env, take_changes},
    reference::{
        Stop, block_context, execution, has_access_list, ommer_headers, refuse_unsupported,
        sequential_telemetry, stop,
    },
};
use alloy_consensus::{TxEnvelope, TxReceipt, Typed2718, transaction::Recovered};
use alloy_evm::{
    Database, Evm, EvmEnv, EvmFactory, FromRecoveredTx,
    block::{BlockExecutor, BlockExecutorFactory},
    eth::EthBlockExecutionCtx,
};
use alloy_primitives::{Bytes, Log};
use lockstep_model::{
    At, BlockOutcome, Case, Execution, Executor, ExecutorError, Fork, Phases, Prepared, Receipt,
    RunOptions,
};
use revm::{context::BlockEnv, database::State, primitives::hardfork::SpecId};

pub use crate::evm::Hardforks;

/// An executor made of a block executor factory.
///
/// The factory is made anew for each case, from the hardforks that hold for it: "every fork up to
/// mine is active since genesis".
#[derive(Debug, Clone)]
pub struct AlloyEvm<M> {
    make: M,
}

/// Bounds on a factory: Ethereum's transactions over revm's environments.
pub trait EthereumFactory:
    for<'a> BlockExecutorFactory<
        EvmFactory: EvmFactory<
            Spec = SpecId,
            BlockEnv = BlockEnv,
            Tx: FromRecoveredTx<TxEnvelope> + Clone + Send,
        >,
        ExecutionCtx<'a> = EthBlockExecutionCtx<'a>,
        Transaction = TxEnvelope,
        Receipt: TxReceipt<Log = Log> + Typed2718,
    > + Send
{
}

impl<F> EthereumFactory for F where
    F: for<'a> BlockExecutorFactory<
            EvmFactory: EvmFactory<
                Spec = SpecId,
                BlockEnv = BlockEnv,
                Tx: FromRecoveredTx<TxEnvelope> + Clone + Send,
            >,
            ExecutionCtx<'a> = EthBlockExecutionCtx<'a>,
            Transaction = TxEnvelope,
            Receipt: TxReceipt<Log = Log> + Typed2718,
        > + Send
{
}

impl<M, F> AlloyEvm<M>
where
    M: Fn(Hardforks) -> F + Send,
    F: EthereumFactory,
{
    /// Brings the factories that `make` makes.
    pub const fn new(make: M) -> Self {
        Self { make }
    }
}

impl<M, F> Executor for AlloyEvm<M>
where
    M: Fn(Hardforks) -> F + Send,
    F: EthereumFactory,
{
    fn prepare(
        &mut self,
        case: &Case,
        options: &RunOptions,
    ) -> Result<Box<dyn Prepared>, ExecutorError> {
        refuse_unsupported(case)?;
        let transactions = case.block.transactions.iter();
        let transaction = |transaction: &lockstep_model::Transaction| {
            Tx::<F>::from_recovered_tx(&transaction.envelope, transaction.sender)
        };
        Ok(Box::new(PreparedAlloyEvm {
            case: case.clone(),
            changes_by_transaction: options.changes_by_transaction,
            env: evm_env(case),
            factory: (self.make)(Hardforks::of(&case.rules)),
            transactions: transactions.map(transaction).collect(),
        }))
    }
}

type Tx<F> = <<F as BlockExecutorFactory>::EvmFactory as EvmFactory>::Tx;

struct PreparedAlloyEvm<F: EthereumFactory> {
    case: Case,
    changes_by_transaction: bool,
    env: EvmEnv,
    factory: F,
    transactions: Vec<Tx<F>>,
}

impl<F: EthereumFactory> Prepared for PreparedAlloyEvm<F> {
    fn run(&mut self) -> Result<Execution, ExecutorError> {
        execution(self.execute(), sequential_telemetry(self.transactions.len()))
    }
}

impl<F: EthereumFactory> PreparedAlloyEvm<F> {
    fn execute(&self) -> Result<BlockOutcome, Stop> {
        let mut state = State::builder()
            .with_database(ReaderDb(self.case.pre_state.clone()))
            .with_bundle_update()
            .with_bal_builder_if(has_access_list(&self.case))
            .build();
        let mut outcome = self.execute_on(&mut state)?;
        outcome.changes.extend(take_changes(&mut state));
        outcome.access_list = state.take_built_alloy_bal();
        Ok(outcome)
    }

    fn execute_on<DB: Database>(&self, state: &mut State<DB>) -> Result<BlockOutcome, Stop> {
        let (case, ommers) = (&self.case, ommer_headers(&self.case));
        let evm = self.factory.evm_factory().create_evm(state, self.env.clone());
        let mut executor = self.factory.create_executor(evm, block_context(case, &ommers));
        let is_full = case.phases == Phases::Full;
        if is_full {
            executor.apply_pre_execution_changes().map_err(|error| stop(error, At::PreBlock))?;
        }
        let mut outcome = BlockOutcome::default();
        let mut by_transaction = self.changes_by_transaction.then(Vec::new);
        if by_transaction.is_some() {
            let before = take_changes(executor.evm_mut().db_mut());
            outcome.changes.extend(before.clone());
            outcome.changes_before_transactions = Some(before);
        }
        for (index, env) in self.transactions.iter().enumerate() {
            let transaction = &case.block.transactions[index];
            let recovered =
                Recovered::new_unchecked(transaction.envelope.clone(), transaction.sender);
            executor
                .execute_transaction((env.clone(), recovered))
                .map_err(|error| stop(error, At::Transaction(index)))?;
            if let Some(by_transaction) = &mut by_transaction {
                let changes = take_changes(executor.evm_mut().db_mut());
                outcome.changes.extend(changes.clone());
                by_transaction.push(changes);
            }
        }
        outcome.changes_by_transaction = by_transaction;
        outcome.receipts = receipts(executor.receipts());
        if is_full {
            let result = executor.apply_post_execution_changes();
            let result = result.map_err(|error| stop(error, At::PostBlock))?;
            outcome.gas_used = result.gas_used;
            outcome.blob_gas_used = result.blob_gas_used;
            outcome.requests = result.requests.into_iter().collect::<Vec<Bytes>>();
        } else {
            outcome.gas_used =
                outcome.receipts.last().map_or(0, |receipt| receipt.cumulative_gas_used);
            outcome.blob_gas_used = blob_gas(case);
        }
        Ok(outcome)
    }
}

fn blob_gas(case: &Case) -> u64 {
    use alloy_consensus::Transaction as _;
    if case.rules.fork < Fork::Cancun {
        return 0;
    }
    let transactions = case.block.transactions.iter();
    transactions.filter_map(|transaction| transaction.envelope.blob_gas_used()).sum()
}

fn receipts<R: TxReceipt<Log = Log> + Typed2718>(receipts: &[R]) -> Vec<Receipt> {
    let mut before = 0;
    let receipt = |receipt: &R| {
        let cumulative_gas_used = receipt.cumulative_gas_used();
        let gas_used = cumulative_gas_used - before;
        before = cumulative_gas_used;
        Receipt {
            transaction_type: receipt.ty(),
            success: receipt.status(),
            gas_used,
            cumulative_gas_used,
            logs: receipt.logs().to_vec(),
        }
    };
    receipts.iter().map(receipt).collect()
}
