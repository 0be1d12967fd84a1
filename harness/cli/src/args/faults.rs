//! `lockstep faults`.

use super::Color;
use clap::Args;
use std::{path::PathBuf, time::Duration};

pub(super) const FAULTS_ABOUT: &str = "\
Plants bugs that executors have had, one at a time, each in a process of its own, and looks for it: by \
`lockstep fuzz`, and by official tests, packed tests and real blocks where paths are given. Tells what \
found it, how fast, and whether the same block agrees without the bug. Needs a program that carries the \
faults: cargo run --release --features faults -- faults";

const FAULTS_EXAMPLES: &str = "\
Examples:
  lockstep faults --list                       every fault, with who has had it
  lockstep faults --only A1,B3                 two of them
  lockstep faults --must --time 60s            those that must be found within a minute
  lockstep faults --official tests.tar.gz --out reports
                                               with the score of official tests beside; writes
                                               reports/faults.md and reports/faults.json

  lockstep faults --suite suite --out scores   what the conformance suite alone reveals
  lockstep faults --schedules --out reports    how many schedules each strategy needs
  lockstep faults --blocks corpora/faults      a block for each fault that has none yet

Exit status:
  1  a fault that must be found was not, or too many others, or a canary was
  2  the usage is wrong, or this program carries no faults
  4  nothing ran";

#[derive(Debug, Args)]
#[command(after_help = FAULTS_EXAMPLES)]
pub(crate) struct FaultsArgs {
    /// Only these faults
    #[arg(long, value_name = "ID,...", value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// Only those that must be found
    #[arg(long, conflicts_with = "only")]
    pub(crate) must: bool,

    /// How long `fuzz` looks for each [default: 60s for those that must be found, 5m for others]
    #[arg(long, value_name = "TIME", value_parser = super::duration)]
    pub(crate) time: Option<Duration>,

    /// The seed of the first block
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Blocks in flight [default: the cores]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,

    /// Also look with official tests as they are
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) official: Vec<PathBuf>,

    /// Also look with state tests packed into blocks
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) packed: Vec<PathBuf>,

    /// Also look with real blocks
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) real: Vec<PathBuf>,

    /// Look with the conformance suite in DIR alone, as `lockstep suite` wrote it
    #[arg(long, value_name = "DIR", conflicts_with_all = ["official", "packed", "real", "blocks"])]
    pub(crate) suite: Option<PathBuf>,

    /// Run the suite up to N times where it finds nothing
    #[arg(long, value_name = "N", default_value_t = 20, requires = "suite",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repeats: u32,

    /// Keep the block that gave each fault away, minimised, as DIR/ID.json; one that is there stays
    #[arg(long, value_name = "DIR")]
    pub(crate) blocks: Option<PathBuf>,

    /// Compare the strategies of `lockstep explore` on the faults that need a schedule; --out writes
    /// schedules.json and schedules.md
    #[arg(long, conflicts_with_all = ["official", "packed", "real", "suite", "blocks", "must"])]
    pub(crate) schedules: bool,

    /// Write faults.json and faults.md to DIR, after each fault
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Go on where the campaign of --out has stopped
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,

    /// Print every fault and do nothing
    #[arg(long)]
    pub(crate) list: bool,

    /// When to color
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}
