//! Our own blocks as blockchain test files, so that every field that a file states can be flipped.

use crate::chain::{CONTRACT, Draft, address};
use alloy_consensus::{Header, Transaction as _, TxEnvelope, Typed2718};
use alloy_eips::Encodable2718;
use alloy_primitives::{B256, Bytes, U256, hex};
use lockstep_formats::File;
use lockstep_judge::state::{NormalChanges, PreState, roots};
use lockstep_model::{BlockOutcome, Receipt};
use serde_json::{Map, Value, json};

pub(crate) const NAME: &str = "ours";

fn quantity(value: impl TryInto<U256>) -> String {
    let value = value.try_into().unwrap_or_else(|_| unreachable!("it fits"));
    format!("{value:#x}")
}

fn header(header: &Header) -> Value {
    let mut json = json!({
        "parentHash": header.parent_hash,
        "uncleHash": header.ommers_hash,
        "coinbase": header.beneficiary,
        "stateRoot": header.state_root,
        "transactionsTrie": header.transactions_root,
        "receiptTrie": header.receipts_root,
        "bloom": header.logs_bloom,
        "difficulty": quantity(header.difficulty),
        "number": quantity(header.number),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "extraData": header.extra_data,
        "mixHash": header.mix_hash,
        "nonce": header.nonce,
        "hash": header.hash_slow(),
    });
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            json[name] = value;
        }
    };
    let hash = |hash: Option<B256>| hash.map(|hash| json!(hash));
    let number = |number: Option<u64>| number.map(|number| json!(quantity(number)));
    add("baseFeePerGas", number(header.base_fee_per_gas));
    add("withdrawalsRoot", hash(header.withdrawals_root));
    add("blobGasUsed", number(header.blob_gas_used));
    add("excessBlobGas", number(header.excess_blob_gas));
    add("parentBeaconBlockRoot", hash(header.parent_beacon_block_root));
    add("requestsHash", hash(header.requests_hash));
    add("blockAccessListHash", hash(header.block_access_list_hash));
    add("slotNumber", number(header.slot_number));
    json
}

fn transaction(envelope: &TxEnvelope, sender: u8) -> Value {
    let signature = envelope.signature();
    json!({
        "type": quantity(envelope.ty()),
        "nonce": quantity(envelope.nonce()),
        "gasPrice": quantity(envelope.gas_price().unwrap_or_default()),
        "gasLimit": quantity(envelope.gas_limit()),
        "to": envelope.to(),
        "value": quantity(envelope.value()),
        "data": envelope.input(),
        "v": quantity(27 + u64::from(signature.v())),
        "r": quantity(signature.r()),
        "s": quantity(signature.s()),
        "sender": address(sender),
    })
}

fn receipt(receipt: &Receipt, envelope: &TxEnvelope) -> Value {
    let logs = receipt.logs.iter().map(
        |log| json!({ "address": log.address, "topics": log.data.topics(), "data": log.data.data }),
    );
    json!({
        "type": quantity(receipt.transaction_type),
        "status": receipt.success,
        "cumulativeGasUsed": quantity(receipt.cumulative_gas_used),
        "bloom": roots::logs_bloom(std::slice::from_ref(receipt)),
        "logs": logs.collect::<Vec<_>>(),
        "transactionHash": envelope.tx_hash(),
        "rlp": Bytes::from(roots::receipt_envelope(receipt, None).encoded_2718()),
    })
}

/// The whole state after some changes, as `pre` and `postState` have it.
fn state(pre: &PreState, changes: &NormalChanges) -> Value {
    let mut accounts = Map::new();
    let before = pre.state.accounts().map(|(address, _)| *address);
    for address in before.chain(changes.accounts.keys().copied()) {
        let Some(info) = changes.account_after(pre, address) else { continue };
        let slots = changes.storage_after(pre, address);
        let slots = slots.iter().map(|(slot, value)| (quantity(*slot), json!(quantity(*value))));
        let code = pre.state.code_by_hash(info.code_hash).cloned().unwrap_or_default();
        let account = json!({
            "balance": quantity(info.balance),
            "nonce": quantity(info.nonce),
            "code": code,
            "storage": slots.collect::<Map<_, _>>(),
        });
        accounts.insert(address.to_string(), account);
    }
    Value::Object(accounts)
}

/// A file with the one block of a draft, which must be valid.
pub(crate) fn suite(draft: &Draft, outcome: &BlockOutcome) -> Value {
    let pre = &draft.genesis.state;
    let mut genesis = draft.clone();
    genesis.header = draft.genesis.header.clone();
    genesis.transactions.clear();
    let senders = [1, 2];
    let transactions = draft.transactions.iter().zip(senders);
    let receipts = outcome.receipts.iter().zip(&draft.transactions);
    let withdrawals = draft.withdrawals.iter().flatten().map(|withdrawal| {
        json!({
            "index": quantity(withdrawal.index),
            "validatorIndex": quantity(withdrawal.validator_index),
            "address": withdrawal.address,
            "amount": quantity(withdrawal.amount),
        })
    });
    let mut block = json!({
        "rlp": format!("0x{}", hex::encode(draft.bytes())),
        "blocknumber": "1",
        "blockHeader": header(&draft.header),
        "transactions": transactions.map(|(tx, sender)| transaction(tx, sender)).collect::<Vec<_>>(),
        "uncleHeaders": [],
        "receipts": receipts.map(|(one, tx)| receipt(one, tx)).collect::<Vec<_>>(),
    });
    if draft.withdrawals.is_some() {
        block["withdrawals"] = withdrawals.collect();
    }
    if let Some(list) = &draft.access_list {
        block["blockAccessList"] = json!(format!("0x{}", hex::encode(alloy_rlp::encode(list))));
    }
    json!({ NAME: {
        "network": draft.network,
        "genesisBlockHeader": header(&draft.genesis.header),
        "genesisRLP": format!("0x{}", hex::encode(genesis.bytes())),
        "pre": state(pre, &NormalChanges::default()),
        "postState": state(pre, &NormalChanges::new(pre, &outcome.changes)),
        "lastblockhash": draft.header.hash_slow(),
        "config": { "network": draft.network, "chainid": "0x01" },
        "blocks": [block],
        "sealEngine": "NoProof",
    }})
}

pub(crate) fn file(suite: &Value) -> File {
    File::of_text("ours.json", &suite.to_string())
}

/// The contract's slot in a file's post-state.
pub(crate) fn slot_of(suite: &mut Value) -> &mut Value {
    &mut suite[NAME]["postState"][CONTRACT.to_string()]["storage"]["0x0"]
}
