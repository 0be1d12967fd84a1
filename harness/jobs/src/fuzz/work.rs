//! The worker's side of a campaign.

use super::{FuzzPlan, Lanes, Sums};
use crate::finding::Finding;
use lockstep_engine::isolation::{Ends, Outbox};
use serde::{Deserialize, Serialize};
use std::{
    io,
    time::{Duration, Instant},
};

/// Seeds to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seeds {
    /// The first.
    pub first: u64,
    /// How many.
    pub count: u64,
}

/// Checked seeds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Done {
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Over their blocks.
    pub sums: Sums,
    /// Findings on their blocks.
    pub findings: Vec<Finding>,
}

/// A worker tells at least so often what it has done, while it has work.
const TELL_EVERY: Duration = Duration::from_millis(20);

/// Checks the seeds that come, until no more come.
pub fn work(plan: &FuzzPlan, ends: Ends<Seeds, Done>) {
    let Ends { inbox, mut outbox, heart } = ends;
    let mut lanes = Lanes::new(plan, heart);
    for Seeds { first, count } in inbox {
        let seeds = (0..count).map(|number| first.wrapping_add(number));
        // The job has gone away: nothing is left to do.
        if check(&mut lanes, seeds, &mut outbox).is_err() {
            return;
        }
    }
}

fn check(
    lanes: &mut Lanes,
    seeds: impl Iterator<Item = u64>,
    outbox: &mut Outbox<Done>,
) -> io::Result<()> {
    let (mut done, mut told) = (Done::default(), Instant::now());
    for seed in seeds {
        for mut block in lanes.check(seed) {
            done.sums.add(&block);
            done.findings.append(&mut block.findings);
        }
        done.seeds.push(seed);
        // A finding is told at once: the next run must not take it away.
        if !done.findings.is_empty() || told.elapsed() >= TELL_EVERY {
            outbox.send(&std::mem::take(&mut done))?;
            told = Instant::now();
        }
    }
    if done.seeds.is_empty() { Ok(()) } else { outbox.send(&done) }
}
