//! Real blocks whose state is proved: made of generated blocks, read back, and spoilt.

use lockstep_cases::generate::{Limits, from_seed};
use lockstep_cli::testing::{plan, plan_with};
use lockstep_executors::Reference;
use lockstep_formats::{
    File,
    export::{RealBlock, real_block, rebased},
    networks::Network,
    real_block::{BlockFiles, test},
};
use lockstep_jobs::check::Judge;
use lockstep_model::{Executor, Fork, RunOptions};
use lockstep_report::record::{ProvedRoots, Status, TestResult};
use rand::{Rng, RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::sync::Arc;

/// An accepted generated block as the files of a real one.
fn made(seed: u64) -> Option<RealBlock> {
    let forks = vec![Fork::Shanghai, Fork::Cancun, Fork::Prague, Fork::Osaka, Fork::Amsterdam];
    let limits = Limits { forks, transactions: 12, ..Limits::default() };
    let block = rebased(&from_seed(seed, &limits).block);
    let outcome = Reference.prepare(&block.case, &RunOptions::of(&block.case)).unwrap().run();
    let outcome = outcome.unwrap().outcome;
    outcome.accepted().map(|accepted| real_block(&block, accepted).unwrap())
}

fn files(block: &RealBlock) -> BlockFiles {
    let network = Network::from_genesis("genesis.json", &block.genesis).unwrap();
    BlockFiles {
        folder: "made/1".to_owned(),
        origin: "made".to_owned(),
        block_json: None,
        block_rlp: Some(File::of_text("block.rlp", &block.block)),
        pre_state: None,
        witness: Some(File::of_text("witness.json", &block.witness)),
        block_hashes: None,
        post_state: None,
        index: None,
        network: Some(Arc::new(network)),
    }
}

/// Reads the files, and judges the block; an error names the file.
fn judged(judge: &mut Judge, block: &RealBlock) -> Result<TestResult, String> {
    let test = test(&files(block)).map_err(|error| error.to_string())?;
    Ok(judge.judge_alone(test))
}

#[test]
fn generated_blocks_are_proved_before_and_after_by_every_executor() {
    let mut judge = Judge::standalone(&plan(&[2]));
    let mut blocks = 0;
    for block in (0..60).filter_map(made) {
        let result = judged(&mut judge, &block).unwrap();
        assert_eq!(result.status, Status::Passed, "{result:#?}");
        let roots = ProvedRoots { before: 1, after: 1, assumed: 0, blocks: 1 };
        assert_eq!(result.roots, Some(roots));
        assert!(result.undecidable.is_empty(), "{:?}", result.undecidable);
        blocks += 1;
    }
    assert!(blocks > 30, "{blocks}");
}

/// The same text with another hex digit somewhere, not in the `0x` of it.
fn flipped(text: &str, random: &mut impl Rng) -> String {
    let digits: Vec<usize> = (2..text.trim_end().len()).collect();
    let at = *digits.choose(random).unwrap();
    let mut bytes = text.as_bytes().to_vec();
    let other = b"0123456789abcdef".iter().filter(|digit| **digit != bytes[at]);
    bytes[at] = **other.collect::<Vec<_>>().choose(random).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// One flipped digit in the block, or in an entry of a member of the witness; says where.
fn spoilt(block: &RealBlock, random: &mut impl Rng) -> (String, RealBlock) {
    let mut spoilt = block.clone();
    let mut witness: Value = serde_json::from_str(&block.witness).unwrap();
    let member = *["block", "state", "state", "codes", "headers"].choose(random).unwrap();
    let entries = witness[member].as_array_mut().filter(|entries| !entries.is_empty());
    let Some(entries) = entries else {
        spoilt.block = flipped(&block.block, random);
        return ("block".to_owned(), spoilt);
    };
    let index = random.random_range(0..entries.len());
    entries[index] = flipped(entries[index].as_str().unwrap(), random).into();
    spoilt.witness = witness.to_string();
    (format!("{member}[{index}]"), spoilt)
}

/// Only its hash commits to a whole block, and nothing here states it: fields that execution does not see
/// may change.
fn is_unbound(good: &RealBlock, spoilt: &RealBlock) -> bool {
    use alloy_rlp::Decodable;
    let header = |block: &RealBlock| {
        let rlp = alloy_primitives::hex::decode(block.block.trim()).ok()?;
        let decoded = alloy_consensus::Block::<alloy_consensus::TxEnvelope>::decode(&mut &*rlp);
        decoded.ok().map(|block| block.header)
    };
    let (Some(good), Some(mut spoilt)) = (header(good), header(spoilt)) else { return false };
    spoilt.extra_data = good.extra_data.clone();
    spoilt.nonce = good.nonce;
    // Read by some blocks only.
    spoilt.mix_hash = good.mix_hash;
    spoilt.timestamp = good.timestamp;
    spoilt.gas_limit = good.gas_limit;
    spoilt.beneficiary = good.beneficiary;
    spoilt.excess_blob_gas = good.excess_blob_gas;
    spoilt.parent_beacon_block_root = good.parent_beacon_block_root;
    good == spoilt
}

#[test]
fn a_flipped_digit_anywhere_is_caught_and_named() {
    let mut judge = Judge::standalone(&plan_with(Vec::new()));
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let blocks: Vec<RealBlock> = (0..40).filter_map(made).collect();
    let (mut caught, mut unbound) = (0, 0);
    while caught < 600 {
        let good = blocks.choose(&mut random).unwrap();
        let (place, block) = spoilt(good, &mut random);
        match judged(&mut judge, &block) {
            Err(error) => {
                let file = if place == "block" { "block.rlp" } else { "witness.json" };
                // A block with another parent does not fit the headers.
                assert!(error.contains(file) || error.contains("witness.json"), "{place}: {error}");
                caught += 1;
            }
            Ok(result) if result.status == Status::Failed => {
                let said = !result.differences.is_empty() || result.reason.is_some();
                assert!(said, "{place}: {result:#?}");
                caught += 1;
            }
            Ok(_) if place == "block" && is_unbound(good, &block) => unbound += 1,
            Ok(result) => panic!("{place} went unnoticed: {result:#?}"),
        }
    }
    assert!(unbound < caught / 10, "{unbound} of {caught}");
}

/// The witness with one of its members changed.
fn with(block: &RealBlock, edit: impl FnOnce(&mut Value)) -> RealBlock {
    let mut witness: Value = serde_json::from_str(&block.witness).unwrap();
    edit(&mut witness);
    RealBlock { witness: witness.to_string(), ..block.clone() }
}

#[test]
fn a_spoilt_witness_is_named() {
    let block = (0..).find_map(made).unwrap();
    let wrong =
        |edit: &dyn Fn(&mut Value)| test(&files(&with(&block, edit))).unwrap_err().to_string();
    let list = |value: &mut Value, member: &str, edit: &dyn Fn(&mut Vec<Value>)| {
        edit(value[member].as_array_mut().unwrap());
    };
    let twice = wrong(&|witness| {
        list(witness, "state", &|nodes| nodes.push(nodes[0].clone()));
    });
    assert!(twice.contains("expected each once, found that of state[0] again"), "{twice}");
    let stray = wrong(&|witness| {
        let node = format!("0x{}", "f0".repeat(40));
        list(witness, "state", &|nodes| nodes.push(node.clone().into()));
    });
    assert!(stray.contains("found 1 that its root"), "{stray}");
    let empty = wrong(&|witness| witness["state"] = Value::Array(Vec::new()));
    assert!(empty.contains("found no such node"), "{empty}");
    let header = wrong(&|witness| {
        list(witness, "headers", &|headers| headers.push(headers[0].clone()));
    });
    assert!(header.contains("headers[1]: expected the header of block"), "{header}");
    let rlp = wrong(&|witness| witness["headers"][0] = "0xc0".into());
    assert!(rlp.contains("headers[0]: expected the RLP of a header"), "{rlp}");
    let key = wrong(&|witness| witness["keys"][0] = "0x00".into());
    assert!(key.contains("keys[0]: expected 20 bytes or 32, found 1"), "{key}");
    let hex = RealBlock { block: "0xzz".to_owned(), ..block.clone() };
    let hex = test(&files(&hex)).unwrap_err().to_string();
    assert!(hex.contains("block.rlp: expected the block's RLP as one line of hex"), "{hex}");
    let cut = RealBlock { block: block.block[..200].to_owned(), ..block.clone() };
    let cut = test(&files(&cut)).unwrap_err().to_string();
    assert!(cut.contains("block.rlp: expected the RLP of a block"), "{cut}");
}

/// A node that the block needs and the witness lacks: the run names the query and where it ended.
#[test]
fn a_node_that_is_missing_is_named_with_what_was_asked() {
    let mut judge = Judge::standalone(&plan_with(Vec::new()));
    let (mut named, mut needless) = (0, 0);
    for block in (0..12).filter_map(made) {
        let witness: Value = serde_json::from_str(&block.witness).unwrap();
        for index in 0..witness["state"].as_array().unwrap().len() {
            let less = with(&block, |witness| {
                witness["state"].as_array_mut().unwrap().remove(index);
            });
            let said = match judged(&mut judge, &less) {
                Err(error) => error,
                Ok(result) if result.status == Status::Passed => {
                    needless += 1;
                    continue;
                }
                Ok(result) => format!("{:?} {:?}", result.reason, result.differences),
            };
            let is_named = said.contains("the witness lacks")
                || said.contains("no such node")
                || said.contains("does not lead to")
                || said.contains("that its root")
                // The account is gone with the node, and its code is left.
                || said.contains("before the block, or deployed by it");
            assert!(is_named, "{said}");
            named += 1;
        }
    }
    assert!(named > 20 && needless < named * 20, "{named} of {}", named + needless);
}

/// geth writes headers as objects and no keys.
#[test]
fn the_dialect_of_geth_is_read() {
    use alloy_rlp::Decodable;
    let mut judge = Judge::standalone(&plan(&[2]));
    for block in (0..10).filter_map(made) {
        let geth = with(&block, |witness| {
            witness["keys"] = Value::Null;
            for header in witness["headers"].as_array_mut().unwrap() {
                let rlp = alloy_primitives::hex::decode(header.as_str().unwrap()).unwrap();
                let inner = alloy_consensus::Header::decode(&mut &*rlp).unwrap();
                let rpc = alloy_rpc_types_eth::Header::new(inner);
                *header = serde_json::to_value(rpc).unwrap();
            }
        });
        let result = judged(&mut judge, &geth).unwrap();
        assert_eq!(result.status, Status::Passed, "{result:#?}");
    }
}
