//! The state of a witness as executors read it.

use alloy_primitives::{Address, B256, Bytes, U256, map::HashMap};
use lockstep_judge::state::ProvedState;
use lockstep_model::{AccountInfo, MemoryState, StateError, StateReader};
use std::sync::{Arc, PoisonError, RwLock};

/// Serves values proved while the witness was loaded from memory, and all others from the tries, read once.
#[derive(Debug)]
pub(super) struct ProvedReader {
    known: Arc<MemoryState>,
    proof: Arc<ProvedState>,
    /// Slots that were looked up. Most are read as zero.
    slots: RwLock<HashMap<(Address, U256), U256>>,
}

impl ProvedReader {
    pub(super) fn new(known: Arc<MemoryState>, proof: Arc<ProvedState>) -> Self {
        Self { known, proof, slots: RwLock::default() }
    }
}

impl StateReader for ProvedReader {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        match self.known.get(address) {
            Some(account) => Ok(Some(account.info)),
            None => StateReader::account(&*self.proof, address),
        }
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let known = self.known.get(address).and_then(|account| account.storage.get(&slot));
        if let Some(value) = known {
            return Ok(*value);
        }
        let key = (address, slot);
        if let Some(value) = self.slots.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(*value);
        }
        let value = self.proof.storage(address, slot)?;
        self.slots.write().unwrap_or_else(PoisonError::into_inner).insert(key, value);
        Ok(value)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.proof.code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.proof.block_hash(number)
    }

    fn has_storage(&self, address: Address) -> Result<bool, StateError> {
        self.proof.has_storage(address)
    }
}
