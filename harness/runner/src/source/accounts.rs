//! Accounts as every kind of source writes them: `{address: {balance, nonce, code, storage}}`.

use super::hex::{Data, Ordered, Quantity, u64_quantity};
use crate::test::ExpectedAccount;
use alloy_primitives::{Address, U256, keccak256};
use lockstep_model::{MemoryState, memory_state::BlockHashes};
use serde::Deserialize;

/// An account.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct JsonAccount {
    balance: Quantity,
    #[serde(deserialize_with = "u64_quantity")]
    nonce: u64,
    code: Data,
    #[serde(default)]
    storage: Ordered<Quantity, Quantity>,
}

/// Accounts by address, in the order of the file.
pub(crate) type JsonAccounts = Ordered<Address, JsonAccount>;

impl JsonAccount {
    fn slots(&self) -> impl Iterator<Item = (U256, U256)> {
        self.storage.0.iter().map(|(slot, value)| (slot.0, value.0))
    }
}

impl JsonAccounts {
    /// The state that consists of these accounts.
    pub(crate) fn state(&self, block_hashes: BlockHashes) -> MemoryState {
        let mut state = MemoryState::new(block_hashes);
        for (address, account) in &self.0 {
            let (balance, code) = (account.balance.0, account.code.0.clone());
            state.insert(*address, balance, account.nonce, code, account.slots());
        }
        state
    }

    /// The accounts as an expectation, each with all its storage.
    pub(crate) fn expected(&self) -> Vec<ExpectedAccount> {
        let expected = |(address, account): &(Address, JsonAccount)| ExpectedAccount {
            address: *address,
            exists: true,
            balance: Some(account.balance.0),
            nonce: Some(account.nonce),
            code_hash: Some(keccak256(&account.code.0)),
            storage: account.slots().collect(),
            storage_is_complete: true,
        };
        self.0.iter().map(expected).collect()
    }
}
