//! Options of commands that can be watched, and `lockstep serve`.

use clap::Args;
use std::{net::SocketAddr, path::PathBuf};

pub(super) const SERVE_ABOUT: &str = "\
Shows the records of finished or running commands in a browser, and follows them as they grow: the folders that \
`fuzz`, `check` and `bench` write with --out, or a folder of such folders, as the nodes of a campaign fill them. \
The page is read-only. It ends with Ctrl-C.

It listens on the loopback, unless --address says otherwise: then requests must show a token, which is part of the \
address that is printed. LOCKSTEP_TOKEN sets it, so that it survives a restart.";

const SERVE_EXAMPLES: &str = "\
Examples:
  lockstep serve campaign                         a campaign on this machine
  lockstep serve /shared/campaign                 one over many nodes, which share a folder
  lockstep serve --address 0.0.0.0:7457 nightly   for other machines, with a token";

/// Who watches a run.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct LiveArgs {
    /// Show the run in a dashboard in this terminal, with keys to pause, look at findings and stop
    #[arg(long)]
    pub(crate) live: bool,

    /// Show the run in a browser, read-only, at ADDRESS [default: 127.0.0.1:7457]; one that is not on the loopback
    /// wants a token: see `lockstep serve --help`
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, require_equals = true, default_missing_value = "127.0.0.1:7457")]
    pub(crate) serve: Option<SocketAddr>,
}

impl LiveArgs {
    /// Whether a view of the run is asked for.
    pub(crate) const fn is_asked(&self) -> bool {
        self.live || self.serve.is_some()
    }
}

#[derive(Debug, Args)]
#[command(after_help = SERVE_EXAMPLES)]
pub(crate) struct ServeArgs {
    /// Folders with records
    #[arg(value_name = "DIR", required = true)]
    pub(crate) folders: Vec<PathBuf>,

    /// Where to listen; port 0 is any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7457")]
    pub(crate) address: SocketAddr,
}
