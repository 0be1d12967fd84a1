//! The worker's side of a campaign.

use super::{Checked, FuzzPlan, Lanes};
use lockstep_engine::isolation::Ends;
use serde::{Deserialize, Serialize};

/// Seeds to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seeds {
    /// The first.
    pub first: u64,
    /// How many.
    pub count: u64,
}

/// The blocks of one seed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Done {
    /// The seed.
    pub seed: u64,
    /// Its blocks.
    pub blocks: Vec<Checked>,
}

/// Checks the seeds that come, until no more come.
pub fn work(plan: &FuzzPlan, ends: Ends<Seeds, Done>) {
    let Ends { inbox, mut outbox, heart } = ends;
    let mut lanes = Lanes::new(plan, heart);
    for Seeds { first, count } in inbox {
        for seed in (0..count).map(|number| first.wrapping_add(number)) {
            let blocks = lanes.check(seed);
            // A finding is told at once: whatever comes next must not take it away.
            let is_urgent = blocks.iter().any(|block| !block.findings.is_empty());
            let sent = outbox.send(Done { seed, blocks });
            if sent.is_err() || is_urgent && outbox.flush().is_err() {
                return;
            }
        }
        if outbox.flush().is_err() {
            return;
        }
    }
}
