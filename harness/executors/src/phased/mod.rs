//! Brings an engine that executes the transactions of a block and knows nothing of what stands around them: system
//! calls, requests, withdrawals and rewards.
//!
//! [`Phased`] runs the phases around it with the reference's own code, admits transactions by the gas that the block has
//! left, and finds the transaction at fault where the engine names none. [`Environment`] is the block as an EVM sees it, in
//! plain numbers: engines bring revm of every version, and no type of one fits another. [`changes_of_bundle`] and
//! [`changes_of_state`] are macros for the same reason: they read fields, whichever version has them.
//!
//! [`changes_of_bundle`]: crate::changes_of_bundle
//! [`changes_of_state`]: crate::changes_of_state

mod after;
mod environment;
mod macros;

pub use after::After;
pub use environment::Environment;

use crate::{
    commit::{Done, GasClaim, OrderedCommit},
    evm::{ReaderDb, evm_env},
    phases,
    reference::{Stop, execution, refuse_unsupported},
    sync::Arc,
};
use alloy_evm::EvmEnv;
use alloy_primitives::Log;
use lockstep_model::{
    Block, BlockOutcome, Case, Execution, Executor, ExecutorError, Fork, Phases, Prepared,
    Rejection, Rule, RunOptions, StateChanges, Telemetry, Transaction,
};
use revm::context::result::ResultGas;

/// An engine that executes transactions.
pub trait TransactionEngine: Send {
    /// Executes the transactions of the case in block order, whatever order they run in, on the state before them:
    /// `case.pre_state`. On the clock. The case has no phases.
    ///
    /// # Errors
    /// When the engine broke, or does not support the block.
    fn execute(&mut self, case: &Case) -> Result<Executed, ExecutorError>;
}

/// What an engine made of the transactions.
#[derive(Debug, Clone)]
pub enum Executed {
    /// Every transaction ran.
    All {
        /// What came of each, in block order.
        results: Vec<TransactionResult>,
        /// All that they changed, with final values. Fees to the fee recipient are among it.
        changes: StateChanges,
        /// What the engine tells of itself.
        telemetry: Telemetry,
    },
    /// A transaction cannot be in the block.
    Rejected {
        /// Which, where the engine names it. Otherwise it is looked for: the last of the shortest part of the block that
        /// is rejected.
        transaction: Option<usize>,
        /// Why.
        rule: Rule,
    },
}

/// What came of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionResult {
    /// Whether its call succeeded.
    pub success: bool,
    /// Gas used by this transaction, after refunds.
    pub gas_used: u64,
    /// Logs in order of emission.
    pub logs: Vec<Log>,
}

/// An executor made of an engine.
#[derive(Debug)]
pub struct Phased<E>(Arc<std::sync::Mutex<E>>);

impl<E: TransactionEngine + 'static> Phased<E> {
    /// Runs the phases around this engine.
    pub fn new(engine: E) -> Self {
        Self(Arc::new(std::sync::Mutex::new(engine)))
    }
}

impl<E: TransactionEngine + 'static> Executor for Phased<E> {
    fn prepare(
        &mut self,
        case: &Case,
        options: &RunOptions,
    ) -> Result<Box<dyn Prepared>, ExecutorError> {
        refuse_unsupported(case)?;
        if case.rules.fork >= Fork::Amsterdam {
            // Its gas has two dimensions (EIP-8037), and its list is made of every access (EIP-7928).
            return Err(ExecutorError::Unsupported("Amsterdam".to_owned()));
        }
        Ok(Box::new(Ready {
            engine: self.0.clone(),
            claims: GasClaim::all(&case.block.transactions),
            case: case.clone(),
            options: options.clone(),
            env: evm_env(case),
        }))
    }
}

struct Ready<E> {
    engine: Arc<std::sync::Mutex<E>>,
    case: Case,
    options: RunOptions,
    env: EvmEnv,
    claims: Arc<[GasClaim]>,
}

