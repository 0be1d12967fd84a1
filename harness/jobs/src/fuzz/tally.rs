//! What a campaign has seen so far.

use super::Checked;
use crate::finding::Finding;
use lockstep_cases::generate::{Features, Shape};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

/// Sums over all blocks of a campaign.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Blocks that were checked.
    pub blocks: u64,
    /// Of these, in the deep lane.
    pub deep: u64,
    /// Blocks that the reference accepted.
    pub accepted: u64,
    /// Transactions in all blocks.
    pub transactions: u64,
    /// Transactions of accepted blocks.
    pub executed: u64,
    /// Of these, successful.
    pub succeeded: u64,
    /// Re-executions that candidates told of.
    pub re_executions: u64,
    /// Blocks by how much of them depends on what comes before: none, up to a quarter, a half, three
    /// quarters, and more; of those in the deep lane.
    pub conflicts: [u64; 5],
    /// Features of all blocks.
    pub features: Features,
    /// Shapes of all blocks.
    pub shapes: BTreeSet<Shape>,
    /// By signature: the first one, and how many there were.
    pub findings: BTreeMap<String, (Finding, u64)>,
    /// Every seed below this is done.
    pub next_seed: u64,
}

impl Tally {
    /// Of nothing, before this seed.
    pub fn new(seed: u64) -> Self {
        Self {
            blocks: 0,
            deep: 0,
            accepted: 0,
            transactions: 0,
            executed: 0,
            succeeded: 0,
            re_executions: 0,
            conflicts: [0; 5],
            features: Features::none(),
            shapes: BTreeSet::new(),
            findings: BTreeMap::new(),
            next_seed: seed,
        }
    }

    /// Adds a block. Gives the findings whose signature is new.
    pub(super) fn add(&mut self, checked: Checked) -> Vec<Finding> {
        self.blocks += 1;
        self.deep += u64::from(checked.is_deep);
        self.accepted += u64::from(checked.is_accepted);
        self.transactions += checked.transactions;
        self.executed += checked.executed;
        self.succeeded += checked.succeeded;
        self.re_executions += checked.re_executions;
        if let Some(dependent) = checked.dependent {
            self.conflicts[degree(dependent, checked.transactions)] += 1;
        }
        self.features = self.features.with(checked.features);
        self.shapes.insert(checked.shape);
        checked.findings.into_iter().filter_map(|finding| self.add_finding(finding)).collect()
    }

    /// Gives it back where its signature is new.
    pub(super) fn add_finding(&mut self, finding: Finding) -> Option<Finding> {
        let known = self.findings.entry(finding.signature());
        let (_, count) = known.or_insert_with(|| (finding.clone(), 0));
        *count += 1;
        (*count == 1).then_some(finding)
    }
}

/// In which fifth of [`Tally::conflicts`] a block belongs.
fn degree(dependent: u64, transactions: u64) -> usize {
    (4 * dependent).div_ceil(transactions.max(1)).min(4) as usize
}

/// One line on where a campaign is.
#[derive(Debug, Clone, Copy)]
pub struct Status<'a> {
    /// What it has seen.
    pub tally: &'a Tally,
    /// For how long it has run.
    pub elapsed: Duration,
}

impl fmt::Display for Status<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = self.tally;
        let rate = |count: u64| count as f64 / self.elapsed.as_secs_f64().max(1e-3);
        let share = |part: u64, of: u64| 100.0 * part as f64 / of.max(1) as f64;
        write!(
            f,
            "{} blocks ({:.0}/s, {} deep), {} transactions ({:.0}/s, {:.1} a block, {:.0} % succeed), \
             {:.0} % of blocks accepted; {} of {} features, {} of {} shapes; {} re-executions; \
             {} findings of {} kinds",
            tally.blocks,
            rate(tally.blocks),
            tally.deep,
            tally.transactions,
            rate(tally.transactions),
            tally.transactions as f64 / tally.blocks.max(1) as f64,
            share(tally.succeeded, tally.executed),
            share(tally.accepted, tally.blocks),
            tally.features.iter().count(),
            Features::all().iter().count(),
            tally.shapes.len(),
            Shape::ALL.len(),
            tally.re_executions,
            tally.findings.values().map(|(_, count)| count).sum::<u64>(),
            tally.findings.len()
        )
    }
}
