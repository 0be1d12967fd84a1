//! The ordered commit that every parallel executor ends in.
//!
//! Transactions come in block order, whatever order they ran in. Here, and only here, is decided
//! what depends on the transactions before: whether the block's gas admits the transaction, the
//! cumulative gas of its receipt, and which of several errors comes first.

use crate::sync::Arc;
use alloy_consensus::Transaction as _;
use alloy_consensus::Typed2718;
use alloy_primitives::Log;
use lockstep_faults::{
    gas_and_receipts::{
        AMSTERDAM_BLOCK_GAS_FROM_RECEIPTS, BLOB_GAS_OF_LAST_TRANSACTION, FLOOR_GAS_FORGOTTEN,
        GAS_ADMISSION_UNCHECKED, RECEIPT_GAS_BEFORE_REFUND, RECEIPT_TYPE_LOST, REVERT_IS_SUCCESS,
    },
    invalid::REJECTION_ONE_LATE,
};
use lockstep_model::{
    At, Case, Fork, Receipt, ReceiptObserver, Rejection, Rule, RunOptions, Transaction,
};
use revm::{
    context::result::{ExecutionResult, ResultGas},
    primitives::eip7825,
};
use std::fmt;

/// The gas and blob gas that a transaction claims from its block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasClaim {
    /// EIP-2718 transaction type.
    pub transaction_type: u8,
    /// The most gas that it may use.
    pub gas_limit: u64,
    /// Blob gas that it uses.
    pub blob_gas: u64,
}

impl GasClaim {
    /// The claims of every transaction of a block.
    pub fn all(transactions: &[Transaction]) -> Arc<[Self]> {
        let claim = |transaction: &Transaction| Self {
            transaction_type: transaction.envelope.ty(),
            gas_limit: transaction.envelope.gas_limit(),
            blob_gas: transaction.envelope.blob_gas_used().unwrap_or_default(),
        };
        transactions.iter().map(claim).collect()
    }
}

/// The results of an executed transaction that its receipt needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Whether its call succeeded.
    pub success: bool,
    /// Gas that it used.
    pub gas: ResultGas,
    /// Logs that it emitted.
    pub logs: Vec<Log>,
}

/// The gas that the receipt counts: spent, less the refund, and at least the floor (EIP-7623).
fn of_receipt(gas: &ResultGas) -> u64 {
    if RECEIPT_GAS_BEFORE_REFUND.is_planted() {
        return gas.total_gas_spent().max(gas.floor_gas());
    }
    if FLOOR_GAS_FORGOTTEN.is_planted() {
        return gas.total_gas_spent().saturating_sub(gas.inner_refunded());
    }
    gas.tx_gas_used()
}

impl From<ExecutionResult> for Done {
    fn from(result: ExecutionResult) -> Self {
        Self { success: result.is_success(), gas: *result.gas(), logs: result.into_logs() }
    }
}

/// Gas and receipts of the transactions committed so far.
pub struct OrderedCommit {
    fork: Fork,
    block_gas_limit: u64,
    /// Gas after refunds: what receipts count.
    cumulative_gas: u64,
    /// EIP-8037 counts execution gas and state gas apart, from Amsterdam on.
    regular_gas: u64,
    state_gas: u64,
    blob_gas: u64,
    receipts: Vec<Receipt>,
    observer: Option<Arc<dyn ReceiptObserver>>,
}

impl fmt::Debug for OrderedCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrderedCommit").field("receipts", &self.receipts).finish_non_exhaustive()
    }
}

impl OrderedCommit {
    /// A block of which nothing is committed yet.
    pub fn new(case: &Case, options: &RunOptions) -> Self {
        Self {
            block_gas_limit: case.block.gas_limit,
            receipts: Vec::with_capacity(case.block.transactions.len()),
            observer: options.receipts.clone(),
            ..Self::nothing(case.rules.fork)
        }
    }

    /// An empty commit, left behind when everything was taken out.
    pub(crate) const fn nothing(fork: Fork) -> Self {
        Self {
            fork,
            block_gas_limit: 0,
            cumulative_gas: 0,
            regular_gas: 0,
            state_gas: 0,
            blob_gas: 0,
            receipts: Vec::new(),
            observer: None,
        }
    }

