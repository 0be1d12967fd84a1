//! The read set of an incarnation, and its validation.
//!
//! A read stands where every value that the transaction can have depended on is what it was: then the
//! transaction would do the same again. Origins are compared first, because that is cheaper; two
//! different writers may still have written the same.

use super::{
    memory::MultiVersionMemory,
    planted,
    stamps::ReadStamps,
    version::{Position, Writer},
};
use alloy_primitives::{Address, KECCAK256_EMPTY, U256};
use lockstep_model::{AccountInfo, Read, ReadObserver};

/// Origin of a value.
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
    pub(crate) hash: u64,
    /// Origin of `base`.
    pub(crate) origin: Origin,
    /// The account below credits and rewards.
    pub(crate) base: Option<AccountInfo>,
    /// The account that was read.
    pub(crate) info: Option<AccountInfo>,
    pub(crate) seen: Seen,
}

/// The part of an account that a transaction can have depended on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// All of it.
    Everything,
    /// Nonce and code; of the balance no more than whether the account is empty, and that adding to
    /// it does not overflow.
    AllButBalance,
    /// That it has no code, and that adding to its balance does not overflow.
    HasNoCode,
}

/// A balance this large could overflow when something is added to it. No sum of that size exists
/// outside of a pre-state.
pub(crate) const fn could_overflow(balance: U256) -> bool {
    balance.bit(255) || balance.bit(254)
}

/// A balance, or a sum that is added to one, that is so small that no block can add up as many to what
/// could overflow.
pub(crate) const fn is_modest(amount: U256) -> bool {
    amount.bit_len() <= 192
}

impl Seen {
    /// Whether a transaction that has seen this of `then` would see the same of `now`.
    pub(crate) fn is_same(self, then: Option<AccountInfo>, now: Option<AccountInfo>) -> bool {
        let balance = |info: Option<AccountInfo>| info.unwrap_or_default().balance;
        match self {
            Self::Everything => then == now,
            Self::AllButBalance => {
                let rest = |info: AccountInfo| (info.nonce, info.code_hash, info.is_empty());
                then.map(rest) == now.map(rest)
                    && (then == now || !could_overflow(balance(then).max(balance(now))))
            }
            Self::HasNoCode => {
                now.is_none_or(|info| info.code_hash == KECCAK256_EMPTY)
                    && !could_overflow(balance(now))
            }
        }
    }
}

impl AccountRead {
    /// Whether a read would give the same again, as far as it matters.
    pub(crate) fn is_current(&self, memory: &MultiVersionMemory, position: Position) -> bool {
        self.has_same(self.seen, memory, position)
    }

    /// Whether a read would give the same again, as far as `seen` of it matters.
    fn has_same(&self, seen: Seen, memory: &MultiVersionMemory, position: Position) -> bool {
        let now = memory.account_now(self, position);
        now.is_some_and(|info| {
            planted::misses_credit(self, info)
                || planted::misses_change(self, info)
                || seen.is_same(self.info, info)
        })
    }
}

/// A read of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotRead {
    pub(crate) address: Address,
    pub(crate) slot: U256,
    pub(crate) hash: u64,
    pub(crate) origin: Origin,
    pub(crate) value: U256,
}

/// A read of "was the storage cleared" (EIP-7610).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClearingRead {
    pub(crate) address: Address,
    pub(crate) last: Option<Writer>,
}

impl ClearingRead {
    fn is_current(&self, memory: &MultiVersionMemory, position: Position) -> bool {
        memory.clearing(self.address, position).is_ok_and(|last| last == self.last)
    }
}

/// All reads of one incarnation.
#[derive(Debug, Default)]
pub(crate) struct ReadSet {
    pub(crate) accounts: Vec<AccountRead>,
    pub(crate) slots: Vec<SlotRead>,
    pub(crate) clearings: Vec<ClearingRead>,
    /// One for each place that was looked at.
    pub(crate) stamps: ReadStamps,
}

impl ReadSet {
    /// Whether every read would give the same again.
    pub(crate) fn is_current(&self, memory: &MultiVersionMemory, position: Position) -> bool {
        memory.are_current(&self.stamps)
            || self.is_the_same(memory, position, |read| read.is_current(memory, position))
    }

    /// The same in the middle of an execution, which has looked at the balances of `observed` so far.
    pub(crate) fn is_current_so_far(
        &self,
        memory: &MultiVersionMemory,
        position: Position,
        observed: impl Fn(Address) -> bool,
    ) -> bool {
        let seen = |read: &AccountRead| match read.seen {
            Seen::Everything if !observed(read.address) => Seen::AllButBalance,
            seen => seen,
        };
        memory.are_current(&self.stamps)
            || self
                .is_the_same(memory, position, |read| read.has_same(seen(read), memory, position))
    }

    /// Numbers of the slots that would be read otherwise now. `None` if anything else would.
    pub(crate) fn stale_slots(
        &self,
        memory: &MultiVersionMemory,
        position: Position,
    ) -> Option<Vec<usize>> {
        let others = self.accounts.iter().all(|read| read.is_current(memory, position))
            && self.clearings.iter().all(|read| read.is_current(memory, position));
        let stale = |(_, read): &(usize, &SlotRead)| !memory.slot_is_current(read, position);
        let slots = || self.slots.iter().enumerate().filter(stale);
        others.then(|| slots().map(|(nth, _)| nth).collect())
    }

    /// Looks closer: place by place.
    fn is_the_same(
        &self,
        memory: &MultiVersionMemory,
        position: Position,
        is_current: impl Fn(&AccountRead) -> bool,
    ) -> bool {
        self.accounts.iter().all(is_current)
            && self.slots.iter().all(|read| memory.slot_is_current(read, position))
            && self.clearings.iter().all(|read| read.is_current(memory, position))
    }

    /// Tells what was read, by the transaction with this index.
    pub(crate) fn tell(&self, observer: &dyn ReadObserver, transaction: usize) {
        for AccountRead { address, info, seen, .. } in &self.accounts {
            let read = match seen {
                Seen::Everything => Read::Account(*address, *info),
                Seen::AllButBalance => Read::AllButBalance(*address, *info),
                Seen::HasNoCode => Read::NoCode(*address),
            };
            observer.rests_on(transaction, read);
        }
        for SlotRead { address, slot, value, .. } in &self.slots {
            observer.rests_on(transaction, Read::Slot(*address, *slot, *value));
        }
    }

    /// Of accounts whose balance was not looked at no more than the rest was seen.
    pub(crate) fn downgrade(&mut self, observed: impl Fn(Address) -> bool) {
        for read in &mut self.accounts {
            if read.seen == Seen::Everything && !observed(read.address) {
                read.seen = Seen::AllButBalance;
            }
        }
    }

    /// Forgets everything and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.accounts.clear();
        self.slots.clear();
        self.clearings.clear();
        self.stamps.clear();
    }
}
