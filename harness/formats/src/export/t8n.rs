//! A block as the inputs of a transition tool: `alloc`, `env`, `txs`, as geth's `evm t8n` and the
//! Python specs' `ethereum-spec-evm t8n` take them, and what the reference makes of them.

use super::{
    fixture::{accounts, header, hex, quantity, withdrawals_json},
    sign::{UnknownKey, sign},
};
use alloy_consensus::TxEnvelope;
use alloy_primitives::B256;
use lockstep_judge::runnable::Runnable;
use lockstep_model::{At, Case, Fork, Outcome};
use serde_json::{Map, Value, json};

/// The inputs, and what must come of them.
#[derive(Debug, Clone, PartialEq)]
pub struct T8n {
    /// Accounts before the block.
    pub alloc: Value,
    /// The block without its transactions.
    pub env: Value,
    /// The signed transactions: the RLP of their list, as one string.
    pub txs: Value,
    /// Fork, chain id, and the reference's result: roots and gas, or the first rejected transaction.
    pub expected: Value,
}

/// The inputs of a [rebased](super::rebased) block.
///
/// # Errors
/// A transaction that cannot be signed.
pub fn t8n(block: &Runnable, outcome: &Outcome) -> Result<T8n, UnknownKey> {
    let transactions = sign(&block.case.block.transactions)?;
    let txs = crate::body::body(transactions.iter());
    Ok(T8n {
        alloc: accounts(&block.pre.state),
        env: env(&block.case, [(0, block.case.block.parent_hash)]),
        txs: json!(hex(&txs)),
        expected: expected(block, &transactions, outcome),
    })
}

/// `env` of a block. What a fork has and the block lacks is there as nothing: tools insist on it.
pub(crate) fn env(case: &Case, hashes: impl IntoIterator<Item = (u64, B256)>) -> Value {
    let known = &case.block;
    let hashes: Map<String, Value> =
        hashes.into_iter().map(|(number, hash)| (quantity(number), json!(hash))).collect();
    let mut env = json!({
        "currentCoinbase": known.beneficiary,
        "currentGasLimit": quantity(known.gas_limit),
        "currentNumber": quantity(known.number),
        "currentTimestamp": quantity(known.timestamp),
        "blockHashes": hashes,
    });
    let since = |fork| case.rules.fork >= fork;
    if since(Fork::Paris) {
        env["currentRandom"] = json!(known.prev_randao.unwrap_or_default());
    } else {
        env["currentDifficulty"] = json!(quantity(known.difficulty));
        env["ommers"] = known
            .ommers
            .iter()
            .map(|ommer| {
                let delta = known.number.saturating_sub(ommer.number);
                json!({ "delta": quantity(delta), "address": ommer.beneficiary })
            })
            .collect();
    }
    if since(Fork::London) {
        env["currentBaseFee"] = json!(quantity(known.base_fee));
    }
    if since(Fork::Shanghai) {
        env["withdrawals"] = withdrawals_json(known.withdrawals.as_deref().unwrap_or_default());
    }
    if since(Fork::Cancun) {
        env["parentBeaconBlockRoot"] = json!(known.parent_beacon_block_root.unwrap_or_default());
        env["currentExcessBlobGas"] = json!(quantity(known.excess_blob_gas.unwrap_or_default()));
    }
    if let Some(slot) = known.slot_number {
        env["slotNumber"] = json!(quantity(slot));
    }
    env
}

fn expected(block: &Runnable, transactions: &[TxEnvelope], outcome: &Outcome) -> Value {
    let rules = &block.case.rules;
    let mut expected = json!({
        "id": &*block.case.id,
        "fork": rules.fork.fixture_name(),
        "chainId": rules.chain_id,
        "transactions": block.case.block.transactions.len(),
    });
    match outcome {
        Outcome::Accepted(accepted) => {
            let header = header(block, transactions, accepted);
            expected["stateRoot"] = json!(header.state_root);
            expected["receiptsRoot"] = json!(header.receipts_root);
            expected["logsBloom"] = json!(header.logs_bloom);
            expected["gasUsed"] = json!(quantity(header.gas_used));
            if rules.fork >= Fork::Cancun {
                expected["blobGasUsed"] = json!(quantity(accepted.blob_gas_used));
            }
            if let Some(hash) = header.requests_hash {
                expected["requestsHash"] = json!(hash);
            }
        }
        Outcome::Rejected(rejection) => {
            expected["rejected"] = json!({
                "transaction": match rejection.at {
                    At::Transaction(index) => Some(index),
                    _ => None,
                },
                "rule": rejection.rule.to_string(),
            });
        }
    }
    expected
}
