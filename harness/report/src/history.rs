//! One executor over commits: what became faster or slower, and where a machine was too restless to say.

use crate::{
    bench::name,
    board::{Board, commit, kind, label},
    samples::{
        Circumstances, Group, SampleSet, bootstrap,
        statistics::{Estimate, geometric_mean, median},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Workloads of which a mean says something about an executor: less is a look at something else.
const ENOUGH_WORKLOADS: usize = 5;

/// The narrowest noise band, as a part of a speedup: the same program is never measured twice alike.
const LEAST_BAND: f64 = 0.02;

/// An interval wider than this, from end to end, says that the measurements are unstable.
const WIDEST: f64 = 0.15;

/// The geometric mean of one executor at one commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// When it was measured.
    pub started: String,
    /// The commit.
    pub commit: String,
    /// The machine's name.
    pub machine: String,
    /// The executor with its threads.
    pub executor: String,
    /// `workloads` or `real blocks`.
    pub kind: &'static str,
    /// Its speedups together.
    pub group: Group,
    /// The change since the measurement before, of the same executor and kind on the same machine.
    pub change: Option<Change>,
}

/// A change between two measurements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// How many times faster, in the geometric mean over the blocks of both, with its interval.
    pub by: Estimate,
    /// Within this part of a speedup the two copies of the baseline differ: less is no change.
    pub band: f64,
    /// How many blocks are in both.
    pub blocks: usize,
    /// What that is.
    pub call: Call,
}

/// What a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Within the noise band, or the interval has both sides of it.
    Same,
    /// The whole interval is above the noise band.
    Faster,
    /// The whole interval is below it.
    Slower,
    /// The interval is so wide, or so many blocks are noisy, that a change would not be seen.
    Unstable,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "same",
            Self::Faster => "faster",
            Self::Slower => "SLOWER",
            Self::Unstable => "unstable",
        })
    }
}

impl Change {
    /// In a cell of a table.
    pub fn text(&self) -> String {
        let Self { by: Estimate { median, low, high }, band, blocks, call } = self;
        format!(
            "{call}: {median:.3}x [{low:.3} {high:.3}] over {blocks} blocks, band {:.1} %",
            100.0 * band
        )
    }
}

