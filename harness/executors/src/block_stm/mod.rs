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
//! 4. An addition to a balance without a look at it is written as a *credit*, and the fee recipient's
//!    reward is kept apart from the account. Both commute, a read of the account adds up those below
//!    it, and validation compares the sum. A transaction has "looked at" a balance unless
//!    everything that can tell (`evm`'s watched instructions and frames) says that it has not.
//! 5. A plain transfer that runs no code is worked out without the interpreter (`evm::transfer`), by
//!    revm's own checks; it reads and writes the same memory.
//!
//! Early validation, estimates and dependency lists are not part of the argument: they only make it
//! fast. That it always ends is argued in [`scheduler`].
//!
//! # Why a stale snapshot does no harm (opacity)
//!
//! An execution may read values of different moments: a state that no sequential execution has. Its result
//! fails its validation. Until then it must neither panic, nor loop, nor leak.
//!
//! * It does not panic. An account is read and published whole, under one lock, so each single value is one
//!   that some incarnation has written or the pre-state holds. Between values nothing is taken for granted: revm
//!   checks balances, nonces and lengths as for a transaction of a stranger, and credits and rewards are added
//!   with checks. A code hash whose code is not there would be an error of the database; codes are therefore
//!   added before the accounts that name them (`memory/publish.rs`), and stay. Should a worker panic, the
//!   block ends with that error, and with no outcome.
//! * It does not loop. Each step of the EVM costs gas, and the gas limit is the transaction's own. It begins again only after
//!   a lower transaction has published, which happens a finite number of times, and waits as `driver/threads.rs` argues.
//! * It does not leak. An execution's results go into its slot and into the memory at its position, nowhere
//!   else. An outcome is made of slots at their commit, and a slot is committed only when its reads are current.
//!   An error of a transaction is a result like any other. The journal is emptied after each execution. Readers
//!   that saw its writes fail their own validation, for their stamps change when the writes are replaced.
//!
//! `tests/it/opacity.rs` feeds executions inconsistent snapshots on purpose.
//!
//! The pre-block and post-block phases run the reference's own code, on the same memory, at position 0
//! and above all transactions. Nothing falls back to sequential execution for correctness. In mode
//! `auto` a block that is too small, or one in which most guesses go wrong, is finished by one thread,
//! which reads what is committed and nothing else (`sequential::Rest`).

pub(crate) mod access_list;
mod buffers;
mod cells;
pub(crate) mod claims;
pub(crate) mod collect;
pub(crate) mod counters;
mod driver;
pub(crate) mod location;
pub(crate) mod memory;
mod mend;
#[cfg(all(test, feature = "loom"))]
mod models;
mod planted;
#[doc(hidden)]
pub mod probe;
pub(crate) mod reads;
pub(crate) mod remote;
pub(crate) mod rewards;
mod run;
pub mod scheduler;
pub(crate) mod stamps;
mod table;
mod trace;
pub(crate) mod transact;
pub(crate) mod version;
pub(crate) mod view;
mod worker;
pub(crate) mod writes;

use crate::{
    commit::GasClaim,
    evm::{Deferral, evm_env, has_state_clearing, transaction_env},
    phases,
    pool::{Crew, Pool},
    reference::{Reference, Stop, execution, has_access_list, refuse_unsupported},
    sequential::{self, Overlaid, Rest, runs_in_one_journal},
    slow_storage::{ReadOnce, is_slow},
    sync::{Arc, Mutex, lock},
};
use access_list::AccessListBuilder;
use alloy_evm::EvmEnv;
use lockstep_faults::phases::PRE_BLOCK_WRITES_INVISIBLE;
use lockstep_model::{
    BlockOutcome, Case, Contention, Dependencies, Execution, Executor, ExecutorError, Mode,
    Outcome, Prepared, RunOptions, StateChanges, Telemetry, Transaction,
};
use memory::{EntryBlocks, MultiVersionMemory, Tables};
use revm::context::TxEnv;
use run::{BlockRun, Decided, Settings, Slots};
use scheduler::Claims;
use stamps::ReadStamps;
use trace::Trace;
use version::{Position, Writer};
use view::View;
use writes::WriteSet;

