//! Places in the state that a block writes, and a cheap first answer to "does it?".

use alloy_primitives::{Address, U256};
use std::hash::BuildHasher;

use crate::sync::{AtomicU8, Ordering};

/// A place that one incarnation wrote, with its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Location {
    pub(crate) hash: u64,
    pub(crate) place: Place,
}

/// A place in the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// Balance, nonce and code hash.
    Account(Address),
    /// "All storage of this account was cleared here."
    Clearing(Address),
    /// One slot.
    Slot(Address, U256),
}

impl Location {
    /// Whose place it is.
    pub(crate) const fn address(&self) -> Address {
        match self.place {
            Place::Account(address) | Place::Clearing(address) | Place::Slot(address, _) => address,
        }
    }
}

/// The hash of an account, shared by its clearings.
pub(crate) fn account_hash(address: Address) -> u64 {
    rustc_hash::FxBuildHasher.hash_one(address)
}

/// The hash of a slot.
pub(crate) fn slot_hash(address: Address, slot: U256) -> u64 {
    rustc_hash::FxBuildHasher.hash_one((address, slot))
}

/// For each hash whether anything with it may have been written in this block.
///
/// Most reads are of places that no transaction of the block writes. This tells them from the rest
/// without a lock, and without a write to memory that other cores read.
///
/// A mark is set after the value is there, and never taken back within a block. A reader that misses
/// one whose value is just coming reads the pre-state; its check at the commit happens after the
/// writer's end of execution went through the scheduler's lock, so there it sees the mark.
#[derive(Debug)]
pub(crate) struct WrittenFilter {
    marks: Box<[AtomicU8]>,
}

impl WrittenFilter {
    /// Room for the writes of this many transactions.
    pub(crate) fn new(transactions: usize) -> Self {
        let marks = (transactions * 32).next_power_of_two().clamp(1 << 10, 1 << 20);
        Self { marks: std::iter::repeat_with(AtomicU8::default).take(marks).collect() }
    }

    fn mark_of(&self, hash: u64) -> &AtomicU8 {
        &self.marks[(hash >> 17) as usize & (self.marks.len() - 1)]
    }

    pub(crate) fn mark(&self, hash: u64) {
        let mark = self.mark_of(hash);
        // Reading first keeps the line shared where the place is written again and again.
        if mark.load(Ordering::Relaxed) == 0 {
            mark.store(1, Ordering::Release);
        }
    }

    /// False where nothing with this hash has been written.
    pub(crate) fn may_be_written(&self, hash: u64) -> bool {
        self.mark_of(hash).load(Ordering::Acquire) != 0
    }
}
