//! What there is to see of a measurement.

use super::{LONGEST, after, cut};
use lockstep_live::{
    View,
    view::{Finding, Worker},
};
use lockstep_report::{
    bench::{Line, name, speedup, verdict},
    record::Verdict,
    samples::SampleSet,
    terminal::quoted,
};
use std::env;

/// Columns of the table of results.
const COLUMNS: [&str; 7] =
    ["block", "executor", "txs", "Mgas", "speedup", "share of the limit", "again"];

/// A block begins.
pub(crate) fn began(view: &mut View, block: &str) {
    let executor = "all executors, in turn".to_owned();
    view.workers = vec![Worker { name: "measured".to_owned(), executor, trial: block.to_owned() }];
}

/// Takes a line of the record.
pub(crate) fn measured(view: &mut View, seconds: f64, line: &Line) {
    match line {
        Line::SampleSet(set) => {
            let done = view.done + 1;
            view.progress(seconds, done);
            (view.table.name, view.table.columns) = ("Results", COLUMNS.to_vec());
            view.table.push(row(set));
            if set.verdict != Verdict::Agreed {
                view.find(wrong(set, after(seconds), again(&set.workload)));
            }
        }
        Line::Failed { workload, reason } => view.problem(format!("{workload}: {reason}")),
        Line::Unreadable(error) => view.problem(error.to_string()),
        Line::Circumstances(_) | Line::Skipped { .. } | Line::End { .. } => {}
    }
}

fn row(set: &SampleSet) -> Vec<String> {
    let told = speedup(set).unwrap_or_else(|| verdict(set.verdict).to_owned());
    let share =
        set.reached().map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", 100.0 * share));
    vec![
        name(set),
        format!("{}@{}", set.executor, set.threads),
        set.transactions.to_string(),
        format!("{:.1}", set.gas as f64 / 1e6),
        told,
        share,
        set.re_executions.to_string(),
    ]
}

/// A wrong executor has no speedup: it has a finding.
pub(crate) fn wrong(set: &SampleSet, seen: String, replay: String) -> Finding {
    let (executor, trial) = (format!("{}@{}", set.executor, set.threads), name(set));
    Finding {
        signature: format!("{trial} {executor}"),
        kind: verdict(set.verdict).to_lowercase(),
        text: cut(set.reason.as_deref().unwrap_or_default(), LONGEST),
        replay,
        seen,
        count: 1,
        change: 0,
        executor,
        trial,
    }
}

/// The command of this process, for one block.
fn again(block: &str) -> String {
    let words: Vec<String> = env::args().map(|word| quoted(&word)).collect();
    format!("{} --filter {}", words.join(" "), quoted(&format!("^{}$", regex::escape(block))))
}
