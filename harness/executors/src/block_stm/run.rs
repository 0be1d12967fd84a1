//! One block in flight: what all workers share.

use super::{
    access_list::{AccessListBuilder, Accesses},
    buffers::BufferPool,
    collect::{Collection, changes_at},
    counters::Counters,
    driver::{
        threads::Threads,
        turns::{Pause, Turns, WorkerCoroutine},
    },
    location::Location,
    memory::MultiVersionMemory,
    mend::Conflicts,
    reads::ReadSet,
    rewards::Owed,
    scheduler::{Claims, Scheduler, TransactionIndex},
    trace::Trace,
    transact::Rules,
    version::Position,
    worker::Worker,
};
use crate::{
    commit::{Done, GasClaim, OrderedCommit},
    evm::{Deferral, ReadError, operations::OperationLog},
    pool::{SharedWork, guarded},
    sync::{Arc, Mutex, MutexGuard, PoisonError, lock},
};
use alloy_evm::EvmEnv;
use corosensei::{Coroutine, Yielder, stack::DefaultStack};
use lockstep_faults::{
    gas_and_receipts::{CUMULATIVE_GAS_BY_COMPLETION, RECEIPT_STATE_OF_BLOCK_END},
    invalid::INVALID_BLOCK_NEVER_ENDS,
};
use lockstep_model::{
    Case, ExecutorError, Mode, Rejection, Rule, RunOptions, StateChanges, Telemetry,
};
use revm::context::TxEnv;
use std::ops::Range;

/// The stack of a worker in turns: twice that of a thread. Only what is used becomes memory.
const STACK_BYTES: usize = 4 << 20;

/// Who drives the workers of the block.
enum Driver {
    Threads(Threads),
    /// So many workers in turns.
    Turns(Turns, usize),
}

impl Driver {
    fn halt(&self) {
        match self {
            Self::Threads(threads) => threads.halt(),
            Self::Turns(turns, _) => turns.halt(),
        }
    }

    fn is_given_up(&self) -> bool {
        match self {
            Self::Threads(threads) => threads.is_given_up(),
            Self::Turns(turns, _) => turns.is_given_up(),
        }
    }

    fn committed(&self) -> usize {
        match self {
            Self::Threads(threads) => threads.committed(),
            Self::Turns(turns, _) => turns.committed(),
        }
    }

    fn into_scheduler(self) -> Scheduler {
        match self {
            Self::Threads(threads) => threads.into_scheduler(),
            Self::Turns(turns, _) => turns.into_scheduler(),
        }
    }
}

/// A block in flight, shared by all workers.
pub(crate) struct BlockRun {
    pub(crate) case: Case,
    pub(super) options: RunOptions,
    pub(super) env: EvmEnv,
    pub(super) transactions: Arc<[TxEnv]>,
    gas_claims: Arc<[GasClaim]>,
    pub(crate) memory: Arc<MultiVersionMemory>,
    pub(super) rules: Rules,
    mode: Mode,
    /// Whether reads of the pre-state take longer than most transactions.
    pub(super) is_slow: bool,
    /// Where transactions are mended.
    pub(super) conflicts: Option<Conflicts>,
    driver: Driver,
    pub(super) slots: Slots,
    pub(super) buffers: BufferPool,
    pub(super) committed: Mutex<Committed>,
    pub(super) counters: Counters,
    collection: Collection,
    /// Only where dependencies are asked for.
    pub(super) trace: Option<Arc<Trace>>,
}

/// Results of the last incarnation of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    pub(super) result: Option<Result<Done, Rule>>,
    pub(super) reads: Option<Box<ReadSet>>,
    pub(super) locations: Vec<Location>,
    /// The worker whose buffers these are.
    pub(super) worker: usize,
    /// From Amsterdam on.
    pub(super) accesses: Option<Box<Accesses>>,
    /// Where they were written down.
    pub(super) operations: Option<Box<OperationLog>>,
    /// Gas of all that had completed by then. Only a fault looks at it.
    pub(super) completed_at: u64,
}

/// The outcome as far as it is known.
pub(crate) struct Committed {
    pub(crate) decided: Decided,
    /// Why the block ended early.
    pub(crate) stopped: Option<Result<Rejection, ExecutorError>>,
}

/// Accumulated results of the committed transactions.
pub(crate) struct Decided {
    pub(crate) gas: OrderedCommit,
    pub(crate) changes: Option<Vec<StateChanges>>,
    pub(crate) access_list: Option<AccessListBuilder>,
}

