//! From names and numbers of threads on the command line to candidates.

use crate::defaults::Known;
use anyhow::{Context, Result, bail};
use lockstep_engine::{Candidate, Factory};
use lockstep_model::Mode;
use std::thread;

/// More threads than this are a slip of the finger.
const MOST_THREADS: usize = 1024;

/// The selection of the command line; empty is the default.
pub(crate) struct Chosen<'a> {
    pub(crate) names: &'a [String],
    pub(crate) threads: &'a [usize],
    pub(crate) mode: Mode,
}

/// The executor of this name.
fn known<'a>(executors: &'a [Known], name: &str) -> Result<&'a Known> {
    let found = executors.iter().find(|known| known.name == name);
    let names: Vec<&str> = executors.iter().map(|known| known.name.as_str()).collect();
    found.with_context(|| {
        format!("unknown executor `{name}`, expected one of: {}", names.join(", "))
    })
}

/// The factory of the executor of this name.
pub(crate) fn factory(executors: &[Known], name: &str, mode: Mode) -> Result<Factory> {
    Ok(known(executors, name)?.factory(mode))
}

/// One executor, at this number of threads or the default one.
pub(crate) fn one(executors: &[Known], name: &str, threads: Option<usize>) -> Result<Candidate> {
    let (names, threads) = ([name.to_owned()], threads.map(|threads| [threads]));
    let threads = threads.as_ref().map_or(&[][..], |threads| &threads[..]);
    let chosen = Chosen { names: &names, threads, mode: Mode::Forced };
    let found = candidates(executors, &chosen, &[])?.pop();
    found.with_context(|| format!("--executor {name}: expected one"))
}

/// The reference and the clients: they take part where they are named.
pub(crate) fn only_if_named<'a>(executors: &'a [Known], reference: &'a str) -> Vec<&'a str> {
    let clients = executors.iter().filter(|known| known.client.is_some());
    std::iter::once(reference).chain(clients.map(|known| known.name.as_str())).collect()
}

/// Every executor that was asked for at every number of threads. By default all but `others`, with
/// two threads or one for each core, whichever is more.
pub(crate) fn candidates(
    executors: &[Known],
    chosen: &Chosen<'_>,
    others: &[&str],
) -> Result<Vec<Candidate>> {
    let all = executors.iter().filter(|known| !known.is_probe).map(|known| known.name.clone());
    let all = all.filter(|name| !others.contains(&name.as_str()));
    let names = if chosen.names.is_empty() { all.collect() } else { chosen.names.to_vec() };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let default = [cores.max(2)];
    let threads = if chosen.threads.is_empty() { &default } else { chosen.threads };
    let mut candidates: Vec<Candidate> = Vec::new();
    for name in &names {
        let known = known(executors, name)?;
        let factory = known.factory(chosen.mode);
        let threads = if known.is_single { &[1] } else { threads };
        for &threads in threads {
            if threads == 0 || threads > MOST_THREADS {
                bail!("--threads {threads}: expected 1 to {MOST_THREADS}");
            }
            let label = format!("{name}@{threads}");
            if candidates.iter().all(|known| known.label != label) {
                let patience = known.client.unwrap_or_default();
                candidates.push(Candidate {
                    patience,
                    ..Candidate::new(label, threads, factory.clone())
                });
            }
        }
    }
    Ok(candidates)
}
