//! The samples of one executor on one block.

use super::{
    bootstrap::{self, Runs},
    receipts::ReceiptTimes,
    stages::Stages,
    statistics::{self, Estimate, median},
    storage::StorageFacts,
};
use crate::record::Verdict;
use alloy_primitives::B256;
use lockstep_cases::workload::Workload;
use lockstep_model::{Dependencies, Mode, Telemetry};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Largest difference of two copies of an executor; above it, the machine cannot rank executors.
const UNFAIR: f64 = 0.03;

/// Largest width of the interval of two copies of an executor; above it, the machine cannot rank executors.
const UNSTEADY: f64 = 0.12;

/// Raw samples of one executor on one block, and what follows from them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SampleSet {
    /// The block.
    pub workload: String,
    /// The executor, without its threads.
    pub executor: String,
    /// Threads that it was given.
    pub threads: usize,
    /// How it chose its threads, in its own words.
    #[schemars(with = "String")]
    pub mode: Mode,
    /// Transactions in the block.
    pub transactions: usize,
    /// Gas that the block used.
    pub gas: u64,
    /// The block's outcome: keccak-256 of its state root and receipts root. Every run
    /// must find the same. `None` for an invalid block.
    #[schemars(with = "Option<String>")]
    pub outcome: Option<B256>,
    /// Storage of the pre-state: `memory`, `latency:MICROS` or `disk`.
    pub place: String,
    /// Runs; every executor prepared the block anew in each. Samples are in their order, as many of each.
    pub runs: usize,
    /// Time of the baseline, twice in each round, in ns.
    pub baseline_ns: Vec<u64>,
    /// Time of a second copy of the baseline beside it, in ns: the A/A control.
    pub control_ns: Vec<u64>,
    /// Time of this executor beside them, in ns.
    pub candidate_ns: Vec<u64>,
    /// Time of the reference, in ns.
    pub reference_ns: Vec<u64>,
    /// Time of one copy of the baseline's work on each core at once, in ns: it gives the machine's ceiling.
    pub copies_ns: Vec<u64>,
    /// How many copies those were.
    pub copies: usize,
    /// Measured properties of storage, where it is not memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageFacts>,
    /// The limit that the block itself sets, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<Bound>,
    /// Times of the baseline's imports, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_stages: Option<Stages>,
    /// Times of this executor's imports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate_stages: Option<Stages>,
    /// Why there are no imports, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_import: Option<String>,
    /// Resources that the baseline used, beside wall-clock time.
    pub baseline_usage: Usage,
    /// Resources that this executor used, beside wall-clock time.
    pub candidate_usage: Usage,
    /// When the baseline's single receipts were final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_receipts: Option<ReceiptTimes>,
    /// When this executor's were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate_receipts: Option<ReceiptTimes>,
    /// Executions after the first of each transaction, of the last round.
    pub re_executions: u64,
    /// Median of the rounds' ratios. `None` where an outcome was wrong: it has no speedup.
    pub speedup: Option<f64>,
    /// Lower end of its interval.
    pub speedup_low: Option<f64>,
    /// Upper end of its interval.
    pub speedup_high: Option<f64>,
    /// The share of the limit that was reached: the speedup over the lowest of threads, the machine's ceiling and the
    /// block's bound, but at least 1. `None` where one of them is not known, or the machine was too noisy to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Apparent speedup of the A/A control, the baseline's second copy: 1 on a quiet machine.
    pub control: f64,
    /// Lower end of its interval.
    pub control_low: f64,
    /// Upper end of its interval.
    pub control_high: f64,
    /// Whether the control says that the machine was too noisy to rank executors.
    pub noisy: bool,
    /// The verdict on the outcomes of the timed runs.
    pub verdict: Verdict,
    /// Why it is not agreed.
    pub reason: Option<String>,
}

/// The limits that a block itself sets, whatever the number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bound {
    /// Work over the longest chain of transactions that wait for each other's values.
    pub dependencies: f64,
    /// Work over the longest transaction: the limit if all values are known beforehand.
    pub longest: f64,
}

impl Bound {
    /// The bound that the dependencies of a block set.
    pub fn of(dependencies: &Dependencies) -> Self {
        let work = dependencies.work_ns() as f64;
        let over = |path: u64| if path == 0 { 1.0 } else { work / path as f64 };
        Self {
            dependencies: over(dependencies.critical_path_ns()),
            longest: over(dependencies.longest_ns()),
        }
    }

    /// The same with this many threads: work is not done faster than they are many.
    #[must_use]
    pub fn with(self, threads: usize) -> Self {
        let threads = threads as f64;
        Self { dependencies: self.dependencies.min(threads), longest: self.longest.min(threads) }
    }
}

/// Resources that an executor used, beside wall-clock time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Processor time of each round, of all threads, in ns.
    pub processor_ns: Vec<u64>,
    /// Memory at the peak of one run over what there was before, in bytes.
    pub peak_bytes: Option<u64>,
}

