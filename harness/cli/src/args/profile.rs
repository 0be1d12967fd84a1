//! `lockstep profile`.

use super::Color;
use alloy_primitives::Address;
use clap::{Args, ValueEnum};
use lockstep_cases::workload::Contention;
use lockstep_formats::networks::Network;
use std::{path::PathBuf, sync::Arc};

pub(super) const PROFILE_ABOUT: &str = "\
Tells what keeps a block from running in parallel: the longest chain of transactions that wait for each other, \
with the places at which they wait, by name: variables, keys of mappings, balances, nonces. Names come from \
what the contracts hash while they run. Of each hot place it tells what the block could do if what is done \
there commuted, or if each sender had a part of its own.

PATH is a file, a folder or an archive of real blocks (or of tests of one block). Without a PATH: the built-in \
workloads. Times are those of one thread; a bound is all of them over those of the longest chain.";

const PROFILE_EXAMPLES: &str = "\
Examples:
  lockstep profile --workload payments-naive              a contract that waits for itself
  lockstep profile mainnet-blocks.tar.zst --filter 19860  real blocks
  lockstep profile block.json --html block.html           the graph of who waits for whom
  lockstep profile block.json --layout 0x…=out/Mine.json  names of your own contract, as
                                                          `forge inspect Mine storageLayout --json` has them

Exit status:
  2  the usage is wrong, or a block cannot be read
  4  nothing was profiled";

/// Which blocks.
#[derive(Debug, Args)]
pub(crate) struct BlocksArgs {
    /// Files, folders and archives
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Only blocks whose id matches
    #[arg(long, value_name = "REGEX")]
    pub(crate) filter: Option<String>,

    /// Network of real blocks: mainnet, sepolia, holesky, hoodi, or a genesis file as geth reads it
    /// [default: as the folder, the index or the signatures say]
    #[arg(long, value_name = "NAME|FILE", value_parser = super::network)]
    pub(crate) network: Option<Arc<Network>>,

    /// Built-in workloads by name; a name that is none lists them all [default: all]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', conflicts_with = "paths")]
    pub(crate) workload: Vec<String>,

    /// About how much gas a built-in workload uses
    #[arg(long, value_name = "GAS", default_value_t = 30_000_000)]
    pub(crate) gas: u64,

    /// How much the transactions of a built-in workload want the same things: `uniform`, `zipf:S`, or
    /// `hot:PART` [default: the workload's own]
    #[arg(long, value_name = "KIND", conflicts_with = "paths")]
    pub(crate) contention: Option<Contention>,

    /// Decides the built-in workloads
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Only blocks that used at least this much gas
    #[arg(long, value_name = "GAS", default_value_t = 0)]
    pub(crate) min_gas: u64,
}

/// How `profile` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileFormat {
    /// For a person at a terminal
    Human,
    /// One JSON object a line on stdout, one for each block, nothing else there
    Json,
    /// For an issue
    Markdown,
}

#[derive(Debug, Args)]
#[command(after_help = PROFILE_EXAMPLES)]
pub(crate) struct ProfileArgs {
    #[command(flatten)]
    pub(crate) blocks: BlocksArgs,

    /// Names of the variables of the contract at an address: a compiler's storage layout, as JSON
    #[arg(long, value_name = "ADDRESS=FILE", value_parser = layout)]
    pub(crate) layout: Vec<(Address, PathBuf)>,

    /// Also write a page with the graphs to FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,

    /// How to print
    #[arg(long, value_enum, default_value_t = ProfileFormat::Human)]
    pub(crate) format: ProfileFormat,

    /// When to color
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

fn layout(text: &str) -> Result<(Address, PathBuf), String> {
    let (address, file) = text.split_once('=').ok_or("expected ADDRESS=FILE")?;
    let address = address.parse().map_err(|error| format!("`{address}`: {error}"))?;
    Ok((address, file.into()))
}
