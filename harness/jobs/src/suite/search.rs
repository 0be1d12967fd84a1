//! Generated blocks with what is wanted of them.

use super::SuitePlan;
use lockstep_cases::generate::{Feature, Features, Generated, Limits, from_seed};
use lockstep_engine::{Candidate, Slot};
use lockstep_formats::export::{rebased, showable};
use lockstep_model::{Fork, Outcome, Rejection, RunOptions};

/// The most transactions of a generated block.
const TRANSACTIONS: usize = 24;

/// A block of fewer has too little to conflict.
const ENOUGH: usize = 6;

/// Seeds that are tried for one block.
const SEEDS: u64 = 48;

/// Seeds that are tried for blocks with any features.
const SEEDS_OF_EVERYTHING: u64 = 128;

/// Valid blocks among which the one with most dependent transactions is taken.
const CHOICE: usize = 8;

/// Runs generated blocks to see what they are.
#[derive(Debug)]
pub(super) struct Search<'a> {
    reference: Slot,
    plan: &'a SuitePlan,
}

/// A generated block with its seed.
pub(super) type Found = (u64, Generated);

impl<'a> Search<'a> {
    pub(super) fn new(plan: &'a SuitePlan) -> Self {
        Self { reference: Slot::new(&Candidate::reference(&plan.reference)), plan }
    }

    /// A valid block of the fork with the feature, calls and transfers: of several the one in which most transactions
    /// depend on an earlier one. `None` where the fork does not have the feature.
    pub(super) fn conflicts(&mut self, fork: Fork, feature: Feature) -> Option<Found> {
        let features = [feature, Feature::Calls, Feature::Transfers].into_iter().collect();
        let mut best: Option<(usize, Found)> = None;
        let mut seen = 0;
        for seed in 0..SEEDS {
            let block = from_seed(seed, &limits(fork, features));
            if !block.features.has(feature) || !self.is_valid(&block) {
                continue;
            }
            let dependent = self.dependent(&block);
            if best.as_ref().is_none_or(|(most, _)| dependent > *most) {
                best = Some((dependent, (seed, block)));
            }
            seen += 1;
            if seen == CHOICE {
                break;
            }
        }
        best.map(|(_, found)| found)
    }

    /// The first valid blocks of the fork with any features.
    pub(super) fn valid(&mut self, fork: Fork, count: usize) -> Vec<Found> {
        let seeds = 0..SEEDS_OF_EVERYTHING;
        let blocks = seeds.map(|seed| (seed, from_seed(seed, &limits(fork, Features::all()))));
        blocks.filter(|(_, block)| self.is_valid(block)).take(count).collect()
    }

    /// Blocks of the fork that are rejected, with why.
    pub(super) fn invalid(&mut self, fork: Fork, seeds: u64) -> Vec<(Rejection, Found)> {
        let blocks = (0..seeds).filter_map(|seed| {
            let block = from_seed(seed, &limits(fork, Features::all()));
            match self.outcome(&block)? {
                Outcome::Rejected(rejection) => Some((rejection, (seed, block))),
                Outcome::Accepted(_) => None,
            }
        });
        blocks.collect()
    }

    /// The outcome as the first block of a chain, if it can be one.
    fn outcome(&mut self, generated: &Generated) -> Option<Outcome> {
        showable(&generated.block.case).ok()?;
        let case = rebased(&generated.block).case;
        Some(self.reference.execute(&case, &RunOptions::of(&case)).ok()?.outcome)
    }

    fn is_valid(&mut self, generated: &Generated) -> bool {
        let is_large = generated.block.case.block.transactions.len() >= ENOUGH;
        is_large && matches!(self.outcome(generated), Some(Outcome::Accepted(_)))
    }

    fn dependent(&self, generated: &Generated) -> usize {
        let dependencies = (self.plan.dependencies)(&generated.block.case);
        dependencies.map_or(0, |known| {
            known.transactions.iter().filter(|transaction| !transaction.after.is_empty()).count()
        })
    }
}

fn limits(fork: Fork, features: Features) -> Limits {
    Limits { forks: vec![fork], features, transactions: TRANSACTIONS }
}
