//! The one block that `minimise` and `explain` are about.

use crate::{
    EXIT_USAGE, Lockstep,
    args::CaseArgs,
    candidates::{Chosen, candidates, factory, only_if_named},
    defaults::MUTATED_LISTS,
    files,
    fuzz::{limits, named_auto},
    interrupt, output,
    progress::Progress,
};
use anyhow::{Context, Result, bail};
use lockstep_cases::batch::read_all;
use lockstep_engine::{
    Candidate,
    isolation::{Staff, is_worker, of_this_process},
};
use lockstep_formats::{Walk, networks::Network};
use lockstep_jobs::{
    fuzz::block_of_chain,
    minimise::{MOST_RUNS, NotShrunk, Suspect},
    trials::{Job, Report, Trials, watch},
};
use lockstep_judge::{
    chain,
    definition::{Body, Test},
    runnable::Runnable,
};
use lockstep_model::Mode;
use regex::Regex;
use std::{path::Path, sync::Arc, time::Duration};

/// The block.
fn load(args: &CaseArgs, command: &Lockstep) -> Result<Runnable> {
    match (&args.case, args.seed) {
        (None, Some(seed)) => {
            let reference = factory(&command.executors, &command.reference, Mode::Forced)?;
            let reference = Candidate::reference(&reference);
            let block = block_of_chain(seed, args.link, &limits(&args.kind)?, &reference);
            Ok(block.map_err(anyhow::Error::msg)?.block)
        }
        (Some(_), None) if !args.kind.fork.is_empty() || !args.kind.features.is_empty() => {
            bail!("--fork and --features go with --seed, not with a CASE")
        }
        (Some(path), None) => {
            let filter = args.filter.as_deref().map(Regex::new).transpose();
            let filter = filter.context("--filter: expected a regular expression")?;
            load_file(path, filter.as_ref(), args.network.clone())
        }
        _ => bail!("expected a CASE, or --seed N"),
    }
}

/// The only block of a file's only test that matches.
pub(crate) fn load_file(
    path: &Path,
    filter: Option<&Regex>,
    network: Option<Arc<Network>>,
) -> Result<Runnable> {
    let walk = Walk { network, ..Walk::new([path.to_owned()]) };
    runnable(the_one_test(path, &walk, filter)?)
}

fn the_one_test(path: &Path, walk: &Walk, filter: Option<&Regex>) -> Result<Test> {
    let (mut found, mut count, mut problem) = (None, 0, None);
    read_all(walk, &mut |read| {
        problem = problem.take().or_else(|| read.unreadable.into_iter().next());
        for test in read.tests {
            if filter.is_none_or(|filter| filter.is_match(&test.id)) {
                count += 1;
                found.get_or_insert(test);
            }
        }
        true
    });
    let shown = path.display();
    match (found, count, problem) {
        (Some(test), 1, _) => Ok(test),
        (Some(test), count, _) => bail!(
            "{shown}: expected one test, found {count}, the first of them `{}`: choose one with \
             --filter",
            test.id
        ),
        (None, _, Some(problem)) => bail!("{problem}"),
        (None, ..) => bail!("{shown}: expected a test, found none"),
    }
}

pub(crate) fn runnable(test: Test) -> Result<Runnable> {
    match test.body {
        Body::Run(runnable) => Ok(*runnable),
        Body::Chain(chain) => chain::only_block(&chain, &test.id)
            .with_context(|| format!("{}: expected a chain of one block that can be run", test.id)),
        Body::Pack(_) | Body::Undecodable(_) | Body::Skip(_) => {
            bail!("{}: nothing of it is executed", test.id)
        }
    }
}

/// Threads that are tried where nothing is said.
const THREADS: [usize; 4] = [2, 3, 8, 1];

/// Runs of each of them, before all are tried longer.
const FIRST_RUNS: u32 = 24;

