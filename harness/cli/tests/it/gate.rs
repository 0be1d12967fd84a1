//! `lockstep gate` and `lockstep report`, as a CI meets them.

use crate::command::{Run, built_in_tests, lockstep, write};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

const LITTLE: &str = "--workload transfers,compute --gas 2000000 --runs 1 --rounds 1 --no-pin --executor access_list";

/// Runs the gate as GitHub would, into this folder.
fn gate(folder: &Path, more: &[&str]) -> (Run, String) {
    let summary = folder.join("summary.md");
    let output = Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .args(["gate", "--out"])
        .arg(folder)
        .args(LITTLE.split(' '))
        .args(more)
        .current_dir(folder)
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let run = Run {
        status: output.status.code().expect("it exits"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    };
    (run, fs::read_to_string(summary).unwrap_or_default())
}

fn has_every_report(folder: &Path) {
    for name in ["gate.md", "report.html", "junit.xml", "check.jsonl", "bench.jsonl"] {
        assert!(fs::metadata(folder.join(name)).is_ok_and(|file| file.len() > 100), "{name}");
    }
}

/// The record with every candidate time multiplied.
fn faster(folder: &Path, by: f64, change: impl Fn(&mut Value)) -> PathBuf {
    let text = fs::read_to_string(folder.join("bench.jsonl")).unwrap();
    let lines = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        if let Some(times) = line.get_mut("candidate_ns") {
            let scaled = times.as_array().unwrap().iter();
            *times = scaled.map(|time| json!((time.as_f64().unwrap() * by) as u64)).collect();
            line["noisy"] = false.into();
        }
        change(&mut line);
        line.to_string() + "\n"
    });
    write(folder, "baseline.jsonl", lines.collect::<String>())
}

