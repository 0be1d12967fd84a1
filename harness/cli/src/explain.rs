//! `lockstep explain`.

use crate::{
    Lockstep,
    args::{ExplainArgs, ExplainFormat},
    one_case::{in_worker, show},
    output,
};
use anyhow::Result;
use lockstep_jobs::{
    explain::{Style, explain as explain_block, render},
    trials::Report,
};

/// Runs the command; gives its exit status.
pub(crate) fn explain(args: &ExplainArgs, command: &Lockstep) -> Result<u8> {
    output::set_color(args.case.color);
    let style = match args.format {
        ExplainFormat::Human => Style::Terminal,
        ExplainFormat::Markdown => Style::Markdown,
    };
    let report = in_worker(&args.case, command, "explain", &|block, suspect, _| {
        let explanation = explain_block(block, suspect, &lockstep_executors::trace)?;
        Ok(Report { text: render(&explanation, style), ..Report::default() })
    })?;
    show(&report, args.out.as_deref())
}
