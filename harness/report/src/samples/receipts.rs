//! Times at which the receipts of a block become final.

use super::statistics::quantile;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Time from the start of a block until the receipt of a single transaction is final, in ns: quantiles
/// over all transactions of the block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptTimes {
    /// At 0, 5, 10 and so on to 100 %.
    pub quantiles_ns: Vec<u64>,
    /// At 99 %.
    pub p99_ns: u64,
}

impl ReceiptTimes {
    /// From times in ns since the start of the block. `None` where the executor notes no receipts.
    pub fn of(mut times: Vec<u64>, transactions: usize) -> Option<Self> {
        if times.is_empty() || times.len() != transactions {
            return None;
        }
        times.sort_unstable();
        let times: Vec<f64> = times.into_iter().map(|time| time as f64).collect();
        let at = |part: f64| quantile(&times, part) as u64;
        let quantiles_ns = (0..=20).map(|step| at(f64::from(step) / 20.0)).collect();
        Some(Self { quantiles_ns, p99_ns: at(0.99) })
    }

    /// The median.
    pub fn p50_ns(&self) -> u64 {
        self.quantiles_ns.get(10).copied().unwrap_or_default()
    }

    /// At 90 %.
    pub fn p90_ns(&self) -> u64 {
        self.quantiles_ns.get(18).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_what_was_noted() {
        let times = ReceiptTimes::of((0..=100).rev().collect(), 101).unwrap();
        assert_eq!((times.p50_ns(), times.p90_ns(), times.p99_ns), (50, 90, 99));
        assert_eq!(ReceiptTimes::of(vec![1, 2], 3), None, "one is missing: not a distribution");
        assert_eq!(ReceiptTimes::of(Vec::new(), 0), None);
    }
}