    /// Commits the next transaction in block order.
    ///
    /// # Errors
    /// The rejection of the block. Gas admission is decided before the transaction's own rules,
    /// as in `EthBlockExecutor::execute_transaction_without_commit`.
    pub fn commit(
        &mut self,
        claim: &GasClaim,
        result: Result<Done, Rule>,
    ) -> Result<(), Rejection> {
        let late = usize::from(REJECTION_ONE_LATE.is_planted());
        let at = At::Transaction(self.receipts.len() + late);
        if !self.admits(claim) {
            return Err(Rejection { at, rule: Rule::GasAllowanceExceeded });
        }
        let done = result.map_err(|rule| Rejection { at, rule })?;
        self.count(claim, &done.gas);
        self.receipts.push(Receipt {
            transaction_type: if RECEIPT_TYPE_LOST.is_planted() {
                0
            } else {
                claim.transaction_type
            },
            success: done.success
                || REVERT_IS_SUCCESS.is_planted() && done.gas.tx_gas_used() < claim.gas_limit,
            gas_used: of_receipt(&done.gas),
            cumulative_gas_used: self.cumulative_gas,
            logs: done.logs,
        });
        if let Some(observer) = &self.observer {
            observer.next_is_final();
        }
        Ok(())
    }

    /// Yellow Paper 6.2 and EIP-8037: whether the block has enough gas left. A transaction over
    /// EIP-7825's cap is admitted by the cap: its own rule refuses it afterwards.
    fn admits(&self, claim: &GasClaim) -> bool {
        if GAS_ADMISSION_UNCHECKED.is_planted() {
            return true;
        }
        let gas_limit = claim.gas_limit;
        let cap = if self.fork >= Fork::Osaka { eip7825::TX_GAS_LIMIT_CAP } else { u64::MAX };
        let capped = gas_limit.min(cap);
        if self.fork < Fork::Amsterdam {
            return capped <= self.block_gas_limit - self.cumulative_gas;
        }
        capped <= self.block_gas_limit - self.regular_gas
            && gas_limit <= self.block_gas_limit - self.state_gas
    }

    fn count(&mut self, claim: &GasClaim, gas: &ResultGas) {
        self.cumulative_gas += gas.tx_gas_used();
        self.regular_gas += gas.block_regular_gas_used();
        self.state_gas += gas.block_state_gas_used();
        if self.fork >= Fork::Cancun {
            let before = if BLOB_GAS_OF_LAST_TRANSACTION.is_planted() { 0 } else { self.blob_gas };
            self.blob_gas = before + claim.blob_gas;
        }
    }

    /// Overwrites what the last receipt says of the block's gas. Only a fault does.
    pub(crate) fn claim_cumulative(&mut self, gas: u64) {
        self.receipts.last_mut().expect("one was just added").cumulative_gas_used = gas;
    }

    /// Execution gas of the block (EIP-8037).
    pub const fn regular_gas(&self) -> u64 {
        self.regular_gas
    }

    /// State gas of the block (EIP-8037).
    pub const fn state_gas(&self) -> u64 {
        self.state_gas
    }

    /// Gas used by the transactions, after refunds.
    pub const fn cumulative_gas(&self) -> u64 {
        self.cumulative_gas
    }

    /// Gas used by the block, as its header states it.
    pub fn gas_used(&self) -> u64 {
        if self.fork < Fork::Amsterdam || AMSTERDAM_BLOCK_GAS_FROM_RECEIPTS.is_planted() {
            self.cumulative_gas
        } else {
            self.regular_gas.max(self.state_gas)
        }
    }

    /// Blob gas used by the block.
    pub const fn blob_gas(&self) -> u64 {
        self.blob_gas
    }

    /// Receipts so far.
    pub fn receipts(&self) -> &[Receipt] {
        &self.receipts
    }

    /// Gas that the last transaction used; zero where there is none.
    pub(crate) fn last_gas_used(&self) -> u64 {
        self.receipts.last().map_or(0, |receipt| receipt.gas_used)
    }

    /// The receipts, at the end.
    pub fn into_receipts(self) -> Vec<Receipt> {
        self.receipts
    }
}
