//! From the command line to a plan; bad combinations end here.

use crate::{
    Lockstep,
    args::{CheckArgs, DEFAULT_MOST_HANGS, ExpectationsMode, Format, PackMode},
    candidates::{Chosen, candidates, factory},
    pipes, program,
};
use anyhow::{Context, Result, bail};
use lockstep_cases::{built_in, kept};
use lockstep_engine::Candidate;
use lockstep_formats::{Walk, lists::Lists};
use lockstep_jobs::check::{Expectations, Input, PackOptions, Plan, Selection};
use lockstep_judge::pack::Mode;
use lockstep_model::Mode as ThreadsMode;
use lockstep_report::terminal::Replay;
use regex::Regex;
use std::{
    collections::HashMap,
    fmt::Write as _,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    thread,
    time::Duration,
};

/// The folder of official fixtures.
const PAYLOAD: &str = "ethereum-tests";

/// `--hang-after`, where nothing is said.
const DEFAULT_HANG_AFTER: Duration = Duration::from_secs(60);

/// A run of `check`, ready to start.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) plan: Arc<Plan>,
    pub(crate) input: Input,
    /// The tests and candidates of the run, in one line.
    pub(crate) announcement: String,
    pub(crate) replay: Replay,
}

/// Makes the job; pipes are read from these copies.
pub(crate) fn job(
    args: &CheckArgs,
    command: &Lockstep,
    copies: &HashMap<PathBuf, PathBuf>,
) -> Result<Job> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let jobs = args.jobs.unwrap_or(cores);
    if jobs == 0 {
        bail!("--jobs 0: expected at least 1");
    }
    if args.most_hangs == 0 {
        bail!("--most-hangs 0: expected at least 1");
    }
    let chosen =
        Chosen { names: &args.executor, threads: &args.threads, mode: ThreadsMode::Forced };
    let candidates = candidates(&command.executors, &chosen, &[&command.reference])?;
    let walk = walk(args, copies)?;
    let (input, source) = input(args, walk);
    let names: Vec<&str> = candidates.iter().map(|candidate| candidate.label.as_str()).collect();
    let announcement = format!(
        "checking {source}: {} against {}; {jobs} {} in flight",
        command.reference,
        names.join(", "),
        if jobs == 1 { "case" } else { "cases" }
    );
    let plan = Plan {
        reference: Candidate::reference(&factory(
            &command.executors,
            &command.reference,
            ThreadsMode::Forced,
        )?),
        candidates,
        jobs,
        selection: selection(args)?,
        pack: pack(args)?,
        expectations: match args.expectations {
            ExpectationsMode::Use => Expectations::Use,
            ExpectationsMode::Ignore => Expectations::Ignore,
        },
        outcomes: wants_outcomes(args),
        lists: Arc::new(lists(args, command)?),
        hang_after: args.hang_after,
        release_memory: command.release_memory,
        most_hangs: args.most_hangs,
        interrupted: Arc::new(AtomicBool::new(false)),
        paused: Arc::default(),
    };
    Ok(Job { plan: Arc::new(plan), input, announcement, replay: replay(args) })
}

/// Whether anything shows what the reference made of each case.
fn wants_outcomes(args: &CheckArgs) -> bool {
    let is_recorded = args.format == Format::Json || args.out.is_some();
    is_recorded || args.expectations == ExpectationsMode::Ignore
}

/// The lists of the program, and those of the user.
fn lists(args: &CheckArgs, command: &Lockstep) -> Result<Lists> {
    let mut lists = command.lists.clone();
    for path in &args.known {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("--known {shown}: cannot be read"))?;
        let more = Lists::parse(&text).map_err(|problem| {
            anyhow::anyhow!(
                "--known {shown}: expected lists as in corpora/reviewed.toml: {problem}"
            )
        })?;
        lists.extend(more);
    }
    Ok(lists)
}

/// The walk that finds the tests.
fn walk(args: &CheckArgs, copies: &HashMap<PathBuf, PathBuf>) -> Result<Walk> {
    let mut paths = args.paths.clone();
    if let Some(list) = &args.files_from {
        paths.extend(pipes::listed(list, copies)?);
    }
    if args.paths.is_empty() && args.files_from.is_none() {
        paths = payload();
    }
    Ok(Walk {
        paths,
        follow_links: args.follow_links,
        copies: copies.clone(),
        network: args.network.clone(),
    })
}

