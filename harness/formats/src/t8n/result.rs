//! `result` and `alloc`: what a transition gave.
//!
//! Written with geth's members.

use alloy_consensus::{
    Transaction as _, TxEnvelope,
    proofs::{calculate_transaction_root, calculate_withdrawals_root},
};
use alloy_eips::eip7685::Requests;
use alloy_primitives::{Address, B256, Bloom, Bytes, U64, U256, b256};
use lockstep_judge::{
    consensus::outcome::receipts_root,
    state::{NormalChanges, PreState, roots},
};
use lockstep_model::{BlockOutcome, Case, Fork, MemoryState, Receipt, StateChanges, Transaction};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A transaction that is not in the block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Its index in the input.
    pub index: usize,
    /// The text.
    pub error: String,
}

/// `result`. A member that a fork lacks is left out.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the members are geth's")]
pub struct TransitionResult {
    pub state_root: B256,
    pub tx_root: B256,
    pub receipts_root: B256,
    /// Keccak-256 of the RLP of all logs.
    pub logs_hash: B256,
    pub logs_bloom: Bloom,
    pub receipts: Vec<TransitionReceipt>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<Rejected>,
    pub current_difficulty: Option<U256>,
    pub gas_used: U64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_base_fee: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawals_root: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_excess_blob_gas: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob_gas_used: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_hash: Option<B256>,
    /// With the type byte first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<Vec<Bytes>>,
    /// RLP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_access_list: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_access_list_hash: Option<B256>,
    /// Why the block as a whole is invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_exception: Option<String>,
}

/// A receipt.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the members are geth's")]
pub struct TransitionReceipt {
    #[serde(rename = "type")]
    pub kind: U64,
    /// The state root after the transaction before Byzantium; `0x` since then.
    pub root: Bytes,
    pub status: U64,
    pub cumulative_gas_used: U64,
    pub logs_bloom: Bloom,
    pub logs: Vec<TransitionLog>,
    pub transaction_hash: B256,
    /// The contract of a creation; zero of a call.
    pub contract_address: Address,
    pub gas_used: U64,
    pub effective_gas_price: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob_gas_used: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob_gas_price: Option<U256>,
    pub block_hash: B256,
    pub block_number: U64,
    pub transaction_index: U64,
}

/// A log of a receipt.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the members are geth's")]
pub struct TransitionLog {
    pub address: Address,
    pub topics: Vec<B256>,
    pub data: Bytes,
    pub block_number: U64,
    pub transaction_hash: B256,
    pub transaction_index: U64,
    pub block_hash: B256,
    pub block_timestamp: U64,
    pub log_index: U64,
    pub removed: bool,
}

/// The hash of the block that geth's receipts name: the tool makes no header.
const NO_BLOCK_HASH: B256 =
    b256!("0x1337000000000000000000000000000000000000000000000000000000000000");

impl TransitionResult {
    /// The result of a block that did this. `changes` are those of the outcome, with the rewards that an
    /// option adds. `None` before Byzantium, where the outcome tells nothing of the states between transactions.
    pub fn new(
        case: &Case,
        pre: &PreState,
        changes: &StateChanges,
        outcome: &BlockOutcome,
    ) -> Option<Self> {
        let (rules, block) = (&case.rules, &case.block);
        let since = |fork| rules.fork >= fork;
        let envelopes: Vec<&TxEnvelope> =
            block.transactions.iter().map(|transaction| &transaction.envelope).collect();
        let list = outcome.access_list.as_ref().filter(|_| since(Fork::Amsterdam));
        Some(Self {
            state_root: roots::state_root(pre, &NormalChanges::new(pre, changes)),
            tx_root: calculate_transaction_root(&envelopes),
            receipts_root: receipts_root(rules.fork, pre, outcome)?,
            logs_hash: roots::logs_hash(outcome.receipts.iter().flat_map(|receipt| &receipt.logs)),
            logs_bloom: roots::logs_bloom(&outcome.receipts),
            receipts: receipts(case, pre, outcome),
            rejected: Vec::new(),
            current_difficulty: (!since(Fork::Paris)).then_some(block.difficulty),
            gas_used: U64::from(outcome.gas_used),
            current_base_fee: since(Fork::London).then(|| U256::from(block.base_fee)),
            withdrawals_root: block.withdrawals.as_deref().map(calculate_withdrawals_root),
            current_excess_blob_gas: block.excess_blob_gas.map(U64::from),
            blob_gas_used: since(Fork::Cancun).then(|| U64::from(outcome.blob_gas_used)),
            requests_hash: since(Fork::Prague)
                .then(|| Requests::new(outcome.requests.clone()).requests_hash()),
            requests: since(Fork::Prague).then(|| outcome.requests.clone()),
            block_access_list: list.map(|list| alloy_rlp::encode(list).into()),
            block_access_list_hash: list
                .map(|list| alloy_eip7928::compute_block_access_list_hash(list)),
            block_exception: None,
        })
    }
}

