//! Engine tests: every field of a call counts, and an error in a file is reported once.

use crate::{
    chain::{Draft, blob},
    chain_json::{NAME, suite},
    command::{Run, lockstep, tar_of, write},
};
use alloy_eips::Encodable2718;
use alloy_primitives::hex;
use lockstep_cli::testing::plan;
use lockstep_formats::{
    File, Found,
    engine_test::{PreAllocs, tests},
};
use lockstep_jobs::check::Judge;
use lockstep_report::record::{Status, TestResult};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Networks, with the version of the method for each.
const NETWORKS: [(&str, u8); 6] =
    [("Paris", 1), ("Shanghai", 2), ("Cancun", 3), ("Prague", 4), ("Osaka", 4), ("Amsterdam", 5)];

/// The parameters of the call that hands over the block of a draft.
fn parameters(draft: &Draft, version: u8) -> Value {
    let quantity = |number: u64| format!("{number:#x}");
    let header = &draft.header;
    let raw = draft.transactions.iter().map(|tx| hex::encode_prefixed(tx.encoded_2718()));
    let mut payload = json!({
        "parentHash": header.parent_hash,
        "feeRecipient": header.beneficiary,
        "stateRoot": header.state_root,
        "receiptsRoot": header.receipts_root,
        "logsBloom": header.logs_bloom,
        "prevRandao": header.mix_hash,
        "blockNumber": quantity(header.number),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "extraData": header.extra_data,
        "baseFeePerGas": quantity(header.base_fee_per_gas.unwrap()),
        "blockHash": header.hash_slow(),
        "transactions": raw.collect::<Vec<_>>(),
    });
    if let Some(withdrawals) = &draft.withdrawals {
        let withdrawal = |withdrawal: &alloy_eips::eip4895::Withdrawal| {
            json!({
                "index": quantity(withdrawal.index),
                "validatorIndex": quantity(withdrawal.validator_index),
                "address": withdrawal.address,
                "amount": quantity(withdrawal.amount),
            })
        };
        payload["withdrawals"] = withdrawals.iter().map(withdrawal).collect();
    }
    if version >= 3 {
        payload["blobGasUsed"] = json!(quantity(header.blob_gas_used.unwrap()));
        payload["excessBlobGas"] = json!(quantity(header.excess_blob_gas.unwrap()));
    }
    if let Some(list) = &draft.access_list {
        payload["blockAccessList"] = json!(hex::encode_prefixed(alloy_rlp::encode(list)));
        payload["slotNumber"] = json!(quantity(header.slot_number.unwrap()));
    }
    let mut parameters = vec![payload];
    if version >= 3 {
        let transactions = draft.transactions.iter();
        let hashes = transactions.filter_map(alloy_consensus::Transaction::blob_versioned_hashes);
        parameters.push(json!(hashes.flatten().collect::<Vec<_>>()));
        parameters.push(json!(header.parent_beacon_block_root));
    }
    if version >= 4 {
        parameters.push(json!([]));
    }
    parameters.into()
}

/// A file with the block of a draft as a call.
fn engine_suite(draft: &Draft, version: u8) -> Value {
    let mut suite = suite(draft, &draft.execute().unwrap());
    let test = suite[NAME].as_object_mut().unwrap();
    test.remove("blocks");
    test.remove("genesisRLP");
    test.insert(
        "engineNewPayloads".into(),
        json!([{
            "params": parameters(draft, version),
            "newPayloadVersion": version.to_string(),
            "forkchoiceUpdatedVersion": "3",
        }]),
    );
    suite
}

fn call(suite: &mut Value) -> &mut Value {
    &mut suite[NAME]["engineNewPayloads"][0]
}

fn read(suite: &Value) -> Found {
    tests(&File::of_text("ours.json", &suite.to_string()), &PreAllocs::default())
}

fn judged(suite: &Value) -> TestResult {
    let found = read(suite);
    assert_eq!(found.unreadable, [], "{suite}");
    let mut judge = Judge::standalone(&plan(&[2]));
    judge.judge_alone(found.tests.into_iter().next().unwrap())
}

