//! What is measured: built-in workloads, or the blocks of files.

use super::plan::gas;
use crate::args::BenchArgs;
use anyhow::{Context, Result};
use lockstep_runner::{
    bench::Storage,
    source::{SourceError, batches},
    test::{Body, Runnable, Test},
    workload::{self, Signatures, Size, Workload},
};
use regex::Regex;

/// What a source has.
pub(super) enum Found {
    Block(Box<Runnable>),
    /// A test that cannot be measured, or should not be, and why.
    Skipped(String, String),
}

type UseFound<'a> = dyn FnMut(Result<Found, SourceError>) -> Result<()> + 'a;

/// Hands over every block that was asked for.
pub(super) fn blocks(
    args: &BenchArgs,
    storage: Storage,
    use_found: &mut UseFound<'_>,
) -> Result<()> {
    let filter = args.filter.as_deref().map(Regex::new).transpose();
    let filter = filter.context("--filter: expected a regular expression")?;
    let wanted = |id: &str| filter.as_ref().is_none_or(|filter| filter.is_match(id));
    if args.paths.is_empty() {
        let signatures = if args.import { Signatures::Real } else { Signatures::Placeholder };
        let size = Size {
            seed: args.seed,
            gas: gas(args, storage),
            contention: args.contention,
            signatures,
        };
        for workload in workloads(&args.workload)? {
            if wanted(&workload.id(size)) {
                let block = workload.sized(size);
                use_found(Ok(Found::Block(Box::new(block))))?;
            }
        }
        return Ok(());
    }
    let mut problem = Ok(());
    batches(&args.paths, &mut |batch| {
        let (tests, errors) = match batch {
            Ok(batch) => batch.read(),
            Err(error) => (Vec::new(), vec![error]),
        };
        let tests = tests.into_iter().filter(|test| wanted(&test.id));
        problem = errors
            .into_iter()
            .map(Err)
            .chain(tests.map(|test| Ok(found(test, args.min_gas))))
            .try_for_each(&mut *use_found);
        problem.is_ok()
    });
    problem
}

fn found(test: Test, min_gas: u64) -> Found {
    let reason = match test.body {
        Body::Run(block) => match block.expectation.header.as_ref().map(|header| header.gas_used) {
            Some(gas) if gas < min_gas => format!("used {gas} gas, less than --min-gas"),
            _ => return Found::Block(block),
        },
        Body::Chain(_) => "a chain of blocks; single blocks are measured".to_owned(),
        Body::Pack(_) => "a packed block".to_owned(),
        Body::Undecodable(_) => "a block that cannot be decoded".to_owned(),
        Body::Skip(reason) => reason.text().to_owned(),
    };
    Found::Skipped(test.id, reason)
}

/// The workloads of these names.
///
/// # Errors
/// When there is none of a name; the error lists all.
pub(super) fn workloads(names: &[String]) -> Result<Vec<Workload>> {
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
