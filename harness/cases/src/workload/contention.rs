//! How much the transactions of a workload want the same things.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Zipf};
use std::{fmt, str::FromStr};

/// How those who choose among recipients, pools, items and the like choose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Contention {
    /// Any of them, alike.
    Uniform,
    /// The n-th with a probability of 1 / n^s, as popularity mostly is.
    Zipf(f64),
    /// This part of all choices falls on one in a hundred of them.
    Hot(f64),
    /// This part of the choices that would fall on one's own falls on the next one instead; other choices are uniform.
    Foreign(f64),
}

/// The valid forms of a contention, as an error message.
const FORMS: &str = "expected `uniform`, `zipf:S` with S above 0, or `hot:PART` or `foreign:PART` with a part from 0 to 1";

impl Contention {
    /// One of `count`.
    pub(super) fn choose(self, count: usize, random: &mut impl Rng) -> usize {
        match self {
            Self::Zipf(exponent) => {
                let zipf = Zipf::new(count as f64, exponent).expect("checked when it was read");
                (zipf.sample(random) as usize).clamp(1, count) - 1
            }
            Self::Hot(part) if random.random_bool(part) => {
                random.random_range(0..count.div_ceil(100))
            }
            Self::Uniform | Self::Hot(_) | Self::Foreign(_) => random.random_range(0..count),
        }
    }
}

impl FromStr for Contention {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "uniform" {
            return Ok(Self::Uniform);
        }
        let (kind, number) = text.split_once(':').ok_or(FORMS)?;
        let number: f64 = number.parse().map_err(|_| FORMS)?;
        match kind {
            "zipf" if number > 0.0 && number.is_finite() => Ok(Self::Zipf(number)),
            "hot" if (0.0..=1.0).contains(&number) => Ok(Self::Hot(number)),
            "foreign" if (0.0..=1.0).contains(&number) => Ok(Self::Foreign(number)),
            _ => Err(FORMS),
        }
    }
}

impl fmt::Display for Contention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Zipf(exponent) => write!(f, "zipf:{exponent}"),
            Self::Hot(part) => write!(f, "hot:{part}"),
            Self::Foreign(part) => write!(f, "foreign:{part}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn forms_are_read_and_written() {
        for text in ["uniform", "zipf:1.2", "hot:0.3", "foreign:0.25"] {
            assert_eq!(text.parse::<Contention>().unwrap().to_string(), text);
        }
        for text in ["", "zipf", "zipf:0", "zipf:-1", "zipf:inf", "hot:1.5", "hot:x", "cold:1"] {
            assert_eq!(text.parse::<Contention>(), Err(FORMS), "{text}");
        }
    }

    #[test]
    fn choices_fall_as_they_say() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut share = |contention: Contention, first: usize| {
            let chosen = (0..10_000).map(|_| contention.choose(1_000, &mut random));
            chosen.filter(|chosen| *chosen < first).count() as f64 / 10_000.0
        };
        assert!((share(Contention::Uniform, 10) - 0.01).abs() < 0.005);
        assert!((share(Contention::Hot(0.3), 10) - 0.307).abs() < 0.02);
        // The first ten of a thousand with s = 1: 2.929 of 7.485.
        assert!((share(Contention::Zipf(1.0), 10) - 0.391).abs() < 0.02);
        assert_eq!(Contention::Zipf(1.0).choose(1, &mut ChaCha8Rng::seed_from_u64(1)), 0);
    }
}
