//! `lockstep completions` and `lockstep manual`.

use clap::Args;
use clap_complete::Shell;
use std::path::PathBuf;

pub(super) const COMPLETIONS_ABOUT: &str = "\
Prints the completions of a shell. In bash: `source <(lockstep completions bash)`; in the others as their manuals say.";

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManualArgs {
    /// The folder of the pages, as in /usr/local/share/man/man1
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}
