//! The record of `bench`: its lines, and a table for the terminal.

use crate::{
    record::Verdict,
    samples::{Circumstances, Group, SCHEMA, SampleSet, Shares},
};
use lockstep_cases::workload::{Size, Workload};
use lockstep_formats::SourceError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt::Write as _};

/// One line of a record.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Line {
    /// The first line: it holds for all that follow.
    Circumstances(Box<Circumstances>),
    /// Samples of one executor on one block.
    SampleSet(Box<SampleSet>),
    /// A block on which nothing could be measured.
    Failed {
        /// The block.
        workload: String,
        /// Why.
        reason: String,
    },
    /// A test that was not measured.
    Skipped {
        /// The test.
        workload: String,
        /// Why.
        reason: String,
    },
    /// An input that could not be read.
    Unreadable(SourceError),
    /// The last: a record without it was cut short.
    End {
        /// Whether it was ended early.
        interrupted: bool,
    },
}

impl Line {
    /// As one line of JSON.
    ///
    /// # Panics
    /// Never: there is nothing in it that JSON cannot hold.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("plain data")
    }
}

/// All that was measured in one go.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// The circumstances of all of it.
    pub circumstances: Circumstances,
    /// In the order in which they were measured.
    pub sets: Vec<SampleSet>,
    /// Blocks on which nothing could be measured, and why.
    pub failed: Vec<(String, String)>,
    /// Tests that were not measured, and why.
    pub skipped: Vec<(String, String)>,
    /// Inputs that could not be read.
    pub unreadable: Vec<SourceError>,
    /// Whether it was ended early.
    pub interrupted: bool,
    /// Whether it lacks its end.
    pub cut_short: bool,
}

/// Why a text is no record.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Its first line is something else.
    #[error(
        "line 1: expected the circumstances of a measurement: {0}; is it a file that `lockstep bench --out` wrote?"
    )]
    NotARecord(String),
    /// It is of another version.
    #[error(
        "line 1: schema {found}, expected {SCHEMA}: another version of lockstep wrote it; measure again, or use that version"
    )]
    Schema {
        /// The schema version that it states.
        found: u64,
    },
    /// A line in the middle cannot be read.
    #[error("line {line}: {problem}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// The problem: the expected and the found content.
        problem: String,
    },
}

impl Record {
    /// Adds a line.
    pub fn add(&mut self, line: Line) {
        match line {
            Line::Circumstances(circumstances) => self.circumstances = *circumstances,
            Line::SampleSet(set) => self.sets.push(*set),
            Line::Failed { workload, reason } => self.failed.push((workload, reason)),
            Line::Skipped { workload, reason } => self.skipped.push((workload, reason)),
            Line::Unreadable(error) => self.unreadable.push(error),
            Line::End { interrupted } => self.interrupted |= interrupted,
        }
    }

    /// The lines that it was read from, in an order of its own.
    pub fn lines(&self) -> Vec<Line> {
        let two = |pairs: &[(String, String)], line: fn((String, String)) -> Line| {
            pairs.iter().cloned().map(line).collect::<Vec<_>>()
        };
        let mut lines = vec![Line::Circumstances(Box::new(self.circumstances.clone()))];
        lines.extend(self.sets.iter().map(|set| Line::SampleSet(Box::new(set.clone()))));
        lines.extend(two(&self.failed, |(workload, reason)| Line::Failed { workload, reason }));
        lines.extend(two(&self.skipped, |(workload, reason)| Line::Skipped { workload, reason }));
        lines.extend(self.unreadable.iter().cloned().map(Line::Unreadable));
        if !self.cut_short {
            lines.push(Line::End { interrupted: self.interrupted });
        }
        lines
    }

    /// Whether something in it failed.
    pub fn is_wrong(&self) -> bool {
        !self.failed.is_empty() || self.sets.iter().any(|set| set.verdict != Verdict::Agreed)
    }

