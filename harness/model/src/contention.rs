//! What keeps the transactions of a block from running at the same time: place by place.

use crate::{Dependencies, Dependent};
use alloy_primitives::{Address, U256};
use std::collections::BTreeMap;

/// A part of the state that transactions wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The balance of an account.
    Balance(Address),
    /// The nonce of an account, or whether it is there.
    Nonce(Address),
    /// The code of an account, a delegation among it.
    Code(Address),
    /// The balance of the fee recipient, which every transaction pays.
    FeeRecipient(Address),
    /// One slot.
    Slot(Address, U256),
    /// All storage of an account: it was cleared.
    Storage(Address),
}

impl Place {
    /// The account that it belongs to.
    pub const fn address(&self) -> Address {
        match *self {
            Self::Balance(address)
            | Self::Nonce(address)
            | Self::Code(address)
            | Self::FeeRecipient(address)
            | Self::Slot(address, _)
            | Self::Storage(address) => address,
        }
    }
}

/// Transactions before it that a transaction waits for, because they changed a place that it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The place.
    pub place: Place,
    /// Their indices, ascending.
    pub after: Vec<u32>,
}

/// One transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contender {
    /// How long it took on one thread, in ns.
    pub time_ns: u64,
    /// Gas that it used.
    pub gas_used: u64,
    /// What it waits for.
    pub waits: Vec<Wait>,
    /// Slots that it wrote.
    pub writes: Vec<(Address, U256)>,
}

/// The transactions of a block, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contention {
    /// In block order.
    pub transactions: Vec<Contender>,
}

impl Contention {
    /// Who waits for whom, at any place.
    pub fn dependencies(&self) -> Dependencies {
        self.dependencies_without(&|_| false)
    }

    /// Who waits for whom, if nobody had to wait at places for which `is_free` is true.
    pub fn dependencies_without(&self, is_free: &dyn Fn(&Place) -> bool) -> Dependencies {
        let dependent = |transaction: &Contender| {
            let waits = transaction.waits.iter().filter(|wait| !is_free(&wait.place));
            let mut after: Vec<u32> = waits.flat_map(|wait| wait.after.iter().copied()).collect();
            after.sort_unstable();
            after.dedup();
            Dependent { after, time_ns: transaction.time_ns }
        };
        Dependencies { transactions: self.transactions.iter().map(dependent).collect() }
    }

    /// Who waits for whom, if the slot had a part of its own for each key, as for each sender: a transaction then
    /// waits there for the last one before it of the same key that wrote the slot. `keys` are those of the
    /// transactions.
    pub fn dependencies_sharded<K: Ord>(&self, slot: (Address, U256), keys: &[K]) -> Dependencies {
        let place = Place::Slot(slot.0, slot.1);
        let mut found = self.dependencies_without(&|other| *other == place);
        let mut last_writer = BTreeMap::new();
        for (index, transaction) in self.transactions.iter().enumerate() {
            let key = &keys[index];
            let reads = transaction.waits.iter().any(|wait| wait.place == place);
            if let (true, Some(before)) = (reads, last_writer.get(key)) {
                let after = &mut found.transactions[index].after;
                if let Err(at) = after.binary_search(before) {
                    after.insert(at, *before);
                }
            }
            if transaction.writes.contains(&slot) {
                last_writer.insert(key, index as u32);
            }
        }
        found
    }

    /// The shorter of two times for each transaction; both are of the same block.
    #[must_use]
    pub fn fastest(mut self, other: &Self) -> Self {
        for (mine, other) in self.transactions.iter_mut().zip(&other.transactions) {
            mine.time_ns = mine.time_ns.min(other.time_ns);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOT: (Address, U256) = (Address::ZERO, U256::ONE);
    const HOT: Place = Place::Slot(SLOT.0, SLOT.1);

    /// Four transactions that add to one slot; the last also needs the balance that the first left.
    fn counter() -> Contention {
        let mut transactions: Vec<_> = (0..4_u32)
            .map(|index| Contender {
                time_ns: 10,
                gas_used: 100,
                waits: index
                    .checked_sub(1)
                    .map_or(Vec::new(), |before| vec![Wait { place: HOT, after: vec![before] }]),
                writes: vec![SLOT],
            })
            .collect();
        let balance = Place::Balance(Address::ZERO);
        transactions[3].waits.push(Wait { place: balance, after: vec![0] });
        Contention { transactions }
    }

    #[test]
    fn without_the_hot_slot_the_rest_is_left() {
        let counter = counter();
        assert_eq!(counter.dependencies().critical_path_ns(), 40);
        let without = counter.dependencies_without(&|place| *place == HOT);
        assert_eq!(without.critical_path_ns(), 20);
    }

    #[test]
    fn with_a_part_for_each_key_only_the_same_keys_wait() {
        let counter = counter();
        let of = |keys: &[u8]| counter.dependencies_sharded(SLOT, keys);
        assert_eq!(of(&[0, 1, 0, 1]).transactions[3].after, [0, 1]);
        assert_eq!(of(&[0, 1, 0, 1]).transactions[2].after, [0]);
        assert_eq!(of(&[0, 0, 0, 0]), counter.dependencies());
        assert_eq!(of(&[0, 1, 2, 3]).critical_path_ns(), 20);
    }
}
