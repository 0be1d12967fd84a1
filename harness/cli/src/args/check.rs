//! `lockstep check`.

use super::{Color, Format, LiveArgs, PartiesArgs, duration};
use clap::{Args, ValueEnum};
use lockstep_formats::networks::Network;
use lockstep_jobs::partition::Partition;
use std::{path::PathBuf, sync::Arc, time::Duration};

pub(super) const CHECK_ABOUT: &str = "\
Runs cases through the reference and the candidates, and compares everything that consensus can see.

PATH is a file, a folder, an archive (.tar, .tar.gz, .tar.zst) or a pipe (/dev/stdin) of state tests, \
blockchain tests (EEST or classic), engine tests or real blocks; single files may be compressed (.gz, .zst). \
The kind of a file is told by its content. Without a PATH: what ethereum-tests/ holds, else a built-in set of \
generated blocks.";

const CHECK_EXAMPLES: &str = "\
Examples:
  lockstep check                                    the built-in set
  lockstep check fixtures/state_tests               a folder of official tests
  lockstep check --threads 1,2,4,8 blocks.tar.zst   an archive, at four numbers of threads
  lockstep check --pack 64 --seed 1 tests.tar.gz    official tests, packed into parallel blocks
  lockstep check --format json tests.tar.gz         one JSON object a line
  lockstep check --expectations ignore ours.json    only whether executors agree; prints roots and gas
  find . -name '*.json' | lockstep check --files-from -   files by name
  lockstep check --partition slice:1/4 --out part-1 tests.tar.gz   a quarter, recorded

Exit status:
  1  something failed: diverged, expectation missed, hung, inconclusive
  2  else: something could not be read, or the usage is wrong
  4  else: nothing ran
  0  else
  130  interrupted, and nothing had failed by then";

#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) parties: PartiesArgs,

    /// Files, folders and archives
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Also the paths that FILE names, one a line; `-` is the standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) files_from: Option<PathBuf>,

    /// Follow symbolic links in folders; otherwise each is reported as not looked at
    #[arg(long)]
    pub(crate) follow_links: bool,

    /// Network of real blocks: mainnet, sepolia, holesky, hoodi, or a genesis file as geth reads it
    /// [default: as the folder, the index or the signatures say]
    #[arg(long, value_name = "NAME|FILE", value_parser = super::network)]
    pub(crate) network: Option<Arc<Network>>,

    /// What to do with what the tests expect
    #[arg(long, value_enum, default_value_t = ExpectationsMode::Use)]
    pub(crate) expectations: ExpectationsMode,

    /// More known failures, slow tests and drafts, in the form of corpora/reviewed.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) known: Vec<PathBuf>,

    /// Candidates by name [default: all but the reference]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) executor: Vec<String>,

    /// Threads of each candidate; several numbers make several candidates [default: 2 or the
    /// cores, whichever is more]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) threads: Vec<usize>,

    /// Cases in flight [default: the cores]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,

    /// Only tests whose id matches
    #[arg(long, value_name = "REGEX")]
    pub(crate) filter: Option<String>,

    /// Only one part of the tests: `slice:I/N`, or `env` for the one that Slurm or Kubernetes gives to this process
    #[arg(long, value_name = "slice:I/N|env", value_parser = super::partition)]
    pub(crate) partition: Option<Partition>,

    /// Decides the built-in set and how tests are packed
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Pack single-transaction state tests into blocks of up to N
    #[arg(long, value_name = "N")]
    pub(crate) pack: Option<usize>,

    /// Which packed blocks
    #[arg(long, value_name = "MODE", value_enum, default_value_t = PackMode::All, requires = "pack")]
    pub(crate) pack_mode: PackMode,

    /// Leave out the tests of the slow list
    #[arg(long)]
    pub(crate) skip_slow: bool,

    /// The least time after which a run counts as hung; the limit is this or 20 times the slowest
    /// run of the reference
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = duration, allow_hyphen_values = true)]
    pub(crate) hang_after: Duration,

    /// An executor that has hung so often is not run any more; what it was not run on is counted
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MOST_HANGS)]
    pub(crate) most_hangs: usize,

    /// Run in this very process: a crash of an executor ends the run
    #[arg(long)]
    pub(crate) in_process: bool,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,

    /// Also write all JSON lines to DIR/check.jsonl
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) watched: LiveArgs,

    /// When to color
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,

    /// Print the summary only
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Print every test
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

/// `--most-hangs`, where nothing is said.
pub(crate) const DEFAULT_MOST_HANGS: usize = 5;

/// What to do with what the tests expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExpectationsMode {
    /// Hold the reference against it
    Use,
    /// Compare executors only, and print the root and the gas of each case
    Ignore,
}

/// Which packed blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PackMode {
    /// No account in common: each test's own expectations still hold
    Disjoint,
    /// Everything in common: real dependencies
    Shared,
    /// One transaction of the block must be rejected
    Invalid,
    /// All three, one after the other
    All,
}

impl PackMode {
    /// The name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Disjoint => "disjoint",
            Self::Shared => "shared",
            Self::Invalid => "invalid",
            Self::All => "all",
        }
    }
}
