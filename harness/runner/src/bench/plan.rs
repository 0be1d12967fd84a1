//! What to measure: decided before any work starts.

use crate::check::{Candidate, Factory};
use lockstep_model::{Case, Dependencies, ExecutorError};
use std::time::Duration;

/// How a program's allocator counts.
#[derive(Debug, Clone, Copy)]
pub struct MemoryMeter {
    /// Begins to count.
    pub start: fn(),
    /// Ends the count; gives the most bytes that were in use at once over what there was before.
    pub stop: fn() -> u64,
}

/// Where the pre-state is.
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

/// What the transactions of a block wait for.
pub type FindDependencies = fn(&Case) -> Result<Dependencies, ExecutorError>;

/// A run of `bench`.
#[derive(Clone)]
pub struct BenchPlan {
    /// Makes the reference, which decides what is right.
    pub reference: Factory,
    /// What speedups are stated against.
    pub baseline: Candidate,
    /// Who is measured.
    pub candidates: Vec<Candidate>,
    /// Timed rounds; in each, everyone runs once.
    pub rounds: usize,
    /// Whether every thread is kept on a core of its own.
    pub pin: bool,
    /// Where the pre-state is.
    pub storage: Storage,
    /// Finds out what the transactions of a block wait for, to state the limit that this sets.
    pub dependencies: Option<FindDependencies>,
    /// Whether the import of the whole block is measured as well.
    pub import: bool,
    /// Counts memory, where the program's allocator can.
    pub memory: Option<MemoryMeter>,
}

impl std::fmt::Debug for BenchPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BenchPlan").field("candidates", &self.candidates).finish_non_exhaustive()
    }
}
