//! `lockstep explore`.

use super::{Color, KindArgs};
use clap::{Args, ValueEnum};
use lockstep_formats::networks::Network;
use lockstep_jobs::explore::{outside::Holds, schedule::Schedule, strategy::StrategyKind};
use std::{path::PathBuf, str::FromStr, sync::Arc, time::Duration};

pub(super) const EXPLORE_ABOUT: &str = "\
Runs one block again and again, each time under another order of the steps of the executor's workers, until \
one gives a wrong outcome, deadlocks, or nothing new is seen for a long time. Strategies take turns: a random \
walk, PCT, POS and SURW. What was seen is counted in pairs of a reader and the writer of what it read. A \
schedule that fails is made simpler, drawn, and printed as a command that runs it again to the letter.

`block_stm` follows a schedule step by step. Of any other executor the reads of the state before the block are \
held back and let go in an order, which steers it in part.";

const EXPLORE_EXAMPLES: &str = "\
Examples:
  lockstep explore case.json                          block_stm with three workers
  lockstep explore case.json --executor mine --time 1m
  lockstep explore --seed 4711 --transactions 8 --strategy pct,surw --schedules 5000
  lockstep explore --faults                           every block that reveals a planted fault
  lockstep explore case.json --schedule s1:3:1f2e3d4c:0c12-1r3-0p4:5be01c77
                                                      one schedule, to the letter

Exit status:
  1  a schedule failed
  2  the usage is wrong, a block cannot be read, or a schedule does not fit
  4  nothing ran";

/// How `explore` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExploreFormat {
    /// For a person
    Human,
    /// One JSON object a line on stdout, one for each block, nothing else there
    Json,
}

/// A schedule: of steps, or of reads that are held back.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    Steps(Schedule),
    Reads(Holds),
}

impl FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim_start().starts_with('o') {
            text.parse().map(Self::Reads)
        } else {
            text.parse().map(Self::Steps)
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = EXPLORE_EXAMPLES)]
pub(crate) struct ExploreArgs {
    /// Files or folders with blocks: findings, or fixtures
    #[arg(value_name = "CASE")]
    pub(crate) cases: Vec<PathBuf>,

    /// Only tests whose id matches
    #[arg(long, value_name = "REGEX", requires = "cases")]
    pub(crate) filter: Option<String>,

    /// Network of a real block: mainnet, sepolia, holesky, hoodi, or a genesis file as geth reads it
    /// [default: as the folder, the index or the signatures say]
    #[arg(long, value_name = "NAME|FILE", value_parser = super::network)]
    pub(crate) network: Option<Arc<Network>>,

    /// The block that `lockstep fuzz` makes of this seed
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// The blocks of so many seeds from that one on
    #[arg(long, value_name = "N", default_value_t = 1, requires = "seed")]
    pub(crate) seeds: u64,

    /// The blocks that Lockstep keeps because each reveals a planted fault
    #[arg(long)]
    pub(crate) faults: bool,

    #[command(flatten)]
    pub(crate) kind: KindArgs,

    /// The executor
    #[arg(long, value_name = "NAME", default_value = "block_stm")]
    pub(crate) executor: String,

    /// Its threads
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) threads: usize,

    /// Strategies, in turns: random, pct, pos, surw; or threads, which is none
    /// [default: random,pct,pos,surw]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',',
          default_values_t = StrategyKind::ALL, hide_default_value = true)]
    pub(crate) strategy: Vec<StrategyKind>,

    /// The most schedules of a block
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) schedules: u64,

    /// Stop at a block after N schedules that showed no new pair of reader and writer
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) dry: u64,

    /// The longest time for a block
    #[arg(long, value_name = "TIME", value_parser = super::duration)]
    pub(crate) time: Option<Duration>,

    /// Seed of all random choices
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) schedule_seed: u64,

    /// The number of the first schedule
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) first: u64,

    /// PCT: orderings that a bug may need
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) depth: u32,

    /// Leave a failing schedule as it was found
    #[arg(long)]
    pub(crate) as_found: bool,

    /// Stop at the first block that fails
    #[arg(long)]
    pub(crate) fail_fast: bool,

    /// Run this schedule, to the letter
    #[arg(long, value_name = "TEXT")]
    pub(crate) schedule: Option<Order>,

    /// Write a failing block, its schedule and its picture to DIR
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// A run that takes this long hangs
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = super::duration)]
    pub(crate) hang_after: Duration,

    /// How to print
    #[arg(long, value_enum, default_value_t = ExploreFormat::Human)]
    pub(crate) format: ExploreFormat,

    /// When to color
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}
