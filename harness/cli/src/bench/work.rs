//! Measures, block by block.

use super::{Measures, plan::gas};
use crate::{
    Lockstep,
    args::BenchArgs,
    blocks::{Found, Source, blocks, workloads},
};
use anyhow::Result;
use lockstep_cases::workload::{Signatures, Size};
use lockstep_jobs::bench::{Bench, Storage, Watch};
use lockstep_report::bench::Line;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which part of everything is to be measured.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Part {
    /// Things of the sources that are done: blocks, and what cannot be measured.
    pub(super) done: usize,
    /// The most that are taken.
    pub(super) most: Option<usize>,
    /// Labels of the candidates that are left out.
    pub(super) without: Vec<String>,
}

/// A message of a running measurement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Message {
    /// A block begins.
    Begin(String),
    /// A line of the record.
    Line(Line),
    /// That block, or whatever it was, is done.
    Next,
}

/// Measures one after the other.
pub(super) fn work(
    args: &BenchArgs,
    command: &Lockstep,
    part: &Part,
    watch: &Arc<Watch>,
    say: &mut dyn FnMut(Message) -> Result<()>,
) -> Result<()> {
    let measures = Measures::new(args, command)?;
    // A name that is none is an error before anything runs.
    workloads(&args.workload)?;
    let mut seen = 0;
    for storage in &args.storage {
        let plan = measures.plan(args, command, *storage, &part.without, watch.clone())?;
        let mut bench = None;
        blocks(&source(args, *storage), &mut |found| {
            let nth = seen;
            seen += 1;
            if nth < part.done || part.most.is_some_and(|most| nth >= part.done + most) {
                return Ok(());
            }
            match found {
                Ok(Found::Skipped(workload, reason)) => {
                    say(Message::Line(Line::Skipped { workload, reason }))?;
                }
                Ok(Found::Block(block)) => {
                    let bench = match &mut bench {
                        Some(bench) => bench,
                        None => bench.insert(Bench::new(plan.clone()).map_err(anyhow::Error::msg)?),
                    };
                    watch.wait_while_paused();
                    let workload = block.case.id.to_string();
                    say(Message::Begin(workload.clone()))?;
                    match bench.measure(&block) {
                        Ok(sets) => sets.into_iter().try_for_each(|set| {
                            say(Message::Line(Line::SampleSet(Box::new(set))))
                        })?,
                        Err(reason) => say(Message::Line(Line::Failed { workload, reason }))?,
                    }
                }
                Err(error) => say(Message::Line(Line::Unreadable(error)))?,
            }
            say(Message::Next)
        })?;
    }
    Ok(())
}

/// The blocks that are measured with a storage.
pub(crate) fn source(args: &BenchArgs, storage: Storage) -> Source<'_> {
    let signatures = if args.import { Signatures::Real } else { Signatures::Placeholder };
    Source {
        paths: &args.paths,
        network: args.network.clone(),
        filter: args.filter.as_deref(),
        workloads: &args.workload,
        size: Size {
            seed: args.seed,
            gas: gas(args, storage),
            contention: args.contention,
            signatures,
        },
        min_gas: args.min_gas,
    }
}