/// The executor with its threads, the kind of blocks, the machine.
type Series = (String, &'static str, String);

/// One moment of a series, and its sets.
type Measured<'a> = (&'a Circumstances, Vec<&'a SampleSet>);

/// Blocks in memory, from the oldest measurement to the newest.
pub fn history(board: &Board) -> Vec<Moment> {
    let mut series: BTreeMap<Series, Vec<Measured<'_>>> = BTreeMap::new();
    for (_, record) in &board.measurements {
        let machine = record.circumstances.machine.name();
        let mut groups: BTreeMap<Series, Vec<&SampleSet>> = BTreeMap::new();
        for set in
            record.sets.iter().filter(|set| set.place == "memory" && set.has_own_contention())
        {
            groups.entry((label(set), kind(set), machine.clone())).or_default().push(set);
        }
        for (key, sets) in groups {
            let blocks: BTreeSet<&String> = sets.iter().map(|set| &set.workload).collect();
            if blocks.len() >= ENOUGH_WORKLOADS {
                series.entry(key).or_default().push((&record.circumstances, sets));
            }
        }
    }
    let mut moments: Vec<Moment> = series.into_iter().flat_map(moments_of).collect();
    moments.sort_by(|one, other| {
        (&one.started, one.kind, &one.executor).cmp(&(&other.started, other.kind, &other.executor))
    });
    moments
}

fn moments_of(
    ((executor, kind, machine), mut measured): (Series, Vec<Measured<'_>>),
) -> Vec<Moment> {
    measured.sort_by(|(one, _), (other, _)| one.started.cmp(&other.started));
    let moment = |(nth, (circumstances, sets)): (usize, &Measured<'_>)| Moment {
        started: circumstances.started.clone(),
        commit: commit(circumstances),
        machine: machine.clone(),
        executor: executor.clone(),
        kind,
        group: Group::of(sets.iter().copied()),
        change: nth.checked_sub(1).and_then(|before| change(&measured[before].1, sets)),
    };
    measured.iter().enumerate().map(moment).collect()
}

/// Block by block: another choice of blocks is no change.
fn change(before: &[&SampleSet], now: &[&SampleSet]) -> Option<Change> {
    let then: BTreeMap<String, &SampleSet> = before.iter().map(|set| (name(set), *set)).collect();
    let pairs: Vec<(&SampleSet, &SampleSet)> = now
        .iter()
        .filter_map(|set| then.get(&name(set)).map(|then| (*then, *set)))
        .filter(|(then, now)| then.gas == now.gas)
        .collect();
    let ratios: Vec<f64> =
        pairs.iter().filter_map(|(then, now)| Some(now.speedup? / then.speedup?)).collect();
    if ratios.len() < ENOUGH_WORKLOADS {
        return None;
    }
    let logs: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
    let resamples = bootstrap::means(&logs).into_iter().map(f64::exp).collect();
    let by = Estimate::of(geometric_mean(&ratios), resamples);
    let controls: Vec<f64> = pairs
        .iter()
        .flat_map(|(then, now)| [then.control, now.control])
        .map(|a_a| (a_a - 1.0).abs())
        .collect();
    let band = LEAST_BAND.max(median(&controls));
    let noisy = pairs.iter().filter(|(then, now)| then.noisy || now.noisy).count();
    let call = match by {
        _ if 2 * noisy > pairs.len() || by.high / by.low - 1.0 > WIDEST => Call::Unstable,
        Estimate { low, .. } if low > 1.0 + band => Call::Faster,
        Estimate { high, .. } if high < 1.0 - band => Call::Slower,
        _ => Call::Same,
    };
    Some(Change { by, band, blocks: ratios.len(), call })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bench::Record, record::Verdict};

    fn set(number: usize, speedup: f64, control: f64, noisy: bool) -> SampleSet {
        let mut set = SampleSet::without_samples(
            &format!("block {number}"),
            "mine@2",
            Verdict::Agreed,
            String::new(),
        );
        "memory".clone_into(&mut set.place);
        (set.speedup, set.control, set.noisy) = (Some(speedup), control, noisy);
        (set.speedup_low, set.speedup_high) = (Some(speedup), Some(speedup));
        set
    }

    fn call(speedup: impl Fn(usize) -> f64, control: f64, noisy: bool) -> Call {
        let old: Vec<SampleSet> = (0..12).map(|number| set(number, 1.5, 1.0, false)).collect();
        let new: Vec<SampleSet> =
            (0..12).map(|number| set(number, speedup(number), control, noisy)).collect();
        let all = |sets: Vec<SampleSet>, started: &str| {
            let mut record = Record { sets, ..Record::default() };
            started.clone_into(&mut record.circumstances.started);
            (started.to_owned(), record)
        };
        let board = Board { measurements: vec![all(new, "2"), all(old, "1")], ..Board::default() };
        let moments = history(&board);
        assert_eq!((moments.len(), moments[0].change), (2, None));
        moments[1].change.unwrap().call
    }

    #[test]
    fn a_regression_is_told_apart_from_instability() {
        assert_eq!(call(|_| 1.5, 1.0, false), Call::Same);
        assert_eq!(call(|_| 1.6, 1.0, false), Call::Faster);
        assert_eq!(call(|_| 1.4, 1.0, false), Call::Slower);
        // As much as the two copies of the baseline differ.
        assert_eq!(call(|_| 1.4, 1.16, false), Call::Same);
        assert_eq!(call(|_| 1.4, 1.0, true), Call::Unstable);
        assert_eq!(
            call(|number| if number % 2 == 0 { 1.1 } else { 1.9 }, 1.0, false),
            Call::Unstable
        );
    }
}
