//! The JSON shape of engine tests: `blockchain_test_engine`, `_engine_x` and `_sync`.

use crate::{
    accounts::{JsonAccount, JsonAccounts},
    blockchain_test::format::{Config, JsonHeader, JsonWithdrawal},
    hex::{Data, Ordered, Quantity, u64_quantity},
};
use alloy_primitives::{Address, B256, Bloom};
use serde::{Deserialize, Deserializer, de};

/// One test. A payload for synchronisation (`syncPayload`) is for the client's network, and not read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EngineTest {
    pub(super) network: String,
    #[serde(default)]
    pub(super) config: Config,
    pub(super) genesis_block_header: Option<JsonHeader>,
    pub(super) pre: Option<JsonAccounts>,
    /// Names the file with the genesis, where that is not in the test.
    pub(super) pre_hash: Option<String>,
    pub(super) engine_new_payloads: Vec<JsonCall>,
    #[serde(rename = "lastblockhash")]
    pub(super) last_block_hash: B256,
    pub(super) post_state: Option<JsonAccounts>,
    pub(super) post_state_hash: Option<B256>,
    /// The accounts that differ from the genesis; `null` where one is gone.
    pub(super) post_state_diff: Option<Ordered<Address, Option<JsonAccount>>>,
}

/// A genesis that several tests share.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PreAlloc {
    pub(super) network: String,
    pub(super) pre: JsonAccounts,
    pub(super) genesis: Option<JsonHeader>,
    /// The environment that the header is made from, where there is none.
    pub(super) environment: Option<Environment>,
}

/// The environment of a genesis block.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Environment {
    pub(super) current_coinbase: Address,
    #[serde(deserialize_with = "u64_quantity")]
    pub(super) current_gas_limit: u64,
    #[serde(default)]
    pub(super) current_number: Quantity,
    #[serde(default)]
    pub(super) current_timestamp: Quantity,
    #[serde(default)]
    pub(super) current_random: Quantity,
    #[serde(default)]
    pub(super) current_difficulty: Quantity,
    pub(super) current_base_fee: Option<Quantity>,
    pub(super) current_excess_blob_gas: Option<Quantity>,
    pub(super) current_blob_gas_used: Option<Quantity>,
    pub(super) parent_beacon_block_root: Option<B256>,
    pub(super) slot_number: Option<Quantity>,
}

/// A call of `engine_newPayloadVN`, and how it must end.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonCall {
    pub(super) params: Vec<serde_json::Value>,
    #[serde(deserialize_with = "text_or_number")]
    pub(super) new_payload_version: String,
    pub(super) validation_error: Option<String>,
    #[serde(default, deserialize_with = "optional_text_or_number")]
    pub(super) error_code: Option<String>,
}

/// An execution payload of any version.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonPayload {
    pub(super) parent_hash: B256,
    pub(super) fee_recipient: Address,
    pub(super) state_root: B256,
    pub(super) receipts_root: B256,
    pub(super) logs_bloom: Bloom,
    pub(super) prev_randao: B256,
    #[serde(deserialize_with = "u64_quantity")]
    pub(super) block_number: u64,
    #[serde(deserialize_with = "u64_quantity")]
    pub(super) gas_limit: u64,
    #[serde(deserialize_with = "u64_quantity")]
    pub(super) gas_used: u64,
    #[serde(deserialize_with = "u64_quantity")]
    pub(super) timestamp: u64,
    pub(super) extra_data: Data,
    #[serde(deserialize_with = "u64_quantity")]
    pub(super) base_fee_per_gas: u64,
    pub(super) block_hash: B256,
    pub(super) transactions: Vec<Data>,
    pub(super) withdrawals: Option<Vec<JsonWithdrawal>>,
    pub(super) blob_gas_used: Option<Quantity>,
    pub(super) excess_blob_gas: Option<Quantity>,
    pub(super) block_access_list: Option<Data>,
    pub(super) slot_number: Option<Quantity>,
}

/// Versions and error codes: `"4"` or 4.
#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrNumber {
    Text(String),
    Number(i64),
}

impl From<TextOrNumber> for String {
    fn from(either: TextOrNumber) -> Self {
        match either {
            TextOrNumber::Text(text) => text,
            TextOrNumber::Number(number) => number.to_string(),
        }
    }
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let either = TextOrNumber::deserialize(deserializer);
    either.map(String::from).map_err(|_| de::Error::custom("expected a string or a number"))
}

fn optional_text_or_number<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(Option::<TextOrNumber>::deserialize(deserializer)?.map(String::from))
}
