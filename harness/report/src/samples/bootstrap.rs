//! Intervals by resampling.
//!
//! Samples of one run are alike: they share a preparation, a memory layout, a mood of the machine. Taken
//! for independent they would promise too much. So the bootstrap resamples first whole runs, and then
//! rounds in each of them (Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section
//! 3.8: the more conservative of the two ways to resample hierarchical data). The interval
//! is the percentile interval of the same book, section 5.3.1, as `scipy.stats.bootstrap` gives it with
//! `method="percentile"`.

use super::statistics::{Estimate, median, median_of, quantile};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Resamples of which an interval is taken.
const RESAMPLES: usize = 10_000;

/// The share of the interval's two tails together.
const OUTSIDE: f64 = 0.05;

/// Same samples, same interval.
const SEED: u64 = 1;

/// Samples, run by run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Runs(Vec<Vec<f64>>);

impl Runs {
    /// From samples in the order of `runs` runs, as many in each. A remainder belongs to the last.
    pub fn new(samples: &[f64], runs: usize) -> Self {
        let each = (samples.len() / runs.max(1)).max(1);
        let mut all: Vec<Vec<f64>> = Vec::new();
        for (index, sample) in samples.iter().enumerate() {
            let run = (index / each).min(runs.max(1) - 1);
            if all.len() <= run {
                all.push(Vec::new());
            }
            all[run].push(*sample);
        }
        Self(all)
    }

    /// The samples of all runs.
    pub fn all(&self) -> Vec<f64> {
        self.0.concat()
    }

    /// The median of all samples, with its interval of 95 %.
    pub fn median(&self) -> Estimate {
        Estimate::of(median(&self.all()), self.resampled(SEED))
    }

    /// By how much the median is another than that of `before`: their ratio, with its interval.
    pub fn change_since(&self, before: &Self) -> Estimate {
        let (mut now, then) = (self.resampled(SEED), before.resampled(SEED + 1));
        for (now, then) in now.iter_mut().zip(&then) {
            *now /= then;
        }
        Estimate::of(median(&self.all()) / median(&before.all()), now)
    }

    /// Medians of resamples.
    pub fn resampled(&self, seed: u64) -> Vec<f64> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut drawn = Vec::new();
        let mut resample = || {
            drawn.clear();
            for _ in 0..self.0.len() {
                let run = &self.0[random.random_range(0..self.0.len())];
                drawn.extend((0..run.len()).map(|_| run[random.random_range(0..run.len())]));
            }
            median_of(&mut drawn)
        };
        (0..RESAMPLES).map(|_| resample()).collect()
    }
}

/// Means of resamples of values that are independent.
pub fn means(values: &[f64]) -> Vec<f64> {
    if values.is_empty() {
        return Vec::new();
    }
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut one = || values[random.random_range(0..values.len())];
    let mut mean = || (0..values.len()).map(|_| one()).sum::<f64>() / values.len() as f64;
    (0..RESAMPLES).map(|_| mean()).collect()
}

