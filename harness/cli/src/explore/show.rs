//! What is printed, and saved.

use super::blocks::Named;
use crate::{args::ExploreArgs, files, program};
use anyhow::Result;
use lockstep_engine::Candidate;
use lockstep_formats::export::{Fixture, fixture};
use lockstep_jobs::{
    explore::{
        Ended, Explored, Failing, Replayed, diagram,
        outside::{REPLAYS, Steered},
    },
    finding::Failure,
    minimise::Suspect,
};
use lockstep_model::RunOptions;
use serde::{Deserialize, Serialize};
use std::{fmt::Write as _, path::Path};

/// A block that was explored, or a schedule that was run.
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) failed: bool,
    pub(super) line: Line,
}

/// A line of `--format json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    /// The block.
    pub(crate) block: String,
    /// The executor, with its threads.
    pub(crate) executor: String,
    /// `failed`, `dry`, `schedules`, `time`, `interrupted`, or `replayed`.
    pub(crate) ended: String,
    /// Schedules that were run.
    pub(crate) schedules: u64,
    /// How long they took.
    pub(crate) seconds: f64,
    /// Pairs of reader and writer that were seen, and those that are possible; from outside, orders of two reads.
    pub(crate) pairs: (usize, usize),
    /// How it fails, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
    /// The strategy that found it, and the number of its schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) found_by: Option<(String, u64)>,
    /// The simplest schedule that fails; the last one where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schedule: Option<String>,
    /// Preemptions in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) preemptions: Option<usize>,
    /// Of so many repetitions, how many failed in the same way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replays: Option<(u32, u32)>,
    /// The command that shows it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<String>,
}

impl Line {
    fn new(block: &Named, executor: &str, ended: &str) -> Self {
        Self {
            block: block.block.case.id.to_string(),
            executor: executor.to_owned(),
            ended: ended.to_owned(),
            schedules: 0,
            seconds: 0.0,
            pairs: (0, 0),
            failure: None,
            found_by: None,
            schedule: None,
            preemptions: None,
            replays: None,
            command: None,
        }
    }
}

pub(super) fn replayed(block: &Named, executor: &str, replayed: &Replayed) -> Shown {
    let id = block.block.case.id.to_string();
    let Replayed { failure, record } = replayed;
    let mut text = heading(&id, executor, failure.as_ref(), "under this schedule");
    let (steps, preemptions) = (record.steps, record.preemptions());
    let _ =
        writeln!(text, "{steps} steps, {} switches, {preemptions} preemptions", record.moves.len());
    text.push('\n');
    text.push_str(&diagram::terminal(record));
    let line = Line {
        schedules: 1,
        failure: failure.as_ref().map(|failure| failure.text.clone()),
        preemptions: Some(preemptions),
        ..Line::new(block, executor, "replayed")
    };
    Shown { text, failed: failure.is_some(), line }
}

const fn ended(ended: Ended) -> &'static str {
    match ended {
        Ended::Failed => "failed",
        Ended::Dry => "dry",
        Ended::Schedules => "schedules",
        Ended::Time => "time",
        Ended::Interrupted => "interrupted",
    }
}

/// The first line: how it fails, or what is said where it agrees.
fn heading(id: &str, executor: &str, failure: Option<&Failure>, agrees: &str) -> String {
    match failure {
        Some(failure) => format!("FAILED {id}: {executor}: {}\n", failure.text),
        None => format!("AGREES {id}: {executor}: {agrees}\n"),
    }
}

/// The command that shows a failing schedule again: by its text, or where that is not known by its number.
fn command(
    (args, block, candidate): (&ExploreArgs, &Named, &Candidate),
    schedule: Option<String>,
    number: u64,
) -> String {
    let mut words = vec!["explore".to_owned()];
    words.extend(block.words.iter().cloned());
    let threads = candidate.threads.to_string();
    words.extend(["--executor".to_owned(), args.executor.clone(), "--threads".to_owned(), threads]);
    match schedule {
        Some(schedule) => words.extend(["--schedule".to_owned(), schedule]),
        None => words.extend(by_number(args, number)),
    }
    program::command(words)
}

/// The words that make the schedule of a number again.
fn by_number(args: &ExploreArgs, number: u64) -> [String; 8] {
    [
        "--strategy".to_owned(),
        program::list(&args.strategy),
        "--schedule-seed".to_owned(),
        args.schedule_seed.to_string(),
        "--first".to_owned(),
        number.to_string(),
        "--schedules".to_owned(),
        "1".to_owned(),
    ]
}

