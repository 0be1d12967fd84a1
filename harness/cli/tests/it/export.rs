//! `lockstep export`.

use crate::{command::lockstep, state_test::accepted};
use alloy_consensus::{Transaction as _, TxEnvelope, transaction::SignerRecoverable as _};
use alloy_primitives::{address, hex};
use alloy_rlp::Decodable as _;
use serde_json::{Value, json};
use std::fs;

#[test]
fn state_tests_are_packed_and_signed_for_a_transition_tool() {
    let folder = tempfile::tempdir().unwrap();
    let (tests, out) = (folder.path().join("tests.json"), folder.path().join("t8n"));
    let suite = accepted("Cancun", &json!({ "gasPrice": "0x0a" }));
    fs::write(&tests, serde_json::to_vec(&suite).unwrap()).unwrap();
    let (tests, out) = (tests.to_str().unwrap(), out.to_str().unwrap());
    let pack = ["export", tests, "--pack", "2", "--blocks", "9", "--out", out];

    let run = lockstep(&[&pack[..], &["--format", "t8n"]].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stderr.contains("1 blocks, 2 transactions"), "{}", run.stderr);
    let block = fs::read_dir(out).unwrap().next().unwrap().unwrap().path();
    let json = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(block.join(name)).unwrap()).unwrap()
    };
    let transactions = hex::decode(json("txs.json").as_str().unwrap()).unwrap();
    let transactions = Vec::<TxEnvelope>::decode(&mut &transactions[..]).unwrap();
    let signers: Vec<_> = transactions.iter().map(|tx| tx.recover_signer().unwrap()).collect();
    assert_eq!(signers, [address!("0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b"); 2]);
    assert_eq!(transactions.iter().map(|tx| tx.nonce()).collect::<Vec<_>>(), [0, 1]);
    // A block of Cancun has a beacon root, and the contract that keeps it.
    assert!(json("env.json")["parentBeaconBlockRoot"].is_string());
    assert!(json("alloc.json")["0x000f3df6d732807ef1319fb7b8bb8522d0beac02"].is_object());
    assert!(json("expected.json")["stateRoot"].is_string());

    for (wrong, expected) in [
        (&pack[..], "expected --format t8n"),
        (&["export", tests, "--seed", "2", "--out", out], "expected no CASE beside them"),
        (&["export", tests, "--pack", "1", "--format", "t8n", "--out", out], "at least 2"),
        (&["export", "--pack", "2", "--format", "t8n", "--out", out], "CASE"),
    ] {
        let run = lockstep(wrong);
        assert_eq!(run.status, 2, "{}", run.stderr);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
}

/// What is written says of every field what the block has there: the reader holds all of it against the
/// block's bytes.
#[test]
fn generated_blocks_are_fixtures_of_every_fork() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("fixtures");
    let out = out.to_str().unwrap();
    let export = lockstep(&["export", "--seed", "1", "--blocks", "150", "--out", out]);
    assert_eq!(export.status, 0, "{}", export.stderr);
    let check = lockstep(&["check", out, "--threads", "2", "--format", "json"]);
    assert_eq!(check.status, 0, "{}", check.stdout);
    let passed = check.summary()["passed"].as_u64().unwrap();
    assert_eq!(passed, fs::read_dir(out).unwrap().count() as u64);
    assert!(passed >= 100, "{passed}");
    let texts = fs::read_dir(out).unwrap().map(|file| fs::read_to_string(file.unwrap().path()));
    let texts = texts.collect::<Result<Vec<_>, _>>().unwrap().join("\n");
    for member in [
        "expectException",
        "authorizationList",
        "maxFeePerBlobGas",
        "accessList",
        "blockAccessList",
        "validatorIndex",
        "blobSchedule",
    ] {
        assert!(texts.contains(&format!("\"{member}\"")), "no block has {member}");
    }
}
