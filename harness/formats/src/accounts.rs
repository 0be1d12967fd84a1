//! Accounts as sources write them: `{address: {balance, nonce, code, storage}}`.
//!
//! Test files have all members. Dumps of geth, besu and reth, and answers of prestate tracers, leave
//! out zero values; besu and geth write nonces as JSON numbers, geth's dumps balances in decimal and
//! storage without `0x`.

use super::hex::{Amount, Data, Ordered, Word};
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256};
use lockstep_judge::expected::ExpectedAccount;
use lockstep_model::{MemoryState, memory_state::BlockHashes};
use serde::{Deserialize, Deserializer, de};
use std::collections::HashSet;

/// An account.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JsonAccount {
    pub(crate) balance: Option<Amount>,
    #[serde(default, deserialize_with = "nonce")]
    pub(crate) nonce: Option<u64>,
    pub(crate) code: Option<Data>,
    /// Stated beside the code, or instead of it.
    #[serde(alias = "code_hash")]
    pub(crate) code_hash: Option<B256>,
    #[serde(default, deserialize_with = "storage")]
    pub(crate) storage: Ordered<Word, Word>,
}

fn nonce<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let amount = Option::<Amount>::deserialize(deserializer)?;
    let narrow = |Amount(value)| {
        u64::try_from(value).map_err(|_| de::Error::custom("expected at most 64 bits"))
    };
    amount.map(narrow).transpose()
}

/// `null` is no storage.
fn storage<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Ordered<Word, Word>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Accounts by address, in the order of the file.
pub(crate) type JsonAccounts = Ordered<Address, JsonAccount>;

impl JsonAccount {
    pub(crate) fn slots(&self) -> impl Iterator<Item = (U256, U256)> {
        self.storage.0.iter().map(|(slot, value)| (slot.0, value.0))
    }

    pub(crate) fn balance(&self) -> U256 {
        self.balance.unwrap_or_default().0
    }

    fn code(&self) -> Data {
        self.code.clone().unwrap_or_default()
    }

    /// The hash of code that the source does not have; nothing may execute it.
    fn unknown_code(&self) -> Option<B256> {
        let stated = self.code_hash.filter(|hash| !hash.is_zero() && *hash != KECCAK256_EMPTY)?;
        self.code().0.is_empty().then_some(stated)
    }

    pub(crate) fn code_hash(&self) -> B256 {
        self.unknown_code().unwrap_or_else(|| keccak256(self.code().0))
    }

    /// The account as an expectation, with all its storage.
    pub(crate) fn expected(&self, address: Address) -> ExpectedAccount {
        ExpectedAccount {
            address,
            exists: true,
            balance: Some(self.balance()),
            nonce: Some(self.nonce.unwrap_or_default()),
            code_hash: Some(self.code_hash()),
            storage: self.slots().collect(),
            storage_is_complete: true,
        }
    }

    /// The problem with code that has another hash than is stated beside it.
    fn contradiction(&self) -> Option<String> {
        let stated = self.code_hash.filter(|_| !self.code().0.is_empty())?;
        let hash = keccak256(self.code().0);
        (hash != stated)
            .then(|| format!("expected code with the hash {stated}, found code with {hash}"))
    }

    /// Whether nothing is stated but a balance of zero: how tracers write an account that is not there.
    pub(crate) fn is_absent(&self) -> bool {
        let is_bare = self.nonce.is_none() && self.code.is_none() && self.code_hash.is_none();
        is_bare && self.balance().is_zero() && self.storage.0.is_empty()
    }
}

impl JsonAccounts {
    /// The state that consists of these accounts.
    pub(crate) fn state(&self, block_hashes: BlockHashes) -> MemoryState {
        let mut state = MemoryState::new(block_hashes);
        for (address, account) in &self.0 {
            let nonce = account.nonce.unwrap_or_default();
            state.insert(*address, account.balance(), nonce, account.code().0, account.slots());
            if let Some(hash) = account.unknown_code() {
                state.set_unknown_code(*address, hash);
            }
        }
        state
    }

    /// The first account that contradicts itself, or stands there twice.
    pub(crate) fn contradiction(&self) -> Option<(Address, String)> {
        let mut seen = HashSet::new();
        self.0.iter().find_map(|(address, account)| {
            let twice = || "expected an account once, found it again".to_owned();
            let problem = account.contradiction().or_else(|| (!seen.insert(*address)).then(twice));
            Some((*address, problem?))
        })
    }

    /// The accounts as an expectation, each with all its storage.
    pub(crate) fn expected(&self) -> Vec<ExpectedAccount> {
        self.0.iter().map(|(address, account)| account.expected(*address)).collect()
    }
}