/// How a block is run.
pub(crate) struct Settings {
    pub(crate) deferral: Deferral,
    pub(crate) claims: Claims,
    pub(crate) gas_claims: Arc<[GasClaim]>,
    /// Numbers of what each transaction calls, where transactions are mended.
    pub(crate) callees: Option<Arc<[u32]>>,
    pub(crate) mode: Mode,
    pub(crate) is_slow: bool,
    pub(crate) spins: bool,
    pub(crate) slots: Slots,
    /// Whether to find out what each transaction waits for. One worker, then.
    pub(super) trace: Option<Arc<Trace>>,
}

impl Slot {
    /// Whether all reads are still current. False if the transaction has not executed.
    pub(super) fn reads_are_current(&self, memory: &MultiVersionMemory, at: Position) -> bool {
        self.reads.as_ref().is_some_and(|reads| reads.is_current(memory, at))
    }

    /// Forgets everything and keeps the room.
    fn clear(&mut self) {
        self.result = None;
        self.reads = None;
        self.locations.clear();
        self.accesses = None;
        self.operations = None;
    }
}

/// One slot for each transaction, kept for the next block.
#[derive(Debug, Default)]
pub(crate) struct Slots(Vec<Mutex<Slot>>);

impl Slots {
    /// As many as the block has transactions.
    fn sized(mut self, transactions: usize) -> Self {
        self.0.resize_with(transactions.max(self.0.len()), Mutex::default);
        self
    }

    /// The same slots without their contents; a commit empties a slot.
    fn emptied(mut self, unfinished: Range<usize>) -> Self {
        let slots = self.0[unfinished].iter_mut();
        slots.for_each(|slot| slot.get_mut().unwrap_or_else(PoisonError::into_inner).clear());
        self
    }

    pub(super) fn of(&self, index: TransactionIndex) -> MutexGuard<'_, Slot> {
        lock(&self.0[index as usize])
    }
}

impl SharedWork for BlockRun {
    fn help(&self) {
        self.work();
        if self.committed_all() {
            self.collect();
        }
    }
}

impl BlockRun {
    pub(crate) fn new(
        (case, options): (Case, RunOptions),
        env: EvmEnv,
        transactions: Arc<[TxEnv]>,
        memory: Arc<MultiVersionMemory>,
        access_list: Option<AccessListBuilder>,
        settings: Settings,
    ) -> Self {
        let count = transactions.len();
        let decided = Decided {
            gas: OrderedCommit::new(&case, &options),
            changes: options.changes_by_transaction.then(Vec::new),
            access_list,
        };
        let committed = Committed { decided, stopped: None };
        let buffers = BufferPool::of(settings.claims.workers);
        let workers = settings.claims.workers;
        let scheduler = Scheduler::new(count, settings.claims);
        let driver = match &options.steering {
            Some(steering) => {
                Driver::Turns(Turns::new(scheduler, settings.mode, steering.clone()), workers)
            }
            None => Driver::Threads(Threads::new(scheduler, settings.mode, settings.spins)),
        };
        Self {
            rules: Rules::of(&case, settings.deferral, env.cfg_env.spec),
            mode: settings.mode,
            is_slow: settings.is_slow,
            conflicts: settings.callees.map(|callees| Conflicts::none_yet(callees, settings.mode)),
            case,
            options,
            env,
            transactions,
            gas_claims: settings.gas_claims,
            memory,
            driver,
            slots: settings.slots.sized(count),
            buffers,
            committed: Mutex::new(committed),
            counters: Counters::default(),
            collection: Collection::default(),
            trace: settings.trace,
        }
    }

    /// The driver of a worker that has no turns.
    pub(super) fn threads(&self) -> &Threads {
        match &self.driver {
            Driver::Threads(threads) => threads,
            Driver::Turns(..) => unreachable!("its workers have turns"),
        }
    }

    /// Takes part in the block until it is done. A panic gives the block up; it must not leave the
    /// other workers waiting.
    pub(crate) fn work(&self) {
        match &self.driver {
            Driver::Threads(threads) => {
                self.guarded(|| threads.drive(&mut Worker::new(self, None)));
            }
            Driver::Turns(..) => unreachable!("nobody is invited to help"),
        }
    }

    /// Executes the block on this thread, with all workers in turns.
    pub(crate) fn work_in_turns(self: &Arc<Self>) {
        let Driver::Turns(turns, workers) = &self.driver else { unreachable!("as it was made") };
        let workers = (0..*workers as u32).map(|worker| self.clone().coroutine(worker)).collect();
        turns.run(workers, &|reason| self.stop(Err(ExecutorError::Broken(reason))));
    }