pub(super) fn replayed_reads(
    block: &Named,
    executor: &str,
    (failed, first): &(u32, Option<Failure>),
) -> Shown {
    let id = block.block.case.id.to_string();
    let agrees = format!("in {REPLAYS} runs with these reads held back");
    let mut text = heading(&id, executor, first.as_ref(), &agrees);
    if first.is_some() {
        let _ = writeln!(text, "{failed} of {REPLAYS} runs failed");
    }
    let line = Line {
        replays: Some((*failed, REPLAYS)),
        failure: first.as_ref().map(|failure| failure.text.clone()),
        schedules: REPLAYS.into(),
        ..Line::new(block, executor, "replayed")
    };
    Shown { text, failed: first.is_some(), line }
}

pub(super) fn steered(
    args: &ExploreArgs,
    block: &Named,
    candidate: &Candidate,
    steered: &Steered,
) -> Shown {
    let (id, label) = (&block.block.case.id, &candidate.label);
    let Steered { schedules, time, readers, reads, orders, possible, failing, .. } = steered;
    let command = failing.as_ref().map(|held| {
        let schedule = held.holds.as_ref().map(ToString::to_string);
        command((args, block, candidate), schedule, held.found_by.1)
    });
    let failure = failing.as_ref().map(|held| &held.failure);
    let mut text = heading(id, label, failure, &why(steered.ended, args));
    let seconds = time.as_secs_f64();
    let _ = writeln!(
        text,
        "{schedules} orders of its reads in {seconds:.1} s ({:.0} a second); {readers} threads read, \
         {reads} reads; {orders} of {possible} orders of two reads seen\n\
         steered from outside: between two reads its threads are free",
        *schedules as f64 / seconds.max(1e-9),
    );
    if let (Some(held), Some(command)) = (failing, &command) {
        let (strategy, number) = &held.found_by;
        let _ = writeln!(text, "found by {strategy}, schedule {number}");
        let (same, of) = held.replays;
        match (held.words.len(), &held.holds) {
            (0, Some(_)) => {
                let _ = writeln!(text, "it needs no order of reads: failed again {same} of {of}");
            }
            (0, None) => text.push_str("no order of its reads alone brought the failure back\n"),
            (count, _) => {
                let _ = writeln!(
                    text,
                    "reads held back: {count}, found in {} tries; failed again: {same} of {of}",
                    held.tries
                );
                held.words.iter().for_each(|word| text.push_str(&format!("  {word}\n")));
            }
        }
        let _ = writeln!(text, "run it again: {command}");
    }
    let line = Line {
        schedules: *schedules,
        seconds,
        pairs: (*orders, *possible),
        failure: failing.as_ref().map(|held| held.failure.text.clone()),
        found_by: failing.as_ref().map(|held| held.found_by.clone()),
        schedule: failing.as_ref().and_then(|held| held.holds.as_ref()).map(ToString::to_string),
        replays: failing.as_ref().map(|held| held.replays),
        command,
        ..Line::new(block, label, ended(steered.ended))
    };
    Shown { text, failed: failing.is_some(), line }
}

pub(super) fn explored(
    args: &ExploreArgs,
    block: &Named,
    candidate: &Candidate,
    explored: &Explored,
    saved: Option<&str>,
) -> Shown {
    let id = block.block.case.id.to_string();
    let seconds = explored.time.as_secs_f64();
    let failing = explored.failing.as_ref();
    let run = failing.and_then(|failing| failing.run.as_ref());
    let command = failing.map(|failing| {
        let schedule = run.map(|run| run.schedule.to_string());
        command((args, block, candidate), schedule, failing.number)
    });
    let line = Line {
        schedules: explored.schedules,
        seconds,
        pairs: (explored.pairs.seen, explored.pairs.possible),
        failure: failing.map(|failing| failing.failure.text.clone()),
        found_by: failing.map(|failing| (failing.strategy.to_string(), failing.number)),
        schedule: run.map(|run| &run.schedule).or(explored.last.as_ref()).map(ToString::to_string),
        preemptions: run.map(|run| run.record.preemptions()),
        replays: run.map(|run| run.replays),
        command: command.clone(),
        ..Line::new(block, &candidate.label, ended(explored.ended))
    };
    let label = &candidate.label;
    let failure = failing.map(|failing| &failing.failure);
    let mut text = heading(&id, label, failure, &why(explored.ended, args));
    text.push_str(&figures(explored));
    if let (Some(failing), Some(command)) = (failing, command) {
        text.push_str(&about_failing(failing, &command, saved));
    }
    Shown { text, failed: failing.is_some(), line }
}

