//! Slow reads of the pre-state: nothing is read twice, and more threads than cores pay, for they wait side by
//! side.

use crate::sync::{Arc, RwLock, read, write};
use alloy_consensus::Transaction;
use alloy_primitives::{
    Address, B256, Bytes, U256,
    map::{AddressMap, HashMap},
};
use lockstep_model::{AccountInfo, Case, StateError, StateReader};
use std::time::{Duration, Instant};

/// A read that takes this long is slow: longer than most transactions.
const SLOW_READ: Duration = Duration::from_micros(20);

/// Whether the storage behind a case is slow, by one read that every block needs and no transaction of
/// its own makes; and by a second one where the first seems so: it may have been the machine. The second
/// must not probe a sender: the rendezvous reader blocks sender reads until two are in flight.
pub(crate) fn is_slow(case: &Case) -> Result<bool, StateError> {
    let is_slow = |address| -> Result<bool, StateError> {
        let start = Instant::now();
        case.pre_state.account(address)?;
        Ok(start.elapsed() > SLOW_READ)
    };
    let Some(first) = case.block.transactions.first() else { return Ok(false) };
    let another = first.envelope.to().unwrap_or_default();
    Ok(is_slow(case.block.beneficiary)? && is_slow(another)?)
}

/// Remembers what was read, for all threads of a block. Code is remembered elsewhere, analysed.
pub(crate) struct ReadOnce {
    inner: Arc<dyn StateReader>,
    accounts: RwLock<AddressMap<Option<AccountInfo>>>,
    slots: RwLock<HashMap<(Address, U256), U256>>,
}

impl ReadOnce {
    pub(crate) fn new(inner: Arc<dyn StateReader>) -> Self {
        Self { inner, accounts: RwLock::default(), slots: RwLock::default() }
    }
}

impl StateReader for ReadOnce {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        if let Some(account) = read(&self.accounts).get(&address) {
            return Ok(*account);
        }
        // No lock is held meanwhile; two may read at once, and read the same.
        let account = self.inner.account(address)?;
        write(&self.accounts).insert(address, account);
        Ok(account)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        if let Some(value) = read(&self.slots).get(&(address, slot)) {
            return Ok(*value);
        }
        let value = self.inner.storage(address, slot)?;
        write(&self.slots).insert((address, slot), value);
        Ok(value)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.inner.code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.inner.block_hash(number)
    }

    fn has_storage(&self, address: Address) -> Result<bool, StateError> {
        self.inner.has_storage(address)
    }
}
