//! What each transaction should have read: the last write below it.
//!
//! Known from the reference, which states what each transaction changed. An executor that tells what its
//! transactions have read ([`ReadObserver`]) can be caught at a wrong read even where the outcome is
//! right by luck, and where it is wrong, the first wrong read says more than the first wrong balance.

use crate::{
    explain::{Place, Value, Writer},
    test::Runnable,
};
use alloy_primitives::{Address, KECCAK256_EMPTY, U256};
use lockstep_model::{
    AccountInfo, BlockOutcome, Fork, MemoryState, Read, ReadObserver, StateChanges,
};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// Reads by transaction, as they are told.
#[derive(Debug, Default)]
pub(super) struct Reads(Mutex<BTreeMap<usize, Vec<Read>>>);

impl ReadObserver for Reads {
    fn rests_on(&self, transaction: usize, read: Read) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(transaction).or_default().push(read);
    }
}

impl Reads {
    /// What was told since the last time.
    pub(super) fn take(&self) -> BTreeMap<usize, Vec<Read>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A read of something that was not the last write below the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WrongRead {
    transaction: usize,
    place: Place,
    /// `None`: that the account has no code.
    found: Option<Value>,
    expected: Value,
    writer: Writer,
}

impl fmt::Display for WrongRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { transaction, place, found, expected, writer } = self;
        let found = found.map_or_else(|| "without code".to_owned(), |found| found.to_string());
        write!(
            f,
            "transaction {transaction} read {place} as {found}; {writer} left it as {expected}"
        )
    }
}

/// Every write of a block, by place, in the order of transactions.
pub(super) struct History {
    fork: Fork,
    pre: Arc<MemoryState>,
    accounts: BTreeMap<Address, Vec<(Writer, Option<AccountInfo>)>>,
    clearings: BTreeMap<Address, Vec<Writer>>,
    slots: BTreeMap<(Address, U256), Vec<(Writer, U256)>>,
}

impl History {
    /// Of a block, and what the reference says of each of its transactions; `None` where it does not.
    pub(super) fn of(block: &Runnable, right: &BlockOutcome) -> Option<Self> {
        let mut history = Self {
            fork: block.case.rules.fork,
            pre: block.pre.state.clone(),
            accounts: BTreeMap::new(),
            clearings: BTreeMap::new(),
            slots: BTreeMap::new(),
        };
        history.add(Writer::PreState, right.changes_before_transactions.as_ref()?);
        for (index, changes) in right.changes_by_transaction.as_ref()?.iter().enumerate() {
            history.add(Writer::Transaction(index), changes);
        }
        Some(history)
    }

    fn add(&mut self, writer: Writer, changes: &StateChanges) {
        for (address, change) in changes.by_account() {
            self.accounts.entry(address).or_default().push((writer, change.info));
            if change.storage_cleared || change.info.is_none() {
                self.clearings.entry(address).or_default().push(writer);
            }
            if change.info.is_some() {
                for (slot, value) in change.storage {
                    self.slots.entry((address, slot)).or_default().push((writer, value));
                }
            }
        }
    }

    /// The first transaction that read something else than it should have.
    pub(super) fn first_wrong(&self, reads: &BTreeMap<usize, Vec<Read>>) -> Option<WrongRead> {
        let all = reads.iter().flat_map(|(at, reads)| reads.iter().map(move |read| (*at, *read)));
        all.into_iter().find_map(|(transaction, read)| self.wrong(transaction, read))
    }

    fn wrong(&self, transaction: usize, read: Read) -> Option<WrongRead> {
        let (place, found, writer, expected, is_right) = match read {
            Read::Slot(address, slot, found) => {
                let (writer, value) = self.slot(address, slot, transaction);
                let found_value = Some(Value::Slot(found));
                let place = Place::Slot(address, slot);
                (place, found_value, writer, Value::Slot(value), found == value)
            }
            Read::Account(address, found) | Read::AllButBalance(address, found) => {
                let (writer, info) = self.account(address, transaction);
                let is_right = self.is_same(read, found, info);
                let found = Some(Value::Account(found));
                (Place::Account(address), found, writer, Value::Account(info), is_right)
            }
            Read::NoCode(address) => {
                let (writer, info) = self.account(address, transaction);
                let is_right = info.is_none_or(|info| info.code_hash == KECCAK256_EMPTY);
                (Place::Account(address), None, writer, Value::Account(info), is_right)
            }
        };
        (!is_right).then_some(WrongRead { transaction, place, found, expected, writer })
    }

    fn is_same(&self, read: Read, found: Option<AccountInfo>, now: Option<AccountInfo>) -> bool {
        let (found, now) = (self.normal(found), self.normal(now));
        let rest = |info: AccountInfo| (info.nonce, info.code_hash, info.is_empty());
        match read {
            Read::AllButBalance(..) => found.map(rest) == now.map(rest),
            _ => found == now,
        }
    }

    /// Since EIP-161 an empty account is no account.
    fn normal(&self, info: Option<AccountInfo>) -> Option<AccountInfo> {
        info.filter(|info| self.fork < Fork::SpuriousDragon || !info.is_empty())
    }

    fn account(&self, address: Address, reader: usize) -> (Writer, Option<AccountInfo>) {
        let written = self.accounts.get(&address).and_then(|all| last_below(all, reader));
        written.unwrap_or_else(|| (Writer::PreState, self.pre.get(address).map(|known| known.info)))
    }

    fn slot(&self, address: Address, slot: U256, reader: usize) -> (Writer, U256) {
        let cleared = self.clearings.get(&address).and_then(|all| {
            all.iter().rev().find(|writer| **writer < Writer::Transaction(reader)).copied()
        });
        let written = self.slots.get(&(address, slot)).and_then(|all| last_below(all, reader));
        match (written, cleared) {
            // What one transaction clears and writes, it clears first.
            (Some((writer, value)), cleared) if cleared.is_none_or(|by| by <= writer) => {
                (writer, value)
            }
            (_, Some(by)) => (by, U256::ZERO),
            (_, None) => {
                let before = self.pre.get(address).and_then(|known| known.storage.get(&slot));
                (Writer::PreState, before.copied().unwrap_or_default())
            }
        }
    }
}

/// The last of the writes below a transaction.
fn last_below<T: Copy>(writes: &[(Writer, T)], reader: usize) -> Option<(Writer, T)> {
    let below = writes.partition_point(|(writer, _)| *writer < Writer::Transaction(reader));
    writes[..below].last().copied()
}
