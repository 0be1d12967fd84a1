//! CTRF, the Common Test Report Format: JSON, as summaries of GitHub and others read it (<https://ctrf.io>).

use crate::{
    bench::{name, verdict},
    board::Board,
    record::{Status, TestResult, Verdict},
};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// The version of the format.
const SPEC: &str = "0.0.0";

/// The most characters of a trace.
const MOST_TRACE: usize = 4_000;

/// Tests, and runs of measurements. With `failures_only`, passed tests are counted, not listed.
pub fn render(board: &Board, tests: &[TestResult], failures_only: bool, version: &str) -> Value {
    let listed = tests.iter().filter(|test| !failures_only || test.status != Status::Passed);
    let mut rows: Vec<Value> = listed.map(of_test).collect();
    let count =
        |statuses: &[Status]| tests.iter().filter(|test| statuses.contains(&test.status)).count();
    let (mut all, mut passed, mut failed) =
        (tests.len(), count(&[Status::Passed]), count(&[Status::Failed]));
    for (_, set) in board.sets() {
        let is_right = set.verdict == Verdict::Agreed;
        all += 1;
        *(if is_right { &mut passed } else { &mut failed }) += 1;
        if is_right && failures_only {
            continue;
        }
        let name = format!("{} {}@{}", name(set), set.executor, set.threads);
        let mut row = json!({ "name": name, "suite": ["bench"], "duration": 0,
            "status": if is_right { "passed" } else { "failed" } });
        if !is_right {
            let reason = set.reason.as_deref().unwrap_or_default();
            row["message"] = format!("{}: {reason}", verdict(set.verdict)).into();
        }
        rows.push(row);
    }
    for (_, record) in &board.checks {
        let problems = record.unreadable.iter().map(ToString::to_string);
        for text in problems.chain(record.complaints.iter().cloned()) {
            all += 1;
            failed += 1;
            rows.push(
                json!({ "name": "the run", "status": "failed", "duration": 0, "message": text }),
            );
        }
    }
    for found in &board.found {
        all += 1;
        failed += 1;
        let message = format!("{}\nreproduce: {}", found.text(), found.replay);
        rows.push(json!({ "name": found.signature, "suite": ["findings"], "status": "failed", "duration": 0,
            "message": message, "filePath": found.file }));
    }
    let elapsed: u64 =
        board.checks.iter().map(|(_, record)| record.elapsed.as_millis() as u64).sum();
    let stop = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as u64);
    json!({
        "reportFormat": "CTRF",
        "specVersion": SPEC,
        "results": {
            "tool": { "name": "lockstep", "version": version },
            "summary": {
                "tests": all,
                "passed": passed,
                "failed": failed,
                "pending": 0,
                "skipped": count(&[Status::Skipped]),
                // They miss an expectation for a reviewed reason.
                "other": count(&[Status::Known, Status::Outdated]),
                "start": stop.saturating_sub(elapsed),
                "stop": stop,
            },
            "tests": rows,
        },
    })
}

fn of_test(test: &TestResult) -> Value {
    let status = match test.status {
        Status::Passed => "passed",
        Status::Failed => "failed",
        Status::Skipped => "skipped",
        Status::Known | Status::Outdated => "other",
    };
    let suite = [test.source.name().to_owned(), test.fork.clone()];
    let mut row = json!({ "name": test.id, "status": status, "suite": suite,
        "duration": test.time_ns / 1_000_000 });
    if let Some(reason) = &test.reason {
        row["message"] = reason.as_str().into();
    }
    if !test.differences.is_empty() {
        let lines: Vec<String> = test.differences.iter().map(ToString::to_string).collect();
        let trace: String = lines.join("\n").chars().take(MOST_TRACE).collect();
        row["trace"] = trace.into();
    }
    if !test.origin.is_empty() {
        row["filePath"] = test.origin.as_str().into();
    }
    row
}
