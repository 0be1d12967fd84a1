//! Strategies: who takes the next step.
//!
//! * `walk`: a random walk. * `pct`: priorities with few changes. * `pos`: a priority for each step.
//! * `surw`: all orders of chosen steps alike. * `replay`: as written down.

mod pct;
mod pos;
mod replay;
mod surw;
mod walk;

pub use replay::Switch;
pub(super) use replay::{Replay, Switches};

use lockstep_model::{NextStep, StepKind};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::{fmt, str::FromStr};

/// Decides each step of a run.
pub(super) trait Strategy: Send {
    /// Which of these goes on, by its index.
    ///
    /// # Errors
    /// Why none is to go on.
    fn choose(&mut self, ready: &[NextStep]) -> Result<usize, String>;
}

/// A strategy by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StrategyKind {
    /// Each step by one of those that can take one, at random.
    Random,
    /// Probabilistic concurrency testing: priorities that change at few random steps
    /// (Burckhardt et al., ASPLOS 2010).
    Pct,
    /// Partial-order sampling: a random priority for each step, drawn anew where steps meet
    /// (Yuan et al., CAV 2018).
    Pos,
    /// Selectively uniform random walk: each order of the chosen steps as likely as any other
    /// (Zhao et al., ASPLOS 2025).
    Surw,
    /// None: threads as the system runs them, to compare with.
    Threads,
}

impl StrategyKind {
    /// Every one that makes schedules.
    pub const ALL: [Self; 4] = [Self::Random, Self::Pct, Self::Pos, Self::Surw];
}

impl fmt::Display for StrategyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Random => "random",
            Self::Pct => "pct",
            Self::Pos => "pos",
            Self::Surw => "surw",
            Self::Threads => "threads",
        })
    }
}

impl FromStr for StrategyKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter().chain([Self::Threads]);
        let found = all.find(|kind| kind.to_string() == text);
        found.ok_or_else(|| {
            format!("unknown strategy `{text}`: expected random, pct, pos, surw or threads")
        })
    }
}

/// What a strategy may know of the block, from a run before.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Workers of the executor.
    pub(super) workers: usize,
    /// Steps of a run.
    pub(super) steps: u64,
    /// Steps at which SURW aims.
    pub(super) is_chosen: fn(StepKind) -> bool,
    /// How many of them each worker took.
    pub(super) chosen: Vec<u32>,
    /// Changes of priority in PCT, and one.
    pub(super) depth: u32,
}

/// The strategy of this kind, for the schedule of this number.
pub(super) fn strategy(
    kind: StrategyKind,
    seed: u64,
    number: u64,
    known: &Known,
) -> Box<dyn Strategy> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    match kind {
        StrategyKind::Random | StrategyKind::Threads => Box::new(walk::Walk(random)),
        StrategyKind::Pct => Box::new(pct::Pct::new(random, known)),
        StrategyKind::Pos => Box::new(pos::Pos::new(random)),
        StrategyKind::Surw => Box::new(surw::Surw::new(random, known)),
    }
}

/// A number below `most`, which is not zero.
fn below(random: &mut ChaCha8Rng, most: usize) -> usize {
    use rand::RngExt as _;
    random.random_range(0..most)
}
