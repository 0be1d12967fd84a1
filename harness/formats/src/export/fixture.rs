//! The file: an EEST `blockchain_test`.

use super::{
    rebase::{genesis, rebased, showable},
    sign::{UNKNOWN_KEY, UnknownKey, sign},
};
use alloy_consensus::{
    BlockBody, Header, Transaction as _, TxEnvelope, Typed2718 as _,
    constants::EMPTY_OMMER_ROOT_HASH,
    proofs::{calculate_transaction_root, calculate_withdrawals_root},
};
use alloy_eips::{
    eip4895::{Withdrawal, Withdrawals},
    eip7685::Requests,
    eip7840::BlobParams,
};
use alloy_primitives::{B256, Bytes, hex};
use alloy_rlp::Encodable;
use lockstep_judge::{
    consensus::outcome::receipts_root,
    expected::Expectation,
    runnable::Runnable,
    state::{NormalChanges, PreState, roots},
};
use lockstep_model::{BlockOutcome, Case, Fork, MemoryState, Outcome, Rejection, Transaction};
use serde_json::{Map, Value, json};

/// Name and comment of a fixture.
#[derive(Debug, Clone, Copy)]
pub struct Fixture<'a> {
    /// The test's name.
    pub name: &'a str,
    /// One or more lines of prose: the block's purpose.
    pub comment: &'a str,
}

/// The file of a [rebased](super::rebased) block, with the reference's outcome.
///
/// # Errors
/// A transaction that cannot be signed.
pub fn fixture(
    block: &Runnable,
    outcome: &Outcome,
    about: Fixture<'_>,
) -> Result<String, UnknownKey> {
    let transactions = sign(&block.case.block.transactions)?;
    let parent = genesis(&block.case, &block.pre);
    let header = header(block, &transactions, outcome);
    let hash = header.hash_slow();
    let rlp = encoded(header.clone(), transactions.clone(), block);
    let mut json_block = json!({ "rlp": hex(&rlp), "blocknumber": "1" });
    let (last, after) = match outcome {
        Outcome::Accepted(outcome) => {
            json_block["blockHeader"] = header_json(&header, hash);
            json_block["uncleHeaders"] = json!([]);
            json_block["transactions"] = transactions_json(&transactions, block);
            if let Some(withdrawals) = &block.case.block.withdrawals {
                json_block["withdrawals"] = withdrawals_json(withdrawals);
            }
            if let Some(list) = &outcome.access_list {
                json_block["blockAccessList"] = serde_json::to_value(list).unwrap_or_default();
            }
            (hash, block.pre.state_after(&outcome.changes))
        }
        Outcome::Rejected(Rejection { rule, .. }) => {
            json_block["expectException"] = json!(exception(&rule.to_string()));
            (parent.hash_slow(), MemoryState::clone(&block.pre.state))
        }
    };
    let network = block.case.rules.fork.fixture_name();
    let mut genesis_rlp = Vec::new();
    let no_withdrawals = parent.withdrawals_root.map(|_| Withdrawals::default());
    let body =
        BlockBody { transactions: Vec::new(), ommers: Vec::new(), withdrawals: no_withdrawals };
    alloy_consensus::Block::<TxEnvelope>::new(parent.clone(), body).encode(&mut genesis_rlp);
    let mut test = json!({
        "network": network,
        "genesisBlockHeader": header_json(&parent, parent.hash_slow()),
        "genesisRLP": hex(&genesis_rlp),
        "pre": accounts(&block.pre.state),
        "blocks": [json_block],
        "postState": accounts(&after),
        "lastblockhash": last,
        "config": { "network": network, "chainid": quantity(block.case.rules.chain_id) },
        "sealEngine": "NoProof",
        "_info": {
            "comment": about.comment,
            "fixture-format": "blockchain_test",
            "filling-tool": concat!("lockstep ", env!("CARGO_PKG_VERSION")),
        },
    });
    if let Some(schedule) = blob_schedule(block.case.rules.fork) {
        test["config"]["blobSchedule"] = schedule;
    }
    let mut file = Map::new();
    file.insert(about.name.to_owned(), test);
    Ok(serde_json::to_string_pretty(&file).expect("strings and numbers") + "\n")
}

/// A case as a fixture, out of the outcome that `execute` has for it as the first block of a chain; that outcome too.
///
/// # Errors
/// Why there is none: a pre-state that is not there as a whole, a sender whose key is not known, a block that no
/// header could have, or one that cannot be executed.
pub fn fixture_of(
    case: &Case,
    about: Fixture<'_>,
    execute: &mut dyn FnMut(&Case) -> Result<Outcome, String>,
) -> Result<(String, Outcome), String> {
    let state = showable(case)?;
    let (case, pre) = (case.clone(), PreState::new(state.clone()));
    let block = rebased(&Runnable { case, pre, expectation: Expectation::default() });
    let outcome = execute(&block.case)?;
    let file = fixture(&block, &outcome, about).map_err(|_| UNKNOWN_KEY)?;
    Ok((file, outcome))
}

