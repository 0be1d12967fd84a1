//! One block in flight: what all workers share, and the loop that each of them runs.

use super::{
    access_list::{AccessListBuilder, Accesses},
    buffers::Exchange,
    collect::{Collection, changes_at},
    location::Location,
    memory::{MultiVersionMemory, Position},
    reads::ReadSet,
    rewards::Owed,
    scheduler::{Claims, Scheduler, Task, TransactionIndex},
    trace::Trace,
    worker::Worker,
};
use crate::{
    commit::{Done, GasClaim, OrderedCommit},
    evm::{Deferral, ReadError, has_state_clearing},
    pool::{SharedWork, guarded},
    reference::has_access_list,
    sync::{
        Arc, AtomicU64, Condvar, Mutex, MutexGuard, Ordering, PoisonError, SPINS, lock, spin_loop,
        wait,
    },
};
use alloy_evm::EvmEnv;
use lockstep_faults::{
    gas_and_receipts::{H1, H5},
    invalid::J4,
    memory::G13,
    nonces::D5,
};
use lockstep_model::{
    Case, ExecutorError, Mode, Rejection, Rule, RunOptions, StateChanges, Telemetry,
};
use revm::context::TxEnv;
use std::ops::Range;

/// A block in flight, shared by all workers.
pub(crate) struct BlockRun {
    pub(crate) case: Case,
    pub(super) options: RunOptions,
    pub(super) env: EvmEnv,
    pub(super) transactions: Arc<[TxEnv]>,
    gas_claims: Arc<[GasClaim]>,
    pub(crate) memory: Arc<MultiVersionMemory>,
    pub(super) deferral: Deferral,
    pub(super) state_clearing: bool,
    pub(super) has_access_list: bool,
    mode: Mode,
    /// Whether reads of the pre-state take longer than most transactions.
    pub(super) is_slow: bool,
    /// Whether there is a core for each worker, so that spinning takes no time from another one.
    spins: bool,
    schedule: Mutex<Schedule>,
    /// Signalled when a worker sleeps and there is a task for it, or the block is done.
    wake_up: Condvar,
    /// Counts ended tasks, for those who spin.
    ended_tasks: AtomicU64,
    pub(super) slots: Slots,
    pub(super) buffers: Exchange,
    pub(super) committed: Mutex<Committed>,
    pub(super) counters: Counters,
    collection: Collection,
    /// Only where dependencies are asked for.
    pub(super) trace: Option<Arc<Trace>>,
}

struct Schedule {
    scheduler: Scheduler,
    sleepers: usize,
    /// One thread alone goes on from what is committed.
    given_up: bool,
}

/// What the last incarnation of one transaction left.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    pub(super) result: Option<Result<Done, Rule>>,
    pub(super) reads: Option<Box<ReadSet>>,
    pub(super) locations: Vec<Location>,
    /// The worker whose buffers these are.
    pub(super) worker: usize,
    /// From Amsterdam on.
    pub(super) accesses: Option<Box<Accesses>>,
    /// Gas of all that had completed by then. Only a fault looks at it.
    pub(super) completed_at: u64,
}

/// The outcome as far as it is known.
pub(crate) struct Committed {
    pub(crate) decided: Decided,
    /// Why the block ended early.
    pub(crate) stopped: Option<Result<Rejection, ExecutorError>>,
}

/// What committed transactions add up to.
pub(crate) struct Decided {
    pub(crate) gas: OrderedCommit,
    pub(crate) changes: Option<Vec<StateChanges>>,
    pub(crate) access_list: Option<AccessListBuilder>,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) executions: AtomicU64,
    pub(super) re_executions: AtomicU64,
    pub(super) validations: AtomicU64,
    pub(super) suspensions: AtomicU64,
    /// Only a fault counts it.
    pub(super) gas_completed: AtomicU64,
}

