//! A case's pre-state as revm's database.

use super::{StorageProbe, revm_info};
use crate::{remembered::analysed, sync::Arc};
use alloy_primitives::{Address, B256, U256};
use lockstep_model::{ExecutorError, StateError, StateReader};
use revm::{
    Database,
    context::{DBErrorMarker, result::EVMError},
    state::{AccountInfo, Bytecode},
};
use std::fmt;

/// A read that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReadError {
    /// The pre-state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// A lower transaction is known to write the location again: wait for it.
    #[error("waiting for the transaction at index {0}")]
    Blocked(u32),
    /// A value that was read before is no longer what the block says: begin again.
    #[error("an earlier read is stale")]
    Stale,
}

impl DBErrorMarker for ReadError {}

/// A failed pre-state read stays what it is; everything else is a bug.
impl From<ReadError> for ExecutorError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::State(error) => error.into(),
            error @ (ReadError::Blocked(_) | ReadError::Stale) => Self::Broken(error.to_string()),
        }
    }
}

/// As `From<ReadError>`, of what the EVM passes on.
pub(crate) fn broken_evm(error: EVMError<ReadError>) -> ExecutorError {
    match error {
        EVMError::Database(error) => error.into(),
        error => ExecutorError::Broken(error.to_string()),
    }
}

/// Reads straight from the pre-state.
pub(crate) struct ReaderDb(pub(crate) Arc<dyn StateReader>);

impl fmt::Debug for ReaderDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReaderDb")
    }
}

impl Database for ReaderDb {
    type Error = ReadError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, ReadError> {
        Ok(self.0.account(address)?.map(revm_info))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, ReadError> {
        Ok(analysed(code_hash, self.0.code(code_hash)?))
    }

    fn storage(&mut self, address: Address, index: U256) -> Result<U256, ReadError> {
        Ok(self.0.storage(address, index)?)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, ReadError> {
        Ok(self.0.block_hash(number)?)
    }
}

impl StorageProbe for ReaderDb {
    fn has_storage(&mut self, address: Address) -> Result<bool, ReadError> {
        Ok(self.0.has_storage(address)?)
    }
}
