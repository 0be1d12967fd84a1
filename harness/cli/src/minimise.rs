//! `lockstep minimise`.

use crate::{
    Lockstep,
    args::MinimiseArgs,
    files, interrupt,
    one_case::{in_worker, show},
    output,
};
use anyhow::Result;
use lockstep_formats::export::{Fixture, fixture};
use lockstep_jobs::{
    finding::Failure,
    minimise::{Patience, Shrunk, Suspect, shrink},
    trials::{Report, Trials},
};
use lockstep_judge::runnable::Runnable;
use lockstep_model::RunOptions;
use std::sync::atomic::Ordering;

/// Runs the command; gives its exit status.
pub(crate) fn minimise(args: &MinimiseArgs, command: &Lockstep) -> Result<u8> {
    output::set_color(args.case.color);
    if let Some(path) = &args.out {
        files::can_be_written(path)?;
    }
    let report = in_worker(&args.case, command, "minimise", &|block, suspect, trials| {
        make_small(args, block, suspect, trials)
    })?;
    show(&report, args.out.as_deref())
}

fn make_small(
    args: &MinimiseArgs,
    block: &Runnable,
    suspect: &mut Suspect,
    trials: &Trials,
) -> Result<Report> {
    let interrupted = interrupt::flag();
    interrupted.fetch_or(trials.is_stopped(), Ordering::SeqCst);
    let patience = Patience { time: args.time.saturating_sub(trials.spent()), interrupted };
    let before = block.case.block.transactions.len();
    let shrunk = shrink(block, suspect, &patience, &mut |left, tried| {
        trials.progress(format!("{left} of {before} transactions left, {tried} blocks tried"));
    })?;
    let remarks = describe(&shrunk, suspect.label(), before);
    Ok(Report { status: 0, text: as_fixture(&shrunk, suspect)?, remarks })
}

fn describe(shrunk: &Shrunk, executor: &str, before: usize) -> String {
    let minimal = if shrunk.is_minimal { "" } else { "; the time was up before it was minimal" };
    let slipped = slipped(&shrunk.first, &shrunk.failure);
    format!(
        "{executor}: {}\n{slipped}{} of {before} transactions, {} accounts; fails in {}; {} blocks tried{minimal}\n",
        shrunk.failure.text,
        shrunk.block.case.block.transactions.len(),
        shrunk.block.pre.state.accounts().count(),
        shrunk.rate,
        shrunk.tried,
    )
}

/// Whether it fails in another way than at first.
fn slipped(first: &Failure, last: &Failure) -> String {
    if first.is_like(last) {
        return String::new();
    }
    format!("the signature has changed: {} at first, {} now\n", first.signature, last.signature)
}

/// As a file that other clients can replay.
fn as_fixture(shrunk: &Shrunk, suspect: &mut Suspect) -> Result<String> {
    let outcome = suspect.right(&shrunk.block, &RunOptions::of(&shrunk.block.case))?;
    let comment = format!(
        "Minimised from {}. {} was wrong on it: {}. Failed in {}.",
        shrunk.block.case.id,
        suspect.label(),
        shrunk.failure.text,
        shrunk.rate
    );
    let about =
        Fixture { name: &name(shrunk, suspect.label()), comment: &comment, confirmed_by: &[] };
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
