//! Expectations that are parsed but not compared would fool the harness. So one expected field at a
//! time is flipped in a copy of a fixture; each copy must fail, with that field named.

use crate::state_test::{NAME, accepted, file, read, rejected};
use lockstep_cases::built_in;
use lockstep_cli::testing::plan;
use lockstep_formats::{Found, state_test};
use lockstep_jobs::check::Judge;
use lockstep_judge::{
    definition::{Body, Test},
    expected::HeaderExpectation,
};
use lockstep_report::record::Status;
use serde_json::{Value, json};

/// One flipped copy: the flipped value's name, the field that must be named, and the suite.
struct Flip {
    what: String,
    field: &'static str,
    suite: Value,
}

fn flip_hex(value: &mut Value) {
    let text = value.as_str().unwrap();
    let (start, last) = text.split_at(text.len() - 1);
    let other = if last == "1" { "2" } else { "1" };
    *value = json!(format!("{start}{other}"));
}

/// Every flip of every post of a suite.
fn flips(suite: &Value, fork: &str) -> Vec<Flip> {
    let mut flips = Vec::new();
    let posts = suite[NAME]["post"][fork].as_array().unwrap().len();
    for index in 0..posts {
        let mut add = |what: String, field, flip: &dyn Fn(&mut Value)| {
            let mut copy = suite.clone();
            // One post a copy: the others would pass.
            let mut post = copy[NAME]["post"][fork][index].take();
            flip(&mut post);
            copy[NAME]["post"][fork] = json!([post]);
            flips.push(Flip { what: format!("{fork}[{index}] {what}"), field, suite: copy });
        };
        add("hash".into(), "state_root", &|post| flip_hex(&mut post["hash"]));
        add("logs".into(), "logs_hash", &|post| flip_hex(&mut post["logs"]));
        let post = &suite[NAME]["post"][fork][index];
        if post.get("expectException").is_some() {
            add("exception".into(), "exception", &|post| {
                post["expectException"] = json!("TransactionException.NONCE_IS_MAX");
            });
            add("no exception".into(), "verdict", &|post| {
                post.as_object_mut().unwrap().remove("expectException");
            });
        } else {
            add("txbytes".into(), "txbytes", &|post| {
                // The last byte of the signature does not count; a byte of the nonce does.
                let bytes = post["txbytes"].as_str().unwrap().to_owned();
                post["txbytes"] = json!(flip_nonce(&bytes));
            });
            add("needless exception".into(), "exception", &|post| {
                post["expectException"] = json!("TransactionException.NONCE_IS_MAX");
            });
        }
        for (address, account) in post["state"].as_object().unwrap() {
            state_flips(address, account, &mut add);
        }
        add("one account more".into(), "existence", &|post| {
            post["state"]["0x00000000000000000000000000000000000000ff"] =
                json!({ "balance": "0x01", "nonce": "0x00", "code": "0x", "storage": {} });
        });
    }
    flips
}

/// Takes the flipped value's name, the field that must be named, and how to flip a post.
type AddFlip<'a> = dyn FnMut(String, &'static str, &dyn Fn(&mut Value)) + 'a;

/// How to flip a header.
type FlipHeader<'a> = &'a dyn Fn(&mut HeaderExpectation);

fn state_flips(address: &str, account: &Value, add: &mut AddFlip<'_>) {
    add(format!("{address} balance"), "balance", &|post| {
        flip_hex(&mut post["state"][address]["balance"]);
    });
    add(format!("{address} nonce"), "nonce", &|post| {
        flip_hex(&mut post["state"][address]["nonce"]);
    });
    add(format!("{address} code"), "code", &|post| {
        post["state"][address]["code"] = json!("0xfe");
    });
    add(format!("{address} missing"), "existence", &|post| {
        post["state"].as_object_mut().unwrap().remove(address);
    });
    add(format!("{address} slot more"), "storage", &|post| {
        post["state"][address]["storage"]["0x99"] = json!("0x01");
    });
    for slot in account["storage"].as_object().unwrap().keys() {
        add(format!("{address} slot {slot}"), "storage", &|post| {
            flip_hex(&mut post["state"][address]["storage"][slot]);
        });
        add(format!("{address} slot {slot} missing"), "storage", &|post| {
            post["state"][address]["storage"].as_object_mut().unwrap().remove(slot);
        });
    }
}

/// Changes the recipient within an encoded transaction: every type has it in full.
fn flip_nonce(bytes: &str) -> String {
    bytes.replace("0c0de5", "0c0de6")
}