/// The Block-STM executor.
#[derive(Debug)]
pub struct BlockStm {
    pool: Arc<Pool>,
    mode: Mode,
    /// Whether transactions are mended.
    mends: bool,
    spare: Arc<Mutex<Option<Spare>>>,
}

/// EntryBlock that a block has taken, empty again.
#[derive(Debug, Default)]
struct Spare {
    slots: Slots,
    tables: Tables,
}

impl BlockStm {
    /// An executor with this many threads, the calling one counted. Mode `forced` is parallel from the
    /// first transaction, at every size; in mode `auto` one thread may do.
    ///
    /// # Errors
    /// When the system has no thread left to give.
    ///
    /// # Panics
    /// When `threads` is zero.
    pub fn new(threads: usize, mode: Mode) -> std::io::Result<Self> {
        assert!(threads > 0, "an executor needs at least one thread");
        let pool = Arc::new(Pool::new(threads - 1)?);
        Ok(Self { pool, mode, mends: false, spare: Arc::default() })
    }

    /// As [`Self::new`]. A transaction with stale reads is mended at its commit, where that can be done, and
    /// executed again where it cannot (ParallelEVM, EuroSys '25).
    ///
    /// # Errors
    /// As [`Self::new`].
    ///
    /// # Panics
    /// As [`Self::new`].
    pub fn mending(threads: usize, mode: Mode) -> std::io::Result<Self> {
        Ok(Self { mends: true, ..Self::new(threads, mode)? })
    }
}

impl Executor for BlockStm {
    fn prepare(
        &mut self,
        case: &Case,
        options: &RunOptions,
    ) -> Result<Box<dyn Prepared>, ExecutorError> {
        Ok(Box::new(self.prepared(case, options)?))
    }
}

impl BlockStm {
    fn prepared(
        &self,
        case: &Case,
        options: &RunOptions,
    ) -> Result<PreparedBlockStm, ExecutorError> {
        refuse_unsupported(case)?;
        // If one journal cannot run the rest of a block, the reference can run all of it.
        let needs_other = self.mode == Mode::Auto && !runs_in_one_journal(case, options);
        let other = needs_other.then(|| Reference.prepare(case, options)).transpose()?;
        let mode = self.mode;
        let transactions: Arc<[TxEnv]> =
            case.block.transactions.iter().map(prepared_transaction).collect();
        Ok(PreparedBlockStm {
            pool: self.pool.clone(),
            mode,
            other,
            case: case.clone(),
            options: options.clone(),
            env: evm_env(case),
            callees: self.mends.then(|| mend::callees(&transactions)),
            transactions,
            claims: match mode {
                Mode::Auto => claims::of(&case.block.transactions, self.pool.threads()),
                _ if self.mends => {
                    claims::that_conflict(case.block.transactions.len(), self.pool.threads())
                }
                _ => claims::that_meet(case.block.transactions.len(), self.pool.threads()),
            },
            is_for_one: mode == Mode::Auto
                && (self.pool.threads() == 1 || claims::is_for_one(&case.block.transactions)),
            gas_claims: GasClaim::all(&case.block.transactions),
            spare: self.spare.clone(),
            trace: None,
        })
    }
}

fn prepared_transaction(transaction: &Transaction) -> TxEnv {
    let mut env = transaction_env(transaction);
    planted::misprepare(&mut env);
    env
}

/// Dependencies of each transaction of a block, and its time on one thread.
///
/// # Errors
/// When the block cannot be executed to its end: of an invalid one only a part is known.
pub fn dependencies(case: &Case) -> Result<Dependencies, ExecutorError> {
    contention(case).map(|contention| contention.dependencies())
}

