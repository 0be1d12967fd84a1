//! Results as drivers of test runners read them: the rows of the shared runner interface, which are geth's, and
//! the lines of revme.

use crate::record::{CaseOutcome, Status, TestResult};
use alloy_primitives::B256;
use lockstep_formats::t8n::text_of_reason;
use lockstep_judge::{definition::SourceKind, difference::ShouldBe};
use lockstep_model::Mode;
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;

/// A test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its name in its file.
    pub name: String,
    /// Whether everything was as the test says.
    pub pass: bool,
    /// The root of the state after the test, as the executor has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_root: Option<B256>,
    /// Its fork.
    pub fork: String,
    /// Why it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The blocks that were rejected, whether or not the test expects it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rejections: Vec<RejectedBlock>,
}

/// A block that was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedBlock {
    /// Its place in the test, from zero.
    pub index: usize,
    /// Its hash, where it can be decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<B256>,
    /// The reason, in geth's words.
    pub error: String,
}

impl Row {
    /// The row of a test. Its result must hold outcomes.
    pub fn new(result: &TestResult) -> Self {
        let pass = result.status == Status::Passed;
        Self {
            name: result.source.name_in(&result.id).to_owned(),
            pass,
            state_root: last_state(result).map(|outcome| outcome.state_root),
            fork: result.fork.clone(),
            error: (!pass).then(|| error(result)),
            rejections: rejections(result),
        }
    }
}

/// The last block that is valid; a state test's only one, whatever came of it.
fn last_state(result: &TestResult) -> Option<&CaseOutcome> {
    if result.source == SourceKind::StateTest {
        return result.outcomes.last();
    }
    let is_valid = |outcome: &&CaseOutcome| outcome.rejected.is_none() && outcome.invalid.is_none();
    result.outcomes.iter().rev().find(is_valid)
}

fn rejections(result: &TestResult) -> Vec<RejectedBlock> {
    let of_block = |outcome: &CaseOutcome| {
        let reason = outcome.rejected.as_ref().or(outcome.invalid.as_ref())?;
        let (index, hash) = (outcome.block?, outcome.hash);
        Some(RejectedBlock { index, hash, error: text_of_reason(reason) })
    };
    result.outcomes.iter().filter_map(of_block).collect()
}

fn error(result: &TestResult) -> String {
    let differences = result.differences.iter().map(|difference| {
        let expected = match &difference.should_be {
            ShouldBe::Expected(value) | ShouldBe::Reference(value) => value,
        };
        let place = difference.block.map_or_else(String::new, |block| format!("block {block}: "));
        let (field, found) = (&difference.field, text_of_reason(&difference.candidate));
        format!("{place}{field}: expected {expected}, found {found}")
    });
    let reason = result.reason.clone().filter(|_| result.differences.is_empty());
    let reason = reason.map(|reason| match result.status {
        Status::Skipped => format!("skipped: {reason}"),
        _ => reason,
    });
    let parts: Vec<String> = reason.into_iter().chain(differences).collect();
    parts.join("; ")
}

/// How each block that was executed was executed: a line each, of `--bal-report`.
pub fn executions(result: &TestResult, scheduler: Option<&str>) -> Vec<Value> {
    let line = |outcome: &CaseOutcome| {
        let is_parallel = outcome.mode? != Mode::Sequential;
        let mut line = json!({
            "event": "balExecution",
            "block": outcome.number?,
            "hash": outcome.hash?,
            "path": if is_parallel { "parallel" } else { "sequential" },
            "reason": if is_parallel { "" } else { "disabled" },
        });
        if let Some(scheduler) = scheduler.filter(|_| is_parallel) {
            line["scheduler"] = json!(scheduler);
        }
        Some(line)
    };
    result.outcomes.iter().filter_map(line).collect()
}

/// The outcome line of revme's `statetest --json-outcome`.
pub fn revme_outcome(result: &TestResult) -> Value {
    let row = Row::new(result);
    let outcome = result.outcomes.last();
    let mut picked = picked(&result.id).into_iter();
    let mut pick = || picked.next().unwrap_or_default();
    json!({
        "stateRoot": row.state_root.unwrap_or_default(),
        "logsRoot": outcome.and_then(|outcome| outcome.logs_hash).unwrap_or_default(),
        "output": "0x",
        "gasUsed": outcome.map_or(0, |outcome| outcome.gas_used),
        "pass": row.pass,
        "errorMsg": row.error.unwrap_or_default(),
        "evmResult": outcome.and_then(|outcome| outcome.rejected.clone()).unwrap_or_default(),
        "postLogsHash": outcome.and_then(|outcome| outcome.logs_hash).unwrap_or_default(),
        "fork": row.fork,
        "test": row.name,
        "d": pick(),
        "g": pick(),
        "v": pick(),
    })
}

/// Data, gas and value of a state test, out of its id: `file::name[fork,d,g,v]`.
fn picked(id: &str) -> Vec<u64> {
    let inside = id.rsplit_once('[').and_then(|(_, rest)| rest.strip_suffix(']'));
    let numbers = inside.into_iter().flat_map(|inside| inside.split(',').skip(1));
    numbers.filter_map(|number| number.parse().ok()).collect()
}

/// The line of a test of revme's `btest --json`.
pub fn revme_test(result: &TestResult) -> Value {
    let row = Row::new(result);
    let file = result.id.split_once("::").map_or(&*result.id, |(file, _)| file);
    let status = if row.pass { "passed" } else { "failed" };
    let mut line = json!({ "test": row.name, "file": file, "status": status });
    if let Some(error) = row.error {
        line["error"] = json!(error);
    }
    line
}

/// The last line of revme's `btest --json`.
pub fn revme_summary(rows: &[Row], skipped: usize, took: Duration) -> Value {
    let passed = rows.iter().filter(|row| row.pass).count();
    json!({ "summary": {
        "passed": passed,
        "failed": rows.len() - passed,
        "skipped": skipped,
        "duration_secs": took.as_secs_f64(),
    }})
}
