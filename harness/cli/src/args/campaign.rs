//! `lockstep campaign`.

use super::Color;
use clap::{Args, ValueEnum};
use std::{ops::Range, path::PathBuf, str::FromStr};

pub(super) const CAMPAIGN_ABOUT: &str = "\
What a campaign over many machines has come to: reads the folders that `lockstep fuzz --out DIR` writes, or their parent, \
and tells for each how far it is, and for all together which findings there are, each signature once. Of each signature \
`--out` keeps the finding with the lowest seed.

A part that was lost has a folder that is not complete: its index runs again, and writes over it.";

const CAMPAIGN_EXAMPLES: &str = "\
Examples:
  lockstep campaign shared/parts                     parts of a job array: shared/parts/0, shared/parts/1 …
  lockstep campaign monday tuesday --out findings    two campaigns, each finding once
  lockstep campaign shared/parts --format json       for a program
  lockstep campaign shared/parts --rest 1..10000001 --nodes 12   the seeds that are not done, for twelve nodes
  lockstep campaign nightly --since 3f2a1b           what is new since that commit
  lockstep campaign nightly --with 3f2a=old/lockstep --with 9c0d=new/lockstep   when each finding began

Exit status:
  1  there are findings
  2  else: a folder cannot be read, or the usage is wrong
  3  else: a part is not complete
  4  else: there is no campaign
  0  else";

#[derive(Debug, Args)]
#[command(after_help = CAMPAIGN_EXAMPLES)]
pub(crate) struct CampaignArgs {
    /// Folders of campaigns, or folders of such folders
    #[arg(value_name = "DIR", required = true)]
    pub(crate) folders: Vec<PathBuf>,

    /// How many parts there are to be: those that are not there are told
    #[arg(long, value_name = "N")]
    pub(crate) parts: Option<usize>,

    /// Print only the seeds from FIRST up to END that are not done, for --nodes: a line for each, with its first seed and how
    /// many blocks. However many nodes there were before, nothing is done twice and nothing is left out
    #[arg(long, value_name = "FIRST..END", value_parser = seeds)]
    pub(crate) rest: Option<Range<u64>>,

    /// For how many nodes --rest is
    #[arg(long, value_name = "N", default_value_t = 1, requires = "rest", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) nodes: u64,

    /// Only findings that were first seen after this commit make the exit status 1; they are marked as new
    #[arg(long, value_name = "COMMIT")]
    pub(crate) since: Option<String>,

    /// Bisect: replay each finding with the programs of several commits, from the oldest to the newest, and tell between
    /// which of them it began
    #[arg(long, value_name = "COMMIT=PROGRAM")]
    pub(crate) with: Vec<Program>,

    /// Write one finding of each signature to DIR
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// How to print
    #[arg(long, value_enum, default_value_t = CampaignFormat::Human)]
    pub(crate) format: CampaignFormat,

    /// When to color
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

/// How `campaign` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CampaignFormat {
    /// For a person
    Human,
    /// One JSON object on stdout, nothing else there
    Json,
}

/// The program of a commit.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) commit: String,
    pub(crate) path: PathBuf,
}

impl FromStr for Program {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((commit, path)) if !commit.is_empty() && !path.is_empty() => {
                Ok(Self { commit: commit.to_owned(), path: path.into() })
            }
            _ => Err("expected COMMIT=PROGRAM, as in `3f2a=./lockstep-3f2a`".to_owned()),
        }
    }
}

/// Seeds from one up to another.
fn seeds(text: &str) -> Result<Range<u64>, String> {
    let seeds =
        text.split_once("..").and_then(|(first, end)| Some(first.parse().ok()?..end.parse().ok()?));
    let seeds = seeds.filter(|seeds: &Range<u64>| seeds.start <= seeds.end);
    seeds.ok_or_else(|| "expected FIRST..END, as in `1..10000001`".to_owned())
}