/// The fees of each transaction type that the fork has.
fn fees(fork: &str) -> Vec<Value> {
    let mut fees = vec![json!({ "gasPrice": "0x0a" })];
    if !["Frontier", "Homestead", "Byzantium"].contains(&fork) {
        let list = json!([[{
            "address": "0x00000000000000000000000000000000000c0de5",
            "storageKeys": ["0x00"]
        }], []]);
        fees.push(json!({ "gasPrice": "0x0a", "accessLists": list }));
    }
    if !["Frontier", "Homestead", "Byzantium", "Berlin"].contains(&fork) {
        fees.push(json!({ "maxFeePerGas": "0x0a", "maxPriorityFeePerGas": "0x01" }));
    }
    fees
}

const FORKS: [&str; 7] =
    ["Frontier", "Homestead", "Byzantium", "Berlin", "London", "Cancun", "Osaka"];

#[test]
fn every_flipped_state_test_fails_with_its_field_named() {
    let mut judge = Judge::standalone(&plan(&[2]));
    let mut count = 0;
    for fork in FORKS {
        let mut suites: Vec<Value> = fees(fork).iter().map(|fees| accepted(fork, fees)).collect();
        suites.push(rejected(fork));
        for suite in suites {
            for test in read(&suite) {
                let result = judge.judge_alone(test);
                assert_eq!(result.status, Status::Passed, "{fork}: {:#?}", result.differences);
            }
            for flip in flips(&suite, fork) {
                count += 1;
                fails_with(&mut judge, &flip);
            }
        }
    }
    assert!(count >= 200, "{count} copies");
}

fn fails_with(judge: &mut Judge, flip: &Flip) {
    let Found { tests, unreadable: errors, .. } = state_test::tests(&file(&flip.suite));
    assert!(errors.is_empty(), "{}: {errors:?}", flip.what);
    for test in tests {
        let result = judge.judge_alone(test);
        assert_eq!(result.status, Status::Failed, "{} goes unnoticed", flip.what);
        let fields: Vec<_> = result.differences.iter().map(|found| &*found.field).collect();
        assert!(fields.contains(&flip.field), "{}: {fields:?}", flip.what);
    }
}

/// A header's statements about execution: a flip of each field alone must be reported.
#[test]
fn every_flipped_header_field_is_named() {
    let mut judge = Judge::standalone(&plan(&[2]));
    let base = || {
        let tests = built_in::tests(3);
        let test = tests.into_iter().find(|test| test.id.contains("call-star-16[Osaka"));
        test.expect("the built-in set has it")
    };
    let expected = |flip: FlipHeader<'_>| -> Test {
        let mut test = base();
        let Body::Run(runnable) = &mut test.body else { panic!("it runs") };
        let mut header = header_of(runnable);
        flip(&mut header);
        runnable.expectation.header = Some(header);
        test
    };
    assert_eq!(judge.judge_alone(expected(&|_| {})).status, Status::Passed);
    let flips: [(&str, FlipHeader<'_>); 5] = [
        ("gas_used", &|header| header.gas_used += 1),
        ("logs_bloom", &|header| header.logs_bloom.0[0] ^= 1),
        ("receipts_root", &|header| header.receipts_root = Some(Default::default())),
        ("blob_gas_used", &|header| header.blob_gas_used = Some(1)),
        ("requests_hash", &|header| header.requests_hash = Some(Default::default())),
    ];
    for (field, flip) in flips {
        let result = judge.judge_alone(expected(flip));
        assert_eq!(result.status, Status::Failed, "{field}");
        let fields: Vec<_> = result.differences.iter().map(|found| &*found.field).collect();
        assert_eq!(fields, [field]);
    }
}

fn header_of(runnable: &lockstep_judge::runnable::Runnable) -> HeaderExpectation {
    use alloy_eips::eip7685::Requests;
    use lockstep_judge::state::roots;
    use lockstep_model::{Outcome, RunOptions};
    let mut executor = lockstep_cli::testing::factory("reference")(1).unwrap();
    let execution =
        executor.prepare(&runnable.case, &RunOptions::of(&runnable.case)).unwrap().run().unwrap();
    let Outcome::Accepted(outcome) = execution.outcome else { panic!("it is valid") };
    HeaderExpectation {
        gas_used: outcome.gas_used,
        logs_bloom: Box::new(roots::logs_bloom(&outcome.receipts)),
        receipts_root: Some(roots::receipts_root(&outcome.receipts)),
        blob_gas_used: Some(outcome.blob_gas_used),
        requests_hash: Some(Requests::new(outcome.requests).requests_hash()),
        block_access_list_hash: None,
    }
}
