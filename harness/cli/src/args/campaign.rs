//! `lockstep campaign`.

use super::Color;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

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
