//! One worker: its EVM, its buffers, and what it does with a task.

use super::{
    buffers::{Buffers, WorkerBuffers},
    driver::{Steps, Turn, Waits},
    memory::EntryBlocks,
    mend::Conflicts,
    planted,
    run::{BlockRun, Slot},
    scheduler::{Batch, Scheduler, Task, TransactionIndex, Version},
    transact::{Executed, Transactor, Unfinished},
    version::Writer,
    view::View,
};
use crate::{
    planted::is_unvalidated,
    sync::{Ordering, lock},
};
use alloy_primitives::TxKind;
use lockstep_faults::{
    gas_and_receipts::CUMULATIVE_GAS_BY_COMPLETION,
    invalid::{
        COMMIT_GOES_ON_AFTER_ERROR, INVALID_TRANSACTION_SKIPPED, SPECULATIVE_ERROR_IS_FINAL,
    },
    memory::THIRD_EXECUTION_ASSERTED_AWAY,
};
use lockstep_model::{At, Happened, Incarnation, Rejection, StepKind};
use std::{ops::Range, time::Instant};

impl From<Version> for Incarnation {
    fn from(Version { transaction, incarnation }: Version) -> Self {
        Self { transaction, number: incarnation }
    }
}

/// How a task ended, for the scheduler.
enum Ended {
    /// Begins again at once, and ends once more.
    Restarted(TransactionIndex),
    Executed {
        version: Version,
        wrote_elsewhere: bool,
    },
    Suspended {
        version: Version,
        on: TransactionIndex,
    },
    Validated {
        version: Version,
        valid: bool,
    },
    Committed {
        task: Range<TransactionIndex>,
        valid: u32,
    },
}

/// A thread's part in one block.
pub(super) struct Worker<'a> {
    block: &'a BlockRun,
    /// Built with the first execution: some workers only ever validate.
    transactor: Option<Transactor<'a>>,
    entry_blocks: EntryBlocks,
    buffers: WorkerBuffers<'a>,
    ended: Vec<Ended>,
    /// The first transaction of the claim that is executed.
    claim: TransactionIndex,
    /// Where a schedule decides.
    turn: Option<&'a dyn Turn>,
}

impl<'a> Worker<'a> {
    pub(super) fn new(block: &'a BlockRun, turn: Option<&'a dyn Turn>) -> Self {
        Self {
            block,
            transactor: None,
            entry_blocks: EntryBlocks::default(),
            buffers: block.buffers.of_worker(),
            ended: Vec::new(),
            claim: 0,
            turn,
        }
    }
}

impl Steps for Worker<'_> {
    /// Its result is kept for [`Self::report`].
    fn perform(&mut self, task: Task) {
        match task {
            Task::Execute(batch) => self.execute(batch),
            Task::Validate(version) => {
                self.before(StepKind::Validate, version);
                let valid = self.may_stand(version.transaction);
                self.ended.push(Ended::Validated { version, valid });
            }
            Task::Commit(task) => {
                self.before(StepKind::Commit, Version { transaction: task.start, incarnation: 0 });
                self.commit(task);
            }
            Task::Wait | Task::Done => {}
        }
    }

    /// Writes of aborted incarnations are turned into estimates here, under the scheduler's lock: it is rare
    /// and short.
    fn report(&mut self, scheduler: &mut Scheduler) {
        for ended in self.ended.drain(..) {
            let aborted = match ended {
                Ended::Restarted(transaction) => {
                    scheduler.disturbed(transaction);
                    None
                }
                Ended::Executed { version, wrote_elsewhere } => {
                    scheduler.finish_execution(version, wrote_elsewhere);
                    None
                }
                Ended::Suspended { version, on } => {
                    scheduler.suspend(version, on);
                    None
                }
                Ended::Validated { version, valid } => {
                    scheduler.finish_validation(version, valid).then_some(version)
                }
                Ended::Committed { task, valid } => scheduler.finish_commit(task, valid),
            };
            if let Some(version) = aborted {
                self.block.abort(version.transaction);
                if let Some(turn) = self.turn {
                    turn.tell(Happened::Aborted(version.into()));
                }
                scheduler.finish_abort(version);
            }
        }
    }
}

