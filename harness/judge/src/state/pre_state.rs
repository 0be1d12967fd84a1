//! A pre-state as the judge holds it: whole, with the storage roots that it computes once.

use alloy_primitives::{Address, B256, U256, keccak256, map::AddressMap};
use alloy_trie::{EMPTY_ROOT_HASH, root::storage_root_unsorted};
use lockstep_model::{MemoryState, StateChanges, memory_state::BlockHashes};
use std::sync::{Arc, OnceLock};

/// A whole pre-state. Many tests share one: its storage roots are computed at most once.
#[derive(Debug)]
pub struct PreState {
    /// The state, shared with the case's reader.
    pub state: Arc<MemoryState>,
    storage_roots: OnceLock<AddressMap<B256>>,
}

impl PreState {
    /// Wraps a state.
    pub fn new(state: MemoryState) -> Arc<Self> {
        Arc::new(Self { state: Arc::new(state), storage_roots: OnceLock::new() })
    }

    /// The state after changes, with new answers for `BLOCKHASH`.
    pub fn after(&self, changes: &StateChanges, block_hashes: BlockHashes) -> Arc<Self> {
        Self::new(self.state_after(changes).with_block_hashes(block_hashes))
    }

    /// The state after changes, with the same answers.
    pub fn state_after(&self, changes: &StateChanges) -> MemoryState {
        let mut state = MemoryState::clone(&self.state);
        state.apply(changes);
        state
    }

    /// The storage root of an account before the block.
    pub fn storage_root(&self, address: Address) -> B256 {
        let roots = self.storage_roots.get_or_init(|| {
            let accounts = self.state.accounts().filter(|(_, account)| !account.storage.is_empty());
            accounts.map(|(address, account)| (*address, storage_root(&account.storage))).collect()
        });
        roots.get(&address).copied().unwrap_or(EMPTY_ROOT_HASH)
    }
}

/// The root of a storage trie.
pub fn storage_root<'a>(storage: impl IntoIterator<Item = (&'a U256, &'a U256)>) -> B256 {
    let slots = storage.into_iter().filter(|(_, value)| !value.is_zero());
    storage_root_unsorted(slots.map(|(slot, value)| (keccak256(slot.to_be_bytes::<32>()), *value)))
}