fn receipts(case: &Case, pre: &PreState, outcome: &BlockOutcome) -> Vec<TransitionReceipt> {
    let states = if case.rules.fork < Fork::Byzantium {
        roots::intermediate_roots(pre, outcome)
    } else {
        Vec::new()
    };
    let mut first_log = 0;
    let transactions = case.block.transactions.iter().zip(&outcome.receipts).enumerate();
    let made = transactions.map(|(index, (transaction, receipt))| {
        let made = Made { case, index, transaction, receipt, first_log };
        first_log += receipt.logs.len();
        made.receipt(states.get(index))
    });
    made.collect()
}

/// A receipt in the making.
struct Made<'a> {
    case: &'a Case,
    index: usize,
    transaction: &'a Transaction,
    receipt: &'a Receipt,
    first_log: usize,
}

impl Made<'_> {
    fn receipt(&self, state: Option<&B256>) -> TransitionReceipt {
        let Self { case, transaction, receipt, .. } = self;
        let (block, envelope) = (&case.block, &transaction.envelope);
        let base_fee = (case.rules.fork >= Fork::London).then_some(block.base_fee);
        let blob_gas = envelope.blob_gas_used();
        let blob_price =
            blob_gas.and(case.rules.blobs.zip(block.excess_blob_gas)).map(|(blobs, excess)| {
                let fraction = blobs.update_fraction.into();
                U256::from(alloy_eips::eip4844::fake_exponential(1, excess.into(), fraction))
            });
        TransitionReceipt {
            kind: U64::from(receipt.transaction_type),
            root: state.map(|root| root.0.into()).unwrap_or_default(),
            // Before Byzantium there is none, and geth writes a zero.
            status: U64::from(receipt.success && state.is_none()),
            cumulative_gas_used: U64::from(receipt.cumulative_gas_used),
            logs_bloom: receipt.logs.iter().collect(),
            logs: self.logs(),
            transaction_hash: *envelope.tx_hash(),
            contract_address: match envelope.to() {
                None => transaction.sender.create(envelope.nonce()),
                Some(_) => Address::ZERO,
            },
            gas_used: U64::from(receipt.gas_used),
            effective_gas_price: Some(U256::from(envelope.effective_gas_price(base_fee))),
            blob_gas_used: blob_gas.map(U64::from),
            blob_gas_price: blob_price,
            block_hash: NO_BLOCK_HASH,
            block_number: U64::from(block.number),
            transaction_index: U64::from(self.index),
        }
    }

    fn logs(&self) -> Vec<TransitionLog> {
        let block = &self.case.block;
        let one = |(index, log): (usize, &alloy_primitives::Log)| TransitionLog {
            address: log.address,
            topics: log.data.topics().to_vec(),
            data: log.data.data.clone(),
            block_number: U64::from(block.number),
            transaction_hash: *self.transaction.envelope.tx_hash(),
            transaction_index: U64::from(self.index),
            block_hash: NO_BLOCK_HASH,
            block_timestamp: U64::from(block.timestamp),
            log_index: U64::from(self.first_log + index),
            removed: false,
        };
        self.receipt.logs.iter().enumerate().map(one).collect()
    }
}

/// `alloc` after the block: values of zero are left out.
pub fn post_alloc(state: &MemoryState) -> Value {
    let mut accounts = Map::new();
    let ordered: BTreeMap<_, _> = state.accounts().collect();
    for (address, account) in ordered {
        let mut json = json!({ "balance": format!("{:#x}", account.info.balance) });
        if account.info.nonce > 0 {
            json["nonce"] = json!(format!("{:#x}", account.info.nonce));
        }
        if let Some(code) =
            state.code_by_hash(account.info.code_hash).filter(|code| !code.is_empty())
        {
            json["code"] = json!(code);
        }
        if !account.storage.is_empty() {
            let slots: BTreeMap<_, _> = account.storage.iter().collect();
            let word = |value: &U256| B256::from(*value).to_string();
            let slots = slots.into_iter().map(|(slot, value)| (word(slot), json!(word(value))));
            json["storage"] = Value::Object(slots.collect());
        }
        accounts.insert(format!("{address:#x}"), json);
    }
    Value::Object(accounts)
}
