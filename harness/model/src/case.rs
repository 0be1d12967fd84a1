//! A case: one block with its pre-state and the rules that hold for it.

use crate::{Fork, StateReader};
use alloy_consensus::TxEnvelope;
use alloy_eip7928::AccountChanges;
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, U256, address};
use std::{fmt, sync::Arc};

/// One block and all that its execution depends on. Cloning is cheap.
#[derive(Clone)]
pub struct Case {
    /// Stable name of the case: the test's id, with `#n` for the n-th block of a test.
    pub id: Arc<str>,
    /// The rules that hold for this block.
    pub rules: Rules,
    /// Which parts of block processing run.
    pub phases: Phases,
    /// The block.
    pub block: Arc<Block>,
    /// The state before the block.
    pub pre_state: Arc<dyn StateReader>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("id", &self.id)
            .field("rules", &self.rules)
            .field("phases", &self.phases)
            .field("transactions", &self.block.transactions.len())
            .finish_non_exhaustive()
    }
}

/// Which parts of block processing run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phases {
    /// The transactions and nothing else: a state test has no system calls, rewards or
    /// withdrawals.
    TransactionsOnly,
    /// System calls and irregular changes, the transactions, then requests, withdrawals and
    /// rewards.
    Full,
}

/// The rules that hold for one block: "every fork up to [`Rules::fork`] is active".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rules {
    /// The latest active fork.
    pub fork: Fork,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Blob parameters where they differ from the fork's own (EIP-7840, EIP-7892).
    pub blobs: Option<BlobParams>,
    /// Whether this very block moves the balances of the DAO accounts (EIP-779). The fork itself
    /// cannot tell: the rules of the DAO fork are Homestead's.
    pub dao_drain: bool,
    /// The contract whose logs are deposits from Prague on (EIP-6110): each network has its own.
    pub deposit_contract: Address,
}

/// The deposit contract of mainnet.
pub const MAINNET_DEPOSIT_CONTRACT: Address = address!("00000000219ab540356cbb839cbe05303d7705fa");

impl Rules {
    /// The mainnet rules of `fork`.
    pub const fn mainnet(fork: Fork) -> Self {
        Self {
            fork,
            chain_id: 1,
            blobs: None,
            dao_drain: false,
            deposit_contract: MAINNET_DEPOSIT_CONTRACT,
        }
    }
}

/// Blob parameters of a block (EIP-7840).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlobParams {
    /// Most blobs that one block may hold.
    pub max: u64,
    /// `BASE_FEE_UPDATE_FRACTION` of the blob base fee.
    pub update_fraction: u64,
}

/// A block as execution sees it: the header fields visible to the EVM, and the body.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// Block number.
    pub number: u64,
    /// Seconds since the epoch.
    pub timestamp: u64,
    /// The fee recipient.
    pub beneficiary: Address,
    /// Gas limit of the block.
    pub gas_limit: u64,
    /// Proof-of-work difficulty; zero from Paris on.
    pub difficulty: U256,
    /// `PREVRANDAO` from Paris on.
    pub prev_randao: Option<B256>,
    /// Base fee per gas in wei, from London on (EIP-1559).
    pub base_fee: u64,
    /// Excess blob gas, from Cancun on (EIP-4844).
    pub excess_blob_gas: Option<u64>,
    /// Hash of the parent block, stored by EIP-2935.
    pub parent_hash: B256,
    /// Root of the parent beacon block, from Cancun on (EIP-4788).
    pub parent_beacon_block_root: Option<B256>,
    /// Slot number, from Amsterdam on (EIP-7843).
    pub slot_number: Option<u64>,
    /// The transactions in block order.
    pub transactions: Vec<Transaction>,
    /// The ommers whose rewards are due before Paris.
    pub ommers: Vec<Ommer>,
    /// Withdrawals, from Shanghai on (EIP-4895).
    pub withdrawals: Option<Vec<Withdrawal>>,
    /// The access list that came with the block (EIP-7928), right or wrong. An executor that goes by it must reject
    /// the block where it is wrong.
    pub access_list: Option<Arc<[AccountChanges]>>,
}

/// A transaction and the account that signed it.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// The recovered, or by a state test declared, sender.
    pub sender: Address,
    /// The transaction. The signature of a state test's transaction is a placeholder: execution
    /// never looks at it.
    pub envelope: TxEnvelope,
    /// The sender's secret key, where the source states it: with it the transaction can be signed.
    pub key: Option<B256>,
}

impl Transaction {
    /// A transaction whose sender's key is not stated.
    pub const fn new(sender: Address, envelope: TxEnvelope) -> Self {
        Self { sender, envelope, key: None }
    }
}

/// The part of an ommer header that decides rewards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ommer {
    /// The recipient of the ommer reward.
    pub beneficiary: Address,
    /// The ommer's block number.
    pub number: u64,
}
