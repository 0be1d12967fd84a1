//! `lockstep explore`: schedules are repeatable, replayed to the letter, and refused where they do not fit.

use crate::command::lockstep;
use serde_json::Value;
use std::fs;

const BLOCK: [&str; 4] = ["--seed", "115", "--transactions", "8"];

fn explore(words: &[&str]) -> crate::command::Run {
    let words: Vec<&str> = ["explore"].iter().chain(&BLOCK).chain(words).copied().collect();
    lockstep(&words)
}

/// A schedule under which block_stm agrees.
fn schedule() -> String {
    let run = explore(&["--schedules", "40", "--format", "json"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    run.lines()[0]["schedule"].as_str().expect("the last schedule").to_owned()
}

#[test]
fn block_stm_agrees_under_every_strategy_and_every_run_can_be_repeated() {
    let run = explore(&["--schedules", "400", "--format", "json"]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    let line: Value = run.lines().remove(0);
    assert_eq!(line["schedules"], 400);
    let (seen, possible) = (&line["pairs"][0], &line["pairs"][1]);
    assert!(seen.as_u64() > Some(20) && seen.as_u64() <= possible.as_u64(), "{line}");
    let again = explore(&["--schedules", "400", "--format", "json"]).lines().remove(0);
    assert_eq!((&line["schedule"], &line["pairs"]), (&again["schedule"], &again["pairs"]));
    for strategy in ["random", "pct", "pos", "surw"] {
        let run = explore(&["--schedules", "60", "--strategy", strategy]);
        assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains(&format!("{strategy} 60 (+")), "{}", run.stdout);
    }
}

#[test]
fn a_schedule_is_replayed_in_another_process() {
    let schedule = schedule();
    let run = explore(&["--schedule", &schedule]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("tx 0 is committed"), "{}", run.stdout);
    assert_eq!(run.stdout, explore(&["--schedule", &schedule]).stdout);
}

#[test]
fn a_schedule_that_does_not_fit_is_refused_with_a_reason() {
    let schedule = schedule();
    let parts: Vec<&str> = schedule.split(':').collect();
    let (block, moves) = (parts[2], parts[3]);
    let first = moves.split('-').next().unwrap();
    let with = |block: &str, moves: &str, digest: &str| format!("s1:3:{block}:{moves}:{digest}");
    let refused = |text: &str, words: &[&str]| {
        let words: Vec<&str> = ["--schedule", text].iter().chain(words).copied().collect();
        let run = explore(&words);
        assert_eq!(run.status, 2, "{text}: {}{}", run.stdout, run.stderr);
        run.stderr
    };
    assert!(refused(&with(block, first, parts[4]), &[]).contains("cut short"));
    let long = format!("{moves}-0c5");
    assert!(refused(&with(block, &long, parts[4]), &[]).contains("too long"));
    assert!(refused(&with("01234567", moves, parts[4]), &[]).contains("is one of block 01234567"));
    assert!(refused(&with(block, moves, "00000000"), &[]).contains("another version"));
    assert!(refused(&with(block, "0k3", parts[4]), &[]).contains("does not fit at choice 1"));
    assert!(refused(&schedule, &["--threads", "2"]).contains("--threads 3"));
    assert!(refused("s2:3:01234567:0c1:01234567", &[]).contains("version `s2`"));
    assert!(refused(&schedule[..20], &[]).contains("cut short"));
}

#[test]
fn nothing_to_explore_is_an_error() {
    assert_eq!(lockstep(&["explore"]).status, 2);
    assert_eq!(lockstep(&["explore", "--seed", "1", "--threads", "0"]).status, 2);
    assert_eq!(lockstep(&["explore", "nowhere.json"]).status, 2);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.json");
    fs::write(&file, "{}").unwrap();
    assert_ne!(lockstep(&["explore", file.to_str().unwrap()]).status, 0);
}

#[test]
fn blocks_of_one_transaction_and_of_none_are_explored() {
    for transactions in ["1", "2"] {
        let words = ["explore", "--seed", "1", "--seeds", "5", "--transactions", transactions];
        let run = lockstep(&[&words[..], &["--schedules", "20", "--format", "json"]].concat());
        assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
        assert_eq!(run.lines().len(), 5);
    }
}
