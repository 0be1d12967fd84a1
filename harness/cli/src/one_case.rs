//! The one block that `minimise` and `explain` are about.

use crate::{
    Lockstep,
    args::CaseArgs,
    candidates::{Chosen, candidates, factory},
    defaults::REFERENCE,
};
use anyhow::{Context, Result, bail};
use lockstep_model::Mode;
use lockstep_runner::{
    chain,
    check::Candidate,
    generate::{Limits, from_seed},
    shrink::{NotShrunk, Suspect},
    source::batches,
    test::{Body, Runnable, Test},
};
use regex::Regex;

/// The block.
pub(crate) fn load(args: &CaseArgs) -> Result<Runnable> {
    match (&args.case, args.seed) {
        (None, Some(seed)) => Ok(from_seed(seed, &Limits::default()).block),
        (Some(path), None) => {
            let filter = args.filter.as_deref().map(Regex::new).transpose();
            let filter = filter.context("--filter: expected a regular expression")?;
            runnable(the_one_test(path, filter.as_ref())?)
        }
        _ => bail!("expected a CASE, or --seed N"),
    }
}

fn the_one_test(path: &std::path::Path, filter: Option<&Regex>) -> Result<Test> {
    let (mut found, mut count, mut problem) = (None, 0, None);
    batches(&[path.to_owned()], &mut |batch| {
        let (tests, errors) = match batch {
            Ok(batch) => batch.read(),
            Err(error) => (Vec::new(), vec![error]),
        };
        problem = problem.take().or_else(|| errors.into_iter().next());
        for test in tests {
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

/// Those who may be wrong on it.
pub(crate) fn suspects(args: &CaseArgs, command: &Lockstep) -> Result<Vec<Candidate>> {
    let chosen = Chosen { names: &args.executor, threads: &args.threads, mode: Mode::Forced };
    candidates(&command.executors, &chosen, &[REFERENCE])
}

/// The first of them who is wrong on it.
pub(crate) fn guilty(
    args: &CaseArgs,
    command: &Lockstep,
    block: &Runnable,
) -> Result<Option<Suspect>> {
    let reference = Candidate {
        label: REFERENCE.to_owned(),
        threads: 1,
        factory: factory(&command.executors, REFERENCE, Mode::Forced)?,
    };
    for candidate in suspects(args, command)? {
        let mut suspect = Suspect::new(&reference, candidate, args.hang_after);
        match suspect.first_failure(block) {
            Ok(_) => return Ok(Some(suspect)),
            Err(NotShrunk::Agrees { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}