/// The name with its class in front, as fixtures have it.
fn exception(rule: &str) -> String {
    let class = match rule {
        "SYSTEM_CONTRACT_EMPTY"
        | "INVALID_DEPOSIT_EVENT_LAYOUT"
        | "SYSTEM_CONTRACT_CALL_FAILED"
        | "INVALID_BLOCK_ACCESS_LIST" => "BlockException",
        _ => "TransactionException",
    };
    format!("{class}.{rule}")
}

/// The block's header, as the reference fills it in.
pub(super) fn header(block: &Runnable, transactions: &[TxEnvelope], outcome: &Outcome) -> Header {
    let case = &block.case;
    let known = &case.block;
    let since = |fork| case.rules.fork >= fork;
    // A rejected block's header is never compared with anything: it is that of a block that does
    // nothing.
    let nothing = BlockOutcome::default();
    let outcome = match outcome {
        Outcome::Accepted(outcome) => outcome,
        Outcome::Rejected(_) => &nothing,
    };
    let changes = NormalChanges::new(&block.pre, &outcome.changes);
    let list = outcome.access_list.as_deref().unwrap_or_default();
    Header {
        parent_hash: known.parent_hash,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: known.beneficiary,
        state_root: roots::state_root(&block.pre, &changes),
        transactions_root: calculate_transaction_root(transactions),
        receipts_root: receipts_root(case.rules.fork, &block.pre, outcome).unwrap_or_default(),
        logs_bloom: roots::logs_bloom(&outcome.receipts),
        difficulty: known.difficulty,
        number: known.number,
        gas_limit: known.gas_limit,
        gas_used: outcome.gas_used,
        timestamp: known.timestamp,
        mix_hash: known.prev_randao.unwrap_or_default(),
        base_fee_per_gas: since(Fork::London).then_some(known.base_fee),
        withdrawals_root: known
            .withdrawals
            .as_ref()
            .map(|withdrawals| calculate_withdrawals_root(withdrawals)),
        blob_gas_used: since(Fork::Cancun)
            .then(|| transactions.iter().filter_map(TxEnvelope::blob_gas_used).sum()),
        excess_blob_gas: known.excess_blob_gas,
        parent_beacon_block_root: known.parent_beacon_block_root,
        requests_hash: since(Fork::Prague)
            .then(|| Requests::new(outcome.requests.clone()).requests_hash()),
        block_access_list_hash: since(Fork::Amsterdam)
            .then(|| alloy_eip7928::compute_block_access_list_hash(list)),
        slot_number: known.slot_number,
        ..Header::default()
    }
}

pub(super) fn encoded(header: Header, transactions: Vec<TxEnvelope>, block: &Runnable) -> Bytes {
    let withdrawals = block.case.block.withdrawals.clone().map(Withdrawals::new);
    let body = BlockBody { transactions, ommers: Vec::new(), withdrawals };
    let mut bytes = Vec::new();
    alloy_consensus::Block::new(header, body).encode(&mut bytes);
    bytes.into()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    hex::encode_prefixed(bytes)
}

pub(super) fn quantity(number: impl std::fmt::LowerHex) -> String {
    // Whole bytes, as fixtures have it.
    let digits = format!("{number:x}");
    if digits.len() % 2 == 1 { format!("0x0{digits}") } else { format!("0x{digits}") }
}

fn header_json(header: &Header, hash: B256) -> Value {
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
        "hash": hash,
    });
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            json[name] = value;
        }
    };
    let number = |number: Option<u64>| number.map(|number| json!(quantity(number)));
    add("baseFeePerGas", number(header.base_fee_per_gas));
    add("withdrawalsRoot", header.withdrawals_root.map(|root| json!(root)));
    add("blobGasUsed", number(header.blob_gas_used));
    add("excessBlobGas", number(header.excess_blob_gas));
    add("parentBeaconBlockRoot", header.parent_beacon_block_root.map(|root| json!(root)));
    add("requestsHash", header.requests_hash.map(|hash| json!(hash)));
    add("blockAccessListHash", header.block_access_list_hash.map(|hash| json!(hash)));
    add("slotNumber", number(header.slot_number));
    json
}

