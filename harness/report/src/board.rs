//! Several records together: rows and leaders. Plain data for the renderers.

use super::{
    bench::{Record, name},
    faults::{Row as FaultRow, Scores},
};
use crate::{
    found::Found,
    profile::Profile,
    record::{Record as CheckRecord, Verdict},
    results::{ClientRun, Mutant},
    samples::{Circumstances, Group, SampleSet},
    simulation::Simulation,
    slow_blocks::SlowBlock,
};
use lockstep_cases::workload::Workload;
use std::{
    cmp::{Ordering, Reverse},
    collections::BTreeMap,
};

/// Everything that a report is made of.
#[derive(Debug, Default)]
pub struct Board {
    /// Measurements, each with the name of its file.
    pub measurements: Vec<(String, Record)>,
    /// Runs of `check`, each with the name of its file.
    pub checks: Vec<(String, CheckRecord)>,
    /// The score of `faults`, where there is one.
    pub faults: Vec<FaultRow>,
    /// Blocks on simulated cores.
    pub simulations: Vec<Simulation>,
    /// What keeps blocks from running in parallel.
    pub profiles: Vec<Profile>,
    /// Findings of campaigns.
    pub found: Vec<Found>,
    /// Mutants of the executors.
    pub mutants: Vec<Mutant>,
    /// What clients made of suites.
    pub clients: Vec<ClientRun>,
    /// Blocks that clients have told of.
    pub slow_blocks: Vec<SlowBlock>,
}

/// Sample sets that are compared with each other: same executor, threads, machine, storage, kind of block.
#[derive(Debug, Clone, PartialEq)]
pub struct Leader {
    /// The executor.
    pub executor: String,
    /// Its threads.
    pub threads: usize,
    /// How it chose them.
    pub mode: String,
    /// The machine's name.
    pub machine: String,
    /// Storage of the pre-state.
    pub place: String,
    /// `workloads` or `real blocks`.
    pub kind: &'static str,
    /// Its speedups together.
    pub group: Group,
    /// The block on which it was slowest.
    pub worst: String,
    /// Geometric mean of the share of the limit reached. The limit is the lowest of threads, dependencies
    /// and the machine's ceiling. `None` where no limit is known.
    pub of_limit: Option<f64>,
    /// Processor time in terms of the baseline's, in the geometric mean.
    pub processor: f64,
    /// Gas a second, of all blocks together.
    pub gas_per_second: f64,
}

/// One executor on one workload, with the contracts as they are written first, and better ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The kind of workload.
    pub kind: String,
    /// The executor with its threads.
    pub executor: String,
    /// Speedup with the contracts that one writes first.
    pub naive: f64,
    /// Its limit.
    pub naive_limit: Option<f64>,
    /// Speedup with the better contracts.
    pub friendly: f64,
    /// Its limit.
    pub friendly_limit: Option<f64>,
}

impl Board {
    /// Every sample set with the circumstances of its measurement.
    pub fn sets(&self) -> impl Iterator<Item = (&Circumstances, &SampleSet)> {
        self.measurements
            .iter()
            .flat_map(|(_, record)| record.sets.iter().map(|set| (&record.circumstances, set)))
    }

    /// The sets that stand for their workload. Among sets on the same machine with the same executor, threads
    /// and storage, the largest block stands, and among equal blocks the newest set; none in which all
    /// senders were made to want the same. All real blocks stand.
    pub fn standing(&self) -> Vec<(&Circumstances, &SampleSet)> {
        let mut best: BTreeMap<_, (&Circumstances, &SampleSet)> = BTreeMap::new();
        for (at, set) in self.sets().filter(|(_, set)| set.has_own_contention()) {
            let key = (at.machine.name(), name(set), &set.executor, set.threads);
            let rank = |at: &Circumstances, set: &SampleSet| (set.gas, at.started.clone());
            let known = best.get(&key).map(|(at, set)| rank(at, set));
            if known.is_none_or(|known| rank(at, set) > known) {
                best.insert(key, (at, set));
            }
        }
        // In the order in which they were measured.
        let is_best = |set: &SampleSet| best.values().any(|(_, other)| std::ptr::eq(*other, set));
        self.sets().filter(|(_, set)| is_best(set)).collect()
    }

    /// The best first.
    pub fn leaders(&self) -> Vec<Leader> {
        let mut groups: BTreeMap<_, Vec<&SampleSet>> = BTreeMap::new();
        for (circumstances, set) in self.standing() {
            let key = (
                kind(set),
                set.place.clone(),
                circumstances.machine.name(),
                set.executor.clone(),
                set.threads,
            );
            groups.entry(key).or_default().push(set);
        }
        let leader = |((kind, place, machine, executor, threads), sets): (_, Vec<&SampleSet>)| {
            leader((kind, place, machine, executor, threads), &sets)
        };
        let mut leaders: Vec<Leader> = groups.into_iter().map(leader).collect();
        leaders.sort_by(|one, other| {
            let place = |leader: &Leader| {
                let group = leader.group;
                let measured = group.blocks + group.noisy + group.without;
                // Means over fewer blocks are no rivals.
                let kind = (leader.kind != "workloads", leader.place != "memory");
                (kind, leader.place.clone(), Reverse(measured))
            };
            place(one)
                .cmp(&place(other))
                .then_with(|| descending(one.group.geometric_mean, other.group.geometric_mean))
        });
        leaders
    }

