//! The JSON shape of blockchain test files, EEST and classic.

use crate::{
    access_list::JsonAccessList,
    accounts::JsonAccounts,
    hex::{Data, Ordered, Quantity, Recipient, u64_quantity},
};
use alloy_primitives::{Address, B256, Bloom};
use serde::Deserialize;

/// One test.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BlockchainTest {
    pub(crate) network: String,
    pub(crate) genesis_block_header: JsonHeader,
    #[serde(rename = "genesisRLP")]
    pub(crate) genesis_rlp: Data,
    pub(crate) pre: JsonAccounts,
    pub(crate) post_state: Option<JsonAccounts>,
    pub(crate) post_state_hash: Option<B256>,
    #[serde(rename = "lastblockhash")]
    pub(crate) last_block_hash: B256,
    pub(crate) blocks: Vec<JsonBlock>,
    #[serde(default)]
    pub(crate) config: Config,
}

/// Chain configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Config {
    pub(crate) network: Option<String>,
    pub(crate) chainid: Option<Quantity>,
    pub(crate) blob_schedule: Option<Ordered<String, BlobSchedule>>,
}

/// Blob parameters of one fork.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BlobSchedule {
    #[serde(deserialize_with = "u64_quantity")]
    pub(crate) target: u64,
    #[serde(deserialize_with = "u64_quantity")]
    pub(crate) max: u64,
    #[serde(deserialize_with = "u64_quantity")]
    pub(crate) base_fee_update_fraction: u64,
}

/// One block: its bytes, and the same decoded where it is valid.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JsonBlock {
    pub(crate) rlp: Data,
    pub(crate) expect_exception: Option<String>,
    pub(crate) blocknumber: Option<String>,
    /// Classic files alone have it; there `blocknumber` counts the blocks of the file.
    pub(crate) chainname: Option<String>,
    pub(crate) block_header: Option<JsonHeader>,
    pub(crate) transactions: Option<Vec<JsonTransaction>>,
    pub(crate) uncle_headers: Option<Vec<JsonHeader>>,
    pub(crate) withdrawals: Option<Vec<JsonWithdrawal>>,
    pub(crate) receipts: Option<Vec<JsonReceipt>>,
    pub(crate) block_access_list: Option<JsonAccessList>,
    /// An invalid block, decoded. Only its access list adds anything to the bytes.
    #[serde(rename = "rlp_decoded")]
    pub(crate) invalid: Option<InvalidBlock>,
}

/// The fields of an invalid block that are not in its bytes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InvalidBlock {
    pub(crate) block_access_list: Option<JsonAccessList>,
}

/// A header.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JsonHeader {
    pub(crate) parent_hash: B256,
    pub(crate) uncle_hash: B256,
    pub(crate) coinbase: Address,
    pub(crate) state_root: B256,
    pub(crate) transactions_trie: B256,
    pub(crate) receipt_trie: B256,
    pub(crate) bloom: Bloom,
    pub(crate) difficulty: Quantity,
    pub(crate) number: Quantity,
    pub(crate) gas_limit: Quantity,
    pub(crate) gas_used: Quantity,
    pub(crate) timestamp: Quantity,
    pub(crate) extra_data: Data,
    pub(crate) mix_hash: B256,
    pub(crate) nonce: Data,
    pub(crate) base_fee_per_gas: Option<Quantity>,
    pub(crate) withdrawals_root: Option<B256>,
    pub(crate) blob_gas_used: Option<Quantity>,
    pub(crate) excess_blob_gas: Option<Quantity>,
    pub(crate) parent_beacon_block_root: Option<B256>,
    pub(crate) requests_hash: Option<B256>,
    pub(crate) block_access_list_hash: Option<B256>,
    pub(crate) slot_number: Option<Quantity>,
    pub(crate) hash: B256,
}

/// A transaction.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JsonTransaction {
    #[serde(rename = "type")]
    pub(crate) kind: Option<Quantity>,
    pub(crate) chain_id: Option<Quantity>,
    pub(crate) nonce: Quantity,
    pub(crate) gas_price: Option<Quantity>,
    pub(crate) max_priority_fee_per_gas: Option<Quantity>,
    pub(crate) max_fee_per_gas: Option<Quantity>,
    pub(crate) max_fee_per_blob_gas: Option<Quantity>,
    pub(crate) gas_limit: Quantity,
    pub(crate) to: Recipient,
    pub(crate) value: Quantity,
    pub(crate) data: Data,
    pub(crate) access_list: Option<Vec<JsonAccess>>,
    pub(crate) blob_versioned_hashes: Option<Vec<B256>>,
    pub(crate) authorization_list: Option<Vec<JsonAuthorization>>,
    pub(crate) v: Quantity,
    pub(crate) r: Quantity,
    pub(crate) s: Quantity,
    pub(crate) sender: Option<Address>,
}

/// An entry of an EIP-2930 access list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JsonAccess {
    pub(crate) address: Address,
    pub(crate) storage_keys: Vec<Quantity>,
}

/// An EIP-7702 authorisation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JsonAuthorization {
    pub(crate) chain_id: Quantity,
    pub(crate) address: Address,
    pub(crate) nonce: Quantity,
    pub(crate) y_parity: Option<Quantity>,
    pub(crate) r: Quantity,
    pub(crate) s: Quantity,
    pub(crate) signer: Option<Address>,
}

/// A withdrawal.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JsonWithdrawal {
    pub(crate) index: Quantity,
    pub(crate) validator_index: Quantity,
    pub(crate) address: Address,
    pub(crate) amount: Quantity,
}

/// A receipt.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JsonReceipt {
    #[serde(rename = "type")]
    pub(crate) kind: Quantity,
    #[serde(default, deserialize_with = "status")]
    pub(crate) status: Option<bool>,
    /// Before Byzantium.
    #[serde(alias = "root")]
    pub(crate) post_state: Option<B256>,
    pub(crate) cumulative_gas_used: Quantity,
    pub(crate) bloom: Bloom,
    pub(crate) logs: Vec<JsonLog>,
    pub(crate) transaction_hash: Option<B256>,
    pub(crate) rlp: Option<Data>,
}

/// A truth value, or a number as receipts over JSON-RPC have it.
fn status<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Status {
        Truth(bool),
        Number(Quantity),
    }
    let status = Option::<Status>::deserialize(deserializer)?;
    Ok(status.map(|status| match status {
        Status::Truth(success) => success,
        Status::Number(number) => !number.0.is_zero(),
    }))
}

/// A log.
#[derive(Debug, Deserialize)]
pub(crate) struct JsonLog {
    pub(crate) address: Address,
    pub(crate) topics: Vec<B256>,
    pub(crate) data: Data,
}
