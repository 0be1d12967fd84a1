//! Places in the state that a block writes, and a cheap first answer to "does it?".

use crate::sync::{AtomicU8, AtomicU64, Ordering};
use alloy_primitives::{Address, U256};
use smallvec::SmallVec;
use std::hash::BuildHasher;

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

/// The hash whose stamp rises with every write to an account. That of the account's own hash stays where
/// it is when something modest is added to its balance and nothing else: who depends on no more than
/// that the account has no code must not mind how many others pay it.
pub(crate) const fn any_write(account_hash: u64) -> u64 {
    account_hash ^ 0x9e37_79b9_7f4a_7c15
}

/// The hash of a slot.
pub(crate) fn slot_hash(address: Address, slot: U256) -> u64 {
    rustc_hash::FxBuildHasher.hash_one((address, slot))
}

/// For each hash how often something with it was published in this block, up to [`MANY`].
///
/// It answers two questions without a lock, and without a write to memory that other cores read: "may
/// this have been written at all?", for most reads are of places that no transaction of the block
/// writes; and "was anything published since I looked?", for then a read need not be checked any
/// closer.
///
/// A count rises after the value is there. A reader takes the count first, and the value then. Where
/// the count is the same at the reader's commit, nothing below it was published since: every lower
/// transaction has ended its execution through the scheduler's lock before, so that its counts are
/// seen here. A value that came in between the reader's two looks raises the count afterwards.
#[derive(Debug)]
pub(crate) struct Stamps {
    counts: Box<[AtomicU8]>,
    /// How often storage was cleared, anywhere: rare enough for one count.
    clearings: AtomicU64,
}

/// A count that rises no more: it says "look closer".
const MANY: u8 = u8::MAX;

/// What a reader found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    bucket: u32,
    count: u8,
}

impl Stamp {
    /// Where no stamp can tell: look closer.
    pub(crate) const LOOK_CLOSER: Self = Self { bucket: 0, count: MANY };

    /// Whether nothing with this hash had been published.
    pub(crate) const fn is_unwritten(self) -> bool {
        self.count == 0
    }
}

impl Stamps {
    /// Room for the writes of this many transactions.
    pub(crate) fn new(transactions: usize) -> Self {
        let buckets = (transactions * 16).next_power_of_two().clamp(1 << 10, 1 << 20);
        let counts = std::iter::repeat_with(AtomicU8::default).take(buckets).collect();
        Self { counts, clearings: AtomicU64::new(0) }
    }

    /// Storage was cleared somewhere, or that was taken back.
    pub(crate) fn raise_clearings(&self) {
        self.clearings.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether storage was cleared anywhere.
    pub(crate) fn has_clearings(&self) -> bool {
        self.clearings.load(Ordering::Acquire) > 0
    }

    fn bucket_of(&self, hash: u64) -> usize {
        (hash >> 17) as usize & (self.counts.len() - 1)
    }

    /// The stamp of a hash now.
    pub(crate) fn look(&self, hash: u64) -> Stamp {
        let bucket = self.bucket_of(hash);
        Stamp { bucket: bucket as u32, count: self.counts[bucket].load(Ordering::Acquire) }
    }

    /// Something with this hash was published. Gives the stamp that came of it.
    pub(crate) fn raise(&self, hash: u64) -> Stamp {
        let bucket = self.bucket_of(hash);
        let rise = |count: u8| (count < MANY).then(|| count + 1);
        let before = self.counts[bucket].fetch_update(Ordering::AcqRel, Ordering::Acquire, rise);
        Stamp { bucket: bucket as u32, count: before.map_or(MANY, |count| count + 1) }
    }

    /// Whether nothing was published since the stamp was taken.
    pub(crate) fn is_current(&self, stamp: Stamp) -> bool {
        stamp.count != MANY
            && self.counts[stamp.bucket as usize].load(Ordering::Acquire) == stamp.count
    }
}

/// The stamps of one incarnation's reads.
#[derive(Debug, Default)]
pub(crate) struct ReadStamps {
    places: SmallVec<[Stamp; 8]>,
    /// Clearings at the first question for one.
    clearings: Option<u64>,
}

impl ReadStamps {
    pub(crate) fn push(&mut self, stamp: Stamp) {
        self.places.push(stamp);
    }

    /// A clearing is about to be looked for.
    pub(crate) fn note_clearings(&mut self, stamps: &Stamps) {
        self.clearings.get_or_insert_with(|| stamps.clearings.load(Ordering::Acquire));
    }

    pub(crate) fn clear(&mut self) {
        self.places.clear();
        self.clearings = None;
    }

    /// The reader itself has published something: what it has read there stands, if nobody else has
    /// published in between.
    pub(crate) fn allow(&mut self, own: Stamp) {
        for stamp in &mut self.places {
            if stamp.bucket == own.bucket && stamp.count.checked_add(1) == Some(own.count) {
                *stamp = own;
            }
        }
    }

    /// Whether nothing was published since, in any place that was read.
    pub(crate) fn are_current(&self, stamps: &Stamps) -> bool {
        let clearings = stamps.clearings.load(Ordering::Acquire);
        self.clearings.is_none_or(|before| before == clearings)
            && self.places.iter().all(|stamp| stamps.is_current(*stamp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_current_until_somebody_else_publishes() {
        let stamps = Stamps::new(1);
        let hash = 7 << 17;
        let mut reads = ReadStamps::default();
        reads.push(stamps.look(hash));
        assert!(stamps.look(hash).is_unwritten() && reads.are_current(&stamps));
        let own = stamps.raise(hash);
        assert!(!reads.are_current(&stamps));
        reads.allow(own);
        assert!(reads.are_current(&stamps));
        stamps.raise(hash);
        assert!(!reads.are_current(&stamps));
        reads.allow(stamps.raise(hash));
        assert!(!reads.are_current(&stamps), "somebody came in between");
    }

    #[test]
    fn a_full_count_is_never_current() {
        let stamps = Stamps::new(1);
        for _ in 0..300 {
            stamps.raise(0);
        }
        assert_eq!(stamps.look(0).count, MANY);
        assert!(!stamps.is_current(stamps.look(0)));
        assert!(!stamps.is_current(Stamp::LOOK_CLOSER));
    }
}
