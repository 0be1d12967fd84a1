//! When the receipts of a block become final.

use super::{contestant::nanoseconds, statistics::quantile};
use lockstep_model::ReceiptObserver;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// Notes the time of every final receipt.
#[derive(Debug, Default)]
pub(super) struct ReceiptClock(Mutex<Vec<Instant>>);

impl ReceiptClock {
    fn times(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room and forgets what there was.
    pub(super) fn clear(&self, transactions: usize) {
        let mut times = self.times();
        times.clear();
        times.reserve(transactions);
    }

    /// Times since `start` in ns, ascending.
    pub(super) fn since(&self, start: Instant) -> Vec<u64> {
        let times = self.times();
        times.iter().map(|time| nanoseconds(time.duration_since(start))).collect()
    }
}

impl ReceiptObserver for ReceiptClock {
    fn next_is_final(&self) {
        let now = Instant::now();
        self.times().push(now);
    }
}

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
    /// `None` where the executor notes no receipts.
    pub(super) fn of(mut times: Vec<u64>, transactions: usize) -> Option<Self> {
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