fn shown(result: &TestResult) -> String {
    let lines: Vec<String> = result.differences.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn a_valid_payload_of_every_fork_is_accepted() {
    for (network, version) in NETWORKS {
        let result = judged(&engine_suite(&Draft::valid(network), version));
        assert_eq!(result.status, Status::Passed, "{network}: {}", shown(&result));
        assert_eq!(result.cases.agreed, 1, "{network}");
    }
}

/// A payload with a wrong field makes another block, whose hash is not the one it states.
#[test]
fn every_field_of_a_payload_counts() {
    for (network, version) in NETWORKS {
        let good = engine_suite(&Draft::valid(network), version);
        let payload = good[NAME]["engineNewPayloads"][0]["params"][0].as_object().unwrap().clone();
        for (field, value) in payload {
            let Some(text) = value.as_str() else { continue };
            let mut bytes = text.as_bytes().to_vec();
            let last = bytes.last_mut().unwrap();
            *last = if *last == b'1' { b'2' } else { b'1' };
            let mut suite = good.clone();
            let flipped = match field.as_str() {
                "extraData" => "0xaa".to_owned(),
                _ => String::from_utf8(bytes).unwrap(),
            };
            call(&mut suite)["params"][0][&field] = json!(flipped);
            let result = judged(&suite);
            assert_eq!(result.status, Status::Failed, "{network} {field} goes unnoticed");
            // An access list can be changed so that it is none any more.
            let reason = shown(&result);
            let named = ["block hash of the payload", "access list", "parent known"];
            assert!(named.iter().any(|name| reason.contains(name)), "{network} {field}: {reason}");
            // A test that expects just this error passes.
            call(&mut suite)["validationError"] = json!(
                "BlockException.INVALID_BLOCK_HASH|BlockException.INVALID_BLOCK_ACCESS_LIST|BlockException.UNKNOWN_PARENT"
            );
            suite[NAME]["lastblockhash"] = good[NAME]["genesisBlockHeader"]["hash"].clone();
            suite[NAME]["postState"] = good[NAME]["pre"].clone();
            let result = judged(&suite);
            assert_eq!(result.status, Status::Passed, "{network} {field}: {}", shown(&result));
        }
    }
}

#[test]
fn the_form_of_the_parameters_counts() {
    let mut draft = Draft::empty("Prague");
    draft.transactions = vec![blob(1, &|_| {})];
    draft.seal();
    let good = engine_suite(&draft, 4);
    assert_eq!(judged(&good).status, Status::Passed, "{}", shown(&judged(&good)));
    let refused = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut suite = good.clone();
        change(call(&mut suite));
        assert_eq!(judged(&suite).status, Status::Failed, "{name} is not expected");
        let expects_code = name.starts_with('-');
        call(&mut suite)[if expects_code { "errorCode" } else { "validationError" }] = json!(name);
        suite[NAME]["lastblockhash"] = good[NAME]["genesisBlockHeader"]["hash"].clone();
        suite[NAME]["postState"] = good[NAME]["pre"].clone();
        let result = judged(&suite);
        assert_eq!(result.status, Status::Passed, "{name}: {}", shown(&result));
    };
    refused("BlockException.INVALID_VERSIONED_HASHES", &|call| call["params"][1] = json!([]));
    refused("-32602", &|call| call["params"][2] = json!(null));
    refused("-32602", &|call| drop(call["params"].as_array_mut().unwrap().pop()));
    refused("-32602", &|call| call["params"][3] = json!(["0x00"]));
    refused("-32602", &|call| call["params"][3] = json!(["0x0101", "0x0001"]));
    refused("-32602", &|call| {
        drop(call["params"][0].as_object_mut().unwrap().remove("blobGasUsed"))
    });
    refused("-32602", &|call| call["newPayloadVersion"] = json!("5"));
    refused("-38005", &|call| {
        call["newPayloadVersion"] = json!(3);
        call["params"].as_array_mut().unwrap().pop();
    });
    // Requests that execution does not give.
    refused("BlockException.INVALID_BLOCK_HASH", &|call| call["params"][3] = json!(["0x0101"]));
}

