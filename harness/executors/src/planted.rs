//! State that planted faults keep from one transaction to the next. Nothing else uses it.

use alloy_primitives::{Address, B256, map::AddressMap};
use revm::state::TransientStorage;
use std::{
    cell::RefCell,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

thread_local! {
    static CODES: RefCell<AddressMap<B256>> = RefCell::default();
    static DESTROYED: RefCell<Vec<Address>> = const { RefCell::new(Vec::new()) };
    static TRANSIENT: RefCell<TransientStorage> = RefCell::default();
}

/// The code hash that this thread saw first at the address.
pub(crate) fn first_code_of(address: Address, code_hash: B256) -> B256 {
    CODES.with_borrow_mut(|codes| *codes.entry(address).or_insert(code_hash))
}

/// Remembers that this thread destroyed the account.
pub(crate) fn remember_destroyed(address: Address) {
    DESTROYED.with_borrow_mut(|destroyed| destroyed.push(address));
}

/// Whether this thread has ever destroyed the account.
pub(crate) fn was_destroyed(address: Address) -> bool {
    DESTROYED.with_borrow(|destroyed| destroyed.contains(&address))
}

/// Leaves transient storage for the next transaction of this thread.
pub(crate) fn leave_transient(storage: &TransientStorage) {
    TRANSIENT.set(storage.clone());
}

/// What the last transaction of this thread has left.
pub(crate) fn take_transient() -> TransientStorage {
    TRANSIENT.take()
}

/// A cache of one block hash in two places that are not written together.
pub(crate) fn cached_block_hash<E>(
    number: u64,
    read: impl FnOnce() -> Result<B256, E>,
) -> Result<B256, E> {
    static NUMBER: AtomicU64 = AtomicU64::new(u64::MAX);
    static HASH: Mutex<B256> = Mutex::new(B256::ZERO);
    if NUMBER.load(Ordering::Relaxed) != number {
        NUMBER.store(number, Ordering::Relaxed);
        let hash = read()?;
        *HASH.lock().unwrap_or_else(PoisonError::into_inner) = hash;
    }
    Ok(*HASH.lock().unwrap_or_else(PoisonError::into_inner))
}
