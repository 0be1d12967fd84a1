//! The reads that each transaction should have made: the last write below it.
//!
//! Known from the reference, which states what each transaction changed. An executor that tells what its
//! transactions have read ([`ReadObserver`]) can be caught at a wrong read even where the outcome is
//! right by luck, and where it is wrong, the first wrong read says more than the first wrong balance.

use crate::history::{History, Place, Value, Writer};
use alloy_primitives::KECCAK256_EMPTY;
use lockstep_model::{AccountInfo, Fork, Read, ReadObserver};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
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
    /// Takes the reads that were told since the last call.
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

/// The first transaction of the block that read something else than it should have.
pub(super) fn first_wrong(
    history: &History,
    fork: Fork,
    reads: &BTreeMap<usize, Vec<Read>>,
) -> Option<WrongRead> {
    let mut all = reads.iter().flat_map(|(at, reads)| reads.iter().map(move |read| (*at, *read)));
    all.find_map(|(transaction, read)| wrong(history, fork, transaction, read))
}

fn wrong(history: &History, fork: Fork, transaction: usize, read: Read) -> Option<WrongRead> {
    let (place, found) = match read {
        Read::Slot(address, slot, value) => (Place::Slot(address, slot), Some(Value::Slot(value))),
        Read::Account(address, info) | Read::AllButBalance(address, info) => {
            (Place::Account(address), Some(Value::Account(info)))
        }
        Read::NoCode(address) => (Place::Account(address), None),
    };
    let expected = history.value(place, transaction);
    (!is_right(read, expected, fork)).then(|| WrongRead {
        transaction,
        place,
        found,
        expected,
        writer: history.writer_below(place, transaction),
    })
}

fn is_right(read: Read, expected: Value, fork: Fork) -> bool {
    // Since EIP-161 an empty account is no account.
    let normal = |info: Option<AccountInfo>| {
        info.filter(|info| fork < Fork::SpuriousDragon || !info.is_empty())
    };
    let rest = |info: AccountInfo| (info.nonce, info.code_hash, info.is_empty());
    match (read, expected) {
        (Read::Slot(_, _, found), Value::Slot(value)) => found == value,
        (Read::Account(_, found), Value::Account(info)) => normal(found) == normal(info),
        (Read::AllButBalance(_, found), Value::Account(info)) => {
            normal(found).map(rest) == normal(info).map(rest)
        }
        (Read::NoCode(_), Value::Account(info)) => {
            info.is_none_or(|info| info.code_hash == KECCAK256_EMPTY)
        }
        _ => unreachable!("the value is one of the place"),
    }
}