/// How a block is run.
pub(crate) struct Settings {
    pub(crate) deferral: Deferral,
    pub(crate) claims: Claims,
    pub(crate) gas_claims: Arc<[GasClaim]>,
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
        let buffers = Exchange::of(settings.claims.workers);
        let scheduler = Scheduler::new(count, settings.claims);
        Self {
            deferral: settings.deferral,
            state_clearing: has_state_clearing(&case) || D5.is_planted(),
            has_access_list: has_access_list(&case),
            mode: settings.mode,
            is_slow: settings.is_slow,
            spins: settings.spins,
            case,
            options,
            env,
            transactions,
            gas_claims: settings.gas_claims,
            memory,
            schedule: Mutex::new(Schedule { scheduler, sleepers: 0, given_up: false }),
            wake_up: Condvar::new(),
            ended_tasks: AtomicU64::new(0),
            slots: settings.slots.sized(count),
            buffers,
            committed: Mutex::new(committed),
            counters: Counters::default(),
            collection: Collection::default(),
            trace: settings.trace,
        }
    }

    /// Takes part in the block until it is done. A panic gives the block up; it must not leave the
    /// other workers waiting.
    pub(crate) fn work(&self) {
        self.guarded(|| self.work_unguarded());
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

    fn work_unguarded(&self) {
        let mut worker = Worker::new(self);
        let mut schedule = lock(&self.schedule);
        loop {
            match schedule.scheduler.next_task() {
                Task::Done => return self.wake(&schedule, Condvar::notify_all),
                Task::Wait => schedule = self.wait_for_a_task(schedule),
                task => {
                    // One alone, who looks in turn whether there is more: to wake many for one task costs more
                    // than most tasks.
                    if schedule.sleepers > 0 && schedule.scheduler.has_task() {
                        self.wake(&schedule, Condvar::notify_one);
                    }
                    drop(schedule);
                    worker.perform(task);
                    schedule = lock(&self.schedule);
                    worker.report(&mut schedule.scheduler);
                    self.give_up_if_hopeless(&mut schedule);
                    self.ended_tasks.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// In mode `auto`, where guessing goes wrong most of the time, one thread goes on alone.
    fn give_up_if_hopeless(&self, schedule: &mut Schedule) {
        if self.mode == Mode::Auto
            && schedule.scheduler.is_hopeless()
            && !schedule.scheduler.is_done()
        {
            schedule.given_up = true;
            schedule.scheduler.halt();
        }
    }

    fn wait_for_a_task<'a>(
        &'a self,
        schedule: MutexGuard<'a, Schedule>,
    ) -> MutexGuard<'a, Schedule> {
        // Relaxed, here and below: every count is raised under the schedule's lock, and a worker that sees a new
        // one takes that lock before it looks at anything else.
        let ended = self.ended_tasks.load(Ordering::Relaxed);
        let mut schedule = schedule;
        if self.spins {
            drop(schedule);
            for _ in 0..SPINS {
                if self.ended_tasks.load(Ordering::Relaxed) != ended {
                    break;
                }
                spin_loop();
            }
            schedule = lock(&self.schedule);
        }
        // Looked at under the lock: nothing can end unseen from here to the wait.
        if self.ended_tasks.load(Ordering::Relaxed) == ended {
            schedule.sleepers += 1;
            schedule = wait(&self.wake_up, schedule);
            schedule.sleepers -= 1;
        }
        schedule
    }

    /// Wakes one of those who sleep, or all. Under the lock.
    fn wake(&self, schedule: &Schedule, notify: impl FnOnce(&Condvar)) {
        if schedule.sleepers > usize::from(G13.is_planted()) {
            notify(&self.wake_up);
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
        if H1.is_planted() {
            committed.gas.claim_cumulative(slot.completed_at);
        }
        let added = self.add_changes(index + 1, slot, committed);
        added.map_err(|error| Err(ExecutorError::Broken(error.to_string())))
    }

    /// What the case asks for beside receipts: changes by transaction, the access list.
    fn add_changes(
        &self,
        position: Position,
        slot: &mut Slot,
        committed: &mut Decided,
    ) -> Result<(), ReadError> {
        if let Some(changes) = &mut committed.changes {
            let at = if H5.is_planted() { self.transactions.len() as Position } else { position };
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
        let is_endless = J4.is_planted() && reason.is_ok();
        lock(&self.committed).stopped.get_or_insert(reason);
        if is_endless {
            return;
        }
        let mut schedule = lock(&self.schedule);
        schedule.scheduler.halt();
        self.ended_tasks.fetch_add(1, Ordering::Relaxed);
        self.wake(&schedule, Condvar::notify_all);
    }

    /// Whether one thread alone has to go on: the block was given up as hopeless.
    pub(crate) fn is_given_up(&self) -> bool {
        lock(&self.schedule).given_up
    }

    fn committed_all(&self) -> bool {
        lock(&self.schedule).scheduler.committed() == self.transactions.len()
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
        let schedule = self.schedule.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.slots.emptied(schedule.scheduler.unfinished())
    }

    /// The outcome so far, taken out.
    pub(crate) fn take_committed(&self) -> Committed {
        let gas = OrderedCommit::nothing(self.case.rules.fork);
        let decided = Decided { gas, changes: None, access_list: None };
        let empty = Committed { decided, stopped: None };
        std::mem::replace(&mut *lock(&self.committed), empty)
    }

    pub(crate) fn telemetry(&self) -> Telemetry {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Telemetry {
            mode: self.mode,
            threads: 0,
            executions: count(&self.counters.executions),
            re_executions: count(&self.counters.re_executions),
            validations: count(&self.counters.validations),
            suspensions: count(&self.counters.suspensions),
        }
    }
}
