//! The blocks that are explored: from files, from seeds, and those that are kept.

use crate::{args::ExploreArgs, fuzz::limits, one_case, output};
use anyhow::{Context, Result, bail};
use lockstep_cases::{batch::read_all, kept::Kept};
use lockstep_engine::Candidate;
use lockstep_formats::Walk;
use lockstep_jobs::fuzz::block_of_chain;
use lockstep_judge::{definition::Test, runnable::Runnable};
use regex::Regex;

/// A block, and the words of a command line that name it.
pub(super) struct Named {
    pub(super) block: Runnable,
    pub(super) words: Vec<String>,
}

/// All blocks.
pub(super) struct Blocks {
    pub(super) named: Vec<Named>,
    /// What was left out, and why.
    pub(super) remarks: String,
}

pub(super) fn of(args: &ExploreArgs, reference: &Candidate) -> Result<Blocks> {
    if args.cases.is_empty() && args.seed.is_none() && !args.faults {
        bail!("expected a CASE, --seed N, or --faults");
    }
    let mut blocks = Blocks { named: Vec::new(), remarks: String::new() };
    add_files(args, &mut blocks)?;
    if let Some(first) = args.seed {
        add_seeds(args, first, reference, &mut blocks)?;
    }
    if args.faults {
        for file in Kept::Faults.files() {
            for test in file.tests(Kept::Faults.folder()) {
                let path = format!("corpora/{}/{}.json", Kept::Faults.folder(), file.name);
                add(test, vec![path], &mut blocks);
            }
        }
    }
    Ok(blocks)
}

fn add_files(args: &ExploreArgs, blocks: &mut Blocks) -> Result<()> {
    let filter = args.filter.as_deref().map(Regex::new).transpose();
    let filter = filter.context("--filter: expected a regular expression")?;
    for path in &args.cases {
        let walk = Walk { network: args.network.clone(), ..Walk::new([path.clone()]) };
        let (mut tests, mut problem) = (Vec::new(), None);
        read_all(&walk, &mut |read| {
            problem = problem.take().or_else(|| read.unreadable.into_iter().next());
            let matches =
                |test: &Test| filter.as_ref().is_none_or(|filter| filter.is_match(&test.id));
            tests.extend(read.tests.into_iter().filter(matches));
            true
        });
        if let (true, Some(problem)) = (tests.is_empty(), problem) {
            bail!("{problem}");
        }
        let is_one = tests.len() == 1;
        for test in tests {
            let mut words = vec![path.display().to_string()];
            if let Some(network) = &args.network {
                words.extend(["--network".to_owned(), network.name.to_string()]);
            }
            if !is_one || args.filter.is_some() {
                words.extend(["--filter".to_owned(), format!("^{}$", regex::escape(&test.id))]);
            }
            add(test, words, blocks);
        }
    }
    Ok(())
}

fn add(test: Test, words: Vec<String>, blocks: &mut Blocks) {
    match one_case::runnable(test) {
        Ok(block) => blocks.named.push(Named { block, words }),
        Err(error) => {
            blocks.remarks.push_str(&output::problem(&format!("not explored: {error:#}")))
        }
    }
}

fn add_seeds(
    args: &ExploreArgs,
    first: u64,
    reference: &Candidate,
    blocks: &mut Blocks,
) -> Result<()> {
    let limits = limits(&args.kind)?;
    let kind = &args.kind;
    for seed in first..first.saturating_add(args.seeds) {
        let made = block_of_chain(seed, 0, &limits, reference).map_err(anyhow::Error::msg)?;
        let mut words = vec!["--seed".to_owned(), seed.to_string()];
        words.extend(["--transactions".to_owned(), kind.transactions.to_string()]);
        if !kind.fork.is_empty() {
            words.extend(["--fork".to_owned(), crate::program::list(&kind.fork)]);
        }
        if !kind.features.is_empty() {
            words.extend(["--features".to_owned(), kind.features.join(",")]);
        }
        blocks.named.push(Named { block: made.block, words });
    }
    Ok(())
}
