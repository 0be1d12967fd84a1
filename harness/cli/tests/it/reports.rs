//! Records, partitions and reports.

use crate::command::{built_in_tests, lockstep, write};
use std::collections::BTreeSet;
use tempfile::TempDir;

#[test]
fn partitions_are_complete_and_disjoint_and_merge_into_one() {
    let folder = TempDir::new().unwrap();
    let mut records = Vec::new();
    let mut ids = BTreeSet::new();
    for part in 1..=3 {
        let out = folder.path().join(part.to_string());
        let slice = format!("slice:{part}/3");
        let out_text = out.to_str().unwrap();
        let run =
            lockstep(&["check", "--format", "json", "--partition", &slice, "--out", out_text]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        for line in run.stdout.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            if line["kind"] == "test" {
                assert!(ids.insert(line["id"].to_string()), "{} twice", line["id"]);
            }
        }
        records.push(out.join("check.jsonl").to_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), built_in_tests());
    let words = ["report", "--format", "json", &records[0], &records[1], &records[2]];
    let merged = lockstep(&words);
    assert_eq!(merged.status, 0, "{}", merged.stderr);
    let (summary, whole) = (merged.summary(), lockstep(&["check", "--format", "json"]).summary());
    for field in ["tests", "passed", "failed", "cases", "agreed"] {
        assert_eq!(summary[field], whole[field], "{field}");
    }
    let executions =
        |summary: &serde_json::Value| summary["executors"]["reference"]["executions"].clone();
    assert_eq!(executions(&summary), executions(&whole));
    // A part that is given twice counts twice, and that is said.
    let twice = lockstep(&["report", &records[0], &records[0]]);
    assert!(twice.stderr.contains("are in an earlier record too"), "{}", twice.stderr);
}

#[test]
fn a_record_is_rendered_again() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().to_str().unwrap();
    let run = lockstep(&["check", "--filter", "call-star", "--out", out]);
    assert_eq!(run.status, 0);
    let record = format!("{out}/check.jsonl");
    let human = lockstep(&["report", &record]);
    assert_eq!(human.status, 0, "{}", human.stderr);
    assert!(human.stdout.contains("AGREED 36 tests: 36 passed"), "{}", human.stdout);
    let junit = lockstep(&["report", "--format", "junit", &record]);
    assert!(
        junit.stdout.contains("tests=\"36\" skipped=\"0\" failures=\"0\" errors=\"0\""),
        "{}",
        junit.stdout
    );
    assert!(junit.stdout.contains("<testsuite name=\"built_in.Osaka\" tests=\"4\""));
}

#[test]
fn junit_names_what_failed_and_what_could_not_be_read() {
    let folder = TempDir::new().unwrap();
    let bad = write(folder.path(), "bad.json", "{");
    let run = lockstep(&["check", "--format", "junit", bad.to_str().unwrap()]);
    assert_eq!(run.status, 2);
    assert!(run.stdout.starts_with("<?xml"), "{}", run.stdout);
    assert!(run.stdout.contains("errors=\"2\""), "{}", run.stdout);
    assert!(run.stdout.contains("bad.json"), "{}", run.stdout);
    assert!(run.stdout.contains("nothing ran"), "{}", run.stdout);
}

#[test]
fn wrong_records_are_named_and_the_others_are_rendered() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().to_str().unwrap();
    assert_eq!(lockstep(&["check", "--filter", "call-star-1\\[", "--out", out]).status, 0);
    let good = folder.path().join("check.jsonl");
    let text = std::fs::read_to_string(&good).unwrap();
    let good = good.to_str().unwrap();
    let changed = text.replacen("\"passed\"", "\"failed\"", 1);
    let changed = write(folder.path(), "changed.jsonl", changed);
    let cut = write(folder.path(), "cut.jsonl", &text[..text.len() - 30]);
    let other = write(folder.path(), "other.jsonl", "{\"kind\":\"sample-set\"}\n");
    let run = lockstep(&["report", good, changed.to_str().unwrap(), other.to_str().unwrap()]);
    assert_eq!(run.status, 2, "{}", run.stderr);
    assert!(run.stderr.contains("changed.jsonl: line 10: expected a summary of"), "{}", run.stderr);
    assert!(run.stderr.contains("other.jsonl: line 1: expected a line of a Lockstep record"));
    assert!(run.stdout.contains("AGREED 9 tests"), "{}", run.stdout);
    let run = lockstep(&["report", cut.to_str().unwrap()]);
    assert!(run.stderr.contains("was interrupted"), "{}", run.stderr);
    let run = lockstep(&["report", "/nowhere.jsonl"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("cannot read /nowhere.jsonl"), "{}", run.stderr);
}