#[test]
fn malformed_calls_are_named_by_their_place() {
    let good = engine_suite(&Draft::valid("Cancun"), 3);
    let named = |place: &str, change: &dyn Fn(&mut Value)| {
        let mut suite = good.clone();
        change(&mut suite[NAME]);
        let errors: Vec<String> = read(&suite).unreadable.iter().map(ToString::to_string).collect();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains("ours.json") && errors[0].contains(place), "{errors:?}");
    };
    named("engineNewPayloads", &|test| test["engineNewPayloads"] = json!([]));
    let payload = "/engineNewPayloads/0/params/0";
    named("engineNewPayloads[0].params[0].gasUsed", &|test| {
        test.pointer_mut(payload).unwrap()["gasUsed"] = json!("0xzz");
    });
    named("engineNewPayloads[0].params[0]", &|test| {
        test.pointer_mut(payload).unwrap().as_object_mut().unwrap().remove("stateRoot");
    });
    named("engineNewPayloads[0].params: ", &|test| {
        test["engineNewPayloads"][0]["params"] = json!([])
    });
    named("newPayloadVersion", &|test| {
        test["engineNewPayloads"][0]["newPayloadVersion"] = json!("x")
    });
    named("genesisBlockHeader", &|test| {
        drop(test.as_object_mut().unwrap().remove("genesisBlockHeader"))
    });
    named("network", &|test| test["network"] = json!("Atlantis"));
}

/// Payloads that name each other as parents are children of nothing that is known.
#[test]
fn a_cycle_of_payloads_ends() {
    let mut suite = engine_suite(&Draft::valid("Cancun"), 3);
    let calls = suite[NAME]["engineNewPayloads"].as_array_mut().unwrap();
    let mut twin = calls[0].clone();
    let (one, other) =
        (calls[0]["params"][0]["blockHash"].clone(), json!(format!("0x{}", "77".repeat(32))));
    calls[0]["params"][0]["parentHash"] = other.clone();
    twin["params"][0]["parentHash"] = one;
    twin["params"][0]["blockHash"] = other;
    calls.push(twin);
    let result = judged(&suite);
    assert_eq!(result.status, Status::Failed);
    assert!(shown(&result).contains("parent known"), "{}", shown(&result));
}

/// An engine-x test and the file that holds its genesis.
fn engine_x() -> (Value, Value) {
    let mut suite = engine_suite(&Draft::valid("Prague"), 4);
    let test = suite[NAME].as_object_mut().unwrap();
    let (pre, genesis) = (test.remove("pre").unwrap(), test.remove("genesisBlockHeader").unwrap());
    test.remove("postState");
    test.insert("preHash".into(), json!("0x00000000000000aa"));
    let alloc = json!({ "network": "Prague", "genesis": genesis, "pre": pre, "testIds": [NAME] });
    (suite, alloc)
}

const ALLOC: &str = "x/pre_alloc/0x00000000000000aa.json";

fn check(path: &std::path::Path) -> Run {
    lockstep(&["check", "--format", "json", path.to_str().unwrap()])
}

#[test]
fn a_shared_genesis_is_found_wherever_it_stands() {
    let (suite, alloc) = engine_x();
    let (suite, alloc) = (suite.to_string(), alloc.to_string());
    let folder = TempDir::new().unwrap();
    // In an archive the tests come first.
    let files = [("x/b/ours.json", suite.as_bytes()), (ALLOC, alloc.as_bytes())];
    let archive = write(folder.path(), "release.tar", tar_of(&files));
    let run = check(&archive);
    assert_eq!((run.status, &run.summary()["passed"]), (0, &json!(1)), "{}", run.stdout);
    assert_eq!(run.summary()["other_files"], 1, "the genesis is no test");
    let test = write(folder.path(), "x/b/ours.json", &suite);
    write(folder.path(), ALLOC, &alloc);
    for path in [folder.path().join("x"), test] {
        let run = check(&path);
        assert_eq!((run.status, &run.summary()["passed"]), (0, &json!(1)), "{}", run.stdout);
    }
}

