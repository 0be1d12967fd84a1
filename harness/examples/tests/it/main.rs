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
        let words = ["--bug", bug, "check", "--executor", "mine", "--hang-after", "1s"];
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
    assert_eq!(tests.count(), 376, "every test has one line, the crashed one too");
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["verdict"], "inconclusive");
    let summary = lines.last().unwrap();
    assert_eq!((&summary["passed"], &summary["failed"]), (&375.into(), &1.into()), "{summary}");
    assert_eq!(summary["executors"]["block_stm@2"]["overlap"], "proved");
}

#[test]
fn in_process_a_crash_is_a_crash() {
    let output = brought(&["--bug", "crash", "check", "--executor", "mine", "--in-process"]);
    assert_eq!(output.status.code(), None, "{}", text(&output.stdout));
}

/// The others are measured on, and the one that is at fault has a row that says so.
#[test]
fn a_hang_or_a_crash_in_a_measurement_costs_one_executor() {
    for (bug, verdict) in [("spin", "hung"), ("crash", "inconclusive")] {
        let words = "bench --executor mine,access_list --workload transfers,erc20-hot,compute --gas 500000 --runs 1 \
                     --rounds 1 --no-pin --hang-after 2s --format json";
        let words: Vec<&str> = ["--bug", bug].into_iter().chain(words.split_whitespace()).collect();
        let output = brought(&words);
        assert_eq!(output.status.code(), Some(1), "{bug}: {}", text(&output.stderr));
        let lines: Vec<serde_json::Value> =
            text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let rows: Vec<(String, String, String)> = lines
            .iter()
            .filter(|line| line["kind"] == "sample-set")
            .map(|line| {
                let word = |name: &str| line[name].as_str().unwrap().to_owned();
                let block = word("workload");
                (block[10..block.find('[').unwrap()].to_owned(), word("executor"), word("verdict"))
            })
            .collect();
        let expected = [
            ("transfers", "mine", "agreed"),
            ("transfers", "access_list", "agreed"),
            ("erc20-hot", "mine", verdict),
            ("erc20-hot", "access_list", "agreed"),
            ("compute", "access_list", "agreed"),
        ];
        let expected = expected
            .map(|(block, who, verdict)| (block.to_owned(), who.to_owned(), verdict.to_owned()));
        assert_eq!(rows, expected, "{bug}");
        assert_eq!(lines.last().unwrap()["kind"], "end");
    }
}

/// The step of the action, as a workflow calls it: it passes, and fails when the executor has a bug.
#[test]
fn the_actions_step_decides_as_the_gate_does() {
    let folder = tempfile::TempDir::new().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.github/actions/gate/gate.sh");
    for (bug, status) in [("", 0), ("--bug gas", 1), ("--bug crash", 1)] {
        let output = Command::new("bash")
            .arg(script)
            .env("PROGRAM", format!("{} {bug}", env!("CARGO_BIN_EXE_brought")))
            .env("EXECUTOR", "mine")
            .env("BASELINE", folder.path().join("none.jsonl"))
            .env("ARGUMENTS", "--workload transfers --gas 500000 --runs 1 --rounds 1 --no-pin")
            .env("OUT", folder.path().join("out"))
            .output()
            .unwrap();
        let (found, errors) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(status), "{bug}: {found}{errors}");
        assert!(found.contains("no baseline at") && folder.path().join("out/gate.md").exists());
    }
}
