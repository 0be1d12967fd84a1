//! The blocks of `bench`, `simulate` and `profile`: built-in workloads, or the blocks of files.

use crate::{EXIT_NOTHING, EXIT_USAGE, args::BlocksArgs, interrupt, output, progress::Progress};
use anyhow::{Context, Result};
use lockstep_cases::{
    batch::read_all,
    workload::{self, Signatures, Size, Workload},
};
use lockstep_formats::{SourceError, Walk, networks::Network};
use lockstep_judge::{
    chain::{self, Chain},
    definition::{Body, Test},
    runnable::Runnable,
};
use regex::Regex;
use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};

/// Which blocks.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) paths: &'a [PathBuf],
    pub(crate) network: Option<Arc<Network>>,
    pub(crate) filter: Option<&'a str>,
    /// Built-in workloads by name.
    pub(crate) workloads: &'a [String],
    pub(crate) size: Size,
    pub(crate) min_gas: u64,
}

impl<'a> Source<'a> {
    /// The blocks of `simulate` and `profile`.
    pub(crate) fn of(args: &'a BlocksArgs) -> Self {
        Self {
            paths: &args.paths,
            network: args.network.clone(),
            filter: args.filter.as_deref(),
            workloads: &args.workload,
            size: Size {
                seed: args.seed,
                gas: args.gas,
                contention: args.contention,
                signatures: Signatures::Placeholder,
            },
            min_gas: args.min_gas,
        }
    }
}

/// An item of a source.
pub(crate) enum Found {
    Block(Box<Runnable>),
    /// A test that cannot be measured, or should not be, and why.
    Skipped(String, String),
}

type UseFound<'a> = dyn FnMut(Result<Found, SourceError>) -> Result<()> + 'a;

/// Hands over every block that was asked for.
pub(crate) fn blocks(source: &Source<'_>, use_found: &mut UseFound<'_>) -> Result<()> {
    let filter = source.filter.map(Regex::new).transpose();
    let filter = filter.context("--filter: expected a regular expression")?;
    let wanted = |id: &str| filter.as_ref().is_none_or(|filter| filter.is_match(id));
    if source.paths.is_empty() {
        for workload in workloads(source.workloads)? {
            if wanted(&workload.id(source.size)) {
                let block = workload.sized(source.size);
                use_found(Ok(Found::Block(Box::new(block))))?;
            }
        }
        return Ok(());
    }
    let mut problem = Ok(());
    let walk = Walk { network: source.network.clone(), ..Walk::new(source.paths.to_vec()) };
    read_all(&walk, &mut |found| {
        let tests = found.tests.into_iter().filter(|test| wanted(&test.id));
        let others = found
            .others
            .into_iter()
            .map(|other| Ok(Found::Skipped(other.file, other.reason.into_owned())));
        let errors = found.unreadable.into_iter().map(Err);
        problem = errors
            .chain(others)
            .chain(tests.map(|test| Ok(block_of(test, source.min_gas))))
            .try_for_each(&mut *use_found);
        problem.is_ok()
    });
    problem
}

fn block_of(test: Test, min_gas: u64) -> Found {
    let Test { id, body, .. } = test;
    let found = match body {
        Body::Run(block) => {
            let gas = block.expectation.header.as_ref().map(|header| header.gas_used);
            Ok((block, gas))
        }
        Body::Chain(chain) => only_block(&chain, &id),
        Body::Pack(_) => Err("a packed block".to_owned()),
        Body::Undecodable(_) => Err("a block that cannot be decoded".to_owned()),
        Body::Skip(reason) => Err(reason.text().to_owned()),
    };
    match found {
        Ok((_, Some(gas))) if gas < min_gas => {
            Found::Skipped(id, format!("used {gas} gas, less than --min-gas"))
        }
        Ok((block, _)) => Found::Block(block),
        Err(reason) => Found::Skipped(id, reason),
    }
}

type Measured = (Box<Runnable>, Option<u64>);

/// The block of a test of one, and the gas that its header states.
fn only_block(chain: &Chain, id: &str) -> Result<Measured, String> {
    let [block] = &chain.blocks[..] else {
        let count = chain.blocks.len();
        return Err(format!("a chain of {count} blocks; single blocks are measured"));
    };
    if block.exception.is_some() {
        return Err("a block that must be rejected".to_owned());
    }
    let runnable = chain::only_block(chain, id);
    let runnable = runnable.ok_or("a block that breaks a rule before it is executed")?;
    let gas = block.decoded.as_ref().ok().map(|block| block.header.gas_used);
    Ok((Box::new(runnable), gas))
}

/// The workloads of these names.
///
/// # Errors
/// When there is none of a name; the error lists all.
pub(crate) fn workloads(names: &[String]) -> Result<Vec<Workload>> {
    if names.is_empty() {
        return Ok(workload::ALL.to_vec());
    }
    let known: Vec<&str> = workload::ALL.iter().map(|workload| workload.name).collect();
    let find = |name: &String| {
        Workload::named(name).with_context(|| {
            format!("unknown workload `{name}`, expected one of: {}", known.join(", "))
        })
    };
    names.iter().map(find).collect()
}

/// Does something with each block, and says which were skipped, and why. Gives the exit status, which is that of
/// nothing done where `work` said of no block that it was done.
pub(crate) fn each_block(
    source: &Source<'_>,
    work: &mut dyn FnMut(&Runnable, &Progress) -> Result<(), String>,
) -> Result<u8> {
    let (mut done, mut status) = (0_u64, 0);
    let progress = Progress::new();
    let interrupted = interrupt::flag();
    let skipped = |id: &str, reason: &str| {
        progress.suspend(|| output::err(&format!("skipped {id}: {reason}\n")));
    };
    blocks(source, &mut |found| {
        if interrupted.load(Ordering::SeqCst) {
            return Ok(());
        }
        match found {
            Ok(Found::Block(block)) => {
                progress.say(&block.case.id);
                match work(&block, &progress) {
                    Ok(()) => done += 1,
                    Err(error) => skipped(&block.case.id, &error),
                }
            }
            Ok(Found::Skipped(id, reason)) => skipped(&id, &reason),
            Err(error) => {
                status = EXIT_USAGE;
                progress.suspend(|| output::error(&error.to_string()));
            }
        }
        Ok(())
    })?;
    progress.finish();
    Ok(if done == 0 && status == 0 { EXIT_NOTHING } else { status })
}
