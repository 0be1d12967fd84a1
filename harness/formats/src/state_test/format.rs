//! The shape of state test files.

use crate::{
    accounts::JsonAccounts,
    hex::{Data, Number, Ordered, Quantity, Recipient, u64_quantity},
};
use alloy_primitives::{Address, B256};
use serde::Deserialize;

/// One test: a transaction template, and what it does under each fork.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct StateTest {
    pub(crate) env: Env,
    pub(crate) pre: JsonAccounts,
    pub(crate) transaction: Template,
    pub(crate) post: Ordered<String, Vec<Post>>,
    #[serde(default)]
    pub(crate) config: Config,
}

/// The block around the transaction.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Env {
    pub(crate) current_coinbase: Address,
    #[serde(deserialize_with = "u64_quantity")]
    pub(crate) current_gas_limit: u64,
    #[serde(deserialize_with = "u64_quantity")]
    pub(crate) current_number: u64,
    #[serde(deserialize_with = "u64_quantity")]
    pub(crate) current_timestamp: u64,
    #[serde(default)]
    pub(crate) current_difficulty: Quantity,
    pub(crate) current_random: Option<Quantity>,
    pub(crate) current_base_fee: Option<Quantity>,
    pub(crate) current_excess_blob_gas: Option<Quantity>,
}

/// The transaction template; a post picks one of each list.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Template {
    pub(crate) data: Vec<Data>,
    pub(crate) gas_limit: Vec<Number>,
    pub(crate) value: Vec<Number>,
    pub(crate) nonce: Number,
    pub(crate) to: Recipient,
    pub(crate) sender: Option<Address>,
    pub(crate) secret_key: Option<B256>,
    pub(crate) gas_price: Option<Number>,
    pub(crate) max_fee_per_gas: Option<Number>,
    pub(crate) max_priority_fee_per_gas: Option<Number>,
    pub(crate) max_fee_per_blob_gas: Option<Number>,
    pub(crate) access_lists: Option<Vec<Option<Vec<AccessListEntry>>>>,
    pub(crate) blob_versioned_hashes: Option<Vec<B256>>,
    pub(crate) authorization_list: Option<Vec<Authorization>>,
}

/// One entry of an EIP-2930 access list.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccessListEntry {
    pub(crate) address: Address,
    pub(crate) storage_keys: Vec<Quantity>,
}

/// An EIP-7702 authorisation.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Authorization {
    pub(crate) chain_id: Number,
    pub(crate) address: Address,
    pub(crate) nonce: Number,
    pub(crate) y_parity: Option<Number>,
    /// The older name of the same; fixtures have either, or both.
    pub(crate) v: Option<Number>,
    pub(crate) r: Number,
    pub(crate) s: Number,
}

/// The test's expectation under one fork, for one choice of data, gas limit and value.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Post {
    pub(crate) hash: B256,
    pub(crate) logs: B256,
    pub(crate) txbytes: Option<Data>,
    pub(crate) indexes: Indexes,
    pub(crate) expect_exception: Option<String>,
    pub(crate) state: Option<JsonAccounts>,
}

/// Which of each list.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Indexes {
    pub(crate) data: usize,
    pub(crate) gas: usize,
    pub(crate) value: usize,
}

/// Chain configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Config {
    pub(crate) blob_schedule: Option<Ordered<String, BlobSchedule>>,
    pub(crate) chainid: Option<Quantity>,
}

/// Blob parameters of one fork.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BlobSchedule {
    #[serde(deserialize_with = "u64_quantity")]
    pub(crate) max: u64,
    #[serde(deserialize_with = "u64_quantity")]
    pub(crate) base_fee_update_fraction: u64,
}
