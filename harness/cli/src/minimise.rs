//! `lockstep minimise`.

use crate::{
    Lockstep,
    args::MinimiseArgs,
    files, interrupt,
    one_case::{EXIT_AGREES, guilty, load},
    output,
    progress::Progress,
};
use anyhow::Result;
use lockstep_formats::export::{Fixture, fixture};
use lockstep_jobs::minimise::{Patience, Shrunk, Suspect, shrink};

/// Runs the command; gives its exit status.
pub(crate) fn minimise(args: &MinimiseArgs, command: &Lockstep) -> Result<u8> {
    output::set_color(args.case.color);
    lockstep_executors::remember();
    if let Some(path) = &args.out {
        files::can_be_written(path)?;
    }
    let block = load(&args.case, command)?;
    let Some(mut suspect) = guilty(&args.case, command, &block, "minimise")? else {
        return Ok(EXIT_AGREES);
    };
    let patience = Patience { time: args.time, interrupted: interrupt::flag() };
    let before = block.case.block.transactions.len();
    let progress = Progress::new();
    let shrunk = shrink(&block, &mut suspect, &patience, &mut |left, tried| {
        progress.say(&format!("{left} of {before} transactions left, {tried} blocks tried"));
    });
    progress.finish();
    let shrunk = shrunk?;
    output::err(&describe(&shrunk, suspect.label(), before));
    let text = as_fixture(&shrunk, &mut suspect)?;
    match &args.out {
        Some(path) => files::write(path, &text)?,
        None => output::out(&text),
    }
    Ok(0)
}

fn describe(shrunk: &Shrunk, executor: &str, before: usize) -> String {
    let minimal = if shrunk.is_minimal { "" } else { "; the time was up before it was minimal" };
    format!(
        "{executor}: {}\n{} of {before} transactions, {} accounts; fails in {}; {} blocks tried{minimal}\n",
        shrunk.failure.text,
        shrunk.block.case.block.transactions.len(),
        shrunk.block.pre.state.accounts().count(),
        shrunk.rate,
        shrunk.tried,
    )
}

/// As a file that other clients can replay.
pub(crate) fn as_fixture(shrunk: &Shrunk, suspect: &mut Suspect) -> Result<String> {
    let outcome = suspect.right(&shrunk.block)?;
    let comment = format!(
        "Minimised from {}. {} was wrong on it: {}. Failed in {}.",
        shrunk.block.case.id,
        suspect.label(),
        shrunk.failure.text,
        shrunk.rate
    );
    let about = Fixture { name: &name(shrunk, suspect.label()), comment: &comment };
    Ok(fixture(&shrunk.block, &outcome, about)?)
}

fn name(shrunk: &Shrunk, executor: &str) -> String {
    let id: &str = &shrunk.block.case.id;
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    format!("{}_{}", executor.split('@').next().unwrap_or(executor), id)
        .chars()
        .map(plain)
        .collect()
}
