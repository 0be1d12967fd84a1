//! The executor that is running now, for the watchdog.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Knows who runs, and since when.
#[derive(Debug, Default)]
pub struct Watch(Mutex<Option<(String, Instant)>>);

impl Watch {
    fn current(&self) -> MutexGuard<'_, Option<(String, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, label: &str) {
        *self.current() = Some((label.to_owned(), Instant::now()));
    }

    pub(super) fn end(&self) {
        *self.current() = None;
    }

    /// The executor that runs, and for how long it has.
    pub fn running(&self) -> Option<(String, Duration)> {
        self.current().as_ref().map(|(label, since)| (label.clone(), since.elapsed()))
    }
}
