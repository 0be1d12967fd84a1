//! JSON lines: one object for each test, and the summary last.

use crate::{
    compare::Difference,
    record::{ExecutorTotals, PackedTotals, Record, Status, TestResult, Verdict},
    source::pack::Packing,
    test::SourceKind,
};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct TestLine<'a> {
    kind: &'static str,
    id: &'a str,
    source: SourceKind,
    fork: &'a str,
    status: Status,
    verdict: Option<Verdict>,
    reason: Option<&'a str>,
    differences: &'a [Difference],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    undecidable: &'a [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    packed: Option<PackedLine<'a>>,
}

#[derive(Serialize)]
struct PackedLine<'a> {
    mode: &'static str,
    transactions: usize,
    left_out: usize,
    members: &'a [String],
}

#[derive(Serialize)]
struct SummaryLine<'a> {
    kind: &'static str,
    #[serde(flatten)]
    counts: crate::record::Counts,
    unreadable: usize,
    seconds: f64,
    interrupted: bool,
    executors: &'a BTreeMap<String, ExecutorTotals>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packing: Option<Packing>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    packed: &'a BTreeMap<&'static str, PackedTotals>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    complaints: &'a [String],
}

/// The line of a test, without the line end.
pub fn test_line(result: &TestResult) -> String {
    let line = TestLine {
        kind: "test",
        id: &result.id,
        source: result.source,
        fork: &result.fork,
        status: result.status,
        verdict: result.verdict,
        reason: result.reason.as_deref(),
        differences: &result.differences,
        undecidable: &result.undecidable,
        packed: result.packed.as_ref().map(|packed| PackedLine {
            mode: packed.mode,
            transactions: packed.members.len(),
            left_out: packed.left_out,
            members: &packed.members,
        }),
    };
    serde_json::to_string(&line).expect("strings and numbers")
}

/// The summary line, without the line end.
pub fn summary_line(record: &Record) -> String {
    let line = SummaryLine {
        kind: "summary",
        counts: record.counts,
        unreadable: record.unreadable.len(),
        seconds: record.elapsed.as_secs_f64(),
        interrupted: record.interrupted,
        executors: &record.executors,
        packing: record.packing,
        packed: &record.packed,
        complaints: &record.complaints,
    };
    serde_json::to_string(&line).expect("strings and numbers")
}
