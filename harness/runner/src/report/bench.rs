//! What `bench` prints: JSON lines, and a table for a person.

use crate::{
    bench::{Group, SampleSet},
    record::Verdict,
    source::SourceError,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt::Write as _};

/// One line of a record.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Line {
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

/// A table that grows row by row.
#[derive(Debug, Default)]
pub struct Table {
    sets: Vec<SampleSet>,
}

const MILLION: f64 = 1e6;

impl Table {
    /// Adds to the summary.
    pub fn add(&mut self, set: SampleSet) {
        self.sets.push(set);
    }

    /// The row of one sample set; before the first one, the head of the table.
    pub fn row(&self, set: &SampleSet) -> String {
        let mut text = String::new();
        if self.sets.is_empty() {
            let _ = writeln!(
                text,
                "{:<34} {:<14} {:>7} {:>7} {:>9} {:>9}  {:<21} {:>7} {:>11} {:>5} {:>5} {:>6} {:>8}",
                "block",
                "executor",
                "txs",
                "Mgas",
                "base ms",
                "ms",
                "speedup [interval]",
                "ceiling",
                "bound",
                "ref",
                "cpu",
                "memory",
                "again"
            );
        }
        let (base, ours) = set.medians();
        let label = format!("{}@{}", set.executor, set.threads);
        let _ = write!(
            text,
            "{:<34} {label:<14} {:>7} {:>7.1} {:>9.3} ",
            set.workload,
            set.transactions,
            set.gas as f64 / MILLION,
            base / MILLION
        );
        let (Some(speedup), Some(low), Some(high)) =
            (set.speedup, set.speedup_low, set.speedup_high)
        else {
            let reason = set.reason.as_deref().unwrap_or_default();
            let _ = writeln!(text, "{}: {reason}", verdict(set.verdict));
            return text;
        };
        let interval = format!("{speedup:.2}x [{low:.2} {high:.2}]");
        let times =
            |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}x"));
        let (memory, ceiling) = (times(set.memory_ratio()), times(set.ceiling()));
        let reference = times(set.reference_ratio());
        let bound = set.bound.map(|bound| bound.with(set.threads));
        let bound = bound.map_or("-".to_owned(), |bound| {
            format!("{:.2}/{:.2}x", bound.dependencies, bound.longest)
        });
        let _ = writeln!(
            text,
            "{:>9.3}  {interval:<21} {ceiling:>7} {bound:>11} {reference:>5} {:>4.2}x {memory:>6} {:>8}",
            ours / MILLION,
            set.processor_ratio(),
            set.re_executions
        );
        text + &storage_line(set) + &import_line(set)
    }

    /// All blocks of each executor together, where there are several.
    pub fn summary(&self) -> String {
        let mut by_executor: BTreeMap<(String, usize), Vec<&SampleSet>> = BTreeMap::new();
        for set in &self.sets {
            by_executor.entry((set.executor.clone(), set.threads)).or_default().push(set);
        }
        let mut text = String::new();
        for ((executor, threads), sets) in by_executor {
            let group = Group::of(sets.iter().copied());
            if sets.len() < 2 {
                continue;
            }
            let _ = writeln!(
                text,
                "{executor}@{threads}: {} blocks, {:.2}x in sum, {:.2}x in geometric mean, {:.2}x the \
                 slowest; {} slower than the baseline, {} without a speedup",
                group.blocks,
                group.sum,
                group.geometric_mean,
                group.slowest,
                group.slower,
                group.without
            );
        }
        text
    }
}

/// What is said below a row of storage other than memory.
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

/// What is said below a row of the import of the whole block.
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

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agreed => "agreed",
        Verdict::Diverged => "DIVERGED",
        Verdict::Inconclusive => "INCONCLUSIVE",
        Verdict::Hung => "HUNG",
    }
}