impl Estimate {
    /// An estimate with the interval that its resamples give.
    pub fn of(median: f64, mut resamples: Vec<f64>) -> Self {
        resamples.sort_by(f64::total_cmp);
        let (low, high) =
            (quantile(&resamples, OUTSIDE / 2.0), quantile(&resamples, 1.0 - OUTSIDE / 2.0));
        Self { median, low, high }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Drawn once from a log-normal distribution.
    #[rustfmt::skip]
    const SKEWED: [f64; 41] = [
        1.4002, 1.4511, 1.3547, 1.2581, 1.3257, 1.2429, 1.4101, 1.6443, 1.3197, 1.2995, 1.4848, 1.4613,
        1.4178, 1.2521, 1.3951, 1.5218, 1.1914, 1.3252, 1.1144, 1.1993, 1.1224, 1.3611, 1.2025, 1.4463,
        1.4266, 1.3689, 1.0351, 1.3124, 1.3919, 1.4192, 1.1652, 1.3220, 1.2449, 1.2705, 1.5901, 1.2707,
        1.3945, 1.5567, 1.3053, 1.3814, 1.4187,
    ];
    /// Likewise, another one.
    #[rustfmt::skip]
    const OTHER: [f64; 24] = [
        1.3042, 1.2228, 1.3050, 1.3914, 1.2032, 1.3571, 1.3078, 1.2590, 1.4368, 1.3505, 1.2243, 1.3049,
        1.3380, 1.2878, 1.3452, 1.2957, 1.3441, 1.3969, 1.2568, 1.3133, 1.2702, 1.3083, 1.2251, 1.2629,
    ];

    /// `scipy.stats.bootstrap((data,), np.median, method="percentile", n_resamples=200_000, rng=1)` of
    /// SciPy 1.17.1 gives [1.3053, 1.3951]; of `median(other) / median(skewed)` [0.92632, 1.00613].
    #[test]
    fn intervals_of_one_run_are_those_of_scipy() {
        let near = |found: f64, expected: f64, by: f64| {
            assert!((found - expected).abs() < by, "{found}, expected {expected}");
        };
        let [skewed, other] = [SKEWED.to_vec(), OTHER.to_vec()].map(|run| Runs(vec![run]));
        let Estimate { median, low, high } = skewed.median();
        near(median, 1.3547, 1e-12);
        near(low, 1.3053, 0.004);
        near(high, 1.3951, 0.004);
        let Estimate { median, low, high } = other.change_since(&skewed);
        near(median, 0.963_276_002_066_878_1, 1e-12);
        near(low, 0.926_317_676_586_590_1, 0.004);
        near(high, 1.006_128_859_266_069, 0.004);
    }

    #[test]
    fn samples_go_to_their_runs() {
        let runs = Runs::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3);
        assert_eq!(runs, Runs(vec![vec![1.0, 2.0], vec![3.0, 4.0], vec![5.0, 6.0]]));
        assert_eq!(Runs::new(&[1.0], 3), Runs(vec![vec![1.0]]));
        assert_eq!(Runs::new(&[], 3).median().median, 0.0);
    }

    /// Normal rounds around runs that differ normally: the true median is known.
    #[test]
    fn intervals_hold_the_truth_about_as_often_as_they_say() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        // The sum of twelve uniform numbers: normal enough.
        let mut normal = || (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
        let mut covered = [0; 2];
        let times = 200;
        for _ in 0..times {
            for (kind, between) in [(0, 0.0), (1, 0.02)] {
                let runs: Vec<Vec<f64>> = (0..6)
                    .map(|_| {
                        let of_run = 1.5 + between * normal();
                        (0..5).map(|_| of_run + 0.03 * normal()).collect()
                    })
                    .collect();
                let Estimate { low, high, .. } = Runs(runs).median();
                covered[kind] += usize::from(low <= 1.5 && 1.5 <= high);
            }
        }
        assert!(covered[0] * 100 >= times * 93, "{covered:?}");
        assert!(covered[1] * 100 >= times * 90, "{covered:?}");
    }

    /// As far apart as runs are, so wide is the interval: rounds of one run do not make it sure.
    #[test]
    fn many_rounds_do_not_hide_that_runs_differ() {
        let two = Runs(vec![vec![1.0; 100], vec![1.2; 100]]);
        let one = Runs(vec![[vec![1.0; 100], vec![1.2; 100]].concat()]);
        let width = |runs: &Runs| runs.median().high - runs.median().low;
        assert!(width(&two) >= width(&one));
        assert!((width(&two) - 0.2).abs() < 1e-12);
    }

    #[test]
    fn a_change_has_the_sign_of_what_changed() {
        let before = Runs(vec![vec![1.49, 1.5, 1.51], vec![1.5, 1.52, 1.48]]);
        let slower = Runs(vec![vec![1.34, 1.35, 1.36], vec![1.35, 1.37, 1.33]]);
        let change = slower.change_since(&before);
        assert!((change.median - 0.9).abs() < 1e-9 && change.high < 0.95, "{change:?}");
        let none = before.change_since(&before);
        assert!(none.low < 1.0 && none.high > 1.0, "{none:?}");
    }
}
