//! The executor that is running now, for the job that watches.

use lockstep_engine::isolation::{Beat, Heart};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Slots in a [`Beat`].
const NOTHING: u64 = 0;
const EXECUTOR: u64 = 1;

/// Tells who runs; without a heartbeat it tells nothing.
#[derive(Debug, Default)]
pub struct Watch(Mutex<Option<Heart>>);

impl Watch {
    /// One that writes to this heartbeat.
    pub const fn by(heart: Heart) -> Self {
        Self(Mutex::new(Some(heart)))
    }

    fn heart(&self) -> MutexGuard<'_, Option<Heart>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when the measurement is not paused. To be called between blocks: a pause within a sample would be
    /// part of its time.
    pub fn wait_while_paused(&self) {
        if let Some(heart) = &mut *self.heart() {
            heart.wait_while_paused(Beat { slot: NOTHING, ..Beat::default() });
        }
    }

    pub(super) fn begin(&self, label: &str) {
        if let Some(heart) = &mut *self.heart() {
            heart.note(label);
            heart.beat(Beat { slot: EXECUTOR, ..Beat::default() });
        }
    }

    pub(super) fn end(&self) {
        if let Some(heart) = &mut *self.heart() {
            heart.beat(Beat { slot: NOTHING, ..Beat::default() });
        }
    }

    /// Whether an executor runs at this beat.
    pub const fn runs(beat: Beat) -> bool {
        beat.slot != NOTHING
    }
}
