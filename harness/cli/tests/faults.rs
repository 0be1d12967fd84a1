//! Planted bugs, end to end, by the command as a user runs it: found by a campaign, minimised, explained,
//! exported, and replayed by programs that are not ours. Needs the feature `faults`:
//!
//! ```text
//! cargo test -p lockstep-cli --features faults --test faults
//! ```
//!
//! The other programs are used where they are said to be: `LOCKSTEP_REVME` is revme's binary (`cargo
//! install revme`), `LOCKSTEP_SPECS_PYTHON` a Python with `tools/specs/requirements.txt` installed. A test
//! without them says so.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Faults of three families: a plain transfer, destruction, original values of storage (of another
/// executor).
const FAULTS: [&str; 3] = ["B1", "C2", "H10"];

const MOST_TRANSACTIONS: usize = 4;

fn lockstep(words: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_lockstep")).args(words).output();
    output.expect("the command starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The first block that gives the fault away: its seed, and which block of the seed's chain it is.
fn found(fault: &str) -> (u64, u64) {
    let campaign = ["fuzz", "--fault", fault, "--time", "60s", "--fail-fast", "--format", "json"];
    let run = lockstep(&campaign);
    assert_eq!(run.status.code(), Some(1), "{fault}: {}", text(&run.stderr));
    let first = text(&run.stdout).lines().next().expect("a finding").to_owned();
    let line: serde_json::Value = serde_json::from_str(&first).unwrap();
    let finding = &line["finding"];
    (finding["seed"].as_u64().unwrap(), finding["link"].as_u64().unwrap_or_default())
}

fn minimised(fault: &str, folder: &Path) -> PathBuf {
    let file = folder.join(format!("{fault}.json"));
    let (seed, link) = found(fault);
    let (seed, link) = (seed.to_string(), link.to_string());
    let out = file.to_str().unwrap();
    let block = ["--seed", &seed, "--link", &link];
    let run = lockstep(&[&["minimise", "--fault", fault, "--out", out], &block[..]].concat());
    assert!(run.status.success(), "{fault}: {}", text(&run.stderr));
    file
}

fn transactions(file: &Path) -> usize {
    let json: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let test = json.as_object().unwrap().values().next().unwrap();
    test["blocks"][0]["transactions"].as_array().map_or(0, Vec::len)
}

#[test]
fn planted_bugs_are_found_minimised_explained_and_travel() {
    let folder = tempfile::tempdir().unwrap();
    for fault in FAULTS {
        let file = minimised(fault, folder.path());
        let path = file.to_str().unwrap();
        let left = transactions(&file);
        assert!((1..=MOST_TRANSACTIONS).contains(&left), "{fault}: {left} transactions");

        // The result may take the input's place.
        let again = lockstep(&["minimise", "--fault", fault, path, "--out", path]);
        assert!(again.status.success(), "{fault}: {}", text(&again.stderr));
        assert!((1..=left).contains(&transactions(&file)), "{fault}");

        // It still shows the bug, and agrees without it.
        let with = lockstep(&["check", "--fault", fault, "-q", path]);
        assert_eq!(with.status.code(), Some(1), "{fault}: {}", text(&with.stdout));
        let without = lockstep(&["check", "-q", path]);
        assert!(without.status.success(), "{fault}: {}", text(&without.stdout));

        let explained = lockstep(&["explain", "--fault", fault, path, "--format", "markdown"]);
        assert!(explained.status.success(), "{fault}: {}", text(&explained.stderr));
        assert!(text(&explained.stdout).contains("### What differs"), "{fault}");

        replay_by_revme(&file);
        let t8n = folder.path().join(format!("t8n-{fault}"));
        let out = t8n.to_str().unwrap();
        let exported = lockstep(&["export", path, "--format", "t8n", "--out", out]);
        assert!(exported.status.success(), "{fault}: {}", text(&exported.stderr));
        replay_by_the_specs(&t8n);
    }
}

#[expect(clippy::print_stderr, reason = "a part that is left out is said")]
fn replay_by_revme(file: &Path) {
    let Some(revme) = std::env::var_os("LOCKSTEP_REVME") else {
        eprintln!("not replayed by revme: LOCKSTEP_REVME is not set");
        return;
    };
    let run = Command::new(revme).arg("blockchaintest").arg(file).output().expect("revme starts");
    assert!(run.status.success(), "{}\n{}", text(&run.stdout), text(&run.stderr));
    assert!(text(&run.stdout).contains("Passed:  1"), "{}", text(&run.stdout));
}

#[expect(clippy::print_stderr, reason = "a part that is left out is said")]
fn replay_by_the_specs(folder: &Path) {
    let Some(python) = std::env::var_os("LOCKSTEP_SPECS_PYTHON") else {
        eprintln!("not replayed by the specs: LOCKSTEP_SPECS_PYTHON is not set");
        return;
    };
    let judge = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/specs/judge.py");
    let run = Command::new(python).arg(judge).arg(folder).output().expect("python starts");
    assert!(run.status.success(), "{}\n{}", text(&run.stdout), text(&run.stderr));
    assert!(text(&run.stdout).contains("1 agree, 0 do not"), "{}", text(&run.stdout));
}

#[test]
fn the_score_finds_bugs_and_says_no_to_the_canary() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let run = lockstep(&[
        "faults", "--only", "A1,G6,K3", "--time", "3s", "--out", out, "--color", "never",
    ]);
    let shown = text(&run.stdout);
    assert_eq!(run.status.code(), Some(0), "{shown}\n{}", text(&run.stderr));
    assert!(shown.contains("Lockstep 2 of 2 (100 %)"), "{shown}");
    let report = std::fs::read_to_string(folder.path().join("faults.md")).unwrap();
    assert!(report.contains("| A1 |") && report.contains("| G6 |"), "{report}");
    let rows: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("faults.json")).unwrap())
            .unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 3);
    assert!(rows[1]["searches"]["fuzz"].get("detection").is_none(), "the canary: {rows}");

    // Nothing is done twice.
    let again = lockstep(&["faults", "--only", "A1,G6,K3", "--out", out, "--resume"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
}

#[test]
fn unknown_faults_are_refused() {
    for words in [&["faults", "--only", "Z9"][..], &["fuzz", "--fault", "Z9", "--blocks", "1"]] {
        let run = lockstep(words);
        assert_eq!(run.status.code(), Some(2), "{words:?}");
        assert!(text(&run.stderr).contains("unknown fault `Z9`"), "{}", text(&run.stderr));
    }
}

/// Faults that need a schedule: a lost wake-up, a validation that is left out, a stamp that is torn from its value,
/// an account that is read in two pieces, a wait for the worker itself; and a seed of a block of up to 8 transactions
/// on which each shows.
const SCHEDULES: [(&str, &str); 5] =
    [("G13", "1"), ("G2", "3"), ("G22", "68"), ("G23", "2"), ("G24", "48")];

#[test]
fn faults_that_need_a_schedule_are_found_made_simpler_and_replayed() {
    let folder = tempfile::tempdir().unwrap();
    for (fault, seed) in SCHEDULES {
        let block = ["--fault", fault, "explore", "--seed", seed, "--transactions", "8"];
        let out = folder.path().join(fault);
        let run = lockstep(&[&block[..], &["--out", out.to_str().unwrap()]].concat());
        let printed = text(&run.stdout) + &text(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{fault}: {printed}");
        assert!(printed.contains("replayed: 3 of 3"), "{fault}: {printed}");
        let failure = printed.lines().next().unwrap().strip_prefix("FAILED ").unwrap();
        let command = printed.lines().find_map(|line| line.strip_prefix("run it again: "));
        let command = command.unwrap_or_else(|| panic!("{fault}: {printed}"));
        let again = Command::new("sh").args(["-c", command]).output().unwrap();
        let shown = text(&again.stdout);
        assert_eq!(again.status.code(), Some(1), "{fault}: {command}\n{shown}");
        assert_eq!(shown.lines().next().unwrap(), format!("FAILED {failure}"), "{fault}");
        // Without the fault the same block agrees.
        let words = &[&block[2..], &["--schedules", "40"]].concat();
        assert_eq!(lockstep(words).status.code(), Some(0), "{fault}");
        let saved: Vec<String> = std::fs::read_dir(&out)
            .unwrap()
            .map(|entry| entry.unwrap().path().extension().unwrap().to_string_lossy().into_owned())
            .collect();
        for kind in ["json", "schedule", "svg"] {
            assert!(saved.iter().any(|saved| saved == kind), "{fault}: {saved:?}");
        }
    }
}
