//! Storage of a block's pre-state during a measurement.

use super::{machine, measured_slot::nanoseconds, plan::Storage};
use lockstep_engine::instrument::{DiskState, LatencyReader};
use lockstep_judge::runnable::Runnable;
use lockstep_model::StateReader;
use lockstep_report::samples::StorageFacts;
use std::sync::Arc;

/// The pre-state of one block, placed.
pub(super) enum Placed {
    Memory,
    Slow(Arc<LatencyReader>),
    Disk {
        state: Arc<DiskState>,
        /// Bytes that the device had delivered before the timed runs.
        before: Option<u64>,
        /// Bytes that it delivered during them.
        device_bytes: Option<u64>,
    },
}

impl Placed {
    /// # Errors
    /// When it cannot be written there.
    pub(super) fn new(storage: Storage, block: &Runnable) -> Result<Self, String> {
        Ok(match storage {
            Storage::Memory => Self::Memory,
            Storage::Latency(latency) => {
                Self::Slow(Arc::new(LatencyReader::new(block.case.pre_state.clone(), latency)))
            }
            Storage::Disk => {
                let state = DiskState::new(&block.pre.state).map_err(|error| error.to_string())?;
                Self::Disk { state: Arc::new(state), before: None, device_bytes: Some(0) }
            }
        })
    }

    /// The reader that executors use instead of memory.
    pub(super) fn reader(&self) -> Option<Arc<dyn StateReader>> {
        match self {
            Self::Memory => None,
            Self::Slow(reader) => Some(reader.clone()),
            Self::Disk { state, .. } => Some(state.clone()),
        }
    }

    /// Timed runs begin: only they wait for storage.
    pub(super) fn begin(&mut self) {
        match self {
            Self::Memory => {}
            Self::Slow(reader) => reader.arm(true),
            Self::Disk { before, .. } => *before = machine::device_bytes_read(),
        }
    }

    /// Timed runs have ended, until they begin again.
    pub(super) fn end(&mut self) {
        match self {
            Self::Memory => {}
            Self::Slow(reader) => reader.arm(false),
            Self::Disk { before, device_bytes, .. } => {
                let read = machine::device_bytes_read().zip(*before).map(|(now, then)| now - then);
                *device_bytes = device_bytes.zip(read).map(|(sum, read)| sum + read);
            }
        }
    }

    /// The measured facts about the storage.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn facts(&self) -> Result<Option<StorageFacts>, String> {
        Ok(match self {
            Self::Memory => None,
            Self::Slow(reader) => {
                let read_ns = reader.measured().map(nanoseconds);
                Some(StorageFacts { read_ns, device_bytes: None })
            }
            Self::Disk { state, device_bytes, .. } => {
                let read = state.measured().map_err(|error| error.to_string())?;
                Some(StorageFacts { read_ns: read.map(nanoseconds), device_bytes: *device_bytes })
            }
        })
    }

    pub(super) const fn is_memory(&self) -> bool {
        matches!(self, Self::Memory)
    }
}
