//! The example's bugs are caught, and one that takes the process down costs one test, not the run.

use std::process::{Command, Output};

/// The example with these words.
fn brought(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_brought")).args(words).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn each_bug_of_the_example_is_caught_and_explained() {
    let bugs = [
        ("gas", "gas_used: reference 21000, mine@2 21001"),
        ("log", "logs: reference 1 logs with hash"),
        ("reward", "balance: reference"),
        ("crash", "executor crashed: mine@2: the process was ended by signal 6"),
        ("spin", "hung: mine@2 did not end within 1 s"),
    ];
    for (bug, message) in bugs {
        let words = ["--bug", bug, "check", "--executor", "mine", "--hang-after", "1"];
        let output = brought(&words);
        let found = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{bug}: {found}");
        assert!(found.contains(message), "{bug}: {found}");
    }
    let output = brought(&["check", "--executor", "mine"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

#[test]
fn a_crash_costs_one_test() {
    let words = ["--bug", "crash", "check", "--executor", "mine,block_stm", "--format", "json"];
    let output = brought(&words);
    let lines = text(&output.stdout);
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let tests = lines.iter().filter(|line| line["kind"] == "test");
    let failed: Vec<_> = tests.clone().filter(|line| line["status"] == "failed").collect();
    assert_eq!(tests.count(), 370, "every test has one line, the crashed one too");
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["verdict"], "inconclusive");
    let summary = lines.last().unwrap();
    assert_eq!((&summary["passed"], &summary["failed"]), (&369.into(), &1.into()), "{summary}");
    assert_eq!(summary["executors"]["block_stm@2"]["overlap"], "proved");
}

#[test]
fn in_process_a_crash_is_a_crash() {
    let output = brought(&["--bug", "crash", "check", "--executor", "mine", "--in-process"]);
    assert_eq!(output.status.code(), None, "{}", text(&output.stdout));
}
