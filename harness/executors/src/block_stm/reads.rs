//! What an incarnation read, and where each value came from.

use super::memory::{MultiVersionMemory, Position, Writer};
use alloy_primitives::{Address, U256};
use lockstep_model::AccountInfo;

/// Where a value came from. Compared instead of the value: a writer that moved may have had other
/// effects on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nothing in the block wrote it below the reader.
    PreState,
    /// This incarnation wrote it.
    Written(Writer),
    /// This incarnation cleared the account's storage, and none below the reader wrote the slot
    /// since.
    Cleared(Writer),
}

/// A read of balance, nonce and code hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccountRead {
    pub(crate) address: Address,
    /// Where `base` came from.
    pub(crate) origin: Origin,
    /// The account below the credits.
    pub(crate) base: Option<AccountInfo>,
    /// The account with credits, where there are any.
    pub(crate) credited: Option<Box<Credited>>,
}

/// An account after credits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credited {
    pub(crate) info: Option<AccountInfo>,
    /// Whether one of the credits ended the account (EIP-161).
    pub(crate) died: bool,
}

impl AccountRead {
    /// The account that was read.
    pub(crate) fn info(&self) -> Option<AccountInfo> {
        self.credited.as_ref().map_or(self.base, |credited| credited.info)
    }
}

/// A read of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotRead {
    pub(crate) address: Address,
    pub(crate) slot: U256,
    pub(crate) origin: Origin,
}

/// A read of "was the storage cleared" (EIP-7610).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClearingRead {
    pub(crate) address: Address,
    pub(crate) last: Option<Writer>,
}

/// All reads of one incarnation.
#[derive(Debug, Default)]
pub(crate) struct ReadSet {
    pub(crate) accounts: Vec<AccountRead>,
    pub(crate) slots: Vec<SlotRead>,
    pub(crate) clearings: Vec<ClearingRead>,
}

impl ReadSet {
    /// Whether every read would give the same again.
    pub(crate) fn is_current(&self, memory: &MultiVersionMemory, position: Position) -> bool {
        let clearing = |read: &ClearingRead| {
            memory.clearing(read.address, position).is_ok_and(|last| last == read.last)
        };
        self.accounts.iter().all(|read| memory.account_is_current(read, position))
            && self.slots.iter().all(|read| memory.slot_is_current(read, position))
            && self.clearings.iter().all(clearing)
    }
}
