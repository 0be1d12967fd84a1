//! A state that is asked for instead of read.

use super::version::Position;
use crate::evm::ReadError;
use alloy_primitives::{Address, B256, U256};
use lockstep_model::AccountInfo;
use revm::state::Bytecode;

/// Whoever knows the values that a position sees, and remembers that it was asked for them.
pub(crate) trait Remote {
    /// The account, whole.
    fn account(
        &self,
        position: Position,
        address: Address,
    ) -> Result<Option<AccountInfo>, ReadError>;

    /// The account, of which no more matters than that it can receive.
    fn recipient(
        &self,
        position: Position,
        address: Address,
    ) -> Result<Option<AccountInfo>, ReadError>;

    /// A slot.
    fn slot(&self, position: Position, address: Address, slot: U256) -> Result<U256, ReadError>;

    /// Whether any slot is not zero, and none was cleared below (EIP-7610).
    fn has_storage(&self, position: Position, address: Address) -> Result<bool, ReadError>;

    /// What was asked at this position so far does not count.
    fn forget(&self, position: Position);

    /// Code that the block has deployed, of an account that was asked for.
    fn code(&self, hash: B256) -> Option<Bytecode>;
}
