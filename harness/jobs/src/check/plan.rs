//! The plan of a run, made before any work starts.

use crate::partition::Partition;
use lockstep_engine::Candidate;
use lockstep_formats::lists::Lists;
use lockstep_judge::{
    definition::{SourceKind, Test},
    pack::Mode,
};
use regex::Regex;
use std::{
    fmt,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

/// A run of `check`.
pub struct Plan {
    /// The executor that is held against expectations, and candidates against it.
    pub reference: Candidate,
    /// The candidates.
    pub candidates: Vec<Candidate>,
    /// Cases in flight.
    pub jobs: usize,
    /// Which tests.
    pub selection: Selection,
    /// Packs state tests instead of running them one by one.
    pub pack: Option<PackOptions>,
    /// Use of the expectations that sources state.
    pub expectations: Expectations,
    /// Whether results hold what the reference made of each case.
    pub outcomes: bool,
    /// Known failures, drafts and slow tests.
    pub lists: Arc<Lists>,
    /// The least time after which a run counts as hung. The limit is this, or 20 times the slowest
    /// run of the reference.
    pub hang_after: Duration,
    /// Asks the allocator to give back memory that it keeps for later; called before a case that
    /// may need very much.
    pub release_memory: fn(),
    /// A candidate that has hung so often is not run any more.
    pub most_hangs: usize,
    /// Set from outside to end the run early.
    pub interrupted: Arc<AtomicBool>,
    /// Set from outside to have the run pause before its next tests.
    pub paused: Arc<AtomicBool>,
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("candidates", &self.candidates).finish_non_exhaustive()
    }
}

/// Use of the expectations that sources state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Expectations {
    /// The reference is held against them.
    #[default]
    Use,
    /// Only the executors are held against each other.
    Ignore,
}

/// Which tests are run.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Those whose id matches.
    pub filter: Option<Regex>,
    /// Those from this kind of source.
    pub source: Option<SourceKind>,
    /// Those whose name, without file and place, matches.
    pub name: Option<Regex>,
    /// Those of this fork, as the source names it.
    pub fork: Option<String>,
    /// One part of several.
    pub partition: Option<Partition>,
    /// All but the slow ones.
    pub skip_slow: bool,
}

impl Selection {
    /// Whether the test is one of those, whatever its place among all.
    pub fn takes(&self, test: &Test) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.is_match(&test.id))
            && self.name.as_ref().is_none_or(|name| name.is_match(test.source.name_in(&test.id)))
            && self.fork.as_ref().is_none_or(|fork| *fork == test.fork)
    }

    /// Whether tests from this kind of source are run.
    pub fn takes_source(&self, source: SourceKind) -> bool {
        self.source.is_none_or(|wanted| wanted == source)
    }
}

/// Packing options.
#[derive(Debug, Clone)]
pub struct PackOptions {
    /// Most tests in a block.
    pub size: usize,
    /// Which blocks.
    pub modes: Vec<Mode>,
    /// Decides order and places.
    pub seed: u64,
}