    /// Reads a record. One that was cut short is accepted, with `cut_short` set.
    ///
    /// # Errors
    /// When it is none, or is of another version.
    pub fn read(text: &str) -> Result<Self, RecordError> {
        let mut lines = text.lines().enumerate().peekable();
        let (_, first) = lines.next().unwrap_or_default();
        let mut record = Self { cut_short: true, ..Self::default() };
        record.add(first_line(first)?);
        while let Some((index, line)) = lines.next() {
            match serde_json::from_str::<Line>(line) {
                Ok(line) => {
                    record.cut_short = !matches!(line, Line::End { .. });
                    record.add(line);
                }
                // The writer was stopped in the middle of the line.
                Err(_) if lines.peek().is_none() && !text.ends_with('\n') => {
                    record.cut_short = true
                }
                Err(problem) => {
                    return Err(RecordError::Line {
                        line: index + 1,
                        problem: problem.to_string(),
                    });
                }
            }
        }
        Ok(record)
    }

    /// Whether a text begins as a record does.
    pub fn is_one(text: &str) -> bool {
        crate::first_line(text)["kind"] == "circumstances"
    }
}

/// The version decides before anything else is looked at.
fn first_line(text: &str) -> Result<Line, RecordError> {
    let not_a_record = |problem: serde_json::Error| RecordError::NotARecord(problem.to_string());
    let line: serde_json::Value = serde_json::from_str(text).map_err(not_a_record)?;
    match line["schema"].as_u64() {
        Some(found) if found != u64::from(SCHEMA) => Err(RecordError::Schema { found }),
        _ if line["kind"] != "circumstances" => {
            Err(RecordError::NotARecord(format!("found kind {}", line["kind"])))
        }
        _ => serde_json::from_value(line).map_err(not_a_record),
    }
}

/// A table that grows row by row.
#[derive(Debug, Default)]
pub struct Table {
    has_head: bool,
}

const MILLION: f64 = 1e6;

impl Table {
    /// The row of one sample set; before the first one, the head of the table.
    pub fn row(&mut self, set: &SampleSet) -> String {
        let mut text = String::new();
        if !self.has_head {
            self.has_head = true;
            let _ = writeln!(
                text,
                "{:<38} {:<14} {:>6} {:>7} {:>9}  {:<21} {:>6} {:>7} {:>11} {:>5} {:>5} {:>5} {:>6} {:>6} {:>7}",
                "block",
                "executor",
                "txs",
                "Mgas",
                "ms",
                "speedup [interval]",
                "A/A",
                "ceiling",
                "bound",
                "share",
                "ref",
                "cpu",
                "memory",
                "again",
                "Mgas/s"
            );
        }
        let label = format!("{}@{}", set.executor, set.threads);
        let _ = write!(
            text,
            "{:<38} {label:<14} {:>6} {:>7.1} ",
            name(set),
            set.transactions,
            set.gas as f64 / MILLION,
        );
        let (Some(_), Some(speedup)) = (set.speedup, speedup(set)) else {
            let reason = set.reason.as_deref().unwrap_or_default();
            let _ = writeln!(text, "{}: {reason}", verdict(set.verdict));
            return text;
        };
        let times =
            |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}x"));
        let (memory, ceiling) = (times(set.memory_ratio()), times(set.ceiling()));
        let reference = times(set.reference_ratio());
        let bound = set.bound.map(|bound| bound.with(set.threads));
        let bound = bound.map_or("-".to_owned(), |bound| {
            format!("{:.2}/{:.2}x", bound.dependencies, bound.longest)
        });
        let share = set.reached().map_or("-".to_owned(), percent);
        let _ = writeln!(
            text,
            "{:>9.3}  {speedup:<21} {:>5.2}x {ceiling:>7} {bound:>11} {share:>5} {reference:>5} {:>4.2}x {memory:>6} {:>6} {:>7.0}",
            set.medians().1 / MILLION,
            set.control,
            set.processor_ratio(),
            set.re_executions,
            set.gas_per_second() / MILLION,
        );
        text + &storage_line(set) + &import_line(set)
    }

    /// All blocks of each executor together, where there are several.
    pub fn summary(sets: &[SampleSet]) -> String {
        let mut groups: BTreeMap<(&str, &str, usize), Vec<&SampleSet>> = BTreeMap::new();
        for set in sets {
            groups.entry((&set.place, &set.executor, set.threads)).or_default().push(set);
        }
        let mut text = String::new();
        for ((place, executor, threads), sets) in groups {
            let group = Group::of(sets.iter().copied());
            if sets.len() < 2 {
                continue;
            }
            let place = if place == "memory" { String::new() } else { format!(" ({place})") };
            let speedups = speedups_of(&group);
            let Group { slower, noisy, without, .. } = group;
            let _ = writeln!(
                text,
                "{executor}@{threads}{place}: {speedups}; {slower} slower than the baseline, {noisy} too \
                 noisy to tell, {without} without a speedup",
            );
            if let Some(Shares { geometric_mean, sum, worst }) = group.shares {
                let [mean, sum, worst] = [geometric_mean, sum, worst].map(percent);
                let _ = writeln!(
                    text,
                    "    share of the limit: geometric mean {mean}, in sum {sum}, worst {worst}"
                );
            }
        }
        text
    }
}

