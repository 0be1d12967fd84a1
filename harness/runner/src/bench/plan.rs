//! What to measure: decided before any work starts.

use crate::check::{Candidate, Factory};

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
    /// Asks the allocator to give back memory that it keeps for later, before memory is measured.
    pub release_memory: fn(),
}

impl std::fmt::Debug for BenchPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BenchPlan").field("candidates", &self.candidates).finish_non_exhaustive()
    }
}
