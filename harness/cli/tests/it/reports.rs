//! Records, partitions and reports.

use crate::command::{built_in_tests, lockstep, write};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};
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

/// A record of nine tests, one of which has failed.
fn one_failed(folder: &Path) -> PathBuf {
    let out = folder.to_str().unwrap();
    assert_eq!(lockstep(&["check", "--filter", "call-star-1\\[", "--out", out]).status, 0);
    let text = std::fs::read_to_string(folder.join("check.jsonl")).unwrap();
    let tests: Vec<&str> = text.lines().filter(|line| line.contains("\"kind\":\"test\"")).collect();
    // Without its summary, which would contradict: as of a run that was interrupted.
    let failed = tests[0].replacen("\"passed\"", "\"failed\"", 1);
    let failed = failed.replacen("\"reason\":null", "\"reason\":\"planted\"", 1);
    let lines = [&[failed.as_str()][..], &tests[1..]].concat();
    write(folder, "failed.jsonl", lines.join("\n") + "\n")
}

fn finding(folder: &Path, signature: &str, block: Option<&str>) -> PathBuf {
    let finding = json!({"signature": signature, "replay": "lockstep fuzz --seed 1 --blocks 1", "version": "0",
        "seed": 1, "executor": "mine@2", "kind": "broke", "block": "generated::seed=1", "reason": "it broke"});
    if let Some(block) = block {
        let test = json!({"name": {"_info": {"comment": signature}, "block": block}});
        write(folder, &format!("{signature}.fixture.json"), test.to_string());
    }
    write(folder, &format!("{signature}.json"), finding.to_string())
}

fn report(format: &str, files: &[&PathBuf]) -> (i32, Value) {
    let files: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
    let run = lockstep(&[&["report", "--format", format][..], &files].concat());
    (
        run.status,
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stderr)),
    )
}

#[test]
fn each_bug_is_one_alert_whoever_has_found_it() {
    let folder = TempDir::new().unwrap();
    let failed = one_failed(folder.path());
    let first = finding(&folder.path().join("node-1"), "a", Some("0x01"));
    let second = finding(&folder.path().join("node-2"), "a", Some("0x01"));
    let other = finding(folder.path(), "b", None);
    let (status, sarif) = report("sarif", &[&failed, &first, &second, &other]);
    assert_eq!((status, &sarif["version"]), (1, &json!("2.1.0")));
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let of = |rule: &str| {
        let of_rule = results.iter().filter(|result| result["ruleId"] == rule);
        of_rule.collect::<Vec<_>>()
    };
    assert_eq!((results.len(), of("a").len(), of("b").len()), (3, 1, 1), "{sarif:#}");
    let file = |alert: &Value| {
        alert["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(file(of("a")[0]).ends_with("node-1/a.fixture.json"), "{sarif:#}");
    assert_eq!(of("b")[0]["partialFingerprints"]["lockstep/v1"], "b");
    // Of the same block, the digest is the same, whatever its name.
    let digest = &of("a")[0]["partialFingerprints"]["lockstep/v1"];
    assert_eq!(digest.as_str().unwrap().len(), 64);
}

#[test]
fn ctrf_counts_everything_and_lists_what_is_asked_for() {
    let folder = TempDir::new().unwrap();
    let failed = one_failed(folder.path());
    let (status, ctrf) = report("ctrf", &[&failed]);
    let summary = &ctrf["results"]["summary"];
    assert_eq!(
        (status, &summary["tests"], &summary["passed"], &summary["failed"]),
        (1, &json!(9), &json!(8), &json!(1))
    );
    assert_eq!(ctrf["results"]["tests"].as_array().unwrap().len(), 9);
    let run =
        lockstep(&["report", "--format", "ctrf", "--failures-only", failed.to_str().unwrap()]);
    let ctrf: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(&ctrf["results"]["summary"]["passed"], 8);
    let tests = ctrf["results"]["tests"].as_array().unwrap();
    assert_eq!((tests.len(), &tests[0]["message"]), (1, &json!("planted")));
}

#[test]
fn junit_is_split_and_may_leave_out_what_passed() {
    let folder = TempDir::new().unwrap();
    let failed = one_failed(folder.path());
    let (failed, out) = (failed.to_str().unwrap(), folder.path().join("all.xml"));
    let words = ["report", "--format", "junit", failed, "--out", out.to_str().unwrap()];
    assert_eq!(lockstep(&[&words[..], &["--most-tests", "4"]].concat()).status, 1);
    let part =
        |number: usize| std::fs::read_to_string(folder.path().join(format!("all-{number}.xml")));
    let cases: Vec<usize> =
        (1..=3).map(|number| part(number).unwrap().matches("<testcase").count()).collect();
    assert_eq!(cases, [4, 4, 1]);
    assert!(part(4).is_err() && !out.exists());
    assert!(part(1).unwrap().contains("tests=\"4\""));
    assert_eq!(lockstep(&[&words[..], &["--failures-only"]].concat()).status, 1);
    let text = std::fs::read_to_string(&out).unwrap();
    assert_eq!(text.matches("<testcase").count(), 1, "{text}");
    let left_out = text.split("passed, not listed\" value=\"").skip(1);
    let left_out = left_out.map(|rest| rest.split('"').next().unwrap().parse::<u32>().unwrap());
    assert_eq!(left_out.sum::<u32>(), 8, "{text}");
}

#[test]
fn logs_of_clients_are_read_and_never_ranked() {
    let folder = TempDir::new().unwrap();
    let line = json!({"level": "warn", "msg": "Slow block",
        "block": {"number": 7, "hash": "0xab", "gas_used": 21_000_000, "tx_count": 3},
        "timing": {"execution_ms": 12.5, "total_ms": 20.0}, "throughput": {"mgas_per_sec": 1050.0}});
    let text =
        format!("INFO something\nWARN [02-02|15:03:22.121] {line}\nWARN reth: Slow block hash=1\n");
    let log = write(folder.path(), "geth.log", text);
    let run = lockstep(&["report", "--format", "html", log.to_str().unwrap()]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(
        run.stderr.contains("1 lines tell of a slow block in a form that is not known"),
        "{}",
        run.stderr
    );
    let (_, table) = run.stdout.split_once("Blocks as clients tell of them</h2>").unwrap();
    assert!(table.contains("<td class=\"n\">1050.0</td>") && table.contains("12.500"), "{table}");
    assert!(!run.stdout.contains("id=\"leaderboard\""));
}

#[test]
fn what_clients_make_of_a_suite_and_mutants_stand_on_the_page() {
    let folder = TempDir::new().unwrap();
    let rows =
        json!([{"name": "a", "pass": true}, {"name": "b<script>", "pass": false, "error": "root"}]);
    let rows = write(folder.path(), "geth.json", rows.to_string());
    let mutants = json!([{"name": "one", "result": "fuzz"}, {"name": "two", "result": "survived"}]);
    let mutants = write(folder.path(), "mutants.json", mutants.to_string());
    let files = [rows.to_str().unwrap(), mutants.to_str().unwrap()];
    let run = lockstep(&[&["report", "--format", "html"][..], &files].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stdout.contains("1 of 2 viable mutants"), "{}", run.stdout);
    let (_, suites) = run.stdout.split_once("id=\"suites\"").unwrap();
    assert!(
        suites.contains("geth.json") && suites.contains("<code>b&#60;script&#62;</code>: root"),
        "{suites}"
    );
    let run = lockstep(&[&["report"][..], &files].concat());
    assert!(run.stdout.contains("geth.json: 1 passed, 1 failed"), "{}", run.stdout);
}