/// The combined speedup of the blocks that have one.
fn percent(part: f64) -> String {
    format!("{:.0} %", 100.0 * part)
}

fn speedups_of(group: &Group) -> String {
    if group.blocks == 0 {
        return "no block with a speedup".to_owned();
    }
    format!(
        "{} blocks, {:.2}x in sum, {:.2}x [{:.2} {:.2}] in geometric mean, {:.2}x the slowest",
        group.blocks,
        group.sum,
        group.geometric_mean,
        group.interval.0,
        group.interval.1,
        group.slowest
    )
}

/// The block's name in a table. A built-in workload's omits everything that follows from the rest of the row.
pub fn name(set: &SampleSet) -> String {
    let name = match Workload::of_id(&set.workload) {
        Some((workload, Size { contention: Some(contention), .. })) => {
            format!("{}, {contention}", workload.name)
        }
        Some((workload, _)) => workload.name.to_owned(),
        // Perhaps a workload of another version.
        None => match set.workload.strip_prefix("workload::").and_then(|id| id.split_once('[')) {
            Some((name, _)) => name.to_owned(),
            None => set.workload.clone(),
        },
    };
    if set.place == "memory" || set.place.is_empty() {
        name
    } else {
        format!("{name} ({})", set.place)
    }
}

/// The speedup with its interval; on a noisy machine the interval alone. `None` where there is none.
pub fn speedup(set: &SampleSet) -> Option<String> {
    let (speedup, low, high) = (set.speedup?, set.speedup_low?, set.speedup_high?);
    Some(if set.noisy {
        format!("noisy: {low:.2} to {high:.2}x")
    } else {
        format!("{speedup:.2}x [{low:.2} {high:.2}]")
    })
}

/// The line below a row of storage other than memory.
fn storage_line(set: &SampleSet) -> String {
    let Some(storage) = set.storage else { return String::new() };
    let read = storage.read_ns.map(|ns| format!("a read takes {:.1} µs", ns as f64 / 1e3));
    let device = storage.device_bytes.map(|bytes| match bytes {
        0 => "everything was in the page cache".to_owned(),
        bytes => format!("the device delivered {bytes} bytes"),
    });
    let facts: Vec<String> = read.into_iter().chain(device).collect();
    if facts.is_empty() { String::new() } else { format!("  storage: {}\n", facts.join("; ")) }
}

/// The line below a row on the import of the whole block.
fn import_line(set: &SampleSet) -> String {
    if let Some(reason) = &set.no_import {
        return format!("  import: not measured: {reason}\n");
    }
    let stages = set.stage_speedups();
    let stages: Vec<String> = stages
        .into_iter()
        .map(|(name, speedup)| {
            format!("{name} {:.2}x [{:.2} {:.2}]", speedup.median, speedup.low, speedup.high)
        })
        .collect();
    if stages.is_empty() { String::new() } else { format!("  {}\n", stages.join(", ")) }
}

/// A verdict in a table.
pub const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agreed => "agreed",
        Verdict::Diverged => "DIVERGED",
        Verdict::Inconclusive => "INCONCLUSIVE",
        Verdict::Hung => "HUNG",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_figures_are_made_of_no_block() {
        assert_eq!(speedups_of(&Group::of([])), "no block with a speedup");
    }
}
