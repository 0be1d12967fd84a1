//! Medians and intervals.

/// A median with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The median of the samples.
    pub median: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// The median; zero of nothing.
pub fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => 0.0,
        (length, middle) if length % 2 == 1 => sorted[middle],
        (_, middle) => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The median, and an interval that holds the true one with a probability of at least 95 % where
/// there are six samples or more: the narrowest pair of order statistics that does (the sign test's
/// interval; Conover, "Practical Nonparametric Statistics", 3.2). It assumes nothing of how samples
/// are distributed. Of fewer samples it is their whole range.
pub fn median_with_interval(samples: &[f64]) -> Estimate {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let outside = outside_each_end(sorted.len());
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    Estimate {
        median: median(samples),
        low: at(outside),
        high: at(sorted.len().saturating_sub(1 + outside)),
    }
}

/// How many order statistics may be left out at each end: the most that leave the probability of
/// missing the median at 2.5 % or less on each side.
fn outside_each_end(samples: usize) -> usize {
    // Probability of exactly `count` of the samples below the median.
    let mut exactly = 0.5_f64.powi(i32::try_from(samples).unwrap_or(i32::MAX));
    let mut at_most = 0.0;
    for count in 0..samples {
        at_most += exactly;
        if at_most > 0.025 {
            return count.saturating_sub(1);
        }
        exactly *= (samples - count) as f64 / (count + 1) as f64;
    }
    0
}

/// The geometric mean of positive numbers; zero of nothing.
pub fn geometric_mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    (values.iter().map(|value| value.ln()).sum::<f64>() / values.len() as f64).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    /// The ranks are those of tables of the sign test: n = 6: 1 and 6, n = 11: 2 and 10, n = 20: 6
    /// and 15.
    #[test]
    fn intervals_have_the_ranks_of_the_sign_test() {
        let ranks = |samples: usize| {
            let samples: Vec<f64> = (1..=samples).map(|rank| rank as f64).collect();
            let estimate = median_with_interval(&samples);
            (estimate.low, estimate.high)
        };
        assert_eq!(ranks(1), (1.0, 1.0));
        assert_eq!(ranks(5), (1.0, 5.0));
        assert_eq!(ranks(6), (1.0, 6.0));
        assert_eq!(ranks(11), (2.0, 10.0));
        assert_eq!(ranks(20), (6.0, 15.0));
    }

    #[test]
    fn the_geometric_mean_of_inverses_is_one() {
        assert!((geometric_mean(&[0.5, 2.0]) - 1.0).abs() < 1e-12);
        assert_eq!(geometric_mean(&[]), 0.0);
    }
}
