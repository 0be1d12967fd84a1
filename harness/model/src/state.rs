//! Pre-state as executors read it.

use crate::MemoryState;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};

/// Read access to the state before a block.
///
/// Called from any thread of an executor, at any time during a run. The judge may wrap it: to
/// count reads and reading threads, to add latency, to fail, or to make two transactions meet.
/// Every answer must be a function of the arguments alone for the length of a run.
pub trait StateReader: Send + Sync {
    /// The account at `address`, `None` where none exists.
    ///
    /// # Errors
    /// When the state behind the reader cannot be read.
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError>;

    /// The value of a storage slot, zero where it was never written.
    ///
    /// # Errors
    /// When the state behind the reader cannot be read.
    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError>;

    /// The code with this keccak-256 hash.
    ///
    /// # Errors
    /// When the state behind the reader cannot be read, or holds no such code.
    fn code(&self, hash: B256) -> Result<Bytes, StateError>;

    /// The hash of an ancestor block, as BLOCKHASH sees it before EIP-2935's contract.
    ///
    /// # Errors
    /// When the state behind the reader cannot be read.
    fn block_hash(&self, number: u64) -> Result<B256, StateError>;

    /// Whether the account has a slot that is not zero (EIP-7610).
    ///
    /// # Errors
    /// When the state behind the reader cannot be read.
    fn has_storage(&self, address: Address) -> Result<bool, StateError>;

    /// All of the state, where it is in memory. An executor that is another program needs it; one that reads
    /// what its transactions need must not look at it.
    fn whole(&self) -> Option<&MemoryState> {
        None
    }
}

/// An account without its storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AccountInfo {
    /// Balance in wei.
    pub balance: U256,
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Keccak-256 of the code.
    pub code_hash: B256,
}

impl AccountInfo {
    /// Whether the account is empty as EIP-161 defines it: no code, nonce and balance zero.
    pub fn is_empty(&self) -> bool {
        self.balance.is_zero() && self.nonce == 0 && self.code_hash == KECCAK256_EMPTY
    }
}

impl Default for AccountInfo {
    /// The empty account.
    fn default() -> Self {
        Self { balance: U256::ZERO, nonce: 0, code_hash: KECCAK256_EMPTY }
    }
}

/// A state that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("state cannot be read: {0}")]
pub struct StateError(pub String);
