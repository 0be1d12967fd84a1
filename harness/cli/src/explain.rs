//! `lockstep explain`.

use crate::{
    Lockstep,
    args::{ExplainArgs, ExplainFormat},
    one_case::{guilty, load},
    output,
};
use anyhow::{Context, Result};
use lockstep_runner::explain::{Style, explain as explain_block, render};
use std::fs;

const EXIT_AGREES: u8 = 1;

/// Runs the command; gives its exit status.
pub(crate) fn explain(args: &ExplainArgs, command: &Lockstep) -> Result<u8> {
    output::set_color(args.case.color);
    let block = load(&args.case)?;
    let Some(mut suspect) = guilty(&args.case, command, &block)? else {
        output::error(&format!(
            "{}: every executor agrees with the reference, in every run: there is nothing to explain",
            block.case.id
        ));
        return Ok(EXIT_AGREES);
    };
    let explanation = explain_block(&block, &mut suspect, &lockstep_executors::trace)?;
    let style = match args.format {
        ExplainFormat::Human => Style::Terminal,
        ExplainFormat::Markdown => Style::Markdown,
    };
    let text = render(&explanation, style);
    match &args.out {
        Some(path) => fs::write(path, text)
            .with_context(|| format!("--out {}: cannot be written", path.display()))?,
        None => output::out(&text),
    }
    Ok(0)
}
