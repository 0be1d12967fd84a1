//! The seam: the traits of an executor.

use crate::{Case, Outcome, RunOptions, StateChanges, StateError};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Executes blocks. The only thing that the judge knows of an executor.
///
/// One instance runs one case at a time and is kept for many cases, so it may own threads and
/// recycled memory. After a panic or a hang it is discarded.
pub trait Executor: Send {
    /// Work that a node does before it executes a block: transaction environments, EIP-7702
    /// authorities, analysed bytecode. Off the clock.
    ///
    /// # Errors
    /// When the executor cannot run this case at all. That the block is invalid is an
    /// [`Outcome`], not an error.
    fn prepare(
        &mut self,
        case: &Case,
        options: &RunOptions,
    ) -> Result<Box<dyn Prepared>, ExecutorError>;
}

/// A case that is ready to run.
pub trait Prepared: Send {
    /// Runs the block. On the clock: when it returns, the outcome is owned, and no work is left
    /// to do for it on any thread.
    ///
    /// # Errors
    /// When the executor broke. That the block is invalid is an [`Outcome`], not an error.
    fn run(&mut self) -> Result<Execution, ExecutorError>;

    /// The state changes that the block itself states (EIP-7928). `None` if it states none, or the
    /// executor does not rely on them. On the clock: an import may compute the state root from them while
    /// the block runs. They are worth nothing unless the run accepts the block.
    ///
    /// # Errors
    /// When the pre-state cannot be read.
    fn stated_changes(&self) -> Result<Option<StateChanges>, ExecutorError> {
        Ok(None)
    }
}

/// Is told when receipts become final, while the block runs.
pub trait ReceiptObserver: Send + Sync {
    /// The receipt of the next transaction in block order is final: nothing that is still to come can
    /// change it, unless the whole block is rejected. Called from whichever thread decides it.
    fn next_is_final(&self);
}

/// The result of one run.
#[derive(Debug, Clone)]
pub struct Execution {
    /// Compared.
    pub outcome: Outcome,
    /// Shown, never compared.
    pub telemetry: Telemetry,
}

/// Self-reported figures of an executor about a run. The judge never relies on them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telemetry {
    /// How the executor chose its threads.
    pub mode: Mode,
    /// Threads that took part.
    pub threads: usize,
    /// Executions of transactions, all incarnations counted.
    pub executions: u64,
    /// Executions after the first of each transaction.
    pub re_executions: u64,
    /// Read sets checked.
    pub validations: u64,
    /// Executions given up half-way, because a value they needed was known to change.
    pub suspensions: u64,
    /// Transactions whose reads had changed and whose results were computed again from there, without another
    /// execution.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mended: u64,
    /// Time in which workers shared the transactions, in ns; the rest of a run is one thread's. 0 where that is not told.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub shared_ns: u64,
}

const fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// How an executor chose its threads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One thread, block order.
    #[default]
    Sequential,
    /// Parallel from the first transaction, at every block size.
    Forced,
    /// The executor may decide for fewer threads.
    Auto,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sequential => "sequential",
            Self::Forced => "forced",
            Self::Auto => "auto",
        })
    }
}

/// An executor that broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecutorError {
    /// The pre-state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The executor does not do what the case needs.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// Anything else: a bug of the executor.
    #[error("{0}")]
    Broken(String),
}