#[test]
fn the_gate_decides_after_it_has_reported() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let (run, summary) = gate(folder, &[]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout.ends_with(&format!(
            "PASSED: {} tests, 0 failed; 2 sample sets, 0 wrong\n",
            built_in_tests()
        )),
        "{}",
        run.stdout
    );
    has_every_report(folder);
    assert!(summary.contains("# Lockstep gate: PASSED") && summary.contains("Leaderboard"));

    // Another machine: nothing is compared, and that is said. One that cannot be read is an error.
    let other = faster(folder, 0.1, |line| {
        if let Some(machine) = line.get_mut("machine") {
            machine["processor"] = "Another".into();
        }
    });
    let (run, summary) = gate(folder, &["--baseline", other.to_str().unwrap()]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout.contains("::warning title=Lockstep%3A speed was not compared"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("another machine") && summary.contains("another machine"));
    for (change, words) in [
        ("\"schema\":9", "schema 9, expected 1"),
        ("\"schema\":\"x\"", "expected the circumstances"),
    ] {
        let text = fs::read_to_string(folder.join("bench.jsonl")).unwrap();
        let text = text.replacen("\"schema\":1", change, 1);
        let wrong = write(folder, "wrong.jsonl", text);
        let (run, _) = gate(folder, &["--baseline", wrong.to_str().unwrap()]);
        assert_eq!(run.status, 2, "{}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
        has_every_report(folder);
    }
    let (run, _) = gate(folder, &["--baseline", "/nowhere.jsonl"]);
    assert_eq!(run.status, 2, "{}", run.stderr);
    has_every_report(folder);

    // Ten times as fast before: slower now, whatever the machine's mood.
    let before = faster(folder, 0.1, |_| {});
    let (run, summary) = gate(folder, &["--baseline", before.to_str().unwrap()]);
    if !summary.contains("too noisy") {
        assert_eq!(run.status, 3, "{}{}", run.stdout, run.stderr);
        assert!(
            run.stdout.contains("::error title=Lockstep%3A slower::access_list@"),
            "{}",
            run.stdout
        );
        assert!(run.stderr.contains("bench once more"), "{}", run.stderr);
        assert!(fs::read_to_string(folder.join("junit.xml")).unwrap().contains("<failure"));
    }
}

#[test]
fn the_gate_checks_its_usage() {
    let folder = TempDir::new().unwrap();
    let (run, _) = gate(folder.path(), &["--rounds", "0"]);
    assert_eq!(run.status, 2, "given twice: {}", run.stderr);
    let run = lockstep(&["gate", "--workload", "nothing", "--out", "out"]);
    assert_eq!(run.status, 2, "{}", run.stderr);
    assert!(run.stderr.contains("unknown workload `nothing`"), "{}", run.stderr);
}

/// Whether lines fit it is checked by another implementation: `tools/publish/schema.py`.
#[test]
fn the_published_schema_is_that_of_the_command() {
    let published = concat!(env!("CARGO_MANIFEST_DIR"), "/../../reports/schema.json");
    let published = fs::read_to_string(published).unwrap();
    assert_eq!(lockstep(&["report", "--schema"]).stdout, published, "reports/schema.json is stale");
}

/// The committed records.
fn published_records() -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../reports"))];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "jsonl") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn committed_records_render_in_every_format() {
    let records: Vec<String> =
        published_records().iter().map(|path| path.to_str().unwrap().to_owned()).collect();
    assert!(!records.is_empty());
    let report = |format: &str| {
        let mut args = vec!["report", "--format", format];
        args.extend(records.iter().map(String::as_str));
        let run = lockstep(&args);
        assert_eq!(run.status, 0, "{format}: {}", run.stderr);
        run.stdout
    };
    assert!(report("human").contains("in geometric mean"));
    assert!(report("markdown").contains("## Leaderboard"));
    let html = report("html");
    assert!(html.contains("<svg") && html.len() < 2_000_000, "{} bytes", html.len());
    assert!(report("junit").contains("<testsuites"));
    let entries: Value = serde_json::from_str(&report("github-action-benchmark")).unwrap();
    let entry = &entries.as_array().unwrap()[0];
    assert!(
        entry["value"].as_f64().unwrap() > 0.0 && entry["unit"] == "x" && entry["name"].is_string()
    );
    let bencher: Value = serde_json::from_str(&report("bencher")).unwrap();
    let (_, measures) = bencher.as_object().unwrap().iter().next().unwrap();
    let speedup = &measures["speedup"];
    assert!(speedup["lower_value"].as_f64() <= speedup["value"].as_f64());
    // A record that is read back renders to the same.
    let folder = TempDir::new().unwrap();
    let again = write(
        folder.path(),
        "again.jsonl",
        lockstep(&["report", "--format", "json", &records[0]]).stdout,
    );
    let rendered = |file: &str| lockstep(&["report", "--format", "bencher", file]).stdout;
    assert_eq!(rendered(again.to_str().unwrap()), rendered(&records[0]));
}

#[test]
fn a_seed_is_run_again() {
    let run = lockstep(&[
        "bench",
        "--workload",
        "game,nft",
        "--gas",
        "500000",
        "--runs",
        "1",
        "--rounds",
        "1",
        "--format",
        "json",
    ]);
    let folder = TempDir::new().unwrap();
    let record = write(folder.path(), "bench.jsonl", &run.stdout);
    let again = lockstep(&["report", "--rerun", record.to_str().unwrap()]);
    assert_eq!(again.status, 0, "{}", again.stderr);
    assert!(
        again.stdout.starts_with("2 workloads came out as stated, 0 did not"),
        "{}",
        again.stdout
    );
    let mut lines: Vec<Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &mut lines {
        if line.get("outcome").is_some() {
            line["outcome"] = format!("0x{}", "ab".repeat(32)).into();
        }
    }
    let forged: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let record = write(folder.path(), "forged.jsonl", forged);
    let again = lockstep(&["report", "--rerun", record.to_str().unwrap()]);
    assert_eq!(again.status, 1, "{}", again.stdout);
    assert!(again.stderr.contains("stated 0xabab"), "{}", again.stderr);
}