impl SampleSet {
    /// Whether the contention is the default: true of real blocks.
    pub fn has_own_contention(&self) -> bool {
        Workload::of_id(&self.workload).is_none_or(|(_, size)| size.contention.is_none())
    }

    /// Decides the speedup from the samples and the verdict.
    pub fn conclude(mut self, telemetry: Telemetry) -> Self {
        self.mode = telemetry.mode;
        self.re_executions = telemetry.re_executions;
        let control = rounds(&self.baseline_ns, &self.control_ns, self.runs).median();
        (self.control, self.control_low, self.control_high) =
            (control.median, control.low, control.high);
        self.noisy = (control.median - 1.0).abs() > UNFAIR || control.high - control.low > UNSTEADY;
        if self.verdict == Verdict::Agreed {
            let Estimate { median, low, high } = self.ratios().median();
            (self.speedup, self.speedup_low, self.speedup_high) =
                (Some(median), Some(low), Some(high));
        }
        self.share = self.reached();
        self
    }

    /// The speedup, unless the machine was too noisy to tell.
    pub fn told(&self) -> Option<f64> {
        self.speedup.filter(|_| !self.noisy)
    }

    /// What the block and the threads allow: `access_list` waits for no other transaction.
    pub fn limit(&self) -> Option<f64> {
        let bound = self.bound?.with(self.threads);
        Some(if self.executor == "access_list" { bound.longest } else { bound.dependencies })
    }

    /// What the block, the threads and the machine at that time allow.
    pub fn limit_here(&self) -> Option<f64> {
        Some(self.limit()?.min(self.ceiling().unwrap_or(f64::INFINITY)).max(1.0))
    }

    /// The share of that limit that was reached.
    pub fn reached(&self) -> Option<f64> {
        Some(self.told()? / self.limit_here()?)
    }

    /// How far the two copies of the baseline are apart, at the most.
    pub fn noise(&self) -> f64 {
        (self.control_high - self.control_low).max(2.0 * (self.control - 1.0).abs())
    }

    /// A row without samples, of an executor that could not go on.
    pub fn without_samples(workload: &str, label: &str, verdict: Verdict, reason: String) -> Self {
        let (executor, threads) = label.split_once('@').unwrap_or((label, ""));
        Self {
            workload: workload.to_owned(),
            executor: executor.to_owned(),
            threads: threads.parse().unwrap_or_default(),
            verdict,
            reason: Some(reason),
            ..Self::default()
        }
    }

    /// How many times faster than the baseline it was in each round, run by run.
    pub fn ratios(&self) -> Runs {
        rounds(&self.baseline_ns, &self.candidate_ns, self.runs)
    }

    /// The same in terms of the machine's ceiling in that round, by which two records of a shared machine
    /// can be compared. `None` where the ceiling was not measured.
    pub fn shares_of_ceiling(&self) -> Option<Runs> {
        if self.copies_ns.len() != self.candidate_ns.len() / 2 {
            return None;
        }
        let copies = self.copies_ns.iter().zip(pairs(&self.candidate_ns));
        // `copies` times the baseline's work in this time.
        let shares: Vec<f64> = copies
            .map(|(together, [first, second])| {
                *together as f64 / self.copies as f64 / f64::midpoint(first as f64, second as f64)
            })
            .collect();
        Some(Runs::new(&shares, self.runs))
    }

    /// The speedup of each stage of the import, the whole last. Empty where it was not measured, or an
    /// outcome was wrong.
    pub fn stage_speedups(&self) -> Vec<(&'static str, Estimate)> {
        let (Some(base), Some(ours), Some(_)) =
            (&self.baseline_stages, &self.candidate_stages, self.speedup)
        else {
            return Vec::new();
        };
        let ratios = |base: &[u64], ours: &[u64]| {
            let rounds = base.iter().zip(ours);
            let ratios: Vec<f64> = rounds.map(|(base, ours)| *base as f64 / *ours as f64).collect();
            Runs::new(&ratios, self.runs).median()
        };
        let stages = base.named().into_iter().zip(ours.named());
        stages.map(|((name, base), (_, ours))| (name, ratios(base, ours))).collect()
    }

    /// The machine's own ceiling: how much faster all its cores together do the baseline's work.
    /// `None` where it was not measured.
    pub fn ceiling(&self) -> Option<f64> {
        let copies = median_ns(&self.copies_ns);
        (copies > 0.0).then(|| self.copies as f64 * median_ns(&self.baseline_ns) / copies)
    }

    /// The reference's time in terms of the baseline's.
    /// `None` where it was not measured beside it.
    pub fn reference_ratio(&self) -> Option<f64> {
        let baseline = median_ns(&self.baseline_ns);
        let measured = baseline > 0.0 && !self.copies_ns.is_empty();
        measured.then(|| median_ns(&self.reference_ns) / baseline)
    }

    /// Processor time in terms of the baseline's.
    pub fn processor_ratio(&self) -> f64 {
        let [ours, base] = [&self.candidate_usage, &self.baseline_usage];
        median_ns(&ours.processor_ns) / median_ns(&base.processor_ns).max(1.0)
    }

