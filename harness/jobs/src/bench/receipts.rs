//! When the receipts of a block become final.

use super::measured_slot::nanoseconds;
use lockstep_model::ReceiptObserver;
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
