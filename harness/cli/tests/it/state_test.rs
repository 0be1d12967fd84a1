//! State test files of our own making, filled by the reference.

use crate::scene::code;
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, hex};
use lockstep_cli::testing::factory;
use lockstep_formats::{File, Found, state_test};
use lockstep_judge::{
    definition::{Body, Test},
    state::{NormalChanges, PreState, roots},
};
use lockstep_model::{Outcome, RunOptions, StateReader};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(crate) const NAME: &str = "ours";

/// A file as it would come from disk.
pub(crate) fn file(suite: &Value) -> File {
    File::of_text("ours.json", &serde_json::to_string_pretty(suite).unwrap())
}

/// The tests of a suite; it must be readable.
pub(crate) fn read(suite: &Value) -> Vec<Test> {
    let Found { tests, unreadable: errors, .. } = state_test::tests(&file(suite));
    assert!(errors.is_empty(), "{errors:?}");
    tests
}

fn sender() -> Value {
    json!("0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b")
}

/// A suite of one test: a transaction that writes, logs and pays, under `fork`, with the
/// transaction fields of `kind`.
pub(crate) fn accepted(fork: &str, fees: &Value) -> Value {
    let mut counter = code::COUNT[..9].to_vec();
    counter.extend([0x60, 0x2a, 0x60, 0x00, 0x52, 0x60, 0x20, 0x60, 0x00, 0xa0, 0x00]);
    let mut transaction = json!({
        "data": ["0x", "0x0102"],
        "gasLimit": ["0x0186a0"],
        "value": ["0x01"],
        "nonce": "0x00",
        "to": "0x00000000000000000000000000000000000c0de5",
        "sender": sender(),
        "secretKey": "0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8"
    });
    for (field, value) in fees.as_object().unwrap() {
        transaction[field] = value.clone();
    }
    let suite = json!({ NAME: {
        "env": {
            "currentCoinbase": "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba",
            "currentGasLimit": "0x055d4a80",
            "currentNumber": "0x01",
            "currentTimestamp": "0x03e8",
            "currentRandom": format!("0x{}", "0".repeat(64)),
            "currentDifficulty": "0x020000",
            "currentBaseFee": "0x07",
            "currentExcessBlobGas": "0x00"
        },
        "pre": {
            "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b":
                { "balance": "0x0de0b6b3a7640000", "nonce": "0x00", "code": "0x", "storage": {} },
            "0x00000000000000000000000000000000000c0de5": {
                "balance": "0x00",
                "nonce": "0x01",
                "code": hex::encode_prefixed(&counter),
                "storage": { "0x00": "0x05", "0x07": "0x08" }
            }
        },
        "transaction": transaction,
        "post": { fork: [post(0), post(1)] }
    }});
    fill(suite, fork)
}

fn post(data: usize) -> Value {
    json!({
        "hash": B256::ZERO,
        "logs": B256::ZERO,
        "indexes": { "data": data, "gas": 0, "value": 0 },
        "state": {}
    })
}

/// A suite of one test that must be rejected: the gas does not pay for the transaction itself.
pub(crate) fn rejected(fork: &str) -> Value {
    let mut suite = accepted(fork, &json!({ "gasPrice": "0x0a" }));
    suite[NAME]["transaction"]["gasLimit"] = json!(["0x5207"]);
    for post in suite[NAME]["post"][fork].as_array_mut().unwrap() {
        post["expectException"] = json!("TransactionException.INTRINSIC_GAS_TOO_LOW");
    }
    fill(suite, fork)
}

/// Runs the reference and writes its outcome down as the expectation.
pub(crate) fn fill(mut suite: Value, fork: &str) -> Value {
    for post in suite[NAME]["post"][fork].as_array_mut().unwrap() {
        post.as_object_mut().unwrap().remove("txbytes");
    }
    for (index, test) in read(&suite).into_iter().enumerate() {
        let Body::Run(runnable) = test.body else { panic!("it runs") };
        let mut executor = factory("reference")(1).unwrap();
        let execution = executor
            .prepare(&runnable.case, &RunOptions::of(&runnable.case))
            .unwrap()
            .run()
            .unwrap();
        let (changes, logs) = match &execution.outcome {
            Outcome::Accepted(outcome) => {
                (outcome.changes.clone(), outcome.receipts[0].logs.clone())
            }
            Outcome::Rejected(_) => Default::default(),
        };
        let normal = NormalChanges::new(&runnable.pre, &changes);
        let post = &mut suite[NAME]["post"][fork][index];
        post["hash"] = json!(roots::state_root(&runnable.pre, &normal));
        post["logs"] = json!(roots::logs_hash(&logs));
        post["txbytes"] = json!(transaction_bytes(&runnable.case.block.transactions[0].envelope));
        post["state"] = state(&runnable.pre, &normal);
    }
    suite
}

fn transaction_bytes(envelope: &alloy_consensus::TxEnvelope) -> String {
    use alloy_eips::Encodable2718;
    hex::encode_prefixed(envelope.encoded_2718())
}

fn state(pre: &PreState, changes: &NormalChanges) -> Value {
    let before = pre.state.accounts().map(|(address, _)| *address);
    let all: BTreeSet<Address> = before.chain(changes.accounts.keys().copied()).collect();
    let mut state = json!({});
    for address in all {
        let Some(info) = changes.account_after(pre, address) else { continue };
        let code = if info.code_hash == KECCAK256_EMPTY {
            Default::default()
        } else {
            pre.state.code(info.code_hash).unwrap()
        };
        let slots = changes.storage_after(pre, address);
        let slots: serde_json::Map<String, Value> = slots
            .iter()
            .map(|(slot, value)| (format!("{slot:#04x}"), json!(format!("{value:#04x}"))))
            .collect();
        state[address.to_string().to_lowercase()] = json!({
            "balance": format!("{:#x}", info.balance),
            "nonce": format!("{:#x}", info.nonce),
            "code": code,
            "storage": slots,
        });
    }
    state
}
