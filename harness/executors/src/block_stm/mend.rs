//! Mends transactions of which slots have changed since they read them, instead of executing them again.
//!
//! Only at its commit, when everything below is final: so it is mended once at most, and what it then
//! writes is final too. Accounts and clearings that it read must be what they were, and so must every slot that is no
//! node of its operations. Why the mended result is the one of an execution: `evm::operations`. Readers of
//! what it wrote find another writer there (`version::MENDED`), and are mended or executed again in their turn.

use super::{
    access_list::Accesses,
    memory::MultiVersionMemory,
    reads::{ReadSet, SlotRead},
    run::Slot,
    scheduler::TransactionIndex,
    version::Position,
};
use crate::{
    evm::{
        ReadError,
        operations::{Mended, OperationLog, Sites},
    },
    sync::{Arc, AtomicU32, AtomicU64, Ordering},
};
use alloy_primitives::{TxKind, map::HashMap};
use lockstep_model::Mode;
use revm::context::TxEnv;

/// Which transactions are expected to conflict: those that call what one with a conflict has called. Only
/// their operations are written down; in mode `forced` those of all.
#[derive(Debug)]
pub(super) struct Conflicts {
    mode: Mode,
    callees: Arc<[u32]>,
    /// By callee: how often a transaction that calls it was found stale, and how many of them are committed.
    counts: Box<[Counts]>,
    /// Where in the code slots were read that had changed.
    sites: AtomicU64,
}

#[derive(Debug, Default)]
struct Counts {
    stale: AtomicU32,
    committed: AtomicU32,
}

/// To write operations down makes an execution about twice as dear. Of so many transactions one has to be stale before
/// that is worth it.
const WORTH_RECORDING: u32 = 5;

/// Numbers the callees of a block: a number for each transaction. Each creation has one of its own.
pub(super) fn callees(transactions: &[TxEnv]) -> Arc<[u32]> {
    let mut numbers = HashMap::<_, u32>::default();
    let mut next = 0..;
    let mut number = |kind: TxKind| match kind {
        TxKind::Call(to) => *numbers.entry(to).or_insert_with(|| next.next().expect("endless")),
        TxKind::Create => next.next().expect("endless"),
    };
    transactions.iter().map(|transaction| number(transaction.kind)).collect()
}

impl Conflicts {
    pub(super) fn none_yet(callees: Arc<[u32]>, mode: Mode) -> Self {
        let count = callees.iter().max().map_or(0, |last| last + 1);
        let counts = (0..count).map(|_| Counts::default()).collect();
        Self { mode, callees, counts, sites: AtomicU64::new(0) }
    }

    // Relaxed, all of them: they decide on cost alone. A worker that does not see a count yet records one less.

    fn of(&self, index: TransactionIndex) -> &Counts {
        &self.counts[self.callees[index as usize] as usize]
    }

    /// A transaction was found stale.
    pub(super) fn found(&self, index: TransactionIndex) {
        self.of(index).stale.fetch_add(1, Ordering::Relaxed);
    }

    /// A transaction is committed.
    pub(super) fn committed(&self, index: TransactionIndex) {
        self.of(index).committed.fetch_add(1, Ordering::Relaxed);
    }

    /// Slots that were read at these places had changed.
    pub(super) fn found_at(&self, sites: Sites) {
        self.sites.fetch_or(sites.0, Ordering::Relaxed);
    }

    /// Where slots are read that may change.
    pub(super) fn sites(&self) -> Sites {
        Sites(self.sites.load(Ordering::Relaxed))
    }

    /// Whether each claim is executed from its last transaction to its first: the mode `forced` is there to mend
    /// as much as can be, whatever the threads do.
    pub(super) fn are_backwards(&self) -> bool {
        self.mode == Mode::Forced
    }

    pub(super) fn are_expected(&self, index: TransactionIndex) -> bool {
        if self.mode == Mode::Forced {
            return true;
        }
        let Counts { stale, committed } = self.of(index);
        let stale = stale.load(Ordering::Relaxed);
        stale > 0 && stale * WORTH_RECORDING >= committed.load(Ordering::Relaxed)
    }
}

impl Slot {
    /// Whether nothing but slots that can be mended have changed since they were read.
    pub(super) fn may_be_mended(
        &self,
        memory: &MultiVersionMemory,
        at: Position,
        conflicts: &Conflicts,
    ) -> bool {
        let (Some(operations), Some(reads)) = (&self.operations, &self.reads) else { return false };
        stale_nodes((reads, operations), memory, at, conflicts).is_some()
    }

    /// Computes again what depends on slots that have changed. Everything below must be committed. False if it has to
    /// be executed again.
    pub(super) fn mend(
        &mut self,
        memory: &MultiVersionMemory,
        at: Position,
        conflicts: &Conflicts,
    ) -> bool {
        let (Some(operations), Some(reads)) = (&self.operations, &mut self.reads) else {
            return false;
        };
        let Some(stale) = stale_nodes((reads, operations), memory, at, conflicts) else {
            return false;
        };
        let again = |read| {
            let SlotRead { address, slot, .. } = reads.slots[read];
            Ok((read, memory.slot(address, slot, at)?))
        };
        let fresh: Result<Vec<(usize, SlotRead)>, ReadError> =
            stale.into_iter().map(again).collect();
        let Ok(fresh) = fresh else { return false };
        let value = |read| fresh.iter().find(|(at, _)| *at == read).map(|(_, read)| read.value);
        let Some(mended) = operations.mend(value) else { return false };
        for (read, now) in &fresh {
            reads.slots[*read] = *now;
        }
        for slot in mended.slots() {
            memory.mend_slot(at, (slot.address, slot.slot), slot.present);
        }
        if let Some(Ok(done)) = &mut self.result {
            mended.mend_logs(&mut done.logs);
        }
        if let Some(accesses) = &mut self.accesses {
            mend_accesses(accesses, &mended);
        }
        true
    }
}

/// What the transaction is listed to have written (EIP-7928).
fn mend_accesses(accesses: &mut Accesses, mended: &Mended<'_>) {
    for slot in mended.slots() {
        if let Some(account) = accesses.state.get_mut(&slot.address)
            && let Some(listed) = account.storage.get_mut(&slot.slot)
        {
            (listed.original_value, listed.present_value) = (slot.original, slot.present);
        }
    }
}

/// Numbers of the slots that have changed; where they were read is learnt. `None` where one of them is no node, or
/// something else has changed.
fn stale_nodes(
    (reads, operations): (&ReadSet, &OperationLog),
    memory: &MultiVersionMemory,
    at: Position,
    conflicts: &Conflicts,
) -> Option<Vec<usize>> {
    let stale = reads.stale_slots(memory, at)?;
    stale.iter().for_each(|read| conflicts.found_at(operations.site(*read)));
    stale.iter().all(|read| operations.has_read(*read)).then_some(stale)
}
