//! The one block that `minimise` and `explain` are about.

use crate::{
    Lockstep,
    args::CaseArgs,
    candidates::{Chosen, candidates, factory},
    defaults::{MUTATED_LISTS, REFERENCE},
    output,
};
use anyhow::{Context, Result, bail};
use lockstep_cases::{batch::read_all, generate::Limits};
use lockstep_engine::Candidate;
use lockstep_formats::Walk;
use lockstep_jobs::{
    fuzz::block_of_chain,
    minimise::{MOST_RUNS, NotShrunk, Suspect},
};
use lockstep_judge::{
    chain,
    definition::{Body, Test},
    runnable::Runnable,
};
use lockstep_model::Mode;
use regex::Regex;

/// The block.
pub(crate) fn load(args: &CaseArgs, command: &Lockstep) -> Result<Runnable> {
    match (&args.case, args.seed) {
        (None, Some(seed)) => {
            let reference = factory(&command.executors, REFERENCE, Mode::Forced)?;
            let reference = Candidate::reference(&reference);
            let block = block_of_chain(seed, args.link, &Limits::default(), &reference);
            Ok(block.map_err(anyhow::Error::msg)?.block)
        }
        (Some(path), None) => {
            let filter = args.filter.as_deref().map(Regex::new).transpose();
            let filter = filter.context("--filter: expected a regular expression")?;
            load_file(path, filter.as_ref())
        }
        _ => bail!("expected a CASE, or --seed N"),
    }
}

/// The only block of a file's only test that matches.
pub(crate) fn load_file(path: &std::path::Path, filter: Option<&Regex>) -> Result<Runnable> {
    runnable(the_one_test(path, filter)?)
}

fn the_one_test(path: &std::path::Path, filter: Option<&Regex>) -> Result<Test> {
    let (mut found, mut count, mut problem) = (None, 0, None);
    read_all(&Walk::new([path.to_owned()]), &mut |read| {
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

fn runnable(test: Test) -> Result<Runnable> {
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

/// Those who may be wrong on it.
fn suspects(args: &CaseArgs, command: &Lockstep) -> Result<Vec<Candidate>> {
    let threads = if args.threads.is_empty() { &THREADS[..] } else { &args.threads };
    let all = |names: &[String], threads: &[usize]| {
        let chosen = Chosen { names, threads, mode: Mode::Forced };
        candidates(&command.executors, &chosen, &[REFERENCE])
    };
    let mut suspects = all(&args.executor, threads)?;
    if args.executor.is_empty() {
        suspects.extend(all(&[MUTATED_LISTS.to_owned()], &[2])?);
    }
    Ok(suspects)
}

/// Exit status where nobody is wrong.
pub(crate) const EXIT_AGREES: u8 = 1;

/// The first of them who is wrong on it. Where nobody is, it says that there is nothing to `what`.
pub(crate) fn guilty(
    args: &CaseArgs,
    command: &Lockstep,
    block: &Runnable,
    what: &str,
) -> Result<Option<Suspect>> {
    let reference = factory(&command.executors, REFERENCE, Mode::Forced)?;
    let reference = Candidate::reference(&reference);
    let suspects = suspects(args, command)?.into_iter();
    let mut suspects: Vec<Suspect> =
        suspects.map(|candidate| Suspect::new(&reference, candidate, args.hang_after)).collect();
    for runs in [FIRST_RUNS, MOST_RUNS] {
        for index in 0..suspects.len() {
            match suspects[index].first_failure(block, runs) {
                Ok(_) => return Ok(Some(suspects.swap_remove(index))),
                Err(NotShrunk::Agrees { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    output::error(&format!(
        "{}: every executor agrees with the reference, in every run: there is nothing to {what}",
        block.case.id
    ));
    Ok(None)
}