fn selection(args: &CheckArgs) -> Result<Selection> {
    let filter = args.filter.as_deref().map(Regex::new).transpose();
    Ok(Selection {
        filter: filter.context("--filter: expected a regular expression")?,
        partition: args.partition,
        skip_slow: args.skip_slow,
        ..Selection::default()
    })
}

fn pack(args: &CheckArgs) -> Result<Option<PackOptions>> {
    let Some(size) = args.pack else { return Ok(None) };
    if size < 2 {
        bail!("--pack {size}: expected at least 2, a block of one is what a state test is");
    }
    let modes = match args.pack_mode {
        PackMode::Disjoint => vec![Mode::Disjoint],
        PackMode::Shared => vec![Mode::Shared],
        PackMode::Invalid => vec![Mode::Invalid],
        PackMode::All => Mode::ALL.to_vec(),
    };
    Ok(Some(PackOptions { size, modes, seed: args.seed }))
}

/// The entries of `ethereum-tests/`, without the files that are always there.
pub(crate) fn payload() -> Vec<PathBuf> {
    let ours = ["README.md", "manifest.toml"];
    let Ok(entries) = std::fs::read_dir(PAYLOAD) else { return Vec::new() };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let is_payload = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        name.is_some_and(|name| !ours.contains(&name.as_str()) && !name.starts_with('.'))
    };
    let mut paths: Vec<PathBuf> = paths.filter(is_payload).collect();
    paths.sort();
    paths
}

fn input(args: &CheckArgs, walk: Walk) -> (Input, String) {
    if walk.paths.is_empty() && args.files_from.is_none() {
        let (mut tests, known) = (built_in::tests(args.seed), kept::tests());
        let source = format!(
            "the built-in set of {} generated blocks and {} that once showed a bug (no PATH given)",
            tests.len(),
            known.len()
        );
        tests.extend(known);
        return (Input::Tests(tests), source);
    }
    let named = args.paths.iter().map(|path| path.display().to_string());
    let listed = args.files_from.iter().map(|list| {
        let count = walk.paths.len() - args.paths.len();
        format!("{count} paths listed in {}", list.display())
    });
    let names: Vec<String> = named.chain(listed).collect();
    let mut source = names.join(", ");
    if names.is_empty() {
        let found: Vec<String> = walk.paths.iter().map(|path| path.display().to_string()).collect();
        source = found.join(", ");
        let _ = write!(source, " (no PATH given)");
    }
    if let Some(size) = args.pack {
        let mode = args.pack_mode.name();
        let _ = write!(source, ", packed into blocks of {size} ({mode}, seed {})", args.seed);
    }
    (Input::Paths(walk), source)
}

/// The command that gives the same tests again, before the path.
fn replay(args: &CheckArgs) -> Replay {
    let mut words = vec!["check".to_owned()];
    let mut add = |option: &str, value: String| words.extend([option.to_owned(), value]);
    if !args.executor.is_empty() {
        add("--executor", program::list(&args.executor));
    }
    if !args.threads.is_empty() {
        add("--threads", program::list(&args.threads));
    }
    if let Some(size) = args.pack {
        add("--pack", size.to_string());
        add("--pack-mode", args.pack_mode.name().to_owned());
    }
    if args.expectations == ExpectationsMode::Ignore {
        add("--expectations", "ignore".to_owned());
    }
    if args.seed != 0 {
        add("--seed", args.seed.to_string());
    }
    if args.hang_after != DEFAULT_HANG_AFTER {
        add("--hang-after", program::duration(args.hang_after));
    }
    if args.most_hangs != DEFAULT_MOST_HANGS {
        add("--most-hangs", args.most_hangs.to_string());
    }
    // A packed block depends on every test that could have been packed.
    if args.pack.is_some() {
        words.extend(args.skip_slow.then(|| "--skip-slow".to_owned()));
        words.extend(args.paths.iter().map(|path| path.display().to_string()));
    }
    Replay { command: program::command(words) }
}
