//! `lockstep explain`.

use crate::{
    Lockstep,
    args::{ExplainArgs, ExplainFormat},
    files,
    one_case::{EXIT_AGREES, guilty, load},
    output,
};
use anyhow::Result;
use lockstep_jobs::explain::{Style, explain as explain_block, render};

/// Runs the command; gives its exit status.
pub(crate) fn explain(args: &ExplainArgs, command: &Lockstep) -> Result<u8> {
    output::set_color(args.case.color);
    lockstep_executors::remember();
    let block = load(&args.case, command)?;
    let Some(mut suspect) = guilty(&args.case, command, &block, "explain")? else {
        return Ok(EXIT_AGREES);
    };
    let explanation = explain_block(&block, &mut suspect, &lockstep_executors::trace)?;
    let style = match args.format {
        ExplainFormat::Human => Style::Terminal,
        ExplainFormat::Markdown => Style::Markdown,
    };
    let text = render(&explanation, style);
    match &args.out {
        Some(path) => files::write(path, &text)?,
        None => output::out(&text),
    }
    Ok(0)
}
