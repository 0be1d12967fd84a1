//! `lockstep t8n`, driven as its users drive geth's.

use crate::command::{Run, lockstep};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};
use tempfile::TempDir;

const SENDER_KEY: &str = "0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8";
const SENDER: &str = "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b";
const RECIPIENT: &str = "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba";
const ETHER: u128 = 1_000_000_000_000_000_000;

/// How execution-spec-tests drives geth.
const STREAMS: [&str; 7] = [
    "t8n",
    "--input.alloc=stdin",
    "--input.txs=stdin",
    "--input.env=stdin",
    "--output.result=stdout",
    "--output.alloc=stdout",
    "--output.body=stdout",
];

fn stream(input: &Value, further: &[&str]) -> Run {
    let mut process = Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .args(STREAMS)
        .args(further)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    Run {
        status: output.status.code().expect("it exits"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The answer, which must be one.
fn answer(input: &Value, further: &[&str]) -> Value {
    let run = stream(input, further);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{input}");
    serde_json::from_str(&run.stdout).unwrap()
}

/// The exit status and the message of what is refused.
fn refusal(input: &Value, further: &[&str]) -> (i32, String) {
    let run = stream(input, further);
    assert_eq!(run.stdout, "", "{input}");
    assert!(run.stderr.starts_with(&format!("ERROR({}): ", run.status)), "{}", run.stderr);
    (run.status, run.stderr)
}

/// A transfer that the tool signs.
fn transfer(nonce: u64) -> Value {
    json!({
        "type": "0x0", "chainId": "0x1", "nonce": format!("{nonce:#x}"), "to": RECIPIENT,
        "gas": "0x5208", "gasPrice": "0xa", "value": "0x1", "input": "0x",
        "v": "0x0", "r": "0x0", "s": "0x0", "secretKey": SENDER_KEY,
    })
}

fn env_of_cancun() -> Value {
    json!({
        "currentCoinbase": "0xcccccccccccccccccccccccccccccccccccccccc",
        "currentGasLimit": "0x1c9c380", "currentNumber": "1", "currentTimestamp": "1000",
        "currentRandom": "0x00", "currentBaseFee": "7", "withdrawals": [],
        "parentBeaconBlockRoot": "0x0000000000000000000000000000000000000000000000000000000000000001",
        "currentExcessBlobGas": "0x0", "blockHashes": {},
    })
}

fn env_of_berlin() -> Value {
    json!({
        "currentCoinbase": "0xcccccccccccccccccccccccccccccccccccccccc",
        "currentGasLimit": "0x1c9c380", "currentNumber": "0x5", "currentTimestamp": "0x3e8",
        "currentDifficulty": "0x20000",
        "ommers": [{ "delta": "0x1", "address": "0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" }],
        "blockHashes": {},
    })
}

fn input(env: &Value, txs: &Value) -> Value {
    json!({ "alloc": { SENDER: { "balance": "0x1000000000" } }, "env": env, "txs": txs })
}

/// What `export` says that a block gives is what the tool makes of it, with each executor.
#[test]
fn blocks_of_every_fork_come_out_as_the_reference_has_them() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("blocks");
    let out = out.to_str().unwrap();
    let export =
        lockstep(&["export", "--seed", "5", "--blocks", "60", "--format", "t8n", "--out", out]);
    assert_eq!(export.status, 0, "{}", export.stderr);
    let (mut accepted, mut rejected) = (0, 0);
    for (number, block) in fs::read_dir(out).unwrap().enumerate() {
        let block = block.unwrap().path();
        let read = |name: &str| -> Value {
            serde_json::from_slice(&fs::read(block.join(name)).unwrap()).unwrap()
        };
        let expected = read("expected.json");
        let inputs = json!({
            "alloc": read("alloc.json"), "env": read("env.json"), "txs": read("txs.json"),
        });
        let executor = ["reference", "sequential", "block_stm", "access_list"][number % 4];
        let fork = expected["fork"].as_str().unwrap();
        let (chain_id, reward) = (expected["chainId"].to_string(), reward(fork).to_string());
        let options = [
            "--state.fork",
            fork,
            "--state.chainid",
            &chain_id,
            "--state.reward",
            &reward,
            "--executor",
            executor,
            "--threads",
            "2",
        ];
        let result = &answer(&inputs, &options)["result"];
        match expected.get("rejected") {
            None => {
                accepted += 1;
                for field in ["stateRoot", "receiptsRoot", "logsBloom", "requestsHash"] {
                    assert_eq!(result.get(field), expected.get(field), "{field} of {block:?}");
                }
                assert_eq!(result.get("rejected"), None, "{block:?}");
            }
            Some(why) => {
                rejected += 1;
                let found = match why["transaction"].as_u64() {
                    None => result["blockException"].to_string(),
                    Some(index) => {
                        assert_eq!(result["rejected"][0]["index"], index, "{block:?}");
                        result["rejected"][0]["error"].to_string()
                    }
                };
                assert!(found.contains(why["rule"].as_str().unwrap()), "{found}");
            }
        }
    }
    assert!(accepted > 30 && rejected > 0, "{accepted} {rejected}");
}

/// What a miner gets.
fn reward(fork: &str) -> u128 {
    match fork {
        "Frontier" | "Homestead" | "EIP150" | "EIP158" => 5 * ETHER,
        "Byzantium" => 3 * ETHER,
        "Paris" | "Shanghai" | "Cancun" | "Prague" | "Osaka" | "Amsterdam" => 0,
        _ => 2 * ETHER,
    }
}

#[test]
fn a_transaction_that_cannot_be_in_the_block_is_left_out_by_its_index() {
    let mut poor = transfer(1);
    poor["value"] = json!("0xffffffffffff");
    let txs = json!([transfer(0), transfer(7), poor, transfer(1)]);
    let made = answer(&input(&env_of_cancun(), &txs), &["--state.fork", "Cancun"]);
    let result = &made["result"];
    let rejected: Vec<_> = result["rejected"].as_array().unwrap().iter().collect();
    assert_eq!(rejected.iter().map(|one| &one["index"]).collect::<Vec<_>>(), [1, 2]);
    assert!(rejected[0]["error"].as_str().unwrap().starts_with("nonce too high"));
    assert!(rejected[1]["error"].as_str().unwrap().starts_with("insufficient funds"));
    assert_eq!(result["receipts"].as_array().unwrap().len(), 2);
    assert_eq!(result["receipts"][1]["transactionIndex"], "0x1");
    assert_eq!(result["receipts"][1]["cumulativeGasUsed"], "0xa410");
    assert_eq!(result["gasUsed"], "0xa410");
    assert_eq!(made["alloc"][RECIPIENT]["balance"], "0x2");
    assert_eq!(made["alloc"][SENDER]["nonce"], "0x2");
    // The body has those that are in the block: as inputs they give the same block again.
    let mut again = input(&env_of_cancun(), &json!([]));
    again["txsRlp"] = made["body"].clone();
    let again = answer(&again, &["--state.fork", "Cancun"]);
    assert_eq!(again["result"]["stateRoot"], result["stateRoot"]);
    assert_eq!(again["result"].get("rejected"), None);
}

#[test]
fn the_reward_is_the_users() {
    let with = |reward: &str| {
        let made = answer(
            &input(&env_of_berlin(), &json!([])),
            &["--state.fork", "Berlin", &format!("--state.reward={reward}")],
        );
        ["0xcccccccccccccccccccccccccccccccccccccccc", "0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]
            .map(|address| match made["alloc"][address]["balance"].as_str() {
                Some(balance) => u128::from_str_radix(&balance[2..], 16).unwrap(),
                None => 0,
            })
    };
    assert_eq!(with("-1"), [0, 0]);
    assert_eq!(with("0"), [0, 0]);
    assert_eq!(with("2000000000000000000"), [2 * ETHER + ETHER / 16, 2 * ETHER * 7 / 8]);
    assert_eq!(with("320"), [330, 280]);
}

#[test]
fn a_transition_is_the_fork_of_its_block() {
    let mut env = env_of_cancun();
    let type_4 = json!({
        "type": "0x4", "chainId": "0x1", "nonce": "0x0", "to": RECIPIENT, "gas": "0x30d40",
        "maxFeePerGas": "0xa", "maxPriorityFeePerGas": "0x0", "value": "0x1", "input": "0x",
        "accessList": [], "authorizationList": [{
            "chainId": "0x1", "address": RECIPIENT, "nonce": "0x0",
            "yParity": "0x0", "r": "0x1", "s": "0x1",
        }],
        "v": "0x0", "r": "0x0", "s": "0x0", "secretKey": SENDER_KEY,
    });
    let txs = json!([type_4]);
    let options = ["--state.fork", "CancunToPragueAtTime15k"];
    let before = answer(&input(&env, &txs), &options);
    let rejected = before["result"]["rejected"][0]["error"].as_str().unwrap();
    assert!(rejected.starts_with("transaction type not supported"), "{rejected}");
    assert_eq!(before["result"].get("requestsHash"), None);
    env["currentTimestamp"] = json!("15000");
    let after = answer(&input(&env, &txs), &options);
    // The contracts that Prague asks for requests are not there.
    assert!(after["result"]["blockException"].as_str().unwrap().contains("SYSTEM_CONTRACT_EMPTY"));
    let after = answer(&input(&env, &txs), &[&options[..], &["--state-test"]].concat());
    assert_eq!(after["result"].get("rejected"), None);
    assert_eq!(after["result"]["receipts"][0]["type"], "0x4");
}

#[test]
fn files_hold_what_geths_hold() {
    let folder = TempDir::new().unwrap();
    let env = env_of_cancun();
    let write = |name: &str, value: &Value| {
        fs::write(folder.path().join(name), value.to_string()).unwrap();
    };
    // PUSH1 1 PUSH1 0 SSTORE, in the recipient.
    let alloc = json!({
        SENDER: { "balance": "0x1000000000" },
        RECIPIENT: { "balance": "0x0", "code": "0x6001600055" },
    });
    let mut call = transfer(0);
    call["gas"] = json!("0x186a0");
    for (name, value) in
        [("alloc.json", &alloc), ("env.json", &env), ("txs.json", &json!([call, transfer(5)]))]
    {
        write(name, value);
    }
    // Without options for inputs, files of geth's names in the folder are read.
    let output = Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .args(["transition", "--state.fork", "Cancun", "--output.basedir", "out", "--trace"])
        .args(["--output.result", "deep/result.json", "--output.body", "body.rlp"])
        .args(["--opcode.count", "opcodes.json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
    let out = folder.path().join("out");
    let read = |path: &Path| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let result = read(&out.join("deep/result.json"));
    let alloc = read(&out.join("alloc.json"));
    assert!(read(&out.join("body.rlp")).as_str().unwrap().starts_with("0xf8"));
    let one = "0x0000000000000000000000000000000000000000000000000000000000000001";
    let zero = "0x0000000000000000000000000000000000000000000000000000000000000000";
    assert_eq!(alloc[RECIPIENT]["storage"][zero], one);
    let counts = json!({ "PUSH1": 2, "SSTORE": 1, "STOP": 1 });
    assert_eq!(read(&out.join("opcodes.json")), counts);
    let hash = result["receipts"][0]["transactionHash"].as_str().unwrap();
    let trace = fs::read_to_string(out.join(format!("trace-0-{hash}.jsonl"))).unwrap();
    let lines: Vec<Value> = trace.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5, "{trace}");
    assert_eq!(
        lines[2],
        json!({
            "pc": 4, "op": 0x55, "gas": "0x13492", "gasCost": "0x5654", "memSize": 0, "depth": 1,
            "refund": 0, "opName": "SSTORE", "stack": ["0x1", "0x0"],
        })
    );
    assert_eq!(lines[4]["output"], "");
    assert_eq!(lines[4]["gasUsed"], result["gasUsed"]);
}

#[test]
fn blob_parameters_can_be_given() {
    let blob = |nonce: u64| {
        json!({
            "type": "0x3", "chainId": "0x1", "nonce": format!("{nonce:#x}"), "to": RECIPIENT,
            "gas": "0x5208", "maxFeePerGas": "0xa", "maxPriorityFeePerGas": "0x0", "value": "0x0",
            "maxFeePerBlobGas": "0x1", "input": "0x", "accessList": [],
            "blobVersionedHashes": [
                "0x0100000000000000000000000000000000000000000000000000000000000000",
            ],
            "v": "0x0", "r": "0x0", "s": "0x0", "secretKey": SENDER_KEY,
        })
    };
    let mut input = input(&env_of_cancun(), &json!([blob(0), blob(1)]));
    let made = answer(&input, &["--state.fork", "Cancun"]);
    assert_eq!(made["result"]["blobGasUsed"], "0x40000");
    assert_eq!(made["result"]["receipts"][0]["blobGasPrice"], "0x1");
    input["blobParams"] =
        json!({ "target": "0x1", "max": "0x1", "baseFeeUpdateFraction": "0x32f0ed" });
    let made = answer(&input, &["--state.fork", "Cancun", "--input.blobParams", "stdin"]);
    assert_eq!(made["result"]["blobGasUsed"], "0x20000");
    let rejected = made["result"]["rejected"][0]["error"].as_str().unwrap();
    assert!(rejected.contains("would exceed maximum allowance"), "{rejected}");
}

#[test]
fn each_failure_has_geths_exit_status() {
    let good = || input(&env_of_cancun(), &json!([]));
    let with = |member: &str, value: Value| {
        let mut input = good();
        input["env"][member] = value;
        input
    };
    let without = |member: &str| {
        let mut input = good();
        input["env"].as_object_mut().unwrap().remove(member);
        input
    };
    let cancun = ["--state.fork", "Cancun"];
    let (status, text) = refusal(&good(), &["--state.fork", "Nowhere"]);
    assert_eq!((status, text.contains("Nowhere")), (3, true), "{text}");
    for (input, status, part) in [
        (with("currentDifficulty", json!("0x1")), 3, "difficulty must be zero"),
        (without("currentRandom"), 3, "currentRandom"),
        (without("withdrawals"), 3, "withdrawals"),
        (without("parentBeaconBlockRoot"), 3, "parentBeaconBlockRoot"),
        (without("currentCoinbase"), 10, "currentCoinbase"),
        (with("currentNumber", json!("0x10000000000000000")), 10, "currentNumber"),
        (with("currentGasLimit", json!("what")), 10, "currentGasLimit"),
        (with("currentExcessBlobGas", json!("0xffffffffffffffff")), 10, "currentExcessBlobGas"),
        (json!({ "alloc": [], "env": env_of_cancun(), "txs": [] }), 10, "alloc"),
        (input(&env_of_cancun(), &json!({ "a": 1 })), 10, "txs"),
        (input(&env_of_cancun(), &json!("0x01")), 12, "txs"),
        (input(&env_of_cancun(), &json!("0xf8ff")), 12, "txs"),
        (json!(7), 10, "stdin"),
    ] {
        let (found, text) = refusal(&input, &cancun);
        assert_eq!(found, status, "{text}");
        assert!(text.contains(part), "{text}");
    }
    let (status, text) = refusal(&good(), &["--state.fork", "Cancun", "--executor", "nobody"]);
    assert_eq!((status, text.contains("nobody")), (3, true), "{text}");
    let run = lockstep(&["t8n", "--state.fork", "Cancun"]);
    assert_eq!((run.status, run.stderr.contains("txs.json")), (11, true), "{}", run.stderr);
}

/// `BLOCKHASH` of a block that nothing is known of must not become zero.
#[test]
fn an_unknown_block_hash_is_no_result() {
    let mut env = env_of_cancun();
    env["currentNumber"] = json!("0x5");
    let mut call = transfer(0);
    call["gas"] = json!("0x186a0");
    // PUSH1 3 BLOCKHASH
    let mut input = input(&env, &json!([call]));
    input["alloc"][RECIPIENT] = json!({ "balance": "0x0", "code": "0x600340" });
    for executor in ["reference", "sequential", "block_stm", "repair", "sharded", "access_list"] {
        let options = ["--state.fork", "Cancun", "--executor", executor];
        let (status, text) = refusal(&input, &options);
        assert_eq!((status, text.contains("getHash(3)")), (4, true), "{executor}: {text}");
    }
    input["env"]["blockHashes"]["3"] = json!(format!("0x{:064x}", 77));
    answer(&input, &["--state.fork", "Cancun"]);
}

/// A transaction that no signature, chain or encoding makes valid is rejected; the others go on.
#[test]
fn transactions_that_are_wrong_in_themselves_are_rejected_one_by_one() {
    let mut other_chain = transfer(0);
    other_chain["chainId"] = json!("0x2");
    other_chain["protected"] = json!(true);
    let mut unsigned = transfer(0);
    unsigned.as_object_mut().unwrap().remove("secretKey");
    let mut unknown = transfer(0);
    unknown["type"] = json!("0x7");
    let txs = json!([unsigned, unknown, transfer(0)]);
    let made = answer(&input(&env_of_cancun(), &txs), &["--state.fork", "Cancun"]);
    let rejected = made["result"]["rejected"].as_array().unwrap();
    assert_eq!(
        rejected.iter().map(|one| &one["index"]).collect::<Vec<_>>(),
        [0, 1],
        "{rejected:?}"
    );
    assert_eq!(made["result"]["receipts"].as_array().unwrap().len(), 1);
    // In RLP: a string that is no transaction.
    let txs = json!("0xc483010203");
    let made = answer(&input(&env_of_cancun(), &txs), &["--state.fork", "Cancun"]);
    assert_eq!(made["result"]["rejected"][0]["index"], 0);
}
