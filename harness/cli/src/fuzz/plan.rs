//! From the command line to a campaign.

use crate::{
    Lockstep,
    args::{FuzzArgs, KindArgs},
    candidates::{Chosen, candidates, factory, only_if_named},
    defaults::MUTATED_LISTS,
    interrupt,
};
use anyhow::{Context, Result, bail};
use lockstep_cases::generate::{Feature, Features, Limits};
use lockstep_engine::Candidate;
use lockstep_jobs::fuzz::FuzzPlan;
use lockstep_model::{Fork, Mode};
use std::{sync::Arc, thread, time::Duration};

/// For how long, where nothing is said.
const DEFAULT_TIME: Duration = Duration::from_secs(60);

/// Threads of candidates on every block, and on one in 64.
const FAST: [usize; 1] = [2];
const DEEP: [usize; 4] = [1, 2, 3, 8];

/// Runs in the fast lane in mode `auto` too: small blocks take another path there than forced ones.
const FAST_AUTO: &str = "block_stm";

pub(super) fn plan(args: &FuzzArgs, command: &Lockstep) -> Result<FuzzPlan> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let jobs = args.jobs.unwrap_or(cores);
    if jobs == 0 {
        bail!("--jobs 0: expected at least 1");
    }
    // Clients have a share of the time of their own.
    let others = only_if_named(&command.executors, &command.reference);
    let all = |names: &[String], threads: &[usize], mode| -> Result<Vec<Candidate>> {
        let chosen = Chosen { names, threads, mode };
        candidates(&command.executors, &chosen, &others)
    };
    let (time, mut blocks, mut seed) = (args.time, args.blocks, args.seed);
    if let (Some(part), Some(all)) = (args.partition, args.blocks) {
        let seeds = part.range(args.seed, all);
        (seed, blocks) = (seeds.start, Some(seeds.end - seeds.start));
    }
    Ok(FuzzPlan {
        reference: factory(&command.executors, &command.reference, Mode::Forced)?,
        fast: fast(args, command, &all)?,
        deep: deep(args, &all)?,
        clients: clients_on_the_side(args, &others[1..], &all)?,
        dependencies: lockstep_executors::dependencies,
        limits: limits(&args.kind)?,
        seed,
        blocks,
        time: time.or_else(|| blocks.is_none().then_some(DEFAULT_TIME)),
        jobs,
        hang_after: args.hang_after,
        stops_at_first: args.fail_fast,
        interrupted: interrupt::flag(),
        paused: Arc::default(),
    })
}

/// By names, threads and mode.
type ChooseCandidates<'a> = &'a dyn Fn(&[String], &[usize], Mode) -> Result<Vec<Candidate>>;

/// Every executor at two threads, or at those that are named; brought ones first.
fn fast(args: &FuzzArgs, command: &Lockstep, all: ChooseCandidates<'_>) -> Result<Vec<Candidate>> {
    let known = command.executors.iter();
    let known = known.filter(|known| {
        !known.is_probe && known.client.is_none() && known.name != command.reference
    });
    let (ours, brought): (Vec<_>, Vec<_>) = known.partition(|known| known.is_ours);
    let default = brought.into_iter().chain(ours).map(|known| known.name.clone());
    let names = if args.executor.is_empty() { default.collect() } else { args.executor.clone() };
    let threads = if args.threads.is_empty() { &FAST[..] } else { &args.threads };
    let mut fast = all(&names, threads, Mode::Forced)?;
    if names.iter().any(|name| name == FAST_AUTO) {
        let free = all(&[FAST_AUTO.to_owned()], threads, Mode::Auto)?;
        fast.extend(free.into_iter().map(named_auto));
    }
    Ok(fast)
}

/// The label of a candidate that may choose fewer threads.
pub(crate) fn named_auto(free: Candidate) -> Candidate {
    Candidate { label: format!("{} (auto)", free.label), ..free }
}

/// Every executor at several numbers of threads, and in mode `auto`. Wrong lists where no executor is named.
fn deep(args: &FuzzArgs, all: ChooseCandidates<'_>) -> Result<Vec<Candidate>> {
    let threads = |default| if args.threads.is_empty() { default } else { &args.threads[..] };
    let mut deep = all(&args.executor, threads(&DEEP), Mode::Forced)?;
    let free = all(&args.executor, threads(&FAST), Mode::Auto)?.into_iter();
    let free = free.filter(|candidate| candidate.threads > 1);
    deep.extend(free.map(named_auto));
    if args.executor.is_empty() {
        deep.extend(all(&[MUTATED_LISTS.to_owned()], &FAST, Mode::Forced)?);
    }
    Ok(deep)
}

/// All clients, where no executor is named.
fn clients_on_the_side(
    args: &FuzzArgs,
    clients: &[&str],
    all: ChooseCandidates<'_>,
) -> Result<Vec<Candidate>> {
    if clients.is_empty() || !args.executor.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = clients
        .iter()
        .filter(|name| **name != args.parties.reference)
        .map(|name| (*name).to_owned())
        .collect();
    if names.is_empty() { Ok(Vec::new()) } else { all(&names, &[1], Mode::Forced) }
}

/// The limits of generated blocks.
pub(crate) fn limits(kind: &KindArgs) -> Result<Limits> {
    let KindArgs { fork: forks, features, transactions } = kind;
    let transactions = *transactions;
    if transactions == 0 {
        bail!("--transactions 0: expected at least 1");
    }
    let mut limits = Limits { transactions, ..Limits::default() };
    if forks.contains(&Fork::Constantinople) {
        bail!("--fork Constantinople: revm does not implement it (EIP-1283)");
    }
    if !forks.is_empty() {
        limits.forks.clone_from(forks);
    }
    if !features.is_empty() {
        let features = features.iter().map(|name| feature(name));
        limits.features = features.collect::<Result<Features>>()?;
    }
    Ok(limits)
}

fn feature(name: &str) -> Result<Feature> {
    let found = Feature::ALL.into_iter().find(|feature| feature.name() == name);
    found.with_context(|| {
        let names: Vec<&str> = Feature::ALL.iter().map(|feature| feature.name()).collect();
        format!("unknown feature `{name}`, expected one of: {}", names.join(", "))
    })
}
