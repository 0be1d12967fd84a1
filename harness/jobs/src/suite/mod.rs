//! The conformance suite: blocks of many transactions as EEST fixtures, for clients with a runner of their own.
//!
//! * `collect`: which blocks; each stands for something.
//! * `search`: generated blocks with what is wanted of them.
//! * `fill`: what the reference makes of a block, and whether others say the same.
//! * `member`: a block of the suite, and its two files.
//! * `manifest`: what is in the suite.
//!
//! The same plan gives the same suite, byte by byte.

mod collect;
mod fill;
mod manifest;
mod member;
mod search;

pub use collect::collect;
pub use fill::{Filler, NotFilled};
pub use manifest::{LeftOut, Manifest};
pub use member::{Draft, Ending, Member, Mutate, Mutator};

use crate::fuzz::FindDependencies;
use lockstep_engine::{Candidate, Factory};
use std::path::PathBuf;

/// What a suite is made of.
#[derive(Clone)]
pub struct SuitePlan {
    /// Makes the reference, which fills the fixtures in.
    pub reference: Factory,
    /// Implementations that must say the same.
    pub confirmers: Vec<Candidate>,
    /// Ways of making an access list wrong.
    pub mutators: Vec<Mutator>,
    /// Tells how much transactions conflict.
    pub dependencies: FindDependencies,
    /// Official state tests, to be packed into blocks.
    pub packed: Vec<PathBuf>,
    /// How many packed blocks.
    pub packed_blocks: usize,
}

impl std::fmt::Debug for SuitePlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SuitePlan")
            .field("confirmers", &self.confirmers)
            .field("packed", &self.packed)
            .finish_non_exhaustive()
    }
}
