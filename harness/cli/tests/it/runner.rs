//! `lockstep statetest`, `blocktest` and `enginetest`, driven with the command lines of their drivers, whose regular
//! expressions and rules read the answers.

use crate::{
    command::{Run, lockstep, write},
    state_test::{accepted, rejected},
};
use regex::Regex;
use serde_json::{Value, json};
use std::{
    fs,
    io::Write as _,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// Runs the program under another name, with this text on stdin.
fn posing(name: &str, args: &[&str], stdin: &str) -> Run {
    let folder = TempDir::new().unwrap();
    let link = folder.path().join(name);
    symlink(env!("CARGO_BIN_EXE_lockstep"), &link).unwrap();
    let mut process = Command::new(link)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    Run {
        status: output.status.code().expect("it exits"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn rows(run: &Run) -> Vec<Value> {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stdout))
}

/// Generated blocks as fixtures, some of them invalid.
fn fixtures(folder: &Path, blocks: usize) -> PathBuf {
    let out = folder.join("fixtures");
    let run = lockstep(&[
        "export",
        "--seed",
        "40",
        "--blocks",
        &blocks.to_string(),
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    out
}

fn state_test(folder: &Path) -> PathBuf {
    let suite = accepted("Cancun", &json!({ "gasPrice": "0x0a" }));
    write(folder, "state.json", serde_json::to_vec(&suite).unwrap())
}

/// The same file, with something else in the place of every state root of a header or expectation.
fn spoil(path: &Path, field: &str) {
    fn walk(value: &mut Value, field: &str) {
        match value {
            Value::Object(members) => {
                if let Some(member) = members.get_mut(field) {
                    *member = json!(format!("0x{:064x}", 7));
                }
                members.values_mut().for_each(|member| walk(member, field));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, field)),
            _ => {}
        }
    }
    let mut json: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    walk(&mut json, field);
    fs::write(path, json.to_string()).unwrap();
}

#[test]
fn each_executor_passes_the_blocks_of_the_reference() {
    let folder = TempDir::new().unwrap();
    let fixtures = fixtures(folder.path(), 40);
    let count = fs::read_dir(&fixtures).unwrap().count();
    let mut roots = Vec::new();
    for (executor, scheduler) in [
        ("reference", json!(null)),
        ("sequential", json!(null)),
        ("block_stm", json!("optimistic")),
        ("access_list", json!("bal")),
    ] {
        let run = lockstep(&[
            "blocktest",
            fixtures.to_str().unwrap(),
            "--executor",
            executor,
            "--threads",
            "2",
            "--workers",
            "2",
            "--bal-report",
        ]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        let rows = rows(&run);
        assert_eq!(rows.len(), count, "{executor}");
        assert!(rows.iter().all(|row| row["pass"] == true), "{executor}: {}", run.stdout);
        let rejections: Vec<&Value> = rows.iter().filter_map(|row| row.get("rejections")).collect();
        assert!(!rejections.is_empty(), "none of these blocks is invalid");
        for rejection in rejections {
            assert_eq!(rejection[0]["index"], 0);
            assert!(rejection[0]["hash"].as_str().unwrap().len() == 66);
            assert!(rejection[0]["error"].as_str().unwrap().contains('('), "{rejection}");
        }
        let executions: Vec<Value> =
            run.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let is_parallel = !scheduler.is_null();
        for line in &executions {
            assert_eq!(line["event"], "balExecution");
            assert_eq!(line["path"], if is_parallel { "parallel" } else { "sequential" }, "{line}");
            assert_eq!(line["reason"], if is_parallel { "" } else { "disabled" });
            assert_eq!(line["scheduler"], scheduler);
        }
        assert!(executions.len() > count / 2);
        roots.push(rows.iter().map(|row| row["stateRoot"].clone()).collect::<Vec<_>>());
    }
    assert!(roots.iter().all(|one| *one == roots[0]));
}

#[test]
fn a_test_that_fails_is_a_row_with_an_error() {
    let folder = TempDir::new().unwrap();
    let tests = state_test(folder.path());
    spoil(&tests, "hash");
    let run = lockstep(&["statetest", tests.to_str().unwrap()]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    for row in rows(&run) {
        assert_eq!(
            (&row["name"], &row["pass"], &row["fork"]),
            (&json!("ours"), &json!(false), &json!("Cancun"))
        );
        assert!(row["error"].as_str().unwrap().contains(": expected 0x"), "{row}");
        assert_eq!(row["stateRoot"].as_str().unwrap().len(), 66);
    }
    let run = posing("revme", &["statetest", "--json-outcome", tests.to_str().unwrap()], "");
    assert_eq!(run.status, 1, "revme says so by its exit status: {}", run.stderr);
}

#[test]
fn what_cannot_be_run_is_said() {
    let folder = TempDir::new().unwrap();
    let tests = state_test(folder.path());
    let tests = tests.to_str().unwrap();
    for (args, status, part) in [
        (&["blocktest", tests][..], 4, "tests of the kind state_test, not blockchain_test"),
        (&["statetest", tests, "--run", "theirs"], 4, ""),
        (&["statetest", tests, "--statetest.fork", "Prague"], 4, ""),
        (&["statetest", tests, "--run", "("], 2, "--run"),
        (&["statetest", tests, "--executor", "nobody"], 2, "nobody"),
        (&["statetest", tests, "--workers", "0"], 2, "--workers"),
        (&["statetest", "nowhere.json"], 1, "nowhere.json"),
        (&["statetest", tests, "nowhere.json"], 1, "nowhere.json"),
    ] {
        let run = lockstep(args);
        assert_eq!(run.status, status, "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(part), "{args:?}: {}", run.stderr);
        if status != 2 {
            let expected = if status == 1 && args.len() == 3 { 2 } else { 0 };
            assert_eq!(rows(&run).len(), expected, "{args:?}");
        }
    }
}

/// `consume direct` of execution-spec-tests, with its kind for geth.
#[test]
fn execution_spec_tests_takes_it_for_geth() {
    let version = posing("evm", &["-v"], "");
    assert_eq!((version.status, version.stderr.as_str()), (0, ""));
    assert!(Regex::new(r"^evm(.exe)? version\b").unwrap().is_match(&version.stdout));
    let folder = TempDir::new().unwrap();
    let fixtures = fixtures(folder.path(), 12);
    let file = fs::read_dir(&fixtures).unwrap().next().unwrap().unwrap().path();
    let json: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let name = json.as_object().unwrap().keys().next().unwrap();
    let pattern = regex::escape(name);
    let file = file.to_str().unwrap();
    let run = posing("evm", &["--verbosity", "100", "blocktest", "--run", &pattern, file], "");
    assert_eq!(run.status, 0, "{}", run.stderr);
    let rows: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
    let matching: Vec<_> = rows.iter().filter(|row| row["name"] == *name).collect();
    assert_eq!(matching.len(), 1);
    assert_eq!(matching[0]["pass"], true);
    // The forks that it can fill are looked for in the help.
    let help = posing("evm", &["t8n", "--help"], "");
    for fork in [
        "Frontier",
        "Homestead",
        "Byzantium",
        "London",
        "Paris",
        "Cancun",
        "Prague",
        "Osaka",
        "BPO2",
        "Amsterdam",
    ] {
        assert!(help.stdout.contains(fork), "{fork}");
    }
}

/// goevmlab's kinds `geth` and `gethbatch`.
#[test]
fn goevmlab_takes_it_for_geth() {
    let folder = TempDir::new().unwrap();
    let tests = state_test(folder.path());
    let tests = tests.to_str().unwrap();
    let args = [
        "statetest",
        "--trace",
        "--trace.format=json",
        "--trace.nomemory=true",
        "--trace.noreturndata=true",
        tests,
    ];
    let run = posing("evm", &args, "");
    assert_eq!(run.status, 0, "{}", run.stderr);
    let lines: Vec<Value> =
        run.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let steps: Vec<&Value> = lines.iter().filter(|line| line.get("opName").is_some()).collect();
    assert!(steps.len() > 10, "{}", run.stderr);
    for step in &steps {
        assert!(step["pc"].is_u64() && step["depth"].is_u64() && step["op"].is_u64(), "{step}");
        assert!(step["stack"].is_array());
    }
    // The first root counts, and there is one behind the steps of each test.
    let root = lines.iter().find_map(|line| line.get("stateRoot")).unwrap();
    let stdout_root = Regex::new(r#""stateRoot": "(0x[0-9a-f]{64})""#).unwrap();
    let of_stdout = &stdout_root.captures(&run.stdout).unwrap()[1];
    let of_stderr = stdout_root.captures(&run.stderr).unwrap()[1].to_owned();
    assert_eq!((root.as_str().unwrap(), of_stdout), (of_stderr.as_str(), of_stderr.as_str()));
    let fast = posing("evm", &["statetest", tests], "");
    assert_eq!(fast.status, 0);
    assert_eq!(&stdout_root.captures(&fast.stdout).unwrap()[1], of_stdout);
    // In batches names come one a line, and an array goes back for each.
    let batch = posing("evm", &["statetest"], &format!("{tests}\n{tests}\n\nnever read\n"));
    assert_eq!(batch.status, 0, "{}", batch.stderr);
    let mut arrays = serde_json::Deserializer::from_str(&batch.stdout).into_iter::<Vec<Value>>();
    let first = arrays.next().unwrap().unwrap();
    assert_eq!(arrays.next().unwrap().unwrap(), first);
    assert!(arrays.next().is_none());
    assert_eq!(first[0]["stateRoot"], of_stdout);
}

/// goevmlab's kind `revme`.
#[test]
fn goevmlab_takes_it_for_revme() {
    let folder = TempDir::new().unwrap();
    let tests = state_test(folder.path());
    let tests = tests.to_str().unwrap();
    let run = posing("revme", &["statetest", "--json", tests], "");
    assert_eq!((run.status, run.stdout.as_str()), (0, ""));
    let lines: Vec<Value> =
        run.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Nothing but steps stands before an outcome: any other line would be read as a step again.
    for line in &lines {
        assert!(line.get("opName").is_some() || line.get("stateRoot").is_some(), "{line}");
    }
    let outcomes = |run: &Run| -> Vec<String> {
        let root = Regex::new(r#""stateRoot":"(0x[0-9a-f]{64})""#).unwrap();
        root.captures_iter(&run.stderr).map(|found| found[1].to_owned()).collect()
    };
    let fast = posing("revme", &["statetest", "--json-outcome", tests], "");
    assert_eq!((fast.status, fast.stdout.as_str()), (0, ""));
    let (mut one, mut other) = (outcomes(&run), outcomes(&fast));
    assert_eq!(one.len(), 2);
    one.sort();
    other.sort();
    assert_eq!(one, other);
    let line: Value = serde_json::from_str(fast.stderr.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&line["pass"], &line["fork"], &line["test"]),
        (&json!(true), &json!("Cancun"), &json!("ours"))
    );
    assert_eq!(line["g"], 0);
}

#[test]
fn btest_gives_revmes_lines() {
    let folder = TempDir::new().unwrap();
    let fixtures = fixtures(folder.path(), 10);
    let count = fs::read_dir(&fixtures).unwrap().count();
    let args = ["btest", "--json", "--omit-progress", fixtures.to_str().unwrap()];
    let run = posing("revme", &args, "");
    assert_eq!(run.status, 0, "{}", run.stderr);
    let lines = run.lines();
    assert_eq!(lines.len(), count + 1);
    assert!(lines[..count].iter().all(|line| line["status"] == "passed"), "{}", run.stdout);
    assert!(lines[0]["file"].as_str().unwrap().ends_with(".json"));
    assert_eq!(lines[count]["summary"]["passed"], count);
    assert_eq!(lines[count]["summary"]["failed"], 0);
}

/// A rejected transaction leaves the state as it was: the root is that of the accounts before.
#[test]
fn a_rejected_state_test_passes_with_the_root_before() {
    let folder = TempDir::new().unwrap();
    let suite = rejected("Cancun");
    let tests = write(folder.path(), "tests.json", serde_json::to_vec(&suite).unwrap());
    let run = lockstep(&["statetest", tests.to_str().unwrap(), "--executor", "block_stm"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    for row in rows(&run) {
        assert_eq!(row["pass"], true, "{row}");
        let expected = &suite["ours"]["post"]["Cancun"][0]["hash"];
        assert_eq!(&row["stateRoot"], expected);
    }
}
