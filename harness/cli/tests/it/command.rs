//! The command as a user meets it.

use crate::state_test::{accepted, fill, rejected};
use lockstep_cases::{built_in, kept};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// The result of a run of the command.
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The JSON lines.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// The last JSON line.
    pub(crate) fn summary(&self) -> Value {
        let summary = self.lines().pop().expect("a summary");
        assert_eq!(summary["kind"], "summary");
        summary
    }
}

/// Runs the command in an empty folder.
pub(crate) fn lockstep(args: &[&str]) -> Run {
    let folder = TempDir::new().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .args(args)
        .current_dir(folder.path())
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    Run {
        status: output.status.code().expect("it exits"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    path
}

/// How many tests the built-in set has: generated ones, and those that once showed a bug.
pub(crate) fn built_in_tests() -> usize {
    built_in::tests(0).len() + kept::tests().len()
}

fn suite() -> Value {
    accepted("Cancun", &json!({ "gasPrice": "0x0a" }))
}

#[test]
fn without_arguments_it_checks_the_built_in_set() {
    let run = lockstep(&["check", "--format", "json"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let summary = run.summary();
    for count in ["tests", "passed", "agreed"] {
        assert_eq!(summary[count], built_in_tests(), "{count}");
    }
    assert!(run.stderr.contains("built-in set"), "{}", run.stderr);
    let executors = summary["executors"].as_object().unwrap();
    let parallel = executors.keys().find(|name| name.starts_with("block_stm@")).unwrap();
    assert_eq!(executors[parallel]["overlap"], "proved");
    assert_eq!(executors[parallel]["mode"], "forced");
}

#[test]
fn json_lines_add_up() {
    let run = lockstep(&["check", "--format", "json", "--threads", "1,2,4,8"]);
    let lines = run.lines();
    let tests = lines.iter().filter(|line| line["kind"] == "test").count();
    let summary = run.summary();
    assert_eq!(lines.len(), tests + 1);
    assert_eq!(summary["tests"], tests);
    let count = |field: &str| summary[field].as_u64().unwrap();
    let parts = ["passed", "failed", "known", "outdated", "skipped"].map(count);
    assert_eq!(count("tests"), parts.iter().sum::<u64>());
    assert_eq!(summary["executors"].as_object().unwrap().len(), 18);
}

#[test]
fn partitions_are_complete_and_disjoint() {
    let ids = |slice: &str| -> Vec<String> {
        let run = lockstep(&["check", "--format", "json", "--partition", slice]);
        let tests = run.lines().into_iter().filter(|line| line["kind"] == "test");
        tests.map(|line| line["id"].as_str().unwrap().to_owned()).collect()
    };
    let mut parts: Vec<String> =
        ["slice:1/3", "slice:2/3", "slice:3/3"].into_iter().flat_map(ids).collect();
    let mut all = ids("slice:1/1");
    parts.sort();
    all.sort();
    assert_eq!(parts, all);
}

#[test]
fn a_state_test_file_a_folder_and_both_archives_give_the_same() {
    let folder = TempDir::new().unwrap();
    let text = suite().to_string();
    let file = write(folder.path(), "sub/ours.json", &text);
    let tar = tar_of(&[("sub/ours.json", text.as_bytes())]);
    let gz = write(folder.path(), "ours.tar.gz", gzip(&tar));
    let zst = write(folder.path(), "ours.tar.zst", zstd::encode_all(&*tar, 3).unwrap());
    for path in [file, folder.path().join("sub"), gz, zst] {
        let run = lockstep(&["check", "--format", "json", path.to_str().unwrap()]);
        assert_eq!(run.status, 0, "{}: {}", path.display(), run.stderr);
        assert_eq!(run.summary()["passed"], 2, "{}", path.display());
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *content).unwrap();
    }
    tar.into_inner().unwrap()
}

#[test]
fn a_failure_names_everything_and_the_command_that_replays_it() {
    let folder = TempDir::new().unwrap();
    let mut suite = suite();
    let post = &mut suite["ours"]["post"]["Cancun"][0];
    post["state"]["0x00000000000000000000000000000000000c0de5"]["storage"]["0x00"] = json!("0x09");
    let file = write(folder.path(), "ours.json", suite.to_string());
    let run = lockstep(&["check", file.to_str().unwrap()]);
    assert_eq!(run.status, 1);
    let id = format!("{}::ours[Cancun,0,0,0]", file.display());
    for part in [
        "FAIL",
        &id,
        "expectation missed",
        "account 0x00000000000000000000000000000000000c0dE5",
        "slot 0x0: storage: expected 0x9, reference 0x6",
        "lockstep check",
    ] {
        assert!(run.stdout.contains(part), "{part} is not in:\n{}", run.stdout);
    }
    // The printed command runs just this test, and it fails again.
    let filter = run.stdout.lines().find_map(|line| line.split_once("--filter ")).unwrap().1;
    let filter = filter.trim().trim_matches('\'');
    let again =
        lockstep(&["check", "--format", "json", file.to_str().unwrap(), "--filter", filter]);
    assert_eq!((again.status, &again.summary()["tests"]), (1, &json!(1)));
}

#[test]
fn packing_keeps_expectations_and_says_what_it_left_out() {
    let folder = TempDir::new().unwrap();
    // Copies at other addresses: disjoint.
    let text = suite().to_string();
    for copy in 0..6 {
        let text = text
            .replace(
                "a94f5374fce5edbc8e2a8697c15331677e6ebf0b",
                &format!("{copy:040x}").replace("00000000", "a0000000"),
            )
            .replace("c0de5", &format!("c0d{copy}f"));
        // Another contract logs under another address: the expectation is filled in again.
        let suite = fill(serde_json::from_str(&text).unwrap(), "Cancun");
        write(folder.path(), &format!("copy{copy}.json"), suite.to_string());
    }
    write(folder.path(), "rejected.json", rejected("Cancun").to_string());
    let path = folder.path().to_str().unwrap();
    let run = lockstep(&["check", "--format", "json", "--pack", "8", "--seed", "1", path]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    let summary = run.summary();
    for mode in ["disjoint", "shared", "invalid"] {
        assert!(summary["packed"][mode]["blocks"].as_u64().unwrap() > 0, "{mode}: {summary}");
    }
    assert_eq!(summary["packed"]["disjoint"]["re_executions"], 0);
    let again = lockstep(&["check", "--format", "json", "--pack", "8", "--seed", "1", path]);
    let ids = |run: &Run| {
        let mut ids: Vec<String> = run.lines().iter().map(|line| line["id"].to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&run), ids(&again), "the same seed packs the same blocks");
}

#[test]
fn slow_tests_are_left_out_only_on_demand() {
    let folder = TempDir::new().unwrap();
    let name = "stQuadraticComplexityTest/Call50000_sha256.json";
    write(folder.path(), name, suite().to_string());
    let path = folder.path().to_str().unwrap();
    let plain = lockstep(&["check", "--format", "json", path]);
    assert_eq!(plain.summary()["passed"], 2);
    let skipping = lockstep(&["check", "--format", "json", "--skip-slow", path]);
    assert_eq!(skipping.summary()["skipped"], 2);
    assert_eq!(skipping.status, 4, "nothing ran");
}

#[test]
fn the_same_lines_go_to_a_file() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("deep/out");
    let run = lockstep(&["check", "--format", "json", "--out", out.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(out.join("check.jsonl")).unwrap(), run.stdout);
}

/// Ctrl-C still prints the results so far.
#[cfg(unix)]
#[test]
fn an_interrupted_run_prints_its_summary() {
    let folder = TempDir::new().unwrap();
    let text = suite().to_string();
    for copy in 0..4_000 {
        write(folder.path(), &format!("{copy}.json"), &text);
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .args(["check", "--format", "json", "--jobs", "1", folder.path().to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    // It reads on while the child ends: the pipe must not fill.
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let summary: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(summary["kind"], "summary");
    assert_eq!(summary["interrupted"], true);
    assert!(summary["tests"].as_u64().unwrap() < 8_000, "{summary}");
    assert_eq!(output.status.code(), Some(130));
    std::thread::sleep(Duration::from_millis(1));
}

#[test]
fn help_is_what_it_was() {
    insta::assert_snapshot!(lockstep(&["--help"]).stdout);
    insta::assert_snapshot!(lockstep(&["check", "--help"]).stdout);
    for command in [
        "bench", "gate", "fuzz", "faults", "explain", "explore", "export", "minimise", "capture",
        "profile", "report", "simulate", "campaign", "doctor", "serve",
    ] {
        insta::assert_snapshot!(
            format!("help_of_{command}"),
            lockstep(&[command, "--help"]).stdout
        );
    }
    insta::assert_snapshot!("help_of_pull", lockstep(&["fixtures", "pull", "--help"]).stdout);
}

#[test]
fn the_summary_is_what_it_was() {
    let folder = TempDir::new().unwrap();
    let file = write(folder.path(), "ours.json", suite().to_string());
    let run = lockstep(&["check", "--threads", "1", "--jobs", "1", file.to_str().unwrap()]);
    let text = run.stdout.replace(folder.path().to_str().unwrap(), "[folder]");
    let seconds = text.rfind("; ").unwrap();
    let (text, _) = text.split_at(seconds);
    insta::assert_snapshot!(text);
}

#[test]
fn the_doctor_tells_what_is_there_and_what_to_do() {
    let run = lockstep(&["doctor"]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("runs of 24 generated blocks agree"), "{}", run.stdout);
    assert!(run.stdout.contains("missing  fixtures"), "{}", run.stdout);
    assert!(run.stdout.contains("`lockstep fixtures pull`"), "{}", run.stdout);
    let run = lockstep(&["doctor", "--clients", "not-there.toml"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("not-there.toml"), "{}", run.stderr);
}
