//! The plan of a campaign, made before any work starts.

use lockstep_cases::generate::Limits;
use lockstep_engine::{Candidate, Factory};
use lockstep_model::{Case, Dependencies, ExecutorError};
use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

/// Finds out what each transaction of a block waits for.
pub type FindDependencies = fn(&Case) -> Result<Dependencies, ExecutorError>;

/// A campaign.
#[derive(Clone)]
pub struct FuzzPlan {
    /// Makes the reference.
    pub reference: Factory,
    /// Candidates of every block.
    pub fast: Vec<Candidate>,
    /// Candidates of one block in [`super::DEEP_EVERY`], which run twice each.
    pub deep: Vec<Candidate>,
    /// Other programs: candidates of blocks in the deep lane, as long as they take a small share of the time.
    pub clients: Vec<Candidate>,
    /// Tells how much transactions conflict.
    pub dependencies: FindDependencies,
    /// Limits on generated blocks.
    pub limits: Limits,
    /// The seed of the first block.
    pub seed: u64,
    /// How many blocks; `None`: until the time is up.
    pub blocks: Option<u64>,
    /// For how long; `None`: until the blocks are done.
    pub time: Option<Duration>,
    /// Blocks in flight.
    pub jobs: usize,
    /// A block that takes this long hangs.
    pub hang_after: Duration,
    /// Whether the first finding ends the campaign.
    pub stops_at_first: bool,
    /// Set from outside to end the campaign; nothing that was found is lost.
    pub interrupted: Arc<AtomicBool>,
    /// Set from outside to have workers pause before their next block. That time does not count.
    pub paused: Arc<AtomicBool>,
}

impl FuzzPlan {
    /// The label of a slot of [`super::Lanes`].
    pub(super) fn label(&self, number: usize) -> &str {
        self.candidate(number).map_or("reference", |candidate| candidate.label.as_str())
    }

    /// How long a run in a slot may take.
    pub(super) fn limit(&self, number: usize) -> Duration {
        let patience = self.candidate(number).map(|candidate| candidate.patience);
        self.hang_after + patience.unwrap_or_default()
    }

    fn candidate(&self, number: usize) -> Option<&Candidate> {
        let mut candidates = self.fast.iter().chain(&self.deep).chain(&self.clients);
        candidates.nth(number.checked_sub(1)?)
    }
}

impl std::fmt::Debug for FuzzPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FuzzPlan")
            .field("fast", &self.fast)
            .field("deep", &self.deep)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}
