//! A state whose values are asked for instead of read.

use super::version::Position;
use crate::evm::ReadError;
use alloy_primitives::{Address, B256, U256};
use lockstep_model::AccountInfo;
use revm::state::Bytecode;

/// A place of the state.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// All of an account but its slots.
    Account(Address),
    /// Whether an account has no code, and can receive.
    CanReceive(Address),
    Slot(Address, U256),
    /// Whether any slot of the account is not zero, and none was cleared below (EIP-7610).
    HasStorage(Address),
}

/// The value of a place.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// With its code, where the block has deployed it.
    Account(Option<AccountInfo>, Option<Bytecode>),
    Slot(U256),
    HasStorage(bool),
}

/// The owner of the state: it answers reads, and records them for validation.
pub(crate) trait Remote {
    /// The value that a transaction at the position sees.
    fn read(&self, position: Position, place: Place) -> Result<Answer, ReadError>;

    /// Discards the reads that were recorded at this position so far.
    fn forget(&self, position: Position);

    /// Code that the block has deployed, of an account that was read.
    fn code(&self, hash: B256) -> Option<Bytecode>;
}

impl Place {
    pub(crate) const fn address(self) -> Address {
        match self {
            Self::Account(address)
            | Self::CanReceive(address)
            | Self::Slot(address, _)
            | Self::HasStorage(address) => address,
        }
    }
}

impl Answer {
    pub(crate) fn account(self) -> Option<AccountInfo> {
        match self {
            Self::Account(info, _) => info,
            _ => unreachable!("an answer of another kind"),
        }
    }

    pub(crate) fn slot(self) -> U256 {
        match self {
            Self::Slot(value) => value,
            _ => unreachable!("an answer of another kind"),
        }
    }

    pub(crate) fn has_storage(self) -> bool {
        match self {
            Self::HasStorage(has) => has,
            _ => unreachable!("an answer of another kind"),
        }
    }
}