impl<E: TransactionEngine> Prepared for Ready<E> {
    fn run(&mut self) -> Result<Execution, ExecutorError> {
        let mut telemetry = Telemetry::default();
        let outcome = self.execute(&mut telemetry);
        execution(outcome, telemetry)
    }
}

impl<E: TransactionEngine> Ready<E> {
    fn execute(&self, telemetry: &mut Telemetry) -> Result<BlockOutcome, Stop> {
        let case = &self.case;
        let before = phases::pre_block(case, &self.env, ReaderDb(case.pre_state.clone()))?;
        let below = After::new(case.pre_state.clone(), &before.changes);
        let mut gas = OrderedCommit::new(case, &self.options);
        let all = case.block.transactions.len();
        let changes = match self.engine(&below, all)? {
            Executed::All { results, changes, telemetry: told } => {
                *telemetry = told;
                self.commit(&mut gas, results)?;
                changes
            }
            Executed::Rejected { transaction, rule } => {
                return Err(self.rejection(&below, &mut gas, transaction, rule));
            }
        };
        let after = After::new(Arc::new(below), &changes);
        let end = phases::post_block(case, &self.env, ReaderDb(Arc::new(after)), &gas)?;
        let mut all_changes = before.changes;
        all_changes.extend(changes);
        all_changes.extend(end.changes);
        Ok(BlockOutcome {
            gas_used: gas.gas_used(),
            blob_gas_used: gas.blob_gas(),
            receipts: gas.into_receipts(),
            requests: end.requests,
            changes: all_changes,
            ..BlockOutcome::default()
        })
    }

    /// Runs the first transactions of the block.
    fn engine(&self, below: &After, transactions: usize) -> Result<Executed, Stop> {
        let first: Vec<Transaction> = self.case.block.transactions[..transactions].to_vec();
        let case = Case {
            phases: Phases::TransactionsOnly,
            block: Arc::new(Block { transactions: first, ..Block::clone(&self.case.block) }),
            pre_state: Arc::new(below.clone()),
            ..self.case.clone()
        };
        let mut engine = self.engine.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        engine.execute(&case).map_err(Stop::Broken)
    }

    /// Admits transactions one by one, as the gas that the block has left allows.
    fn commit(&self, gas: &mut OrderedCommit, results: Vec<TransactionResult>) -> Result<(), Stop> {
        let (expected, found) = (self.claims.len(), results.len());
        if found > expected {
            let problem = format!("expected {expected} results of transactions, found {found}");
            return Err(Stop::Broken(ExecutorError::Broken(problem)));
        }
        for (claim, TransactionResult { success, gas_used, logs }) in
            self.claims.iter().zip(results)
        {
            let used = ResultGas::default().with_total_gas_spent(gas_used);
            gas.commit(claim, Ok(Done { success, gas: used, logs })).map_err(Stop::Rejected)?;
        }
        Ok(())
    }

    /// The rejection of a block: a transaction before the one that the engine means may not be admitted at all.
    fn rejection(
        &self,
        below: &After,
        gas: &mut OrderedCommit,
        named: Option<usize>,
        rule: Rule,
    ) -> Stop {
        let count = self.claims.len();
        let (first, last) = named.map_or((0, count), |index| (index, index));
        let mut before = Vec::new();
        for length in first..=last.min(count) {
            match self.engine(below, length) {
                Ok(Executed::All { results, .. }) => before = results,
                Ok(Executed::Rejected { .. }) => break,
                Err(stop) => return stop,
            }
        }
        let index = before.len();
        if let Err(stop) = self.commit(gas, before) {
            return stop;
        }
        match self.claims.get(index) {
            Some(claim) => match gas.commit(claim, Err(rule)) {
                Err(rejection) => Stop::Rejected(rejection),
                Ok(()) => {
                    Stop::Broken(ExecutorError::Broken("a rejection was committed".to_owned()))
                }
            },
            None => Stop::Rejected(Rejection { at: lockstep_model::At::PostBlock, rule }),
        }
    }
}