impl Worker<'_> {
    /// Waits for the turn to do this.
    fn before(&self, kind: StepKind, version: Version) {
        if let Some(turn) = self.turn {
            turn.before(kind, Some(version.into()), 0);
        }
    }

    fn tell(&self, happened: impl FnOnce() -> Happened) {
        if let Some(turn) = self.turn {
            turn.tell(happened());
        }
    }

    fn execute(&mut self, batch: Batch) {
        let block = self.block;
        let counters = &block.counters;
        counters.executions.fetch_add(batch.count.into(), Ordering::Relaxed);
        if batch.first.incarnation > 0 {
            counters.re_executions.fetch_add(1, Ordering::Relaxed);
        }
        self.claim = batch.first.transaction;
        let is_backwards = block.conflicts.as_ref().is_some_and(Conflicts::are_backwards);
        let mut versions = batch.versions();
        while let Some(version) = if is_backwards { versions.next_back() } else { versions.next() }
        {
            assert!(
                !THIRD_EXECUTION_ASSERTED_AWAY.is_planted() || version.incarnation < 2,
                "executed three times"
            );
            let start = block.trace.is_some().then(Instant::now);
            let ended = match self.transact_to_the_end(version) {
                Ok(executed) => self.publish(version, executed, start),
                Err(Unfinished::Blocked(blocker)) => {
                    counters.suspensions.fetch_add(1, Ordering::Relaxed);
                    self.tell(|| Happened::Suspended(version.into(), blocker - 1));
                    // Position 0 is final before the first transaction starts: no transaction waits for it.
                    Ended::Suspended { version, on: blocker - 1 }
                }
                Err(Unfinished::Stale) => unreachable!("it begins again"),
                Err(Unfinished::Broken(error)) => {
                    self.block.stop(Err(error));
                    return;
                }
            };
            self.ended.push(ended);
        }
    }

    /// Begins again as often as what was read turns out to be stale on the way. Each time a lower transaction has
    /// published something meanwhile, which they do a finite number of times.
    fn transact_to_the_end(&mut self, version: Version) -> Result<Executed, Unfinished> {
        loop {
            let outcome = self.transact(version);
            if !matches!(outcome, Err(Unfinished::Stale)) {
                return outcome;
            }
            let counters = &self.block.counters;
            counters.executions.fetch_add(1, Ordering::Relaxed);
            counters.re_executions.fetch_add(1, Ordering::Relaxed);
            self.tell(|| Happened::Restarted(version.into()));
            self.ended.push(Ended::Restarted(version.transaction));
        }
    }

    fn transact(&mut self, version: Version) -> Result<Executed, Unfinished> {
        let block = self.block;
        let transactor = self.transactor.get_or_insert_with(|| {
            let waits: &dyn Waits = match self.turn {
                Some(turn) => turn,
                None => block.threads(),
            };
            let view = View::new(block.memory.clone(), 0).in_turns(self.turn).waiting(waits);
            Transactor::new(view, block.env.clone(), block.rules)
        });
        let conflicts = block.conflicts.as_ref().filter(|conflicts| {
            version.incarnation > 0 || conflicts.are_expected(version.transaction)
        });
        transactor
            .record(conflicts.map(|conflicts| (self.buffers.operations(), conflicts.sites())));
        transactor.view().move_to(version.transaction + 1, self.claim + 1);
        if let Some(turn) = self.turn {
            turn.begin(version.into());
        }
        let transaction = &block.transactions[version.transaction as usize];
        if block.is_slow
            && let TxKind::Call(to) = transaction.kind
        {
            // Before it may have to wait for its sender. An error comes again where it matters.
            let _ = block.memory.pre_state().account(to);
        }
        let executed = transactor.run(transaction);
        if let (true, Ok(Executed { result: Err(rule), .. })) =
            (SPECULATIVE_ERROR_IS_FINAL.is_planted(), &executed)
        {
            let at = At::Transaction(version.transaction as usize);
            self.block.stop(Ok(Rejection { at, rule: rule.clone() }));
        }
        executed
    }

    fn publish(&mut self, version: Version, executed: Executed, start: Option<Instant>) -> Ended {
        self.before(StepKind::Publish, version);
        let transactor = self.transactor.as_mut().expect("made by the first execution");
        let spare = self.buffers.take();
        let mut reads = transactor.view().take_reads(spare.reads);
        let position = version.transaction + 1;
        let mut slot = self.block.slots.of(version.transaction);
        if slot.locations.capacity() == 0 {
            slot.locations = spare.locations;
        }
        let Slot { locations, .. } = &mut *slot;
        let memory = &self.block.memory;
        memory.rewards().set(position, executed.owed);
        let writer = Writer { position, incarnation: version.incarnation };
        let (writes, entry_blocks) = (&mut transactor.writes, &mut self.entry_blocks);
        let wrote_elsewhere =
            memory.publish(writer, writes, locations, &mut reads.stamps, entry_blocks);
        if let (true, Ok(done)) = (CUMULATIVE_GAS_BY_COMPLETION.is_planted(), &executed.result) {
            let gas = done.gas.tx_gas_used();
            slot.completed_at =
                gas + self.block.counters.gas_completed.fetch_add(gas, Ordering::Relaxed);
        }
        slot.result = Some(executed.result);
        let operations = std::mem::replace(&mut slot.operations, executed.operations);
        let before = slot.accesses.take();
        slot.accesses = executed.accesses;
        planted::add_aborted(slot.accesses.as_deref_mut(), before);
        let before = slot.reads.replace(reads);
        slot.worker = self.buffers.worker();
        drop(slot);
        if let Some(reads) = before {
            self.buffers.keep(Buffers { reads, locations: Vec::new(), operations });
        }
        if let (Some(trace), Some(start)) = (&self.block.trace, start) {
            trace.executed(start);
        }
        self.tell(|| Happened::Published(version.into()));
        Ended::Executed { version, wrote_elsewhere }
    }

    /// Whether all that was read is current, or may be mended at the commit.
    fn may_stand(&self, index: TransactionIndex) -> bool {
        self.block.counters.validations.fetch_add(1, Ordering::Relaxed);
        let slot = self.block.slots.of(index);
        let memory = &self.block.memory;
        if slot.reads_are_current(memory, index + 1) {
            return true;
        }
        let Some(conflicts) = &self.block.conflicts else { return false };
        let stands = slot.may_be_mended(memory, index + 1, conflicts);
        if !stands {
            conflicts.found(index);
        }
        stands
    }

    /// At the commit of a transaction whose reads have changed.
    fn mend(&self, index: TransactionIndex, slot: &mut Slot) -> bool {
        let Some(conflicts) = &self.block.conflicts else { return false };
        let is_mended = slot.mend(&self.block.memory, index + 1, conflicts);
        conflicts.found(index);
        self.block.counters.mended.fetch_add(is_mended.into(), Ordering::Relaxed);
        is_mended
    }

    /// Checks and commits, until one is invalid or ends the block.
    fn commit(&mut self, task: Range<TransactionIndex>) {
        let block = self.block;
        let mut committed = lock(&block.committed);
        let mut valid = 0;
        for index in task.clone() {
            let mut slot = block.slots.of(index);
            let is_let_through = is_unvalidated(index, slot.result.as_ref());
            if !is_let_through
                && !slot.reads_are_current(&block.memory, index + 1)
                && !self.mend(index, &mut slot)
            {
                break;
            }
            if INVALID_TRANSACTION_SKIPPED.is_planted() && matches!(slot.result, Some(Err(_))) {
                slot.result = None;
                valid += 1;
                continue;
            }
            if let Err(reason) = block.add_to_outcome(index, &mut slot, &mut committed.decided) {
                if COMMIT_GOES_ON_AFTER_ERROR.is_planted() {
                    committed.stopped = Some(reason);
                    valid += 1;
                    continue;
                }
                drop((slot, committed));
                block.stop(reason);
                return;
            }
            if let (Some(observer), Some(reads)) = (&block.options.reads, &slot.reads) {
                reads.tell(&**observer, index as usize);
            }
            if let (Some(trace), Some(reads)) = (&block.trace, &slot.reads)
                && let Err(error) = trace.committed(
                    index,
                    committed.decided.gas.last_gas_used(),
                    (reads, &slot.locations),
                    &block.memory,
                )
            {
                drop((slot, committed));
                block.stop(Err(error.into()));
                return;
            }
            let (worker, locations) = (slot.worker, std::mem::take(&mut slot.locations));
            let operations = slot.operations.take();
            if let Some(reads) = slot.reads.take() {
                drop(slot);
                self.buffers.give_back(worker, Buffers { reads, locations, operations });
            }
            valid += 1;
            if let Some(conflicts) = &block.conflicts {
                conflicts.committed(index);
            }
            self.tell(|| Happened::Committed(index));
        }
        drop(committed);
        let checked = u64::from(valid) + u64::from(valid < task.len() as u32);
        block.counters.validations.fetch_add(checked, Ordering::Relaxed);
        block
            .memory
            .rewards()
            .commit(task.clone().take(valid as usize).map(|index| index as usize));
        self.ended.push(Ended::Committed { task, valid });
    }
}
