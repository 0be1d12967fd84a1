//! As `flips`, for blockchain tests: every field that a file states, flipped one at a time.

use crate::{
    chain::{CONTRACT, Draft},
    chain_json::{NAME, file, slot_of, suite},
};
use lockstep_cli::testing::plan;
use lockstep_formats::{Found, blockchain_test};
use lockstep_jobs::check::Judge;
use lockstep_report::record::Status;
use serde_json::{Value, json};

/// Another value of the same shape.
fn flipped(value: &Value) -> Value {
    match value {
        Value::Bool(value) => json!(!value),
        Value::String(text) if text == "0x" => json!("0x01"),
        Value::String(text) => {
            let (start, last) = text.split_at(text.len() - 1);
            json!(format!("{start}{}", if last == "1" { "2" } else { "1" }))
        }
        // Only lists of logs are empty here.
        Value::Array(items) if items.is_empty() => {
            json!([{ "address": CONTRACT, "topics": [], "data": "0x" }])
        }
        Value::Array(items) => json!(items.iter().skip(1).collect::<Vec<_>>()),
        other => panic!("{other}"),
    }
}

/// The place of each value, and the field that a report must name when it is flipped.
fn places(suite: &Value) -> Vec<(String, String)> {
    let test = &suite[NAME];
    let mut places = Vec::new();
    let mut add = |path: String, field: &str| places.push((path, field.to_owned()));
    for header in ["genesisBlockHeader", "blocks/0/blockHeader"] {
        let fields = test.pointer(&format!("/{header}")).unwrap().as_object().unwrap();
        for field in fields.keys() {
            let named =
                if header.starts_with("genesis") && field == "hash" { "genesisRLP" } else { field };
            add(format!("/{header}/{field}"), named);
        }
    }
    let block = &test["blocks"][0];
    for list in ["transactions", "receipts"] {
        for index in 0..block[list].as_array().unwrap().len() {
            for field in block[list][index].as_object().unwrap().keys() {
                add(format!("/blocks/0/{list}/{index}/{field}"), field);
            }
        }
        add(format!("/blocks/0/{list}"), list);
    }
    for (index, withdrawal) in block["withdrawals"].as_array().into_iter().flatten().enumerate() {
        for field in withdrawal.as_object().unwrap().keys() {
            add(format!("/blocks/0/withdrawals/{index}/{field}"), "withdrawals");
        }
    }
    for (address, account) in test["postState"].as_object().unwrap() {
        for field in ["balance", "nonce", "code"] {
            add(format!("/postState/{address}/{field}"), field);
        }
        for slot in account["storage"].as_object().unwrap().keys() {
            add(format!("/postState/{address}/storage/{slot}"), "storage");
        }
    }
    for address in test["pre"].as_object().unwrap().keys() {
        add(format!("/pre/{address}/balance"), "pre");
    }
    add("/lastblockhash".into(), "last_block_hash");
    add("/blocks/0/blocknumber".into(), "blocknumber");
    places
}

#[track_caller]
fn fails(judge: &mut Judge, suite: &Value, what: &str, field: &str) {
    let Found { tests, unreadable: errors, .. } = blockchain_test::tests(&file(suite));
    if let [error] = &errors[..] {
        // A value that cannot be read any more is named by its place.
        assert!(error.to_string().contains(field), "{what}: {error}");
        return;
    }
    for test in tests {
        let result = judge.judge_alone(test);
        assert_eq!(result.status, Status::Failed, "{what} goes unnoticed");
        let fields: Vec<_> = result.differences.iter().map(|found| &*found.field).collect();
        assert!(fields.contains(&field), "{what}: {fields:?}");
    }
}

#[test]
fn every_stated_field_counts() {
    let mut flips = 0;
    for network in ["Byzantium", "London", "Shanghai", "Prague", "Osaka"] {
        let draft = Draft::valid(network);
        let suite = suite(&draft, &draft.execute().unwrap());
        let mut judge = Judge::standalone(&plan(&[2]));
        let Found { tests, unreadable: errors, .. } = blockchain_test::tests(&file(&suite));
        assert!(errors.is_empty(), "{errors:?}");
        let result = judge.judge_alone(tests.into_iter().next().unwrap());
        assert_eq!(result.status, Status::Passed, "{network}: {:?}", result.differences);
        for (path, field) in places(&suite) {
            let mut copy = suite.clone();
            let value = copy[NAME].pointer_mut(&path).unwrap();
            *value = flipped(value);
            fails(&mut judge, &copy, &format!("{network} {path}"), &field);
            flips += 1;
        }
    }
    assert!(flips >= 200, "only {flips}");
}

#[test]
fn exceptions_and_ends_count() {
    let draft = Draft::valid("Cancun");
    let good = suite(&draft, &draft.execute().unwrap());
    let mut judge = Judge::standalone(&plan(&[2]));
    let mut change = |what: &str, field: &str, change: &dyn Fn(&mut Value)| {
        let mut copy = good.clone();
        change(&mut copy);
        fails(&mut judge, &copy, what, field);
    };
    change("a needless exception", "exception", &|suite| {
        suite[NAME]["blocks"][0]["expectException"] = json!("BlockException.INVALID_GASLIMIT");
    });
    change("a slot less", "storage", &|suite| {
        slot_of(suite).take();
        let account = suite[NAME]["postState"].as_object_mut().unwrap();
        account.values_mut().for_each(|account| account["storage"] = json!({}));
    });
    change("an account more", "existence", &|suite| {
        let account = json!({ "balance": "0x01", "nonce": "0x00", "code": "0x", "storage": {} });
        suite[NAME]["postState"]["0x00000000000000000000000000000000000000ff"] = account;
    });
    change("a state root in place of the state", "state_root", &|suite| {
        let test = suite[NAME].as_object_mut().unwrap();
        test.remove("postState");
        test.insert("postStateHash".into(), json!(format!("0x{}", "11".repeat(32))));
    });
    change("a block less", "blocks", &|suite| suite[NAME]["blocks"] = json!([]));
    change("an unknown network", "network", &|suite| {
        suite[NAME]["network"] = json!("Atlantis");
        suite[NAME]["config"]["network"] = json!("Atlantis");
    });
    change("two networks", "config.network", &|suite| {
        suite[NAME]["config"]["network"] = json!("Prague");
    });
    change("bytes that are no block", "genesisRLP", &|suite| {
        suite[NAME]["genesisRLP"] = json!("0xc0");
    });
}

/// The list comes beside the block: its hash is in the header.
#[test]
fn an_access_list_that_is_not_that_of_the_header_is_noticed() {
    let draft = Draft::valid("Amsterdam");
    let good = suite(&draft, &draft.execute().unwrap());
    let mut judge = Judge::standalone(&plan(&[2]));
    let Found { tests, unreadable: errors, .. } = blockchain_test::tests(&file(&good));
    assert!(errors.is_empty(), "{errors:?}");
    let result = judge.judge_alone(tests.into_iter().next().unwrap());
    assert_eq!(result.status, Status::Passed, "{:?}", result.differences);
    let mut copy = good.clone();
    copy[NAME]["blocks"][0]["blockAccessList"] = json!("0xc0");
    fails(&mut judge, &copy, "another list", "body");
}
