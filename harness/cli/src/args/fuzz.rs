//! `lockstep fuzz`, and what generated blocks may be.

use super::{Color, LiveArgs, PartiesArgs};
use clap::{Args, ValueEnum};
use lockstep_jobs::partition::Partition;
use lockstep_model::Fork;
use std::{path::PathBuf, time::Duration};

pub(super) const FUZZ_ABOUT: &str = "\
Generates blocks from seeds, and runs each through the reference and the candidates at two threads; one block \
in 64 also through every executor at 1, 2, 3 and 8 threads, twice. A different outcome, a panic, an error, a \
hang and a crash are findings; those with the same signature are counted, and the first five are kept. Executors run in \
worker processes: a hang or a crash costs one block.

The seed of a campaign is the seed of its first block, the others follow: what was found with seed N comes again \
with `--seed N --blocks 1`.";

const FUZZ_EXAMPLES: &str = "\
Examples:
  lockstep fuzz --time 10m                                  a campaign
  lockstep fuzz --time 8h --out campaign                    one that can be resumed
  lockstep fuzz --time 8h --out campaign --resume           going on with it
  lockstep fuzz --blocks 10000000 --partition slice:2/8     one of eight machines
  lockstep fuzz --seed 4711 --blocks 1                      one block again
  lockstep fuzz --fork Prague,Osaka --features calls,delegations --blocks 10000

Exit status:
  1  something was found
  2  else: something could not be written, or the usage is wrong
  4  else: nothing ran
  0  else";

#[derive(Debug, Args)]
#[command(after_help = FUZZ_EXAMPLES)]
pub(crate) struct FuzzArgs {
    #[command(flatten)]
    pub(crate) parties: PartiesArgs,

    /// For how long, as in `90s`, `10m`, `8h` [default: 1m, without --blocks]
    #[arg(long, value_name = "TIME", value_parser = super::duration)]
    pub(crate) time: Option<Duration>,

    /// How many seeds: one in 8 is that of a chain of three blocks, the others of one block each
    #[arg(long, value_name = "N")]
    pub(crate) blocks: Option<u64>,

    /// The seed of the first block
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Only one part of the seeds of --blocks: `slice:I/N`, or `env` for the one that Slurm or Kubernetes gives to this
    /// process. The parts together are all seeds, each once, however many parts there are
    #[arg(long, value_name = "slice:I/N|env", requires = "blocks", conflicts_with = "resume", value_parser = super::partition)]
    pub(crate) partition: Option<Partition>,

    /// Blocks in flight [default: the cores]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,

    /// Candidates of both lanes [default: all of them; every one on one block in 64 at 1, 2, 3 and 8
    /// threads too]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) executor: Vec<String>,

    /// Threads of each candidate, in both lanes
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) threads: Vec<usize>,

    #[command(flatten)]
    pub(crate) kind: KindArgs,

    /// A run of an executor that takes this long hangs
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = super::duration)]
    pub(crate) hang_after: Duration,

    /// Run in threads of this process: a crash ends it, a debugger sees it
    #[arg(long)]
    pub(crate) in_process: bool,

    /// Stop at the first finding
    #[arg(long)]
    pub(crate) fail_fast: bool,

    /// How to print
    #[arg(long, value_enum, default_value_t = FuzzFormat::Human)]
    pub(crate) format: FuzzFormat,

    /// Write findings to DIR, and how far the campaign is
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// What is tested, in the files of --out [default: git's HEAD here]
    #[arg(long, value_name = "COMMIT")]
    pub(crate) commit: Option<String>,

    /// Go on where the campaign of --out has stopped
    #[arg(long, requires = "out", conflicts_with = "seed")]
    pub(crate) resume: bool,

    #[command(flatten)]
    pub(crate) watched: LiveArgs,

    /// When to color
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

/// What generated blocks may be.
#[derive(Debug, Args)]
pub(crate) struct KindArgs {
    /// Only blocks of these forks, as in `Prague`
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) fork: Vec<Fork>,

    /// Only these features, as in `calls`; `--features help` lists them
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) features: Vec<String>,

    /// The most transactions of a block
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(crate) transactions: usize,
}

/// How `fuzz` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FuzzFormat {
    /// For a person
    Human,
    /// One JSON object a line on stdout, nothing else there
    Json,
}
