//! Results, in the form that the driver reads.

use super::Asked;
use crate::{args::Results, output};
use lockstep_formats::OtherFile;
use lockstep_judge::definition::SourceKind;
use lockstep_report::{
    record::{Status, TestResult},
    runner::{Row, executions, revme_outcome, revme_summary, revme_test},
};
use serde_json::json;
use std::{collections::BTreeMap, time::Instant};

/// Writes results; keeps rows until there are all of them.
pub(super) struct Writer<'a> {
    asked: Asked<'a>,
    rows: Vec<(String, Row)>,
    skipped: usize,
    problems: usize,
    /// Files without tests of the kind that is run: how many by reason, and the first.
    others: BTreeMap<String, (usize, String)>,
    started: Instant,
}

impl<'a> Writer<'a> {
    pub(super) fn new(asked: Asked<'a>) -> Self {
        Self {
            asked,
            rows: Vec::new(),
            skipped: 0,
            problems: 0,
            others: BTreeMap::new(),
            started: Instant::now(),
        }
    }

    pub(super) fn test(&mut self, result: &TestResult) {
        if self.asked.common.bal_report {
            let scheduler = scheduler(&self.asked.common.executor);
            for line in executions(result, scheduler) {
                output::err(&format!("{line}\n"));
            }
        }
        let row = Row::new(result);
        let is_state_test = self.asked.source == SourceKind::StateTest;
        match self.asked.results {
            Results::Revme if is_state_test => output::err(&format!("{}\n", revme_outcome(result))),
            Results::Revme => output::out(&format!("{}\n", revme_test(result))),
            Results::Geth if is_state_test => self.state_root(&row),
            Results::Array if self.asked.trace.is_some() => self.state_root(&row),
            Results::Geth | Results::Array => {}
        }
        self.skipped += usize::from(result.status == Status::Skipped);
        self.rows.push((result.id.clone(), row));
    }

    fn state_root(&self, row: &Row) {
        let line = json!({ "stateRoot": row.state_root.unwrap_or_default() }).to_string();
        output::err(&(line.replacen(':', ": ", 1) + "\n"));
    }

    pub(super) fn other(&mut self, other: OtherFile) {
        let entry = self.others.entry(other.reason.into_owned());
        entry.or_insert_with(|| (0, other.file)).0 += 1;
    }

    pub(super) fn problem(&mut self, text: &str) {
        self.problems += 1;
        output::error(text);
    }

    pub(super) const fn has_problems(&self) -> bool {
        self.problems > 0
    }

    /// Whether a failed test shows in the exit status.
    pub(super) fn has_failed(&self) -> bool {
        self.asked.results == Results::Revme && self.rows.iter().any(|(_, row)| !row.pass)
    }

    /// Writes what belongs at the end, in order of names. False where nothing ran.
    pub(super) fn finish(&mut self) -> bool {
        for (reason, (count, first)) in &self.others {
            let more =
                if *count > 1 { format!(" and {} more files", count - 1) } else { String::new() };
            output::err(&format!("not run: {first}{more}: {reason}\n"));
        }
        self.rows.sort_by(|(one, _), (other, _)| one.cmp(other));
        let rows: Vec<Row> = self.rows.iter().map(|(_, row)| row.clone()).collect();
        let array = || serde_json::to_string_pretty(&rows).expect("strings and numbers") + "\n";
        match self.asked.results {
            Results::Array | Results::Geth => output::out(&array()),
            Results::Revme if self.asked.source == SourceKind::StateTest => {}
            Results::Revme => {
                let summary = revme_summary(&rows, self.skipped, self.started.elapsed());
                output::out(&format!("{summary}\n"));
            }
        }
        rows.len() > self.skipped
    }
}

/// How one of our executors finds what can run at once.
fn scheduler(executor: &str) -> Option<&'static str> {
    match executor {
        "access_list" => Some("bal"),
        "block_stm" | "repair" => Some("optimistic"),
        _ => None,
    }
}