/// What each transaction of a block waits for, place by place, with its time on one thread.
///
/// # Errors
/// As [`dependencies`].
pub fn contention(case: &Case) -> Result<Contention, ExecutorError> {
    let alone = BlockStm::new(1, Mode::Forced).expect("it starts no thread");
    let trace = Arc::<Trace>::default();
    let mut prepared = PreparedBlockStm {
        trace: Some(trace.clone()),
        ..alone.prepared(case, &RunOptions::default())?
    };
    match prepared.run()?.outcome {
        Outcome::Accepted(_) => Ok(trace.take()),
        Outcome::Rejected(rejection) => Err(ExecutorError::Unsupported(format!(
            "dependencies of an invalid block ({rejection:?})"
        ))),
    }
}

struct PreparedBlockStm {
    pool: Arc<Pool>,
    mode: Mode,
    /// Runs the block alone where [`sequential`] cannot.
    other: Option<Box<dyn Prepared>>,
    case: Case,
    options: RunOptions,
    env: EvmEnv,
    transactions: Arc<[TxEnv]>,
    /// Where transactions are mended.
    callees: Option<Arc<[u32]>>,
    claims: Claims,
    /// In mode `auto`: one thread does better.
    is_for_one: bool,
    gas_claims: Arc<[GasClaim]>,
    spare: Arc<Mutex<Option<Spare>>>,
    /// Only where dependencies are asked for.
    trace: Option<Arc<Trace>>,
}

impl Prepared for PreparedBlockStm {
    fn run(&mut self) -> Result<Execution, ExecutorError> {
        let mut telemetry = Telemetry::default();
        let is_slow = is_slow(&self.case)?;
        let outcome = if self.is_for_one && !is_slow {
            None
        } else {
            self.execute(&mut telemetry, is_slow).transpose()
        };
        match outcome {
            Some(outcome) => execution(outcome, telemetry),
            None => self.run_alone(telemetry),
        }
    }
}

impl PreparedBlockStm {
    /// The whole block on one thread, after what was tried.
    fn run_alone(&mut self, mut telemetry: Telemetry) -> Result<Execution, ExecutorError> {
        telemetry.mode = Mode::Auto;
        telemetry.threads = telemetry.threads.max(1);
        telemetry.executions += self.transactions.len() as u64;
        if let Some(other) = &mut self.other {
            return other.run().map(|done| Execution { telemetry, ..done });
        }
        let Self { case, options, env, transactions, gas_claims, .. } = self;
        let outcome = sequential::execute((case, options), env, transactions, gas_claims);
        execution(outcome, telemetry)
    }

    /// `None` where nothing came of it and one thread must begin again.
    fn execute(
        &self,
        telemetry: &mut Telemetry,
        is_slow: bool,
    ) -> Result<Option<BlockOutcome>, Stop> {
        let case = &self.case;
        let reader = case.pre_state.clone();
        let reader = if is_slow { Arc::new(ReadOnce::new(reader)) } else { reader };
        let spare = lock(&self.spare).take().unwrap_or_default();
        let memory = Arc::new(MultiVersionMemory::new(
            self.transactions.len(),
            spare.tables,
            reader,
            case.block.beneficiary,
            has_state_clearing(case),
        ));
        let before = phases::pre_block(case, &self.env, View::new(memory.clone(), 0))?;
        let writer = Writer { position: 0, incarnation: 0 };
        let mut writes = WriteSet::of_phase(&before.changes);
        if !PRE_BLOCK_WRITES_INVISIBLE.is_planted() {
            let (stamps, entry_blocks) = (&mut ReadStamps::default(), &mut EntryBlocks::default());
            memory.publish(writer, &mut writes, &mut Vec::new(), stamps, entry_blocks);
        }
        let access_list = has_access_list(case)
            .then(|| AccessListBuilder::after(before.access_list.unwrap_or_default()));

        let block = Arc::new(BlockRun::new(
            (case.clone(), self.options.clone()),
            self.env.clone(),
            self.transactions.clone(),
            memory.clone(),
            access_list,
            self.settings(spare.slots, is_slow)?,
        ));
        let crew = if self.options.steering.is_some() {
            block.work_in_turns();
            Arc::default()
        } else {
            let crew = self.pool.invite(&block, self.transactions.len().saturating_sub(1));
            block.work();
            crew
        };
        let given_up = block.is_given_up();
        if given_up {
            // Another worker may have been committing: only when all have left it is known how far.
            crew.dismiss();
        }
        let committed = block.take_committed();
        *telemetry = Telemetry { mode: self.mode, ..block.telemetry() };
        let first = committed.decided.gas.receipts().len();
        let outcome = match (committed.stopped, given_up) {
            (Some(reason), _) => Err(reason.map_or_else(Stop::Broken, Stop::Rejected)),
            (None, true) if self.other.is_some() => Ok(None),
            (None, true) => {
                telemetry.executions += (self.transactions.len() - first) as u64;
                self.go_on_alone(&block, committed.decided, first).map(Some)
            }
            (None, false) => {
                self.finish(&block, committed.decided, before.changes, &crew).map(Some)
            }
        };
        telemetry.threads = 1 + crew.dismiss();
        self.recycle(block, memory);
        outcome
    }

