//! Places in the state that a block writes.

use alloy_primitives::{Address, U256};
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
    /// The account that the location belongs to.
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