#[test]
fn a_genesis_that_is_not_there_is_said() {
    let (suite, _) = engine_x();
    let folder = TempDir::new().unwrap();
    let suite = suite.to_string();
    let test = write(folder.path(), "x/b/ours.json", &suite);
    let run = check(&test);
    assert_eq!(run.status, 2, "{}", run.stdout);
    assert!(run.stdout.contains("pre_alloc/0x00000000000000aa.json"), "{}", run.stdout);
    // A release may leave it out: then its tests are counted, with a reason.
    let archive = write(folder.path(), "release.tar", tar_of(&[("x/ours.json", suite.as_bytes())]));
    let run = check(&archive);
    assert_eq!((run.status, &run.summary()["skipped"]), (4, &json!(1)), "{}", run.stdout);
    assert!(run.stdout.contains("no genesis: the `pre_alloc` file"), "{}", run.stdout);
}

#[test]
fn a_genesis_that_contradicts_itself_is_noticed() {
    let (suite, mut alloc) = engine_x();
    alloc["genesis"]["stateRoot"] = json!(format!("0x{}", "11".repeat(32)));
    let folder = TempDir::new().unwrap();
    let test = write(folder.path(), "x/ours.json", suite.to_string());
    write(folder.path(), ALLOC, alloc.to_string());
    assert_eq!(check(&test).status, 1);
}

/// A release may leave the header of a genesis out and name the environment that it is made of.
#[test]
fn a_shared_genesis_may_be_an_environment() {
    for (network, version) in NETWORKS {
        let mut draft = Draft::empty(network);
        draft.genesis.header.extra_data = vec![0].into();
        draft.genesis.hash = draft.genesis.header.hash_slow();
        draft.header.parent_hash = draft.genesis.hash;
        draft.transactions = Draft::valid(network).transactions;
        draft.seal();
        let mut suite = engine_suite(&draft, version);
        let test = suite[NAME].as_object_mut().unwrap();
        test.remove("genesisBlockHeader");
        test.insert("preHash".into(), json!("0x00000000000000aa"));
        let environment = json!({
            "currentCoinbase": draft.genesis.header.beneficiary,
            "currentGasLimit": format!("{:#x}", draft.genesis.header.gas_limit),
            "currentTimestamp": format!("{:#x}", draft.genesis.header.timestamp),
        });
        let alloc = json!({
            "network": network,
            "environment": environment,
            "pre": test.remove("pre").unwrap(),
        });
        let folder = TempDir::new().unwrap();
        let test = write(folder.path(), "x/ours.json", suite.to_string());
        write(folder.path(), ALLOC, alloc.to_string());
        let run = check(&test);
        assert_eq!(run.status, 0, "{network}: {}", run.stdout);

        for (member, wrong, expected) in [
            ("environment", Value::Null, "expected `genesis` or `environment`"),
            ("network", json!("Atlantis"), "expected the network of the genesis, `Atlantis`"),
            ("/environment/currentNumber", json!("0x1ffffffffffffffff"), "at most 64 bits"),
        ] {
            let mut alloc = alloc.clone();
            match alloc.pointer_mut(member) {
                None if member.starts_with('/') => alloc["environment"]["currentNumber"] = wrong,
                _ => alloc[member] = wrong,
            }
            write(folder.path(), ALLOC, alloc.to_string());
            let run = check(&test);
            assert_eq!(run.status, 2, "{network}: {}", run.stdout);
            assert!(run.stdout.contains(expected), "{}", run.stdout);
        }
    }
}

/// A test may state what the payloads change instead of the whole state after them.
#[test]
fn a_difference_of_states_is_an_expectation() {
    let mut suite = engine_suite(&Draft::valid("Prague"), 4);
    let test = suite[NAME].as_object_mut().unwrap();
    let after = test.remove("postState").unwrap();
    let (changed, account) = after.as_object().unwrap().iter().next_back().unwrap();
    let absent = "0x00000000000000000000000000000000000000ff";
    test.insert("postStateDiff".into(), json!({ (changed): account, absent: null }));
    let result = judged(&suite);
    assert_eq!(result.status, Status::Passed, "{}", shown(&result));
    suite[NAME]["postStateDiff"][changed]["balance"] = json!("0x1");
    assert_eq!(judged(&suite).status, Status::Failed);
    suite[NAME]["postStateDiff"] = json!({ (changed): null });
    assert_eq!(judged(&suite).status, Status::Failed);
}
