//! `lockstep suite`.

use super::PartiesArgs;
use clap::Args;
use std::path::PathBuf;

pub(super) const SUITE_ABOUT: &str = "\
Writes the conformance suite for clients with a runner of their own: EEST `blockchain_test` and \
`blockchain_test_engine` fixtures of blocks with several transactions that conflict, invalid blocks, wrong access \
lists, the block of every planted fault, every regression, and bugs of other executors. The reference fills them in; \
a block on which an implementation named by --confirm says something else is left out, and that is exit status 1. \
docs/suite.md tells how to run it.";

const SUITE_EXAMPLES: &str = "\
Examples:
  lockstep suite --out suite
  lockstep suite --out suite --packed eest-v5.4.0-state_tests.tar.zst
  lockstep suite --out suite --clients tools/specs/clients.toml --confirm eels
  lockstep check suite                            runs it here
  lockstep faults --suite suite                   what it is worth (a program that carries the faults)

Exit status:
  1  an implementation disagrees with the reference
  2  the usage is wrong, or something could not be read or written";

#[derive(Debug, Args)]
#[command(after_help = SUITE_EXAMPLES)]
pub(crate) struct SuiteArgs {
    #[command(flatten)]
    pub(crate) parties: PartiesArgs,

    /// Write to DIR, which is empty or not there
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,

    /// Also state tests of these files, packed into blocks of up to 16
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) packed: Vec<PathBuf>,

    /// How many packed blocks
    #[arg(long, value_name = "N", default_value_t = 200, requires = "packed")]
    pub(crate) packed_blocks: usize,

    /// Implementations that must say the same as the reference, where they can run a block
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) confirm: Vec<String>,
}
