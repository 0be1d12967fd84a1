//! A campaign, for a person.

use super::{Part, Told, Whole, commits::Commit};
use crate::fuzz::Campaign;
use std::fmt::Write as _;

/// Characters of a commit that are shown.
const COMMIT: usize = 12;

pub(super) fn text(told: &Told<'_>) -> String {
    let mut text = parts(told.whole);
    if told.commits.iter().any(|commit| commit.sessions > 0) {
        text += "commits\n";
        told.commits.iter().for_each(|commit| text += &of_commit(commit));
    }
    for (signature, found) in &told.whole.findings {
        let seen = found.first_seen.as_deref().map_or(String::new(), |seen| format!(", {seen}"));
        let is_new = told.new.as_ref().is_some_and(|new| new.contains(&signature.as_str()));
        let new = if is_new { ", new" } else { "" };
        let _ = writeln!(
            text,
            "  {signature}: in {} parts, first at seed {}{seen}{new}\n    {}",
            found.parts, found.saved.seed, found.saved.replay
        );
        let bisected = told.bisected.iter().find(|bisected| bisected.signature == *signature);
        if let Some(bisected) = bisected {
            let _ = writeln!(text, "    {}", bisected.answer);
        }
    }
    if let Some(new) = &told.new {
        let _ = writeln!(text, "{} of {} findings are new", new.len(), told.whole.findings.len());
    }
    text
}

fn parts(whole: &Whole) -> String {
    let mut text = String::new();
    for Part { folder, campaign, complete } in &whole.parts {
        let Campaign { first_seed, seeds, next_seed, blocks, findings, .. } = campaign;
        let done = next_seed.saturating_sub(*first_seed);
        let of = seeds.map_or(String::new(), |seeds| format!(" of {seeds}"));
        let state = match complete {
            Some(true) => "complete",
            Some(false) => "not complete",
            None => "without an end",
        };
        let _ = writeln!(
            text,
            "{}: {done}{of} seeds from {first_seed} on, {blocks} blocks, {findings} findings; {state}",
            folder.display()
        );
    }
    let sum =
        |of: fn(&Campaign) -> u64| whole.parts.iter().map(|part| of(&part.campaign)).sum::<u64>();
    let missing = match whole.missing {
        0 => String::new(),
        missing => format!("; {missing} parts are missing"),
    };
    let _ = writeln!(
        text,
        "{} parts, {} seeds, {} blocks; {} findings{missing}",
        whole.parts.len(),
        sum(|one| one.next_seed.saturating_sub(one.first_seed)),
        sum(|one| one.blocks),
        whole.findings.len(),
    );
    text
}

fn of_commit(commit: &Commit) -> String {
    let name: String = commit.commit.chars().take(COMMIT).collect();
    let mut text = format!(
        "  {name}: from {} on, {} sessions, {} blocks, {} new findings\n",
        commit.started,
        commit.sessions,
        commit.blocks,
        commit.new.len()
    );
    for rate in &commit.rates {
        let before = rate.of_before.map_or(String::new(), |share| {
            let word = if rate.is_regression() { "SLOWER: " } else { "" };
            format!("; {word}{:.0} % of the commit before", 100.0 * share)
        });
        let _ = writeln!(
            text,
            "    {:.0} blocks/s with {} in flight on {}{before}",
            rate.blocks_per_second, rate.jobs, rate.machine
        );
    }
    text
}
