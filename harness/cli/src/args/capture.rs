//! `lockstep capture`.

use super::{Color, duration, network};
use clap::{Args, ValueEnum};
use lockstep_formats::networks::Network;
use std::{path::PathBuf, str::FromStr, sync::Arc, time::Duration};

pub(super) const CAPTURE_ABOUT: &str = "\
Captures blocks out of a node, with everything that proves their state roots.

Each block is executed on state that the node proves (`eth_getProof` from the parent's state root); an execution \
witness, an access list or a prestate trace saves requests where the node offers one. A block is written when its \
receipts root, gas, bloom and requests are those of its header. Where its state root cannot be recomputed, the \
index says so. What is there already is not captured again. `lockstep check DIR` reads the result.";

const CAPTURE_EXAMPLES: &str = "\
Examples:
  lockstep capture --rpc http://127.0.0.1:8545 --block 21000001 --out blocks
  lockstep capture --rpc http://127.0.0.1:8545 --block 21000001..21000010 --out blocks
  lockstep capture --rpc http://127.0.0.1:8545 --network genesis.json --block 2 --out blocks   another network
  lockstep capture --rpc https://node --header 'Authorization: Bearer TOKEN' --rps 5 --block latest --out blocks

Exit status:
  1  a block was not captured
  2  the usage is wrong, or the node cannot be asked
  130  interrupted, and nothing had failed by then
  0  else";

#[derive(Debug, Args)]
#[command(after_help = CAPTURE_EXAMPLES)]
pub(crate) struct CaptureArgs {
    /// The node's address
    #[arg(long, value_name = "URL")]
    pub(crate) rpc: String,

    /// The blocks: a number, a range `N..M` with both ends in it, or `latest`
    #[arg(long, value_name = "N[..M]")]
    pub(crate) block: Blocks,

    /// Where the folders go
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,

    /// The network: mainnet, sepolia, holesky, hoodi, or a genesis file as geth reads it
    /// [default: as the node's chain id says]
    #[arg(long, value_name = "NAME|FILE", value_parser = network)]
    pub(crate) network: Option<Arc<Network>>,

    /// A header of each request, `Name: value`; of a token, `Authorization: Bearer TOKEN`
    #[arg(long, value_name = "HEADER", value_parser = header)]
    pub(crate) header: Vec<(String, String)>,

    /// The most requests a second
    #[arg(long, value_name = "N", default_value_t = 50.0, value_parser = rate)]
    pub(crate) rps: f64,

    /// How long an answer may take
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration)]
    pub(crate) timeout: Duration,

    /// What the state is captured by; proofs complete each of them
    #[arg(long, value_enum, default_value_t = SourceMode::Auto)]
    pub(crate) source: SourceMode,

    /// When to color
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

/// What the state is captured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SourceMode {
    /// The first that the node offers: witness, access list, prestate trace, proofs
    Auto,
    /// `debug_executionWitness`
    Witness,
    /// `eth_getBlockAccessList`
    AccessList,
    /// `debug_traceBlockByNumber` with the prestate tracer
    Prestate,
    /// `eth_getProof` alone, as execution asks for it
    Proofs,
}

/// Numbers of blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blocks {
    /// From here to here.
    Range(u64, u64),
    /// The newest one.
    Latest,
}

impl FromStr for Blocks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected `N`, `N..M` with N <= M, or `latest`, found `{text}`");
        if text == "latest" {
            return Ok(Self::Latest);
        }
        let number = |text: &str| text.parse::<u64>().map_err(|_| expected());
        let (first, last) = match text.split_once("..") {
            Some((first, last)) => (number(first)?, number(last.trim_start_matches('='))?),
            None => (number(text)?, number(text)?),
        };
        if first > last { Err(expected()) } else { Ok(Self::Range(first, last)) }
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("expected `Name: value`")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("expected a number above zero".to_owned()),
    }
}
