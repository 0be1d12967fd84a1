//! One executor on one block, and one executor on all of them.

use lockstep_report::{
    bench::{Record, name},
    board::label,
    record::Verdict,
    samples::{
        SampleSet, bootstrap,
        statistics::{Estimate, geometric_mean, median},
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// The least changes that are called one: parts of the speedup before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Floors {
    /// On one block.
    pub one: f64,
    /// In the geometric mean of all blocks.
    pub all: f64,
}

/// Classification of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Within the interval, or below the floor.
    Same,
    /// More than that, to the better.
    Faster,
    /// More than that, to the worse.
    Slower,
    /// The machine was too noisy then or now.
    Noisy,
    /// An outcome was wrong then or now.
    Wrong,
}

/// The change of one executor on one block.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The block, as tables name it.
    pub block: String,
    /// The executor with its threads.
    pub executor: String,
    /// Speedup then.
    pub before: Option<f64>,
    /// Speedup now.
    pub now: Option<f64>,
    /// How many times faster now than then.
    pub change: Estimate,
    /// The same in shares of the machine's ceiling, where several threads share it.
    pub of_ceiling: Option<f64>,
    /// The classification of the change.
    pub call: Call,
}

/// The change of one executor, all blocks together.
#[derive(Debug, Clone, PartialEq)]
pub struct Overall {
    /// The executor with its threads.
    pub executor: String,
    /// Blocks that could be compared.
    pub blocks: usize,
    /// Geometric mean of the changes, with its interval over the blocks.
    pub change: Estimate,
    /// The same in shares of the machine's ceiling.
    pub of_ceiling: Option<f64>,
    /// The classification of the change.
    pub call: Call,
}

/// The comparison of two records.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// One executor, one block.
    pub changes: Vec<Change>,
    /// One executor, all blocks.
    pub overall: Vec<Overall>,
    /// Blocks and executors that were measured then and are not now.
    pub gone: Vec<String>,
    /// Blocks and executors that are measured now and were not then.
    pub new: Vec<String>,
    /// The floors that were asked for.
    pub floors: Floors,
}

type Key = (String, String);

fn keyed(record: &Record) -> BTreeMap<Key, &SampleSet> {
    let key = |set: &SampleSet| (format!("{} {}", set.workload, set.place), label(set));
    record.sets.iter().map(|set| (key(set), set)).collect()
}

/// Compares what both have: same block, storage, executor and threads.
pub fn compare(before: &Record, now: &Record, floors: Floors) -> Comparison {
    let (then, today) = (keyed(before), keyed(now));
    let both = now.sets.iter().filter_map(|set| {
        let key = (format!("{} {}", set.workload, set.place), label(set));
        Some(change(then.get(&key)?, set, floors))
    });
    let changes: Vec<Change> = both.collect();
    let missing = |of: &BTreeMap<Key, &SampleSet>, from: &BTreeMap<Key, &SampleSet>| {
        let missing = of.iter().filter(|(key, _)| !from.contains_key(*key));
        missing.map(|(_, set)| format!("{} {}", name(set), label(set))).collect()
    };
    Comparison {
        overall: overall(&changes, floors),
        gone: missing(&then, &today),
        new: missing(&today, &then),
        changes,
        floors,
    }
}

fn change(before: &SampleSet, now: &SampleSet, floors: Floors) -> Change {
    let change = now.ratios().change_since(&before.ratios());
    let of_ceiling = of_ceiling(before, now);
    let call = if [before, now].iter().any(|set| set.verdict != Verdict::Agreed) {
        Call::Wrong
    } else if before.noisy || now.noisy {
        Call::Noisy
    } else {
        call(change, of_ceiling, floors.one)
    };
    Change {
        block: name(now),
        executor: label(now),
        before: before.speedup,
        now: now.speedup,
        change,
        of_ceiling,
        call,
    }
}

