//! What there is to see of a run of `check`.

use super::{LONGEST, cut, fuzz::worker};
use lockstep_jobs::AtWork;
use lockstep_live::{
    View,
    view::{Finding, Tile},
};
use lockstep_report::record::{Record, Status, TestResult, Verdict};

/// Fills in what the workers are at.
pub(crate) fn at_work(view: &mut View, at_work: &[AtWork]) {
    view.workers = at_work.iter().map(|at| worker(at, "thread")).collect();
}

/// Fills in how far a run is.
pub(crate) fn judged(view: &mut View, seconds: f64, record: &Record) {
    let counts = record.counts;
    view.progress(seconds, counts.tests as u64);
    let re_executions: u64 = record.executors.values().map(|totals| totals.re_executions).sum();
    view.tiles = [
        ("passed", counts.passed),
        ("failed", counts.failed),
        ("known failures", counts.known),
        ("outdated", counts.outdated),
        ("skipped", counts.skipped),
        ("inputs that cannot be read", record.unreadable.len()),
    ]
    .into_iter()
    .map(|(name, count)| Tile::new(name, count))
    .chain([Tile::new("re-executions", re_executions)])
    .collect();
    view.problems.clear();
    let unreadable = record.unreadable.iter().map(ToString::to_string);
    unreadable.chain(record.complaints.iter().cloned()).for_each(|text| view.problem(text));
}

/// A failed test, as it is shown; `None` for another one.
pub(crate) fn failed(result: &TestResult, seen: String, replay: String) -> Option<Finding> {
    if result.status != Status::Failed {
        return None;
    }
    let differences = result.differences.iter().map(ToString::to_string);
    let texts: Vec<String> = result.reason.clone().into_iter().chain(differences).collect();
    let wrong = result.runs.iter().find(|run| run.verdict != Verdict::Agreed);
    Some(Finding {
        signature: format!("{} {}", result.origin, result.id),
        executor: wrong.map_or_else(|| "-".to_owned(), |run| run.executor.clone()),
        kind: result.failure().to_owned(),
        trial: result.id.clone(),
        text: cut(&texts.join("\n"), LONGEST),
        replay,
        seen,
        count: 1,
        change: 0,
    })
}
