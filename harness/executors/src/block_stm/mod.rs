//! Block-STM: optimistic parallel execution of a block
//! (Gelashvili et al., PPoPP 2023, <https://arxiv.org/abs/2203.06871>).
//!
//! # Why it is correct
//!
//! 1. A transaction is a function of what it reads: the EVM is deterministic, and everything that
//!    it reads of the state comes through `view::View`, which records it.
//! 2. A transaction is committed only after its recorded reads have been checked against the
//!    multi-version memory at a moment when every lower transaction is committed. Committed
//!    writes never change, and nothing above is ever visible to a reader below, so from then on
//!    its reads are what a sequential execution would have read; by induction over the block so
//!    are its writes, its receipt and its place in the block's gas.
//! 3. Gas admission, cumulative gas, receipts and the choice among errors happen at that commit, in
//!    block order. An invalid transaction is a result with a read set like any other: it rejects
//!    the block when, and only when, it is committed.
//! 4. The fee recipient's reward and nothing else is written as a *credit*. Credits commute, a read
//!    of the account adds up those below it, and the check compares that sum.
//!
//! Early validation, estimates and dependency lists are not part of the argument: they only make it
//! fast. That it always ends is argued in [`scheduler`].
//!
//! There is no sequential fallback. The pre-block and post-block phases run the reference's own
//! code, on the same memory, at position 0 and above all transactions.

mod access_list;
mod memory;
mod pool;
mod reads;
mod run;
pub mod scheduler;
mod view;
mod writes;

use crate::{
    evm::{Deferral, evm_env, has_state_clearing, transaction_env},
    phases,
    reference::{Stop, execution, has_access_list, refuse_unsupported},
    sync::Arc,
};
use access_list::AccessListBuilder;
use alloy_evm::EvmEnv;
use lockstep_model::{
    BlockOutcome, Case, Execution, Executor, ExecutorError, Mode, Prepared, StateChanges, Telemetry,
};
use memory::{MultiVersionMemory, Writer};
use pool::Pool;
use revm::context::TxEnv;
use run::{BlockRun, Committed};
use view::View;
use writes::WriteSet;

/// The Block-STM executor. Mode `forced`: parallel from the first transaction, at every size.
#[derive(Debug)]
pub struct BlockStm {
    pool: Arc<Pool>,
}

impl BlockStm {
    /// An executor with this many threads, the calling one counted.
    ///
    /// # Errors
    /// When the system has no thread left to give.
    ///
    /// # Panics
    /// When `threads` is zero.
    pub fn new(threads: usize, mode: Mode) -> std::io::Result<Self> {
        assert!(threads > 0, "an executor needs at least one thread");
        let _ = mode;
        Ok(Self { pool: Arc::new(Pool::new(threads - 1)?) })
    }
}

impl Executor for BlockStm {
    fn prepare(&mut self, case: &Case) -> Result<Box<dyn Prepared>, ExecutorError> {
        refuse_unsupported(case)?;
        Ok(Box::new(PreparedBlockStm {
            pool: self.pool.clone(),
            case: case.clone(),
            env: evm_env(case),
            transactions: case.block.transactions.iter().map(transaction_env).collect(),
        }))
    }
}

struct PreparedBlockStm {
    pool: Arc<Pool>,
    case: Case,
    env: EvmEnv,
    transactions: Arc<[TxEnv]>,
}

impl Prepared for PreparedBlockStm {
    fn run(&mut self) -> Result<Execution, ExecutorError> {
        let mut telemetry = Telemetry::default();
        let stopped = self.execute(&mut telemetry);
        execution(stopped, telemetry)
    }
}

impl PreparedBlockStm {
    fn execute(&self, telemetry: &mut Telemetry) -> Result<BlockOutcome, Stop> {
        let case = &self.case;
        let memory = Arc::new(MultiVersionMemory::new(
            self.transactions.len(),
            case.pre_state.clone(),
            has_state_clearing(case),
        ));
        let before = phases::pre_block(case, &self.env, View::new(memory.clone(), 0))?;
        let writer = Writer { position: 0, incarnation: 0 };
        memory.publish(writer, WriteSet::of_phase(&before.changes), &mut Vec::new());
        let access_list = has_access_list(case)
            .then(|| AccessListBuilder::after(before.access_list.unwrap_or_default()));

        let transactions = self.transactions.clone();
        let block = BlockRun::new(
            case.clone(),
            self.env.clone(),
            transactions,
            memory.clone(),
            access_list,
            Deferral::of(case).map_err(|error| Stop::Broken(error.into()))?,
        );
        let block = Arc::new(block);
        self.pool.run(&block);
        *telemetry = block.telemetry();
        let committed = block.take_committed();
        match committed.stopped {
            Some(Ok(rejection)) => return Err(Stop::Rejected(rejection)),
            Some(Err(error)) => return Err(Stop::Broken(error)),
            None => {}
        }
        self.finish(committed, before.changes, &memory)
    }

    fn finish(
        &self,
        committed: Committed,
        before: StateChanges,
        memory: &Arc<MultiVersionMemory>,
    ) -> Result<BlockOutcome, Stop> {
        let position = self.transactions.len() as u32 + 1;
        let above = View::new(memory.clone(), position);
        let end = phases::post_block(&self.case, &self.env, above, &committed.gas)?;
        let changes = memory.all_changes(position);
        let mut changes =
            changes.map_err(|error| Stop::Broken(ExecutorError::Broken(error.to_string())))?;
        changes.extend(end.changes);
        Ok(BlockOutcome {
            gas_used: committed.gas.gas_used(),
            blob_gas_used: committed.gas.blob_gas(),
            receipts: committed.gas.into_receipts(),
            requests: end.requests,
            changes,
            changes_before_transactions: committed.changes.is_some().then_some(before),
            changes_by_transaction: committed.changes,
            access_list: committed.access_list.map(|list| list.finish(end.access_list)),
        })
    }
}