/// Candidates to test, in mode `auto` too.
fn suspects(args: &CaseArgs, command: &Lockstep) -> Result<Vec<Candidate>> {
    let threads = if args.threads.is_empty() { &THREADS[..] } else { &args.threads };
    // A client is slow: it takes part where it is named.
    let others = only_if_named(&command.executors, &command.reference);
    let all = |names: &[String], threads: &[usize], mode| {
        let chosen = Chosen { names, threads, mode };
        candidates(&command.executors, &chosen, &others)
    };
    let mut suspects = all(&args.executor, threads, Mode::Forced)?;
    let free = all(&args.executor, threads, Mode::Auto)?.into_iter();
    suspects.extend(free.filter(|candidate| candidate.threads > 1).map(named_auto));
    if args.executor.is_empty() {
        suspects.extend(all(&[MUTATED_LISTS.to_owned()], &[2], Mode::Forced)?);
    }
    Ok(suspects)
}

/// Exit status where no candidate is wrong.
const EXIT_AGREES: u8 = 1;

/// The first failing candidate; `None` where all agree.
fn guilty(
    args: &CaseArgs,
    command: &Lockstep,
    trials: &Trials,
    block: &Runnable,
) -> Result<Option<Suspect>> {
    let reference = factory(&command.executors, &command.reference, Mode::Forced)?;
    let reference = Candidate::reference(&reference);
    let suspects = suspects(args, command)?;
    let suspect = |candidate: &Candidate| {
        let hang_after = args.hang_after + candidate.patience;
        Suspect::new(&reference, candidate, trials.clone(), hang_after)
    };
    let mut suspects: Vec<Suspect> = suspects.iter().map(suspect).collect();
    for runs in [FIRST_RUNS, MOST_RUNS] {
        for index in 0..suspects.len() {
            match suspects[index].first_failure(block, runs) {
                Ok(_) => return Ok(Some(suspects.swap_remove(index))),
                Err(NotShrunk::Agrees { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(None)
}

/// Work on a block with an executor that is wrong on it.
type Work<'a> = &'a dyn Fn(&Runnable, &mut Suspect, &Trials) -> Result<Report>;

/// Does `work` on the block in a worker process; returns its report. `what` is for the sentence that
/// says that no executor is wrong.
pub(crate) fn in_worker(
    args: &CaseArgs,
    command: &Lockstep,
    what: &str,
    work: Work<'_>,
) -> Result<Report> {
    let named = command.executors.iter().filter(|known| args.executor.contains(&known.name));
    let patience = named.filter_map(|known| known.client).max().unwrap_or_default();
    in_process(args.hang_after + patience, &|trials| report(args, command, what, trials, work))
}

/// Does work with trials in a worker process, which is replaced when a trial hangs or ends it; returns its report.
pub(crate) fn in_process(
    hang_after: Duration,
    work: &dyn Fn(&Trials) -> Result<Report>,
) -> Result<Report> {
    lockstep_executors::remember();
    if is_worker() {
        if let Some(trials) = Trials::of(of_this_process()?) {
            let failed = |error| Report {
                status: EXIT_USAGE,
                remarks: problem(&error),
                ..Report::default()
            };
            trials.done(work(&trials).unwrap_or_else(failed));
        }
        return Ok(Report::default());
    }
    let progress = Progress::new();
    let job = Job { hang_after, interrupted: interrupt::flag() };
    let done = watch(&job, Staff::processes(), &mut |line| progress.say(line));
    progress.finish();
    done.map_err(anyhow::Error::msg)
}

fn report(
    args: &CaseArgs,
    command: &Lockstep,
    what: &str,
    trials: &Trials,
    work: Work<'_>,
) -> Result<Report> {
    let block = load(args, command)?;
    if let Some(mut suspect) = guilty(args, command, trials, &block)? {
        return work(&block, &mut suspect, trials);
    }
    let remarks = problem(&anyhow::anyhow!(
        "{}: every executor agrees with the reference, in every run: there is nothing to {what}",
        block.case.id
    ));
    Ok(Report { status: EXIT_AGREES, remarks, ..Report::default() })
}

pub(crate) fn problem(error: &anyhow::Error) -> String {
    output::problem(&format!("{error:#}"))
}

/// Prints a report, or writes its text to a file; gives the exit status.
pub(crate) fn show(report: &Report, out: Option<&Path>) -> Result<u8> {
    output::err(&report.remarks);
    match out {
        Some(path) if report.status == 0 => files::write(path, &report.text)?,
        _ => output::out(&report.text),
    }
    Ok(report.status)
}
