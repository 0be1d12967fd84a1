//! Who takes part: the reference, and clients that are other programs.

use clap::Args;
use std::{num::NonZeroUsize, path::PathBuf};

/// The reference, and clients.
#[derive(Debug, Clone, Args)]
pub(crate) struct PartiesArgs {
    /// Also executors that are other programs: the clients of this file, as docs/clients.md has it
    #[arg(long, value_name = "FILE")]
    pub(crate) clients: Option<PathBuf>,

    /// The executor that the others are held against
    #[arg(long, value_name = "NAME", default_value = crate::defaults::REFERENCE)]
    pub(crate) reference: String,

    /// Shards of `sharded` [default: one for each of its threads]
    #[arg(long, value_name = "N")]
    pub(crate) shards: Option<NonZeroUsize>,
}
