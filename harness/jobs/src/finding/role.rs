//! The role of an account in a block.

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, KECCAK256_EMPTY, TxKind};
use lockstep_judge::runnable::Runnable;
use lockstep_model::Outcome;
use serde::{Deserialize, Serialize};

/// The role of an account in a block; the first that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The fee recipient of the block.
    FeeRecipient,
    /// Sends a transaction.
    Sender,
    /// Delegates to code, before or after the block (EIP-7702).
    Authority,
    /// A precompile, or an address where a later fork has one.
    Precompile,
    /// Does not exist before the block, and has code after it.
    Created,
    /// Exists before the block, and not after it.
    Destroyed,
    /// Any other.
    Other,
}

/// The first bytes of a delegated account's code (EIP-7702).
const DELEGATION: [u8; 3] = [0xef, 0x01, 0x00];

/// Addresses up to this one are precompiles in some fork; EIP-7951's is 0x100.
const LAST_PRECOMPILE: u64 = 0x100;

impl Role {
    /// The role of an account in a block of this outcome.
    pub fn of(block: &Runnable, right: &Outcome, address: Address) -> Self {
        let case = &block.case;
        let transactions = &case.block.transactions;
        if address == case.block.beneficiary {
            return Self::FeeRecipient;
        }
        if transactions.iter().any(|transaction| transaction.sender == address) {
            return Self::Sender;
        }
        if is_delegated(block, right, address) {
            return Self::Authority;
        }
        if address <= Address::left_padding_from(&LAST_PRECOMPILE.to_be_bytes()) {
            return Self::Precompile;
        }
        let before = block.pre.state.get(address);
        let after =
            right.accepted().and_then(|outcome| outcome.changes.by_account().remove(&address));
        match (before, after) {
            (None, Some(change))
                if change.info.is_some_and(|info| info.code_hash != KECCAK256_EMPTY) =>
            {
                Self::Created
            }
            (None, None) if creates(block, address) => Self::Created,
            (Some(_), Some(change)) if change.info.is_none() => Self::Destroyed,
            _ => Self::Other,
        }
    }

    /// The name in signatures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FeeRecipient => "fee-recipient",
            Self::Sender => "sender",
            Self::Authority => "authority",
            Self::Precompile => "precompile",
            Self::Created => "created",
            Self::Destroyed => "destroyed",
            Self::Other => "other",
        }
    }
}

fn is_delegated(block: &Runnable, right: &Outcome, address: Address) -> bool {
    let code = |code: &[u8]| code.starts_with(&DELEGATION);
    let before = block.pre.state.get(address).is_some_and(|account| {
        block.pre.state.code_by_hash(account.info.code_hash).is_some_and(|bytes| code(bytes))
    });
    let after = || {
        let changes = &right.accepted()?.changes;
        let info = changes.by_account().remove(&address)?.info?;
        changes.codes.get(&info.code_hash).map(|bytes| code(bytes))
    };
    before || after().unwrap_or_default()
}

/// Whether a transaction creates a contract there.
fn creates(block: &Runnable, address: Address) -> bool {
    block.case.block.transactions.iter().any(|transaction| {
        let envelope = &transaction.envelope;
        envelope.kind() == TxKind::Create && transaction.sender.create(envelope.nonce()) == address
    })
}
