//! The outcome of a block, as far as consensus can see it.

use crate::{Rejection, StateChanges};
use alloy_eip7928::BlockAccessList;
use alloy_primitives::{B256, Bytes, Log};

/// How the block ended. Ordered data only: no times, no thread ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The block is valid and did this.
    Accepted(Box<BlockOutcome>),
    /// The block breaks a rule of execution.
    Rejected(Rejection),
}

impl Outcome {
    /// The outcome of a valid block.
    pub fn accepted(&self) -> Option<&BlockOutcome> {
        match self {
            Self::Accepted(outcome) => Some(outcome),
            Self::Rejected(_) => None,
        }
    }
}

/// The outcome of a valid block. The judge computes roots and blooms, the same way for all executors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockOutcome {
    /// One receipt for each transaction, in block order.
    pub receipts: Vec<Receipt>,
    /// Gas used by the block, as its header states it.
    pub gas_used: u64,
    /// Blob gas used by the block.
    pub blob_gas_used: u64,
    /// EIP-7685 requests, each with its type byte first, in the order of their types.
    pub requests: Vec<Bytes>,
    /// All state changes of the block.
    pub changes: StateChanges,
    /// The changes of each transaction, where
    /// [`RunOptions::changes_by_transaction`](crate::RunOptions) asks for them.
    pub changes_by_transaction: Option<Vec<StateChanges>>,
    /// The changes before the first transaction, where the changes of each transaction are there.
    pub changes_before_transactions: Option<StateChanges>,
    /// The EIP-7928 block access list, from Amsterdam on.
    pub access_list: Option<BlockAccessList>,
    /// The roots of the state after each transaction, where an executor shows these instead of changes: receipts
    /// before Byzantium have them.
    pub roots_by_transaction: Option<Vec<B256>>,
    /// What of this the executor does not show.
    pub hidden: Hidden,
}

/// Parts of an outcome that an executor does not show: another program may tell little. They are not compared, and
/// that is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the outcome")]
pub struct Hidden {
    pub receipts: bool,
    pub gas_used: bool,
    pub blob_gas_used: bool,
    pub requests: bool,
    pub changes: bool,
    pub access_list: bool,
}

impl Hidden {
    /// Nothing but the verdict is shown.
    pub const ALL: Self = Self {
        receipts: true,
        gas_used: true,
        blob_gas_used: true,
        requests: true,
        changes: true,
        access_list: true,
    };

    /// What either side does not show.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            receipts: self.receipts || other.receipts,
            gas_used: self.gas_used || other.gas_used,
            blob_gas_used: self.blob_gas_used || other.blob_gas_used,
            requests: self.requests || other.requests,
            changes: self.changes || other.changes,
            access_list: self.access_list || other.access_list,
        }
    }

    /// The names of the parts.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        [
            (self.receipts, "receipts"),
            (self.gas_used, "gas"),
            (self.blob_gas_used, "blob gas"),
            (self.requests, "requests"),
            (self.changes, "state"),
            (self.access_list, "access list"),
        ]
        .into_iter()
        .filter_map(|(is_hidden, name)| is_hidden.then_some(name))
    }
}

/// A receipt without what the judge computes (bloom, intermediate root).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// EIP-2718 transaction type.
    pub transaction_type: u8,
    /// Whether the transaction's call succeeded (EIP-658).
    pub success: bool,
    /// Gas used by this transaction, after refunds.
    pub gas_used: u64,
    /// Gas used by the block up to and with this transaction.
    pub cumulative_gas_used: u64,
    /// Logs in order of emission.
    pub logs: Vec<Log>,
}