pub(super) fn withdrawals_json(withdrawals: &[Withdrawal]) -> Value {
    let one = |withdrawal: &Withdrawal| {
        json!({
            "index": quantity(withdrawal.index),
            "validatorIndex": quantity(withdrawal.validator_index),
            "address": withdrawal.address,
            "amount": quantity(withdrawal.amount),
        })
    };
    withdrawals.iter().map(one).collect()
}

fn transactions_json(transactions: &[TxEnvelope], block: &Runnable) -> Value {
    let senders = block.case.block.transactions.iter();
    transactions.iter().zip(senders).map(|(tx, known)| transaction_json(tx, known)).collect()
}

fn transaction_json(tx: &TxEnvelope, known: &Transaction) -> Value {
    let signature = tx.signature();
    let parity = u64::from(signature.v());
    let v = match tx {
        TxEnvelope::Legacy(legacy) => legacy.tx().chain_id.map_or(27, |id| 35 + 2 * id) + parity,
        _ => parity,
    };
    let mut json = json!({
        "type": quantity(tx.ty()),
        "nonce": quantity(tx.nonce()),
        "gasLimit": quantity(tx.gas_limit()),
        "to": tx.to().map_or(String::new(), |to| to.to_string().to_lowercase()),
        "value": quantity(tx.value()),
        "data": tx.input(),
        "v": quantity(v),
        "r": quantity(signature.r()),
        "s": quantity(signature.s()),
        "sender": known.sender,
    });
    if let Some(id) = tx.chain_id() {
        json["chainId"] = json!(quantity(id));
    } else {
        json["chainId"] = json!("0x01");
    }
    match tx.gas_price() {
        Some(price) => json["gasPrice"] = json!(quantity(price)),
        None => {
            json["maxFeePerGas"] = json!(quantity(tx.max_fee_per_gas()));
            let tip = tx.max_priority_fee_per_gas().unwrap_or_default();
            json["maxPriorityFeePerGas"] = json!(quantity(tip));
        }
    }
    if let Some(list) = tx.access_list() {
        let items = list
            .iter()
            .map(|item| json!({ "address": item.address, "storageKeys": item.storage_keys }));
        json["accessList"] = items.collect();
    }
    if let Some(hashes) = tx.blob_versioned_hashes() {
        json["blobVersionedHashes"] = json!(hashes);
        let fee = tx.max_fee_per_blob_gas().unwrap_or_default();
        json["maxFeePerBlobGas"] = json!(quantity(fee));
    }
    if let Some(list) = tx.authorization_list() {
        json["authorizationList"] = list.iter().map(authorization_json).collect();
    }
    json
}

fn authorization_json(signed: &alloy_eips::eip7702::SignedAuthorization) -> Value {
    let mut json = json!({
        "chainId": quantity(*signed.chain_id()),
        "address": signed.address(),
        "nonce": quantity(signed.nonce()),
        "v": quantity(signed.y_parity()),
        "yParity": quantity(signed.y_parity()),
        "r": quantity(signed.r()),
        "s": quantity(signed.s()),
    });
    if let Ok(signer) = signed.recover_authority() {
        json["signer"] = json!(signer);
    }
    json
}

pub(crate) fn accounts(state: &MemoryState) -> Value {
    let mut accounts: Vec<_> = state.accounts().collect();
    accounts.sort_unstable_by_key(|(address, _)| **address);
    let one = |(address, account): (&alloy_primitives::Address, &_)| {
        let lockstep_model::memory_state::StoredAccount { info, storage } = account;
        let mut slots: Vec<_> = storage.iter().collect();
        slots.sort_unstable();
        let slots: Map<String, Value> = slots
            .into_iter()
            .map(|(key, value)| (quantity(*key), json!(quantity(*value))))
            .collect();
        let code = state.code_by_hash(info.code_hash).cloned().unwrap_or_default();
        let account = json!({
            "nonce": quantity(info.nonce),
            "balance": quantity(info.balance),
            "code": code,
            "storage": slots,
        });
        (address.to_string().to_lowercase(), account)
    };
    Value::Object(accounts.into_iter().map(one).collect())
}

/// EIP-7840: the parameters of the fork, under its name.
fn blob_schedule(fork: Fork) -> Option<Value> {
    let own = match fork {
        _ if fork < Fork::Cancun => return None,
        Fork::Cancun => BlobParams::cancun(),
        Fork::Prague => BlobParams::prague(),
        _ => BlobParams::osaka(),
    };
    Some(json!({
        fork.fixture_name(): {
            "target": quantity(own.target_blob_count),
            "max": quantity(own.max_blob_count),
            "baseFeeUpdateFraction": quantity(own.update_fraction),
        }
    }))
}
