//! `lockstep profile` and `lockstep simulate`.

use crate::command::{lockstep, write};
use serde_json::Value;
use tempfile::TempDir;

fn profiled(workload: &str) -> Value {
    let run =
        lockstep(&["profile", "--workload", workload, "--gas", "3000000", "--format", "json"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    run.lines().remove(0)
}

#[test]
fn the_profile_of_a_naive_contract_names_what_its_twin_took_apart() {
    let naive = profiled("payments-naive");
    let chain = naive["chain"].as_array().unwrap();
    assert_eq!(chain.len() as u64, naive["transactions"].as_u64().unwrap());
    let waits: Vec<&str> = chain[1]["waits_at"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    for variable in ["fees", "volume", "payments"] {
        let name = format!("{variable} of PaymentsNaive (0x");
        assert!(waits.iter().any(|wait| wait.starts_with(&name)), "{variable}: {waits:?}");
    }
    // Without these three nothing is left to wait for, as in the better twin.
    let last = naive["together"].as_array().unwrap().last().unwrap();
    assert_eq!(naive["together"].as_array().unwrap().len(), 3, "{naive}");
    assert_eq!(last["what_if"]["chain_ns"], naive["longest_ns"]);
    let twin = profiled("payments");
    assert_eq!(twin["chain_ns"], twin["longest_ns"]);
    assert_eq!(twin["independent"], twin["transactions"]);
}

#[test]
fn keys_of_mappings_are_named_and_so_are_variables_of_a_layout() {
    let hot = profiled("erc20-hot");
    let names: Vec<&str> =
        hot["hot"].as_array().unwrap().iter().map(|hot| hot["name"].as_str().unwrap()).collect();
    assert!(names.iter().any(|name| name.starts_with("balanceOf[0x")), "{names:?}");
    let address = hot["hot"][0]["account"].as_str().unwrap();
    let folder = TempDir::new().unwrap();
    let layout = r#"{"storage": [{"label": "shares", "slot": "1", "contract": "Mine.sol:Mine"}]}"#;
    let file = write(folder.path(), "layout.json", layout);
    let option = format!("{address}={}", file.display());
    let words = ["profile", "--workload", "erc20-hot", "--gas", "3000000", "--layout", &option];
    let run = lockstep(&words);
    assert!(
        run.stdout.contains("shares[0x") && run.stdout.contains("of Mine (0x"),
        "{}",
        run.stdout
    );
    let broken = write(folder.path(), "broken.json", "{}");
    let option = format!("{address}={}", broken.display());
    let run = lockstep(&["profile", "--workload", "erc20-hot", "--layout", &option]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("storage layout"), "{}", run.stderr);
}

#[test]
fn blocks_of_one_transaction_and_invalid_ones_have_a_word_each() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("blocks");
    let words = ["export", "--seed", "1", "--blocks", "30", "--transactions", "1", "--out"];
    let run = lockstep(&[&words[..], &[out.to_str().unwrap()]].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    for command in ["profile", "simulate"] {
        let run = lockstep(&[command, out.to_str().unwrap(), "--format", "json"]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        let done = run.lines();
        assert!(done.iter().any(|line| line["transactions"] == 1), "{}", run.stdout);
        assert!(run.stderr.lines().all(|line| line.starts_with("skipped ")), "{}", run.stderr);
        assert_eq!(done.len() + run.stderr.lines().count(), 30, "{command}");
        assert_eq!(lockstep(&[command, "nowhere"]).status, 2);
        assert_eq!(lockstep(&[command, "--workload", "none"]).status, 2);
        assert_eq!(lockstep(&[command, "--workload", "erc20", "--filter", "x^"]).status, 4);
    }
}

#[test]
fn simulated_cores_agree_and_are_held_against_the_bound() {
    let words = ["simulate", "--workload", "swaps,transfers-chain", "--gas", "3000000"];
    let run = lockstep(&[&words[..], &["--format", "json"]].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    for block in run.lines() {
        let at = |cores: u64, field: &str| {
            let found = block["at_cores"].as_array().unwrap();
            found.iter().find(|at| at["cores"] == cores).unwrap()[field].as_f64().unwrap()
        };
        let sequential = block["sequential_ns"].as_f64().unwrap();
        for cores in [1, 2, 4, 8, 16, 32, 64] {
            assert!(at(cores, "block_stm_ns") > 0.0 && at(cores, "access_list_ns") > 0.0);
            let bound = (cores as f64).min(block["bound"].as_f64().unwrap());
            assert!(sequential / at(cores, "ideal_ns") <= bound * 1.01, "{block}");
        }
        // Speeds are nothing for a test, but a chain has an ideal schedule that no core makes shorter.
        let is_chain = block["block"].as_str().unwrap().contains("chain");
        assert_eq!(at(8, "ideal_ns") > 0.9 * at(1, "ideal_ns"), is_chain, "{block}");
    }
    let run = lockstep(&["simulate", "--workload", "swaps", "--cores", "0"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("expected 1 to 256 cores"), "{}", run.stderr);
}
