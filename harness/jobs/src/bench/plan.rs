//! The plan of a measurement, made before any work starts.

use super::watch::Watch;
use lockstep_engine::{Candidate, Factory};
use lockstep_model::{Case, Dependencies, ExecutorError};
use std::{fmt, sync::Arc, time::Duration};

/// How a program's allocator counts.
#[derive(Debug, Clone, Copy)]
pub struct MemoryMeter {
    /// The allocator's name.
    pub allocator: &'static str,
    /// Begins to count.
    pub start: fn(),
    /// Ends the count; gives the most bytes that were in use at once over what there was before.
    pub stop: fn() -> u64,
}

/// Storage of the pre-state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Storage {
    /// In memory.
    #[default]
    Memory,
    /// In memory, and each read sleeps so long.
    Latency(Duration),
    /// In a database on disk.
    Disk,
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Latency(latency) => write!(f, "latency:{}", latency.as_micros()),
            Self::Disk => f.write_str("disk"),
        }
    }
}

/// Finds the dependencies between the transactions of a block.
pub type FindDependencies = fn(&Case) -> Result<Dependencies, ExecutorError>;

/// A run of `bench`.
#[derive(Clone)]
pub struct BenchPlan {
    /// Makes the reference, whose outcome is the right one.
    pub reference: Factory,
    /// The executor against which speedups are stated.
    pub baseline: Candidate,
    /// The measured executors.
    pub candidates: Vec<Candidate>,
    /// Runs: in each, everyone prepares the block anew.
    pub runs: usize,
    /// Timed rounds of a run; in each, everyone runs twice, forwards and backwards.
    pub rounds: usize,
    /// Whether every thread is kept on a core of its own.
    pub pin: bool,
    /// Storage of the pre-state.
    pub storage: Storage,
    /// Finds out what the transactions of a block wait for, to state the limit that this sets.
    pub dependencies: Option<FindDependencies>,
    /// Whether the import of the whole block is measured as well.
    pub import: bool,
    /// Counts memory, where the program's allocator can.
    pub memory: Option<MemoryMeter>,
    /// Is told who runs.
    pub watch: Arc<Watch>,
}

impl fmt::Debug for BenchPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BenchPlan").field("candidates", &self.candidates).finish_non_exhaustive()
    }
}