    /// Keeps the allocations of the block for the next one. No helper is attached to it any more.
    fn recycle(&self, block: Arc<BlockRun>, memory: Arc<MultiVersionMemory>) {
        let slots = Arc::into_inner(block).map(|block| block.into_slots());
        let tables = Arc::into_inner(memory).map(MultiVersionMemory::into_tables);
        if let (Some(slots), Some(tables)) = (slots, tables) {
            *lock(&self.spare) = Some(Spare { slots, tables });
        }
    }

    fn settings(&self, slots: Slots, is_slow: bool) -> Result<Settings, Stop> {
        let workers = self.pool.threads();
        Ok(Settings {
            deferral: Deferral::of(&self.case).map_err(|error| Stop::Broken(error.into()))?,
            // With slow reads all workers wait most of the time: one claim at a time, and even a wrong guess
            // has read what the right one will need.
            claims: if is_slow {
                Claims { workers, ..Claims::single() }
            } else {
                self.claims.clone()
            },
            gas_claims: self.gas_claims.clone(),
            callees: self.callees.clone(),
            mode: if is_slow { Mode::Forced } else { self.mode },
            is_slow,
            spins: workers <= self.pool.cores(),
            slots,
            trace: self.trace.clone(),
        })
    }

    /// The post-block phase, while the helpers gather what the transactions wrote.
    fn finish(
        &self,
        block: &BlockRun,
        committed: Decided,
        before: StateChanges,
        crew: &Crew,
    ) -> Result<BlockOutcome, Stop> {
        let end = self.transactions.len() as Position + 1;
        let above = View::new(block.memory.clone(), end);
        let post = phases::post_block(&self.case, &self.env, above, &committed.gas);
        block.collect();
        crew.dismiss();
        let post = post?;
        let mut changes = block.changes(end).map_err(|error| Stop::Broken(error.into()))?;
        changes.extend(post.changes);
        Ok(BlockOutcome {
            gas_used: committed.gas.gas_used(),
            blob_gas_used: committed.gas.blob_gas(),
            receipts: committed.gas.into_receipts(),
            requests: post.requests,
            changes,
            changes_before_transactions: committed.changes.is_some().then_some(before),
            changes_by_transaction: committed.changes,
            access_list: committed.access_list.map(|list| list.finish(post.access_list)),
            ..BlockOutcome::default()
        })
    }

    /// One thread executes what is left, on top of what is committed.
    fn go_on_alone(
        &self,
        block: &BlockRun,
        mut committed: Decided,
        first: usize,
    ) -> Result<BlockOutcome, Stop> {
        let end = first as Position + 1;
        let mut changes = block.changes(end).map_err(|error| Stop::Broken(error.into()))?;
        let below = Overlaid::new(self.case.pre_state.clone(), &changes);
        let (case, env, claims) = (&self.case, &self.env, &self.gas_claims);
        let rest = Rest { case, env, transactions: &self.transactions, claims, first };
        let requests = rest.execute(below, &mut committed.gas, &mut changes)?;
        Ok(BlockOutcome {
            gas_used: committed.gas.gas_used(),
            blob_gas_used: committed.gas.blob_gas(),
            receipts: committed.gas.into_receipts(),
            requests,
            changes,
            ..BlockOutcome::default()
        })
    }
}