fn why(ended: Ended, args: &ExploreArgs) -> String {
    match ended {
        Ended::Failed => "a schedule failed".to_owned(),
        Ended::Dry => format!("no new pair in the last {} schedules", args.dry),
        Ended::Schedules => "as many schedules as were asked for".to_owned(),
        Ended::Time => "the time was up".to_owned(),
        Ended::Interrupted => "interrupted".to_owned(),
    }
}

fn figures(explored: &Explored) -> String {
    let Explored { schedules, steps, time, pairs, growth, shares, repeated, .. } = explored;
    let rate = *schedules as f64 / time.as_secs_f64().max(1e-9);
    let mut text = format!(
        "{schedules} schedules in {:.1} s ({rate:.0} a second), {} steps each; {} of {} pairs of reader \
         and writer seen; {repeated} run twice, same steps\n",
        time.as_secs_f64(),
        steps / schedules.max(&1),
        pairs.seen,
        pairs.possible,
    );
    let shares: Vec<String> = shares
        .iter()
        .map(|share| format!("{} {} (+{})", share.strategy, share.schedules, share.new_pairs))
        .collect();
    let _ = writeln!(text, "schedules (new pairs): {}", shares.join(", "));
    let growth: Vec<String> = sample(growth)
        .iter()
        .map(|(schedules, pairs)| format!("{pairs} after {schedules}"))
        .collect();
    if !growth.is_empty() {
        let _ = writeln!(text, "pairs over time: {}", growth.join(", "));
    }
    text
}

/// The first, the last, and some in between.
fn sample(growth: &[(u64, usize)]) -> Vec<(u64, usize)> {
    const SHOWN: usize = 6;
    let last = growth.len().saturating_sub(1);
    let at = |index: usize| growth.get(index * last / (SHOWN - 1)).copied();
    let mut shown: Vec<_> = (0..SHOWN).filter_map(at).collect();
    shown.dedup();
    shown
}

fn about_failing(failing: &Failing, command: &str, saved: Option<&str>) -> String {
    let mut text = format!("found by {}, schedule {}\n", failing.strategy, failing.number);
    match &failing.run {
        Some(run) => {
            let (same, of) = run.replays;
            let _ = writeln!(
                text,
                "{} switches between workers made {} ({} preemptions) in {} schedules; replayed: {same} of {of}",
                failing.switches_before,
                run.record.moves.len(),
                run.record.preemptions(),
                run.tries,
            );
            text.push('\n');
            text.push_str(&diagram::terminal(&run.record));
            text.push('\n');
        }
        None => text.push_str("its process ended, so that its steps are not known\n"),
    }
    let _ = writeln!(text, "run it again: {command}");
    if let Some(saved) = saved {
        let _ = writeln!(text, "saved: {saved}");
    }
    text
}

/// Saves a failing block, its schedule and its picture; gives the names of the files.
pub(super) fn save(
    folder: &Path,
    block: &Named,
    failing: &Failing,
    executor: &str,
    suspect: &mut Suspect,
) -> Result<String> {
    let case = &block.block.case;
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let name = format!("{}_{}", executor.replace('@', "_"), case.id);
    let name: String = name.chars().map(plain).collect();
    let outcome = suspect.right(&block.block, &RunOptions::of(case))?;
    let comment = format!("{executor} is wrong on it under a schedule: {}.", failing.failure.text);
    let about = Fixture { name: &name, comment: &comment, confirmed_by: &[] };
    let mut saved = Vec::new();
    let mut write = |kind: &str, text: &str| {
        let path = folder.join(format!("{name}.{kind}"));
        saved.push(path.display().to_string());
        files::write(&path, text)
    };
    write("json", &fixture(&block.block, &outcome, about)?)?;
    if let Some(run) = &failing.run {
        write("schedule", &format!("{}\n", run.schedule))?;
        let title = format!("{executor} on {}: {}", case.id, failing.failure.text);
        write("svg", &diagram::svg(&run.record, &title))?;
    }
    Ok(saved.join(", "))
}