    fn coroutine(self: Arc<Self>, worker: u32) -> WorkerCoroutine {
        let stack = DefaultStack::new(STACK_BYTES).expect("address space for a stack");
        Coroutine::with_stack(stack, move |yielder: &Yielder<(), Pause>, ()| {
            let Driver::Turns(turns, _) = &self.driver else { unreachable!("as it was made") };
            let turn = turns.of_worker(worker, yielder);
            self.guarded(|| turns.drive(&turn, &mut Worker::new(&self, Some(&turn))));
        })
    }

    fn guarded(&self, work: impl FnOnce()) {
        let done = guarded(|| {
            work();
            Ok(())
        });
        if let Err(error) = done {
            self.stop(Err(error));
        }
    }

    /// Adds a final transaction to the outcome. An error ends the block.
    pub(super) fn add_to_outcome(
        &self,
        index: TransactionIndex,
        slot: &mut Slot,
        committed: &mut Decided,
    ) -> Result<(), Result<Rejection, ExecutorError>> {
        let result = slot.result.take().expect("an executed transaction has a result");
        committed.gas.commit(&self.gas_claims[index as usize], result).map_err(Ok)?;
        if CUMULATIVE_GAS_BY_COMPLETION.is_planted() {
            committed.gas.claim_cumulative(slot.completed_at);
        }
        let added = self.add_changes(index + 1, slot, committed);
        added.map_err(|error| Err(ExecutorError::Broken(error.to_string())))
    }

    /// Adds the requested outputs beside receipts: changes by transaction, the access list.
    fn add_changes(
        &self,
        position: Position,
        slot: &mut Slot,
        committed: &mut Decided,
    ) -> Result<(), ReadError> {
        if let Some(changes) = &mut committed.changes {
            let at = if RECEIPT_STATE_OF_BLOCK_END.is_planted() {
                self.transactions.len() as Position
            } else {
                position
            };
            changes.push(changes_at(&self.memory, at, &slot.locations)?);
        }
        if let (Some(list), Some(accesses)) = (&mut committed.access_list, slot.accesses.take()) {
            list.commit(position, *accesses, self.case.block.beneficiary, &self.memory)?;
        }
        Ok(())
    }

    /// Turns the writes of an invalid incarnation into estimates.
    pub(super) fn abort(&self, index: TransactionIndex) {
        let slot = self.slots.of(index);
        self.memory.mark_estimates(&slot.locations, index + 1);
        self.memory.rewards().set(index + 1, Owed::Unknown);
    }

    /// Ends the block early. The first reason stands.
    pub(super) fn stop(&self, reason: Result<Rejection, ExecutorError>) {
        let is_endless = INVALID_BLOCK_NEVER_ENDS.is_planted() && reason.is_ok();
        lock(&self.committed).stopped.get_or_insert(reason);
        if is_endless {
            return;
        }
        self.driver.halt();
    }

    /// Whether one thread alone has to go on: the block was given up as hopeless.
    pub(crate) fn is_given_up(&self) -> bool {
        self.driver.is_given_up()
    }

    fn committed_all(&self) -> bool {
        self.driver.committed() == self.transactions.len()
    }

    /// Collects the writes, together with all workers that are still attached.
    pub(crate) fn collect(&self) {
        let end = self.transactions.len() as Position + 1;
        self.guarded(|| self.collection.take_part(&self.memory, end));
    }

    /// All changes below `end`. Nothing of the block runs anywhere.
    pub(crate) fn changes(&self, end: Position) -> Result<StateChanges, ReadError> {
        self.collection.take_part(&self.memory, end);
        self.collection.finish(&self.memory, end)
    }

    /// Gives the slots back.
    pub(crate) fn into_slots(self) -> Slots {
        self.slots.emptied(self.driver.into_scheduler().unfinished())
    }

    /// The outcome so far, taken out.
    pub(crate) fn take_committed(&self) -> Committed {
        let gas = OrderedCommit::nothing(self.case.rules.fork);
        let decided = Decided { gas, changes: None, access_list: None };
        let empty = Committed { decided, stopped: None };
        std::mem::replace(&mut *lock(&self.committed), empty)
    }

    pub(crate) fn telemetry(&self) -> Telemetry {
        self.counters.telemetry(self.mode)
    }
}
