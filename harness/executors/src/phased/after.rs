//! A state after changes.

use crate::sync::Arc;
use alloy_primitives::{Address, B256, Bytes, U256};
use lockstep_model::{AccountChange, AccountInfo, StateChanges, StateError, StateReader};
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

/// A state with changes on it. Cloning is cheap.
#[derive(Clone)]
pub struct After {
    below: Arc<dyn StateReader>,
    changes: Arc<Changes>,
}

struct Changes {
    accounts: BTreeMap<Address, Changed>,
    codes: BTreeMap<B256, Bytes>,
}

struct Changed {
    info: Option<AccountInfo>,
    is_cleared: bool,
    storage: HashMap<U256, U256>,
}

impl fmt::Debug for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("After")
            .field("accounts", &self.changes.accounts.len())
            .finish_non_exhaustive()
    }
}

impl After {
    /// The state after these changes.
    pub fn new(below: Arc<dyn StateReader>, changes: &StateChanges) -> Self {
        let changed = |(address, change): (Address, AccountChange)| {
            let AccountChange { info, storage_cleared, storage } = change;
            // An account that is gone has no storage, whatever was written before.
            let is_cleared = storage_cleared || info.is_none();
            let storage = if info.is_some() { storage } else { Vec::new() };
            (address, Changed { info, is_cleared, storage: storage.into_iter().collect() })
        };
        let accounts = changes.by_account().into_iter().map(changed).collect();
        Self { below, changes: Arc::new(Changes { accounts, codes: changes.codes.clone() }) }
    }
}

impl StateReader for After {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        match self.changes.accounts.get(&address) {
            Some(changed) => Ok(changed.info),
            None => self.below.account(address),
        }
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        match self.changes.accounts.get(&address) {
            Some(changed) => match changed.storage.get(&slot) {
                Some(value) => Ok(*value),
                None if changed.is_cleared => Ok(U256::ZERO),
                None => self.below.storage(address, slot),
            },
            None => self.below.storage(address, slot),
        }
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        match self.changes.codes.get(&hash) {
            Some(code) => Ok(code.clone()),
            None => self.below.code(hash),
        }
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.below.block_hash(number)
    }

    fn has_storage(&self, address: Address) -> Result<bool, StateError> {
        match self.changes.accounts.get(&address) {
            Some(changed) if changed.storage.values().any(|value| !value.is_zero()) => Ok(true),
            Some(changed) if changed.is_cleared => Ok(false),
            // Slots that were written to zero may have been the last: below is the only one who knows.
            _ => self.below.has_storage(address),
        }
    }
}