    /// Peak memory in terms of the baseline's.
    pub fn memory_ratio(&self) -> Option<f64> {
        let [ours, base] = [&self.candidate_usage, &self.baseline_usage];
        Some(ours.peak_bytes? as f64 / base.peak_bytes?.max(1) as f64)
    }

    /// Gas a second.
    pub fn gas_per_second(&self) -> f64 {
        let (_, time) = self.medians();
        if time > 0.0 { self.gas as f64 * 1e9 / time } else { 0.0 }
    }

    /// Median times of baseline and candidate, in ns.
    pub fn medians(&self) -> (f64, f64) {
        (median_ns(&self.baseline_ns), median_ns(&self.candidate_ns))
    }
}

/// The two times of each round.
fn pairs(times: &[u64]) -> impl Iterator<Item = [u64; 2]> {
    times.as_chunks().0.iter().copied()
}

/// The ratio of each round: the baseline's total time in it to the other one's total time. Forwards
/// and backwards together, a drift of the machine cancels out (ABBA).
fn rounds(baseline: &[u64], other: &[u64], runs: usize) -> Runs {
    let together = |[first, second]: [u64; 2]| (first + second) as f64;
    let rounds = pairs(baseline).zip(pairs(other));
    let ratios: Vec<f64> = rounds.map(|(base, other)| together(base) / together(other)).collect();
    Runs::new(&ratios, runs)
}

fn median_ns(samples: &[u64]) -> f64 {
    let samples: Vec<f64> = samples.iter().map(|sample| *sample as f64).collect();
    median(&samples)
}

/// Many blocks as one, for one executor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    /// Blocks with a speedup that can be told.
    pub blocks: usize,
    /// Blocks without one: an outcome was wrong.
    pub without: usize,
    /// Time of all blocks together.
    pub sum: f64,
    /// Geometric mean of the blocks' speedups.
    pub geometric_mean: f64,
    /// The least speedup of a block.
    pub slowest: f64,
    /// Blocks that were slower than the baseline.
    pub slower: usize,
    /// Blocks on which the machine was too noisy to tell.
    pub noisy: usize,
    /// Interval of the geometric mean, over blocks like these.
    pub interval: (f64, f64),
    /// Shares of the limit, where they are known.
    pub shares: Option<Shares>,
}

/// Shares of the limit that were reached on several blocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// Their geometric mean.
    pub geometric_mean: f64,
    /// The time of all blocks together at their limits, over the time that they took.
    pub sum: f64,
    /// The least of a block.
    pub worst: f64,
}

impl Shares {
    fn of(sets: &[&SampleSet]) -> Option<Self> {
        let shares: Vec<f64> = sets.iter().filter_map(|set| set.reached()).collect();
        let times = sets.iter().filter(|set| set.reached().is_some()).filter_map(|set| {
            let (base, ours) = set.medians();
            Some((base / set.limit_here()?, ours))
        });
        let (least, ours) =
            times.fold((0.0, 0.0), |(least, all), (limit, ours)| (least + limit, all + ours));
        (!shares.is_empty()).then(|| Self {
            geometric_mean: statistics::geometric_mean(&shares),
            sum: if ours > 0.0 { least / ours } else { 0.0 },
            worst: shares.iter().copied().fold(f64::INFINITY, f64::min),
        })
    }
}

impl Group {
    /// Adds up sample sets of one executor.
    pub fn of<'a>(sets: impl IntoIterator<Item = &'a SampleSet>) -> Self {
        let (with, without): (Vec<_>, Vec<_>) =
            sets.into_iter().partition(|set| set.speedup.is_some());
        let (noisy, with): (Vec<_>, Vec<_>) = with.into_iter().partition(|set| set.noisy);
        let speedups: Vec<f64> = with.iter().filter_map(|set| set.speedup).collect();
        let (base, ours) = with.iter().fold((0.0, 0.0), |(base, ours), set| {
            let medians = set.medians();
            (base + medians.0, ours + medians.1)
        });
        Self {
            blocks: with.len(),
            without: without.len(),
            sum: if ours > 0.0 { base / ours } else { 0.0 },
            geometric_mean: statistics::geometric_mean(&speedups),
            slowest: speedups.iter().copied().fold(f64::INFINITY, f64::min),
            noisy: noisy.len(),
            interval: interval_over_blocks(&speedups),
            slower: speedups.iter().filter(|speedup| **speedup < 1.0).count(),
            shares: Shares::of(&with),
        }
    }
}

/// The interval over blocks of the same kind, by resampling the blocks.
fn interval_over_blocks(speedups: &[f64]) -> (f64, f64) {
    let logarithms: Vec<f64> = speedups.iter().map(|speedup| speedup.ln()).collect();
    let Estimate { low, high, .. } = Estimate::of(0.0, bootstrap::means(&logarithms));
    (low.exp(), high.exp())
}
