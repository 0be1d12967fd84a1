//! `lockstep completions` and `lockstep manual`: what stands beside an installed program.

use crate::{
    args::{Cli, CompletionsArgs, ManualArgs},
    files, output,
};
use anyhow::{Context, Result};
use clap::CommandFactory;

/// The name that completions and pages are of, whatever the program was called by.
const NAME: &str = "lockstep";

/// Prints completions; gives the exit status.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    output::out(&String::from_utf8(script).context("completions")?);
    Ok(0)
}

/// Writes a page for the program and one for each command; gives the exit status.
pub(crate) fn manual(args: &ManualArgs) -> Result<u8> {
    files::make_out(&args.folder)?;
    let pages = clap_mangen::generate_to(Cli::command().name(NAME), &args.folder);
    pages.with_context(|| format!("{}: cannot be written to", args.folder.display()))?;
    Ok(0)
}
