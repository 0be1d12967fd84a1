//! A whole state in memory.

use crate::{AccountInfo, StateChanges, StateError, StateReader};
use alloy_primitives::{
    Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256,
    map::{AddressMap, B256Map, HashMap, U256Map},
};
use std::sync::Arc;

/// A whole state in memory, and the hashes of the blocks before.
#[derive(Debug, Clone, Default)]
pub struct MemoryState {
    accounts: AddressMap<StoredAccount>,
    codes: B256Map<Bytes>,
    block_hashes: BlockHashes,
}

/// Source of the hashes that `BLOCKHASH` returns.
#[derive(Debug, Clone)]
pub enum BlockHashes {
    /// The keccak-256 of the decimal block number: the convention of state tests.
    OfNumber,
    /// Known hashes; zero for others.
    Known(Arc<HashMap<u64, B256>>),
}

impl Default for BlockHashes {
    fn default() -> Self {
        Self::Known(Arc::default())
    }
}

/// An account with its storage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredAccount {
    /// Balance, nonce and code hash.
    pub info: AccountInfo,
    /// Slots that are not zero.
    pub storage: U256Map<U256>,
}

impl MemoryState {
    /// A state without accounts.
    pub fn new(block_hashes: BlockHashes) -> Self {
        Self { block_hashes, ..Self::default() }
    }

    /// Puts an account, replacing one that is there. Zero-valued slots are not storage.
    pub fn insert(
        &mut self,
        address: Address,
        balance: U256,
        nonce: u64,
        code: Bytes,
        storage: impl IntoIterator<Item = (U256, U256)>,
    ) {
        let code_hash = self.add_code(code);
        let storage = storage.into_iter().filter(|(_, value)| !value.is_zero()).collect();
        let info = AccountInfo { balance, nonce, code_hash };
        self.accounts.insert(address, StoredAccount { info, storage });
    }

    /// Sets the balance of an account; one that is not there comes into being.
    pub fn set_balance(&mut self, address: Address, balance: U256) {
        self.accounts.entry(address).or_default().info.balance = balance;
    }

    /// Gives an account code of which only the hash is known: reading the code is an error.
    pub fn set_unknown_code(&mut self, address: Address, hash: B256) {
        self.accounts.entry(address).or_default().info.code_hash = hash;
    }

    fn add_code(&mut self, code: Bytes) -> B256 {
        if code.is_empty() {
            return KECCAK256_EMPTY;
        }
        let hash = keccak256(&code);
        self.codes.entry(hash).or_insert(code);
        hash
    }

    /// Replaces what `BLOCKHASH` answers.
    #[must_use]
    pub fn with_block_hashes(self, block_hashes: BlockHashes) -> Self {
        Self { block_hashes, ..self }
    }

    /// The account and its storage.
    pub fn get(&self, address: Address) -> Option<&StoredAccount> {
        self.accounts.get(&address)
    }

    /// All accounts, in no order.
    pub fn accounts(&self) -> impl Iterator<Item = (&Address, &StoredAccount)> {
        self.accounts.iter()
    }

    /// The code with this hash.
    pub fn code_by_hash(&self, hash: B256) -> Option<&Bytes> {
        self.codes.get(&hash)
    }

    /// The state after `changes`.
    pub fn apply(&mut self, changes: &StateChanges) {
        for (hash, code) in &changes.codes {
            self.codes.entry(*hash).or_insert_with(|| code.clone());
        }
        for (address, change) in changes.accounts.iter() {
            let Some(info) = change.info else {
                self.accounts.remove(&address);
                continue;
            };
            let account = self.accounts.entry(address).or_default();
            account.info = info;
            if change.storage_cleared {
                account.storage.clear();
            }
            for (slot, value) in &change.storage {
                if value.is_zero() {
                    account.storage.remove(slot);
                } else {
                    account.storage.insert(*slot, *value);
                }
            }
        }
    }

    /// Adds all accounts of `other` that are not here yet, and the balance of those that are.
    pub fn merge(&mut self, other: &Self) {
        let mut accounts: Vec<_> = other.accounts.iter().collect();
        accounts.sort_unstable_by_key(|(address, _)| **address);
        for (address, theirs) in accounts {
            match self.accounts.entry(*address) {
                alloy_primitives::map::Entry::Vacant(entry) => {
                    entry.insert(theirs.clone());
                }
                alloy_primitives::map::Entry::Occupied(mut entry) => {
                    let balance = &mut entry.get_mut().info.balance;
                    *balance = balance.saturating_add(theirs.info.balance);
                }
            }
        }
        let mut codes: Vec<_> = other.codes.iter().collect();
        codes.sort_unstable_by_key(|(hash, _)| **hash);
        for (hash, code) in codes {
            self.codes.entry(*hash).or_insert_with(|| code.clone());
        }
    }
}

impl StateReader for MemoryState {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        Ok(self.accounts.get(&address).map(|account| account.info))
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let value = self.accounts.get(&address).and_then(|account| account.storage.get(&slot));
        Ok(value.copied().unwrap_or_default())
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytes::new());
        }
        let code = self.codes.get(&hash).cloned();
        code.ok_or_else(|| StateError(format!("no code with hash {hash}")))
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        Ok(match &self.block_hashes {
            BlockHashes::OfNumber => keccak256(number.to_string()),
            BlockHashes::Known(hashes) => hashes.get(&number).copied().unwrap_or_default(),
        })
    }

    fn has_storage(&self, address: Address) -> Result<bool, StateError> {
        Ok(self.accounts.get(&address).is_some_and(|account| !account.storage.is_empty()))
    }

    fn whole(&self) -> Option<&MemoryState> {
        Some(self)
    }
}
