//! The tally of a campaign.

use super::{Checked, Done};
use crate::{AtWork, finding::Finding};
use lockstep_cases::generate::{Features, Shape};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

/// Sums over checked blocks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sums {
    /// Blocks that were checked.
    pub blocks: u64,
    /// Blocks in the deep lane.
    pub deep: u64,
    /// Blocks that the reference accepted.
    pub accepted: u64,
    /// Transactions in all blocks.
    pub transactions: u64,
    /// Transactions of accepted blocks.
    pub executed: u64,
    /// Transactions that succeeded.
    pub succeeded: u64,
    /// Re-executions that candidates told of.
    pub re_executions: u64,
    /// Runs of clients, without those that do not support the block.
    #[serde(default)]
    pub by_clients: u64,
    /// Runs of candidates that do not support the block.
    pub unsupported: u64,
    /// Runs of candidates that gave no changes of each transaction where the fork needs them.
    pub without_states: u64,
    /// Blocks by how much of them depends on what comes before: none, up to a quarter, a half, three
    /// quarters, and more; of those in the deep lane.
    pub conflicts: [u64; 5],
    /// Features of all blocks.
    pub features: Features,
    /// Shapes of all blocks.
    pub shapes: BTreeSet<Shape>,
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            blocks: 0,
            deep: 0,
            accepted: 0,
            transactions: 0,
            executed: 0,
            succeeded: 0,
            re_executions: 0,
            by_clients: 0,
            unsupported: 0,
            without_states: 0,
            conflicts: [0; 5],
            features: Features::none(),
            shapes: BTreeSet::new(),
        }
    }
}

impl Sums {
    /// Adds a block.
    pub(super) fn add(&mut self, checked: &Checked) {
        self.blocks += 1;
        self.deep += u64::from(checked.is_deep);
        self.accepted += u64::from(checked.is_accepted);
        self.transactions += checked.transactions;
        self.executed += checked.executed;
        self.succeeded += checked.succeeded;
        self.re_executions += checked.re_executions;
        self.by_clients += checked.by_clients;
        self.unsupported += checked.unsupported;
        self.without_states += checked.without_states;
        if let Some(dependent) = checked.dependent {
            self.conflicts[degree(dependent, checked.transactions)] += 1;
        }
        self.features = self.features.with(checked.features);
        self.shapes.insert(checked.shape);
    }

    /// Adds the sums over other blocks.
    fn extend(&mut self, others: &Self) {
        self.blocks += others.blocks;
        self.deep += others.deep;
        self.accepted += others.accepted;
        self.transactions += others.transactions;
        self.executed += others.executed;
        self.succeeded += others.succeeded;
        self.re_executions += others.re_executions;
        self.by_clients += others.by_clients;
        self.unsupported += others.unsupported;
        self.without_states += others.without_states;
        for (sum, other) in self.conflicts.iter_mut().zip(others.conflicts) {
            *sum += other;
        }
        self.features = self.features.with(others.features);
        self.shapes.extend(&others.shapes);
    }
}

/// A campaign so far.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Over all blocks.
    pub sums: Sums,
    /// Workers that hung, and were ended.
    pub hung: u64,
    /// Workers that were killed from outside; their seeds were checked again.
    pub killed: u64,
    /// By signature.
    pub findings: BTreeMap<String, Found>,
    /// Every seed below this is done.
    pub next_seed: u64,
    /// For how long the campaign has run, without pauses; known when it is over.
    pub elapsed: Duration,
}

impl Tally {
    /// An empty tally, before this seed.
    pub fn new(seed: u64) -> Self {
        let (sums, findings) = (Sums::default(), BTreeMap::new());
        Self { sums, hung: 0, killed: 0, findings, next_seed: seed, elapsed: Duration::ZERO }
    }

    /// Adds checked blocks. Gives the findings whose signature is new.
    pub(super) fn add(&mut self, done: Done) -> Vec<Finding> {
        self.sums.extend(&done.sums);
        done.findings.into_iter().filter_map(|finding| self.add_finding(finding)).collect()
    }

    /// Gives it back where its signature is new.
    pub(super) fn add_finding(&mut self, finding: Finding) -> Option<Finding> {
        let found = self.findings.entry(finding.signature()).or_default();
        found.count += 1;
        if found.representatives.len() < MOST_REPRESENTATIVES {
            found.representatives.push(finding.clone());
        }
        (found.count == 1).then_some(finding)
    }
}

/// Findings of one signature that are kept.
pub const MOST_REPRESENTATIVES: usize = 5;

/// Findings of one signature.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// How many there were.
    pub count: u64,
    /// The first of them.
    pub representatives: Vec<Finding>,
}

/// In which fifth of [`Sums::conflicts`] a block belongs.
fn degree(dependent: u64, transactions: u64) -> usize {
    (4 * dependent).div_ceil(transactions.max(1)).min(4) as usize
}

/// One line on where a campaign is.
#[derive(Debug, Clone, Copy)]
pub struct Status<'a> {
    /// Its tally so far.
    pub tally: &'a Tally,
    /// For how long it has run, without pauses.
    pub elapsed: Duration,
    /// What each worker was at, a moment ago.
    pub at_work: &'a [AtWork],
}

impl<'a> Status<'a> {
    /// That of a campaign that is over.
    pub const fn at_end(tally: &'a Tally) -> Self {
        Self { tally, elapsed: tally.elapsed, at_work: &[] }
    }
}

impl fmt::Display for Status<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tally, sums) = (self.tally, &self.tally.sums);
        let rate = |count: u64| count as f64 / self.elapsed.as_secs_f64().max(1e-3);
        let share = |part: u64, of: u64| 100.0 * part as f64 / of.max(1) as f64;
        write!(
            f,
            "{} blocks ({:.0}/s, {} deep), {} transactions ({:.0}/s, {:.1} a block, {:.0} % succeed), \
             {:.0} % of blocks accepted; {} of {} features, {} of {} shapes; {} re-executions; \
             {} findings of {} kinds",
            sums.blocks,
            rate(sums.blocks),
            sums.deep,
            sums.transactions,
            rate(sums.transactions),
            sums.transactions as f64 / sums.blocks.max(1) as f64,
            share(sums.succeeded, sums.executed),
            share(sums.accepted, sums.blocks),
            sums.features.iter().count(),
            Features::all().iter().count(),
            sums.shapes.len(),
            Shape::ALL.len(),
            sums.re_executions,
            tally.findings.values().map(|found| found.count).sum::<u64>(),
            tally.findings.len()
        )
    }
}
