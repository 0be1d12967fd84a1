//! `lockstep minimise`, `explain` and `export`: what is done with one block.

use super::{Color, KindArgs, PartiesArgs};
use clap::{Args, ValueEnum};
use lockstep_formats::networks::Network;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// One block, and who may be wrong on it.
#[derive(Debug, Args)]
pub(crate) struct CaseArgs {
    #[command(flatten)]
    pub(crate) parties: PartiesArgs,

    /// A file with the block: a finding, or a fixture
    #[arg(value_name = "CASE")]
    pub(crate) case: Option<PathBuf>,

    /// The test of the file whose id matches
    #[arg(long, value_name = "REGEX", requires = "case")]
    pub(crate) filter: Option<String>,

    /// Network of a real block: mainnet, sepolia, holesky, hoodi, or a genesis file as geth reads it
    /// [default: as the folder, the index or the signatures say]
    #[arg(long, value_name = "NAME|FILE", value_parser = super::network)]
    pub(crate) network: Option<Arc<Network>>,

    /// The block that `lockstep fuzz` makes of this seed, instead of a file
    #[arg(long, value_name = "N", conflicts_with = "case")]
    pub(crate) seed: Option<u64>,

    /// The block K of the chain of this seed; 0 is the first
    #[arg(long, value_name = "K", default_value_t = 0, requires = "seed")]
    pub(crate) link: u64,

    #[command(flatten)]
    pub(crate) kind: KindArgs,

    /// Candidates to test [default: all but the reference; stops at the first that fails]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) executor: Vec<String>,

    /// Threads of each of them
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) threads: Vec<usize>,

    /// A run that takes this long hangs
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = super::duration)]
    pub(crate) hang_after: Duration,

    /// When to color
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

pub(super) const MINIMISE_ABOUT: &str = "\
Leaves out of a block what it can while an executor is still wrong on it in the same way: transactions \
first, then withdrawals, accounts, storage, code, and what each transaction carries. Writes what is left as \
an EEST blockchain test that other clients can replay, with real signatures and a genesis of its own.";

const MINIMISE_EXAMPLES: &str = "\
Examples:
  lockstep minimise --seed 4711 --out case.json     the block of a finding
  lockstep minimise out/findings/x.json --time 5m   a file; the result on stdout
  lockstep minimise case.json --executor mine --threads 2,8

Exit status:
  1  no executor was wrong on it
  2  the usage is wrong, or the block cannot be read or signed anew";

#[derive(Debug, Args)]
#[command(after_help = MINIMISE_EXAMPLES)]
pub(crate) struct MinimiseArgs {
    #[command(flatten)]
    pub(crate) case: CaseArgs,

    /// For how long
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = super::duration)]
    pub(crate) time: Duration,

    /// Write it to FILE instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

pub(super) const EXPLAIN_ABOUT: &str = "\
Finds the first transaction that came out differently, the value that it must have read to come out so, who \
wrote that value and who should have, and puts its steps as they should be beside its steps as they were.";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  lockstep explain case.json                          the first executor that is wrong on it
  lockstep explain --seed 4711 --executor mine        the block of a finding
  lockstep explain case.json --format markdown --out issue.md

Exit status:
  1  no executor was wrong on it
  2  the usage is wrong, or the block cannot be read";

/// How `explain` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExplainFormat {
    /// For a person at a terminal
    Human,
    /// For an issue
    Markdown,
}

#[derive(Debug, Args)]
#[command(after_help = EXPLAIN_EXAMPLES)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) case: CaseArgs,

    /// How to print
    #[arg(long, value_enum, default_value_t = ExplainFormat::Human)]
    pub(crate) format: ExplainFormat,

    /// Write it to FILE instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

pub(super) const EXPORT_ABOUT: &str = "\
Writes blocks that `lockstep fuzz` makes, or official state tests packed into blocks, signed and on a \
genesis of their own, with what the reference makes of them: as EEST blockchain tests, which `lockstep check`, revme and others replay, or as the inputs \
of a transition tool (alloc.json, env.json, txs.json) with the reference's result in expected.json, which \
tools/specs/judge.py holds against the Python execution specs.";

const EXPORT_EXAMPLES: &str = "\
Examples:
  lockstep export --seed 1 --blocks 50 --out fixtures
  lockstep export --seed 1 --blocks 50 --format t8n --out t8n
  lockstep export --seed 7 --fork Prague,Osaka --format t8n --out t8n
  lockstep export case.json --format t8n --out t8n    a minimised finding
  lockstep export state_tests.tar.gz --pack 16 --blocks 50 --format t8n --out t8n";

/// What `export` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// EEST blockchain tests, a file for each block
    Fixture,
    /// Inputs of a transition tool, a folder for each block
    T8n,
    /// A folder with `block.rlp` and `witness.json`, and the genesis file for `--network`
    RealBlock,
}

#[derive(Debug, Args)]
#[command(after_help = EXPORT_EXAMPLES)]
pub(crate) struct ExportArgs {
    /// A file with a test of one block, instead of generated blocks; with --pack state tests
    #[arg(value_name = "CASE", conflicts_with_all = ["fork", "features"])]
    pub(crate) case: Option<PathBuf>,

    /// Packs the state tests of CASE into blocks of up to N transactions, as `check --pack` does, and
    /// takes some of the blocks. Tests that may use more than 1 Mgas are left out: the execution specs
    /// need seconds for each
    #[arg(long, value_name = "N", requires = "case")]
    pub(crate) pack: Option<usize>,

    /// The seed of the first block, or of packing [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// How many blocks [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) blocks: Option<u64>,

    #[command(flatten)]
    pub(crate) kind: KindArgs,

    /// What to write
    #[arg(long, value_enum, default_value_t = ExportFormat::Fixture)]
    pub(crate) format: ExportFormat,

    /// Write to DIR
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}
