//! What came of measuring one executor on one block.

use super::{
    import::Stages,
    statistics::{self, Estimate},
    storage::StorageFacts,
};
use crate::record::Verdict;
use lockstep_model::{Dependencies, Mode, Telemetry};
use serde::{Deserialize, Serialize};

/// Raw samples of one executor on one block, and what follows from them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleSet {
    /// The block.
    pub workload: String,
    /// The executor, without its threads.
    pub executor: String,
    /// Threads that it was given.
    pub threads: usize,
    /// How it chose its threads, in its own words.
    pub mode: Mode,
    /// Transactions in the block.
    pub transactions: usize,
    /// Gas that the block used.
    pub gas: u64,
    /// Time of the baseline in each round, in ns.
    pub baseline_ns: Vec<u64>,
    /// Time of this executor in each round, in ns.
    pub candidate_ns: Vec<u64>,
    /// Time of the reference, in ns.
    pub reference_ns: Vec<u64>,
    /// Time of one copy of the baseline's work on each core at once, in ns: what the machine allows.
    pub copies_ns: Vec<u64>,
    /// How many copies those were.
    pub copies: usize,
    /// What was seen of storage, where it is not memory.
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
    /// What the baseline used beside time.
    pub baseline_usage: Usage,
    /// What this executor used beside time.
    pub candidate_usage: Usage,
    /// Executions after the first of each transaction, of the last round.
    pub re_executions: u64,
    /// Median of the rounds' ratios. `None` where an outcome was wrong: it has no speedup.
    pub speedup: Option<f64>,
    /// Lower end of its interval.
    pub speedup_low: Option<f64>,
    /// Upper end of its interval.
    pub speedup_high: Option<f64>,
    /// What was found on the outcomes of the timed runs.
    pub verdict: Verdict,
    /// Why it is not agreed.
    pub reason: Option<String>,
}

/// The limits that a block itself sets, whatever the number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// Work over the longest chain of transactions that wait for each other's values.
    pub dependencies: f64,
    /// Work over the longest transaction: where all values are known beforehand.
    pub longest: f64,
}

impl Bound {
    pub(super) fn of(dependencies: &Dependencies) -> Self {
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

/// What an executor used beside time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time of each round, of all threads, in ns.
    pub processor_ns: Vec<u64>,
    /// Memory at the peak of one run over what there was before, in bytes.
    pub peak_bytes: Option<u64>,
}

impl SampleSet {
    /// Decides the speedup from the samples and the verdict.
    pub(super) fn conclude(mut self, telemetry: Telemetry) -> Self {
        self.mode = telemetry.mode;
        self.re_executions = telemetry.re_executions;
        if self.verdict == Verdict::Agreed {
            let Estimate { median, low, high } = self.ratios();
            (self.speedup, self.speedup_low, self.speedup_high) =
                (Some(median), Some(low), Some(high));
        }
        self
    }

    fn ratios(&self) -> Estimate {
        ratios(&self.baseline_ns, &self.candidate_ns)
    }

    /// The speedup of each stage of the import, the whole last. Empty where it was not measured, or an
    /// outcome was wrong.
    pub fn stage_speedups(&self) -> Vec<(&'static str, Estimate)> {
        let (Some(base), Some(ours), Some(_)) =
            (&self.baseline_stages, &self.candidate_stages, self.speedup)
        else {
            return Vec::new();
        };
        let stages = base.named().into_iter().zip(ours.named());
        stages.map(|((name, base), (_, ours))| (name, ratios(base, ours))).collect()
    }

    /// The machine's own ceiling: how much faster all its cores together do the baseline's work.
    /// `None` where it was not measured.
    pub fn ceiling(&self) -> Option<f64> {
        let copies = median(&self.copies_ns);
        (copies > 0.0).then(|| self.copies as f64 * median(&self.baseline_ns) / copies)
    }

    /// The reference's time in terms of the baseline's.
    /// `None` where it was not measured beside it.
    pub fn reference_ratio(&self) -> Option<f64> {
        let baseline = median(&self.baseline_ns);
        let measured = baseline > 0.0 && !self.copies_ns.is_empty();
        measured.then(|| median(&self.reference_ns) / baseline)
    }

    /// Processor time in terms of the baseline's.
    pub fn processor_ratio(&self) -> f64 {
        let [ours, base] = [&self.candidate_usage, &self.baseline_usage];
        median(&ours.processor_ns) / median(&base.processor_ns).max(1.0)
    }

    /// Peak memory in terms of the baseline's.
    pub fn memory_ratio(&self) -> Option<f64> {
        let [ours, base] = [&self.candidate_usage, &self.baseline_usage];
        Some(ours.peak_bytes? as f64 / base.peak_bytes?.max(1) as f64)
    }

    /// Median times of baseline and candidate, in ns.
    pub fn medians(&self) -> (f64, f64) {
        (median(&self.baseline_ns), median(&self.candidate_ns))
    }
}

fn ratios(baseline: &[u64], candidate: &[u64]) -> Estimate {
    let pairs = baseline.iter().zip(candidate);
    let ratios: Vec<f64> = pairs.map(|(base, ours)| *base as f64 / *ours as f64).collect();
    statistics::median_with_interval(&ratios)
}

fn median(samples: &[u64]) -> f64 {
    let samples: Vec<f64> = samples.iter().map(|sample| *sample as f64).collect();
    statistics::median(&samples)
}

/// Many blocks as one, for one executor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    /// Blocks with a speedup.
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
}

impl Group {
    /// Adds up sample sets of one executor.
    pub fn of<'a>(sets: impl IntoIterator<Item = &'a SampleSet>) -> Self {
        let (with, without): (Vec<_>, Vec<_>) =
            sets.into_iter().partition(|set| set.speedup.is_some());
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
            slower: speedups.iter().filter(|speedup| **speedup < 1.0).count(),
        }
    }
}