    /// The gain from better contracts, for every workload that comes in both styles.
    pub fn pairs(&self) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for (_, record) in &self.measurements {
            for friendly in record.sets.iter().filter(|set| set.place == "memory") {
                let Some((workload, _)) = Workload::of_id(&friendly.workload) else { continue };
                let Some(naive) = workload.naive() else { continue };
                let naive = record.sets.iter().find(|set| {
                    name(set) == naive.name
                        && (&set.executor, set.threads) == (&friendly.executor, friendly.threads)
                        && set.place == "memory"
                });
                let Some(naive) = naive else { continue };
                if let (Some(theirs), Some(ours)) = (naive.told(), friendly.told()) {
                    pairs.push(Pair {
                        kind: name(friendly),
                        executor: label(friendly),
                        naive: theirs,
                        naive_limit: naive.limit(),
                        friendly: ours,
                        friendly_limit: friendly.limit(),
                    });
                }
            }
        }
        pairs
    }

    /// The score of the planted faults.
    pub fn scores(&self) -> Option<Scores> {
        (!self.faults.is_empty()).then(|| Scores::of(&self.faults))
    }

    /// Caveats about the records: parts that are missing, machines that were noisy.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for (file, record) in &self.measurements {
            if record.cut_short {
                warnings.push(format!("{file}: the record was cut short"));
            } else if record.interrupted {
                warnings.push(format!("{file}: the measurement was ended early"));
            }
            let failed = record.failed.iter();
            warnings.extend(failed.map(|(block, reason)| format!("{block}: {reason}")));
            let wrong = record.sets.iter().filter(|set| set.verdict != Verdict::Agreed);
            warnings.extend(wrong.map(|set| {
                let reason = set.reason.as_deref().unwrap_or_default();
                format!("{} on {}: {}: {reason}", label(set), name(set), verdict(set))
            }));
            let noisy = record.sets.iter().filter(|set| set.noisy).count();
            if noisy > 0 {
                warnings.push(format!(
                    "{file}: on {noisy} of {} sample sets the machine was too noisy to tell who is faster; \
                     they have an interval and no speedup",
                    record.sets.len()
                ));
            }
            if record.circumstances.modified {
                warnings.push(format!("{file}: the tree differed from the commit"));
            }
        }
        warnings
    }
}

fn leader(
    (kind, place, machine, executor, threads): (&'static str, String, String, String, usize),
    sets: &[&SampleSet],
) -> Leader {
    let processor: Vec<f64> =
        sets.iter().filter(|set| set.told().is_some()).map(|set| set.processor_ratio()).collect();
    let (gas, time) = sets
        .iter()
        .filter(|set| set.told().is_some())
        .fold((0.0, 0.0), |sum, set| (sum.0 + set.gas as f64, sum.1 + set.medians().1));
    let mean = crate::samples::statistics::geometric_mean;
    let group = Group::of(sets.iter().copied());
    Leader {
        executor,
        threads,
        mode: sets.first().map(|set| set.mode.to_string()).unwrap_or_default(),
        machine,
        place,
        kind,
        worst: worst(sets),
        of_limit: group.shares.map(|shares| shares.geometric_mean),
        group,
        processor: mean(&processor),
        gas_per_second: if time > 0.0 { gas * 1e9 / time } else { 0.0 },
    }
}

fn worst(sets: &[&SampleSet]) -> String {
    let told = sets.iter().filter_map(|set| Some((set.told()?, set)));
    let worst = told.min_by(|(one, _), (other, _)| one.total_cmp(other));
    worst.map(|(_, set)| name(set)).unwrap_or_default()
}

/// Larger numbers first.
fn descending(one: f64, other: f64) -> Ordering {
    other.total_cmp(&one)
}

/// Whether it is one of Lockstep's own workloads.
pub fn kind(set: &SampleSet) -> &'static str {
    if set.workload.starts_with("workload::") { "workloads" } else { "real blocks" }
}

/// The executor with its threads.
pub fn label(set: &SampleSet) -> String {
    format!("{}@{}", set.executor, set.threads)
}

/// The verdict in words.
pub fn verdict(set: &SampleSet) -> &'static str {
    crate::bench::verdict(set.verdict)
}

/// The commit, shortened, with a mark where the tree differed.
pub fn commit(circumstances: &Circumstances) -> String {
    let commit = circumstances.commit.as_deref().unwrap_or("unknown");
    let short = commit.get(..10).unwrap_or(commit);
    format!("{short}{}", if circumstances.modified { "+" } else { "" })
}
