//! What a campaign says of commits: how fast each was tested, and since when there is a finding.

use super::Whole;
use anyhow::{Result, bail};
use serde::Serialize;
use std::collections::BTreeMap;

/// A rate below this share of that of the commit before, on the same machine, is a regression.
const SLOWER: f64 = 0.8;

/// Sessions shorter than this say nothing about a rate.
const LEAST_SECONDS: f64 = 5.0;

/// What is tested in sessions that do not say it.
const UNKNOWN: &str = "unknown";

/// The commits of a campaign, in the order in which their first sessions began.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Commits(Vec<Commit>);

/// One commit.
#[derive(Debug, Serialize)]
pub(super) struct Commit {
    pub(super) commit: String,
    /// When its first session began, as RFC 3339.
    pub(super) started: String,
    pub(super) sessions: usize,
    pub(super) blocks: u64,
    pub(super) seconds: f64,
    /// Its rate on each machine and number of blocks in flight.
    pub(super) rates: Vec<Rate>,
    /// Signatures that were seen with it and with no commit before.
    pub(super) new: Vec<String>,
}

/// How fast a commit was tested.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Rate {
    pub(super) machine: String,
    pub(super) jobs: usize,
    pub(super) blocks_per_second: f64,
    /// The share of the rate of the last commit before on the same machine.
    pub(super) of_before: Option<f64>,
}

impl Rate {
    /// Whether it is much below that of the commit before.
    pub(super) fn is_regression(&self) -> bool {
        self.of_before.is_some_and(|share| share < SLOWER)
    }
}

/// What must be alike for rates to be compared: the machine, blocks in flight on it, what is run on each.
type Place = (String, usize, String);

impl Commits {
    pub(super) fn of(whole: &Whole) -> Self {
        let mut commits: BTreeMap<String, Commit> = BTreeMap::new();
        let mut times: BTreeMap<String, BTreeMap<Place, (u64, f64)>> = BTreeMap::new();
        for session in whole.parts.iter().flat_map(|part| &part.campaign.sessions) {
            let name = session.commit.clone().unwrap_or_else(|| UNKNOWN.to_owned());
            let commit = commits.entry(name.clone()).or_insert_with(|| Commit {
                commit: name.clone(),
                started: session.started.clone(),
                sessions: 0,
                blocks: 0,
                seconds: 0.0,
                rates: Vec::new(),
                new: Vec::new(),
            });
            commit.started = session.started.clone().min(commit.started.clone());
            commit.sessions += 1;
            commit.blocks += session.blocks;
            commit.seconds += session.seconds;
            if session.seconds >= LEAST_SECONDS {
                let place = (session.machine.clone(), session.jobs, session.options.clone());
                let sum = times.entry(name).or_default().entry(place).or_default();
                *sum = (sum.0 + session.blocks, sum.1 + session.seconds);
            }
        }
        let mut all: Vec<Commit> = commits.into_values().collect();
        all.sort_by(|a, b| (&a.started, &a.commit).cmp(&(&b.started, &b.commit)));
        let mut commits = Self(all);
        commits.add_rates(&times);
        commits.add_new(whole);
        commits
    }

    fn add_rates(&mut self, times: &BTreeMap<String, BTreeMap<Place, (u64, f64)>>) {
        let mut before: BTreeMap<Place, f64> = BTreeMap::new();
        for commit in &mut self.0 {
            for (place, (blocks, seconds)) in times.get(&commit.commit).into_iter().flatten() {
                let blocks_per_second = *blocks as f64 / seconds;
                let last = before.insert(place.clone(), blocks_per_second);
                let (machine, jobs, _) = place.clone();
                let of_before = last.map(|last| blocks_per_second / last);
                commit.rates.push(Rate { machine, jobs, blocks_per_second, of_before });
            }
        }
    }

    fn add_new(&mut self, whole: &Whole) {
        for signature in whole.findings.keys() {
            let first = self.0.iter().position(|commit| is_seen(whole, &commit.commit, signature));
            if let Some(first) = first {
                self.0[first].new.push(signature.clone());
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Commit> {
        self.0.iter()
    }

    /// The place of a commit, by its name or the beginning of it.
    pub(super) fn named(&self, name: &str) -> Result<usize> {
        let is_it = |commit: &Commit| commit.commit.starts_with(name);
        let found: Vec<usize> = (0..self.0.len()).filter(|at| is_it(&self.0[*at])).collect();
        match found.as_slice() {
            [at] => Ok(*at),
            _ => {
                let all: Vec<&str> = self.iter().map(|commit| commit.commit.as_str()).collect();
                let found = if found.is_empty() { "no commit" } else { "several commits" };
                bail!("--since {name}: {found} of that name; expected one of: {}", all.join(", "))
            }
        }
    }

    /// Signatures that no session of that commit, or of one before, has seen.
    pub(super) fn new_since<'a>(&self, commit: usize, whole: &'a Whole) -> Vec<&'a str> {
        let old = &self.0[..=commit];
        let is_new =
            |signature: &&str| !old.iter().any(|commit| is_seen(whole, &commit.commit, signature));
        whole.findings.keys().map(String::as_str).filter(is_new).collect()
    }
}

fn is_seen(whole: &Whole, commit: &str, signature: &str) -> bool {
    // A node that was lost may have written the finding, and not yet how far it was.
    let found = whole.findings.get(signature).and_then(|found| found.saved.commit.as_deref());
    if found == Some(commit) {
        return true;
    }
    let sessions = whole.parts.iter().flat_map(|part| &part.campaign.sessions);
    sessions
        .filter(|session| session.commit.as_deref().unwrap_or(UNKNOWN) == commit)
        .any(|session| session.findings.contains_key(signature))
}
