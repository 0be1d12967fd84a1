//! `lockstep simulate`.

use super::{BlocksArgs, Color};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub(super) const SIMULATE_ABOUT: &str = "\
Runs blocks on more cores than there are: the real scheduler, workers and memory of `block_stm`, one worker at a \
time, each with a clock of its own. What each step costs is measured on this machine with one worker. Tells the \
speedup over `sequential` for each number of cores, what dependencies and an ideal schedule allow, and where the \
time of the cores goes. The outcome of every run is compared. `access_list` is a model: its transactions wait for \
nothing, and what it does besides was measured on one thread.

Not modelled: caches and memory bandwidth beyond what two busy cores show, cores that are not alike, and what the \
system does besides. How good predictions are is told: each block is also measured at 1 and 2 threads.";

const SIMULATE_EXAMPLES: &str = "\
Examples:
  lockstep simulate mainnet-blocks.tar.zst --min-gas 4000000
  lockstep simulate --workload erc20,swaps-hot --cores 2,16
  lockstep simulate block.json --no-validate --format json

Exit status:
  2  the usage is wrong, or a block cannot be read
  4  nothing was simulated";

/// How `simulate` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SimulateFormat {
    /// For a person at a terminal
    Human,
    /// One JSON object a line on stdout, one for each block, nothing else there
    Json,
    /// All blocks in tables
    Markdown,
}

#[derive(Debug, Args)]
#[command(after_help = SIMULATE_EXAMPLES)]
pub(crate) struct SimulateArgs {
    #[command(flatten)]
    pub(crate) blocks: BlocksArgs,

    /// Numbers of cores
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_values_t = [1, 2, 4, 8, 16, 32, 64],
          value_parser = cores)]
    pub(crate) cores: Vec<usize>,

    /// Do not measure the blocks at 1 and 2 threads
    #[arg(long)]
    pub(crate) no_validate: bool,

    /// Also write the curves of all blocks in sum to FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,

    /// How to print
    #[arg(long, value_enum, default_value_t = SimulateFormat::Human)]
    pub(crate) format: SimulateFormat,

    /// When to color
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

/// More are not told apart by anything that is measured.
const MOST_CORES: usize = 256;

pub(super) fn cores(text: &str) -> Result<usize, String> {
    let cores = text.parse().ok().filter(|cores| (1..=MOST_CORES).contains(cores));
    cores.ok_or_else(|| format!("expected 1 to {MOST_CORES} cores"))
}
