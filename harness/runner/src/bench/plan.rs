//! What to measure: decided before any work starts.

use crate::check::{Candidate, Factory};
use std::time::Duration;

/// How a program's allocator counts.
#[derive(Debug, Clone, Copy)]
pub struct MemoryMeter {
    /// Begins to count.
    pub start: fn(),
    /// Ends the count; gives the most bytes that were in use at once over what there was before.
    pub stop: fn() -> u64,
}

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
    /// How long a read of the pre-state takes; `None`: as long as it takes in memory.
    pub latency: Option<Duration>,
    /// Counts memory, where the program's allocator can.
    pub memory: Option<MemoryMeter>,
}

impl std::fmt::Debug for BenchPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BenchPlan").field("candidates", &self.candidates).finish_non_exhaustive()
    }
}