/// `None` for one thread, and where a record does not have it.
fn of_ceiling(before: &SampleSet, now: &SampleSet) -> Option<f64> {
    let median = |set: &SampleSet| Some(median(&set.shares_of_ceiling()?.all()));
    if now.threads < 2 { None } else { Some(median(now)? / median(before)?) }
}

fn call(change: Estimate, of_ceiling: Option<f64>, floor: f64) -> Call {
    let of_ceiling = of_ceiling.unwrap_or(change.median);
    if change.high < 1.0 && change.median.max(of_ceiling) < 1.0 - floor {
        Call::Slower
    } else if change.low > 1.0 && change.median.min(of_ceiling) > 1.0 / (1.0 - floor) {
        Call::Faster
    } else {
        Call::Same
    }
}

fn overall(changes: &[Change], floors: Floors) -> Vec<Overall> {
    let executors: BTreeSet<&String> = changes.iter().map(|change| &change.executor).collect();
    let of = |executor: &String| {
        let told: Vec<&Change> = changes
            .iter()
            .filter(|change| change.executor == *executor)
            .filter(|change| !matches!(change.call, Call::Noisy | Call::Wrong))
            .collect();
        let changes: Vec<f64> = told.iter().map(|change| change.change.median).collect();
        let logarithms: Vec<f64> = changes.iter().map(|change| change.ln()).collect();
        let spread = Estimate::of(0.0, bootstrap::means(&logarithms));
        let mean = |values: &[f64]| if values.is_empty() { 1.0 } else { geometric_mean(values) };
        let change =
            Estimate { median: mean(&changes), low: spread.low.exp(), high: spread.high.exp() };
        let shares: Option<Vec<f64>> = told.iter().map(|change| change.of_ceiling).collect();
        let of_ceiling = shares.map(|shares| mean(&shares));
        let call = if told.is_empty() { Call::Noisy } else { call(change, of_ceiling, floors.all) };
        Overall { executor: executor.clone(), blocks: told.len(), change, of_ceiling, call }
    };
    executors.into_iter().map(of).collect()
}

impl Comparison {
    /// Whether anything is slower.
    pub fn is_slower(&self) -> bool {
        self.overall.iter().any(|one| one.call == Call::Slower)
            || self.changes.iter().any(|one| one.call == Call::Slower)
    }

    /// Takes what was measured again into account: what is called slower here stays so where both
    /// measurements together say it.
    #[must_use]
    pub fn with(mut self, again: &Self) -> Self {
        let floors = self.floors;
        for one in self.overall.iter_mut().filter(|one| one.call == Call::Slower) {
            let other = again.overall.iter().find(|other| other.executor == one.executor);
            if let Some(other) = other.filter(|other| other.blocks > 0) {
                one.change = together(one.change, other.change);
                one.of_ceiling = mean_of(one.of_ceiling, other.of_ceiling);
                one.call = call(one.change, one.of_ceiling, floors.all);
            }
        }
        for one in self.changes.iter_mut().filter(|one| one.call == Call::Slower) {
            let same =
                |other: &&Change| (&other.block, &other.executor) == (&one.block, &one.executor);
            let other = again.changes.iter().find(same);
            if let Some(other) = other.filter(|other| other.call != Call::Noisy) {
                one.change = together(one.change, other.change);
                one.of_ceiling = mean_of(one.of_ceiling, other.of_ceiling);
                one.call = call(one.change, one.of_ceiling, floors.one);
            }
        }
        self
    }
}

/// Two estimates of the same change as one: their geometric mean, and that of the ends of their intervals, which
/// is wider than two independent measurements would need.
fn together(one: Estimate, other: Estimate) -> Estimate {
    let mean = |a: f64, b: f64| (a * b).sqrt();
    Estimate {
        median: mean(one.median, other.median),
        low: mean(one.low, other.low),
        high: mean(one.high, other.high),
    }
}

