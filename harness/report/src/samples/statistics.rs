//! Medians, quantiles and means; pure functions.

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
    median_of(&mut samples.to_vec())
}

/// The median of samples that may be put into another order; zero of nothing.
pub fn median_of(samples: &mut [f64]) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    let (middle, even) = (samples.len() / 2, samples.len().is_multiple_of(2));
    let (below, upper, _) = samples.select_nth_unstable_by(middle, f64::total_cmp);
    let lower = below.iter().copied().max_by(f64::total_cmp);
    match lower {
        Some(lower) if even => f64::midpoint(lower, *upper),
        _ => *upper,
    }
}

/// The quantile of sorted samples, with a straight line between neighbours (Hyndman and Fan, "Sample
/// Quantiles in Statistical Packages", 1996, definition 7: NumPy's). Zero of nothing.
pub fn quantile(sorted: &[f64], at: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = at.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * place.fract()
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
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    /// `numpy.quantile([1, 2, 4, 8, 16], [0, 0.025, 0.3, 0.5, 0.975, 1])`.
    #[test]
    fn quantiles_are_those_of_numpy() {
        let samples = [1.0, 2.0, 4.0, 8.0, 16.0];
        let found = [0.0, 0.025, 0.3, 0.5, 0.975, 1.0].map(|at| quantile(&samples, at));
        for (found, numpy) in found.iter().zip([1.0, 1.1, 2.4, 4.0, 15.2, 16.0]) {
            assert!((found - numpy).abs() < 1e-12, "{found} {numpy}");
        }
        assert_eq!(quantile(&[], 0.5), 0.0);
    }

    #[test]
    fn the_geometric_mean_of_inverses_is_one() {
        assert!((geometric_mean(&[0.5, 2.0]) - 1.0).abs() < 1e-12);
        assert_eq!(geometric_mean(&[]), 0.0);
    }
}
