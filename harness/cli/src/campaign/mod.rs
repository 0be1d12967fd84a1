//! `lockstep campaign`: the folders of a campaign over many machines and commits, as one.
//!
//! * `whole`: what the folders say. * `commits`: what that says of commits. * `bisect`: findings, replayed by the
//!   programs of several commits. * `rest`: seeds that are not done. * `text`: all of it, for a person.

mod bisect;
mod commits;
mod rest;
mod text;
mod whole;

pub(crate) use whole::{Known, Part, Signature, Whole};

use crate::{
    EXIT_NOTHING, EXIT_USAGE,
    args::{CampaignArgs, CampaignFormat},
    output,
};
use anyhow::{Context, Result};
use bisect::Bisected;
use commits::Commits;
use serde::Serialize;
use std::ops::Range;

const EXIT_FOUND: u8 = 1;
const EXIT_INCOMPLETE: u8 = 3;

/// Everything that the command has to say.
#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    whole: &'a Whole,
    commits: &'a Commits,
    /// Signatures that were first seen after the commit of --since.
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<Vec<&'a str>>,
    bisected: Vec<Bisected>,
}

/// Runs the command; gives its exit status.
pub(crate) fn campaign(args: &CampaignArgs) -> Result<u8> {
    output::set_color(args.color);
    let mut whole = Whole::of(&args.folders);
    whole.missing = args.parts.map_or(0, |parts| parts.saturating_sub(whole.first_parts()));
    for problem in &whole.unreadable {
        output::error(problem);
    }
    if let Some(seeds) = &args.rest {
        return print_rest(seeds.clone(), &whole, args.nodes);
    }
    if let Some(out) = &args.out {
        whole.keep(out)?;
    }
    let commits = Commits::of(&whole);
    let since = args.since.as_deref().map(|commit| commits.named(commit)).transpose()?;
    let new = since.map(|commit| commits.new_since(commit, &whole));
    let bisected = bisect::bisect(&args.with, &whole)?;
    let told = Told { whole: &whole, commits: &commits, new, bisected };
    match args.format {
        CampaignFormat::Human => output::out(&text::text(&told)),
        CampaignFormat::Json => {
            let line = serde_json::to_string(&told).context("JSON")?;
            output::out(&format!("{line}\n"));
        }
    }
    let found = told.new.map_or(whole.findings.len(), |new| new.len());
    Ok(exit_status(&whole, found))
}

/// A line for each node: its first seed, and how many. What cannot be read counts as not done.
fn print_rest(seeds: Range<u64>, whole: &Whole, nodes: u64) -> Result<u8> {
    for seeds in rest::rest(seeds, whole, nodes) {
        output::out(&format!("{} {}\n", seeds.start, seeds.end - seeds.start));
    }
    Ok(0)
}

fn exit_status(whole: &Whole, found: usize) -> u8 {
    let is_incomplete =
        whole.missing > 0 || whole.parts.iter().any(|part| part.complete == Some(false));
    match () {
        () if found > 0 => EXIT_FOUND,
        () if !whole.unreadable.is_empty() => EXIT_USAGE,
        () if is_incomplete => EXIT_INCOMPLETE,
        () if whole.parts.is_empty() => EXIT_NOTHING,
        () => 0,
    }
}