fn mean_of(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.zip(other).map(|(one, other)| (one * other).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(workload: &str, candidate: &[u64]) -> SampleSet {
        SampleSet {
            workload: format!("workload::{workload}[1,seed=0]"),
            executor: "mine".to_owned(),
            threads: 1,
            place: "memory".to_owned(),
            runs: 2,
            baseline_ns: vec![1_000; candidate.len()],
            candidate_ns: candidate.to_vec(),
            verdict: Verdict::Agreed,
            speedup: Some(1.0),
            ..SampleSet::default()
        }
    }

    fn record(sets: impl IntoIterator<Item = SampleSet>) -> Record {
        Record { sets: sets.into_iter().collect(), ..Record::default() }
    }

    const FLOORS: Floors = Floors { one: 0.15, all: 0.05 };
    const BEFORE: [u64; 8] = [500, 505, 495, 500, 510, 490, 500, 503];

    fn slowed(percent: u64) -> Record {
        let slower = BEFORE.map(|time| time + time * percent / 100);
        record(["a", "b", "c", "d"].map(|name| set(name, &slower)))
    }

    #[test]
    fn a_tenth_slower_is_slower_and_a_little_is_the_same() {
        let before = slowed(0);
        let calls = |percent| {
            let comparison = compare(&before, &slowed(percent), FLOORS);
            (comparison.overall[0].call, comparison.changes[0].call)
        };
        assert_eq!(calls(0), (Call::Same, Call::Same));
        assert_eq!(calls(3), (Call::Same, Call::Same));
        assert_eq!(calls(10), (Call::Slower, Call::Same));
        assert_eq!(calls(25), (Call::Slower, Call::Slower));
        let faster = compare(&slowed(25), &before, FLOORS);
        assert_eq!((faster.overall[0].call, faster.changes[0].call), (Call::Faster, Call::Faster));
    }

    #[test]
    fn what_is_noisy_or_wrong_is_not_called_slower() {
        let before = slowed(0);
        let mut now = slowed(50);
        now.sets.iter_mut().for_each(|set| set.noisy = true);
        let comparison = compare(&before, &now, FLOORS);
        assert!(!comparison.is_slower());
        assert_eq!(comparison.overall[0].call, Call::Noisy);
        now.sets[0].verdict = Verdict::Diverged;
        assert_eq!(compare(&before, &now, FLOORS).changes[0].call, Call::Wrong);
    }

    #[test]
    fn what_only_one_has_is_named() {
        let comparison = compare(
            &record([set("a", &BEFORE), set("b", &BEFORE)]),
            &record([set("b", &BEFORE), set("c", &BEFORE)]),
            FLOORS,
        );
        assert_eq!(
            (comparison.gone, comparison.new),
            (vec!["a mine@1".into()], vec!["c mine@1".into()])
        );
        assert_eq!(comparison.changes.len(), 1);
    }

    #[test]
    fn an_accident_does_not_last_and_a_slowness_does() {
        let [none, little, much] =
            [0, 7, 20].map(|percent| compare(&slowed(0), &slowed(percent), FLOORS));
        assert!(little.is_slower() && much.is_slower());
        assert!(!little.clone().with(&none).is_slower());
        assert!(little.clone().with(&little).is_slower() && much.clone().with(&little).is_slower());
        assert!(!none.clone().with(&much).is_slower(), "nothing was in doubt");
    }

    /// All threads are slowed down alike: the machine is, not the executor.
    #[test]
    fn the_machines_own_ceiling_is_taken_out() {
        let on = |ceiling: u64, time: u64| {
            let mut set = set("a", &[time; 8]);
            (set.threads, set.copies, set.copies_ns) = (2, 2, vec![ceiling; 4]);
            record([set])
        };
        let comparison = compare(&on(1_000, 500), &on(1_300, 650), FLOORS);
        assert!((comparison.changes[0].of_ceiling.unwrap() - 1.0).abs() < 1e-9);
        assert!(!comparison.is_slower());
        assert!(compare(&on(1_000, 500), &on(1_000, 650), FLOORS).is_slower());
    }
}
