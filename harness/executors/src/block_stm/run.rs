//! One block in flight: what all workers share, and the loop that each of them runs.

use super::{
    access_list::{AccessListBuilder, Accesses},
    memory::{Location, MultiVersionMemory, Position, Writer},
    reads::ReadSet,
    scheduler::{Scheduler, Task, Version},
    view::View,
    writes::{WriteSet, write_set},
};
use crate::{
    commit::OrderedCommit,
    evm::{Deferral, ReadError, StrictEvm, rule_of_invalid_transaction, transact_deferring_reward},
    reference::has_access_list,
    sync::{Arc, AtomicU64, Condvar, Mutex, Ordering, lock},
};
use alloy_evm::EvmEnv;
use lockstep_model::{Case, ExecutorError, Fork, Rejection, Rule, StateChanges, Telemetry};
use revm::context::{
    TxEnv,
    result::{EVMError, ExecutionResult},
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A block in flight, shared by all workers.
pub(crate) struct BlockRun {
    pub(crate) case: Case,
    env: EvmEnv,
    transactions: Arc<[TxEnv]>,
    pub(crate) memory: Arc<MultiVersionMemory>,
    deferral: Deferral,
    scheduler: Mutex<Scheduler>,
    /// Signalled whenever a task has ended.
    task_ended: Condvar,
    slots: Vec<Mutex<Slot>>,
    committed: Mutex<Committed>,
    counters: Counters,
    helpers: Mutex<Helpers>,
    helpers_left: Condvar,
}

/// What the last incarnation of one transaction left.
#[derive(Default)]
struct Slot {
    result: Option<Result<ExecutionResult, Rule>>,
    reads: ReadSet,
    locations: Vec<Location>,
    /// From Amsterdam on.
    accesses: Option<Box<Accesses>>,
}

/// The outcome as far as it is decided.
pub(crate) struct Committed {
    pub(crate) gas: OrderedCommit,
    pub(crate) changes: Option<Vec<StateChanges>>,
    pub(crate) access_list: Option<AccessListBuilder>,
    pub(crate) stopped: Option<Result<Rejection, ExecutorError>>,
}

#[derive(Default)]
struct Counters {
    executions: AtomicU64,
    re_executions: AtomicU64,
    validations: AtomicU64,
    suspensions: AtomicU64,
}

#[derive(Default)]
struct Helpers {
    inside: usize,
    ever: usize,
    closed: bool,
}

/// What came of one execution.
enum Executed {
    Finished(Result<ExecutionResult, Rule>, WriteSet, Option<Box<Accesses>>),
    Blocked(Position),
    Broken(ExecutorError),
}

impl BlockRun {
    pub(crate) fn new(
        case: Case,
        env: EvmEnv,
        transactions: Arc<[TxEnv]>,
        memory: Arc<MultiVersionMemory>,
        access_list: Option<AccessListBuilder>,
        deferral: Deferral,
    ) -> Self {
        let count = transactions.len();
        let committed = Committed {
            gas: OrderedCommit::new(case.rules.fork, case.block.gas_limit, count),
            changes: case.changes_by_transaction.then(Vec::new),
            access_list,
            stopped: None,
        };
        Self {
            case,
            env,
            transactions,
            memory,
            deferral,
            scheduler: Mutex::new(Scheduler::new(count)),
            task_ended: Condvar::new(),
            slots: std::iter::repeat_with(Mutex::default).take(count).collect(),
            committed: Mutex::new(committed),
            counters: Counters::default(),
            helpers: Mutex::default(),
            helpers_left: Condvar::new(),
        }
    }

    /// How many transactions the block has.
    pub(crate) fn transactions(&self) -> usize {
        self.transactions.len()
    }

    /// Takes part in the block until it is done, as a helper of the thread that owns it.
    pub(crate) fn help(&self) {
        {
            let mut helpers = lock(&self.helpers);
            if helpers.closed {
                return;
            }
            helpers.inside += 1;
            helpers.ever += 1;
        }
        self.work();
        lock(&self.helpers).inside -= 1;
        self.helpers_left.notify_all();
    }

    /// Lets no more helpers in and waits until the last has left. Afterwards nothing of the block
    /// runs anywhere.
    pub(crate) fn wait_for_helpers(&self) {
        let mut helpers = lock(&self.helpers);
        helpers.closed = true;
        while helpers.inside > 0 {
            helpers = self
                .helpers_left
                .wait(helpers)
                .unwrap_or_else(crate::sync::PoisonError::into_inner);
        }
    }

    /// Takes part in the block until it is done. A panic gives the block up; it must not leave the
    /// other workers waiting.
    pub(crate) fn work(&self) {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.work_unguarded()));
        if let Err(panic) = outcome {
            let text = panic
                .downcast_ref::<&str>()
                .map(ToString::to_string)
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            self.stop(Err(ExecutorError::Broken(format!("a worker panicked: {text}"))));
        }
    }

    fn work_unguarded(&self) {
        // The EVM is not `Send`: each worker builds its own, once it has something to execute.
        let mut evm = None;
        let mut scheduler = lock(&self.scheduler);
        loop {
            let task = scheduler.next_task();
            if task == Task::Wait {
                scheduler = self
                    .task_ended
                    .wait(scheduler)
                    .unwrap_or_else(crate::sync::PoisonError::into_inner);
                continue;
            }
            drop(scheduler);
            match task {
                Task::Execute(version) => {
                    let view = || View::new(self.memory.clone(), 0);
                    let evm = evm.get_or_insert_with(|| StrictEvm::new(view(), self.env.clone()));
                    self.execute(evm, version);
                }
                Task::Validate(version) => self.validate(version),
                Task::Commit(version) => self.commit(version),
                Task::Wait | Task::Done => return,
            }
            scheduler = lock(&self.scheduler);
        }
    }

    fn execute(&self, evm: &mut StrictEvm<View>, version: Version) {
        self.counters.executions.fetch_add(1, Ordering::Relaxed);
        if version.incarnation > 0 {
            self.counters.re_executions.fetch_add(1, Ordering::Relaxed);
        }
        let position = version.transaction + 1;
        evm.db_mut().move_to(position);
        match self.transact(evm, version) {
            Executed::Finished(result, writes, accesses) => {
                let reads = evm.db_mut().take_reads();
                let writer = Writer { position, incarnation: version.incarnation };
                let mut slot = lock(&self.slots[version.transaction as usize]);
                let wrote_elsewhere = self.memory.publish(writer, writes, &mut slot.locations);
                slot.result = Some(result);
                slot.reads = reads;
                slot.accesses = accesses;
                drop(slot);
                self.end_task(|scheduler| scheduler.finish_execution(version, wrote_elsewhere));
            }
            Executed::Blocked(blocker) => {
                self.counters.suspensions.fetch_add(1, Ordering::Relaxed);
                // Position 0 is final before the first transaction starts: nobody waits for it.
                self.end_task(|scheduler| scheduler.suspend(version, blocker - 1));
            }
            Executed::Broken(error) => self.stop(Err(error)),
        }
    }

    fn transact(&self, evm: &mut StrictEvm<View>, version: Version) -> Executed {
        let transaction = self.transactions[version.transaction as usize].clone();
        match transact_deferring_reward(evm, transaction, self.deferral) {
            Ok(run) => {
                let state_clearing = self.case.rules.fork >= Fork::SpuriousDragon;
                let accesses = has_access_list(&self.case).then(|| {
                    let owed_reward = run.owed_reward;
                    Box::new(Accesses { state: run.state.clone(), owed_reward })
                });
                let (result, writes) = write_set(run, self.case.block.beneficiary, state_clearing);
                Executed::Finished(Ok(result), writes, accesses)
            }
            // A result like any other: it stands once its reads are known to be final.
            Err(EVMError::Transaction(invalid)) => {
                let rule = rule_of_invalid_transaction(&invalid);
                Executed::Finished(Err(rule), WriteSet::default(), None)
            }
            Err(EVMError::Database(ReadError::Blocked(position))) => Executed::Blocked(position),
            Err(EVMError::Database(ReadError::State(error))) => Executed::Broken(error.into()),
            Err(error) => Executed::Broken(ExecutorError::Broken(error.to_string())),
        }
    }

    fn reads_are_current(&self, version: Version) -> bool {
        self.counters.validations.fetch_add(1, Ordering::Relaxed);
        let slot = lock(&self.slots[version.transaction as usize]);
        slot.reads.is_current(&self.memory, version.transaction + 1)
    }

    fn validate(&self, version: Version) {
        let valid = self.reads_are_current(version);
        let mut aborted = false;
        self.end_task(|scheduler| aborted = scheduler.finish_validation(version, valid));
        if aborted {
            self.abort(version);
        }
    }

    fn commit(&self, version: Version) {
        if !self.reads_are_current(version) {
            let mut aborted = false;
            self.end_task(|scheduler| aborted = scheduler.finish_commit(version, false));
            if aborted {
                self.abort(version);
            }
            return;
        }
        if self.add_to_outcome(version) {
            self.end_task(|scheduler| {
                let _valid_is_never_aborted = scheduler.finish_commit(version, true);
            });
        }
    }

    /// Adds a final transaction to the outcome. False where it ends the block.
    fn add_to_outcome(&self, version: Version) -> bool {
        let index = version.transaction as usize;
        let mut slot = lock(&self.slots[index]);
        let result = slot.result.take().expect("an executed transaction has a result");
        let mut committed = lock(&self.committed);
        let admitted = committed.gas.commit(&self.case.block.transactions[index], result);
        if let Err(rejection) = admitted {
            drop(committed);
            self.stop(Ok(rejection));
            return false;
        }
        let added = self.add_changes(version, &mut slot, &mut committed);
        if let Err(error) = added {
            drop(committed);
            self.stop(Err(ExecutorError::Broken(error.to_string())));
            return false;
        }
        true
    }

    /// What the case asks for beside receipts: changes by transaction, the access list.
    fn add_changes(
        &self,
        version: Version,
        slot: &mut Slot,
        committed: &mut Committed,
    ) -> Result<(), ReadError> {
        let position = version.transaction + 1;
        if let Some(changes) = &mut committed.changes {
            changes.push(self.memory.changes_at(position, &slot.locations)?);
        }
        if let (Some(list), Some(accesses)) = (&mut committed.access_list, slot.accesses.take()) {
            list.commit(position, *accesses, self.case.block.beneficiary, &self.memory)?;
        }
        Ok(())
    }

    fn abort(&self, version: Version) {
        let slot = lock(&self.slots[version.transaction as usize]);
        self.memory.mark_estimates(&slot.locations, version.transaction + 1);
        drop(slot);
        self.end_task(|scheduler| scheduler.finish_abort(version));
    }

    fn end_task(&self, tell: impl FnOnce(&mut Scheduler)) {
        tell(&mut lock(&self.scheduler));
        self.task_ended.notify_all();
    }

    /// Ends the block early. The first reason stands.
    fn stop(&self, reason: Result<Rejection, ExecutorError>) {
        lock(&self.committed).stopped.get_or_insert(reason);
        self.end_task(Scheduler::halt);
    }

    /// The outcome so far, taken out.
    pub(crate) fn take_committed(&self) -> Committed {
        let empty = Committed {
            gas: OrderedCommit::new(self.case.rules.fork, 0, 0),
            changes: None,
            access_list: None,
            stopped: None,
        };
        std::mem::replace(&mut *lock(&self.committed), empty)
    }

    pub(crate) fn telemetry(&self) -> Telemetry {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Telemetry {
            mode: lockstep_model::Mode::Forced,
            threads: 1 + lock(&self.helpers).ever,
            executions: count(&self.counters.executions),
            re_executions: count(&self.counters.re_executions),
            validations: count(&self.counters.validations),
            suspensions: count(&self.counters.suspensions),
        }
    }
}
