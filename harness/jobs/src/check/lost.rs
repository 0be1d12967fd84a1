//! Results of tests that took their worker with them.

use super::lane::TestName;
use lockstep_model::Telemetry;
use lockstep_report::record::{Cases, Run, Status, TestResult, Verdict};
use std::time::Duration;

/// The result of a test whose run did not end, on top of its partial result.
pub(super) fn hung(
    test: TestName,
    executor: &str,
    limit: Duration,
    so_far: Option<TestResult>,
) -> TestResult {
    let text = format!("hung: {executor} did not end within {} s", limit.as_secs_f64());
    let time_ns = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
    let mut result = lost(test, (Verdict::Hung, text), so_far);
    result.runs.push(Run {
        executor: executor.to_owned(),
        verdict: Verdict::Hung,
        telemetry: Telemetry::default(),
    });
    TestResult { time_ns: result.time_ns.max(time_ns), ..result }
}

/// The result of a test that ended its worker, on top of its partial result.
pub(super) fn crashed(
    test: TestName,
    executor: &str,
    how: &str,
    so_far: Option<TestResult>,
) -> TestResult {
    let text = format!("executor crashed: {executor}: {how}");
    lost(test, (Verdict::Inconclusive, text), so_far)
}

/// A divergence that was found before stands.
fn lost(
    test: TestName,
    (verdict, text): (Verdict, String),
    so_far: Option<TestResult>,
) -> TestResult {
    if let Some(mut result) = so_far {
        if result.verdict != Some(Verdict::Diverged) {
            result.verdict = Some(verdict);
        }
        result.reason = result.reason.map(|reason| format!("{reason}; {text}"));
        result.cases.add(verdict);
        return result;
    }
    TestResult {
        id: test.id,
        origin: test.origin,
        source: test.source,
        fork: test.fork,
        status: Status::Failed,
        verdict: Some(verdict),
        reason: Some(text),
        differences: Vec::new(),
        undecidable: Vec::new(),
        time_ns: 0,
        cases: Cases::of(verdict),
        runs: Vec::new(),
        packed: None,
        outcomes: Vec::new(),
        roots: None,
    }
}
