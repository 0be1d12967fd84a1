//! A pre-state as the judge holds it: whole, with the storage roots that it computes once, or proved.

use super::proved::ProvedState;
use alloy_primitives::{Address, B256, U256, keccak256, map::AddressMap};
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount, root::storage_root_unsorted};
use lockstep_model::{
    AccountInfo, MemoryState, Outcome, StateChanges, StateError, StateReader,
    memory_state::BlockHashes,
};
use std::sync::{Arc, OnceLock};

/// A pre-state. Many tests share one: its storage roots are computed at most once.
#[derive(Debug)]
pub struct PreState {
    /// The state, shared with the case's reader.
    pub state: Arc<MemoryState>,
    /// Tries that prove it, where it is only a part of the whole state.
    pub proof: Option<Arc<ProvedState>>,
    storage_roots: OnceLock<AddressMap<B256>>,
}

impl PreState {
    /// Wraps a state.
    pub fn new(state: MemoryState) -> Arc<Self> {
        Arc::new(Self { state: Arc::new(state), proof: None, storage_roots: OnceLock::new() })
    }

    /// A part of a state, and the tries that prove it. Values outside the part are read from the tries.
    pub fn proved(state: MemoryState, proof: Arc<ProvedState>) -> Arc<Self> {
        let storage_roots = OnceLock::new();
        Arc::new(Self { state: Arc::new(state), proof: Some(proof), storage_roots })
    }

    /// The reference has run: see [`ProvedState::answer_all`].
    pub fn answer_all(&self, reference: &Outcome) {
        if let Some(proof) = &self.proof {
            let codes = reference.accepted().into_iter().flat_map(|block| &block.changes.codes);
            proof.answer_all(codes.map(|(hash, code)| (*hash, code.clone())));
        }
    }

    /// The first read that the proof could not answer.
    pub fn unanswered(&self) -> Option<&StateError> {
        self.proof.as_deref().and_then(ProvedState::unanswered)
    }

    /// The account before the block. An account that the tries cannot answer for counts as absent: no executor
    /// could have read it either.
    pub fn account(&self, address: Address) -> Option<AccountInfo> {
        let known = self.state.get(address).map(|account| account.info);
        known.or_else(|| {
            // Not as an executor reads it: an unknown account is no failure here.
            let account = ProvedState::account(self.proof.as_deref()?, address).ok().flatten()?;
            let TrieAccount { balance, nonce, code_hash, .. } = account;
            Some(AccountInfo { balance, nonce, code_hash })
        })
    }

    /// The value of a slot before the block.
    pub fn slot(&self, address: Address, slot: U256) -> U256 {
        let known = self.state.get(address).and_then(|account| account.storage.get(&slot)).copied();
        let proved = || self.proof.as_deref()?.slot(address, slot).ok();
        known.or_else(proved).unwrap_or_default()
    }

    /// Whether the state before the block has this code.
    pub fn has_code(&self, hash: B256) -> bool {
        let proved = || self.proof.as_deref().and_then(|proof| proof.code_by_hash(hash));
        self.state.code_by_hash(hash).is_some() || proved().is_some()
    }

    /// Whether the account has storage that is not listed slot by slot.
    pub(super) fn has_unlisted_storage(&self, address: Address) -> bool {
        self.proof.as_deref().is_some_and(|proof| proof.has_storage(address).unwrap_or(false))
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
