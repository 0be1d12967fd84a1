//! Remembers the last read of each thread, for a run that does not end.

use crate::isolation::{Beat, Heart};
use alloy_primitives::{Address, B256, Bytes, U256};
use lockstep_model::{AccountInfo, MemoryState, StateError, StateReader};
use std::{
    collections::BTreeMap,
    fmt::Display,
    sync::{Arc, Mutex, PoisonError},
};

/// Writes each read of the pre-state to the heartbeat of the worker: a lane for each thread, from lane 1 on;
/// `trial` is the system's number of the thread, `part` counts its reads.
///
/// It makes reads slower and threads meet: for a run that is known to hang, to see where.
pub struct LastReads {
    inner: Arc<dyn StateReader>,
    lanes: Mutex<Lanes>,
}

struct Lanes {
    heart: Heart,
    by_thread: BTreeMap<u64, (Heart, u64)>,
}

/// Threads that are told apart. More than any executor is run with.
pub const MOST_LANES: usize = 64;

impl std::fmt::Debug for LastReads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LastReads").finish_non_exhaustive()
    }
}

impl LastReads {
    /// Watches the reads of `inner`.
    pub fn new(inner: Arc<dyn StateReader>, heart: Heart) -> Self {
        Self { inner, lanes: Mutex::new(Lanes { heart, by_thread: BTreeMap::new() }) }
    }

    fn note(&self, read: impl Display) -> &dyn StateReader {
        let thread = u64::from(rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs());
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let number = lanes.by_thread.len() + 1;
        let Lanes { heart, by_thread } = &mut *lanes;
        if number <= MOST_LANES || by_thread.contains_key(&thread) {
            let (lane, reads) = by_thread.entry(thread).or_insert_with(|| (heart.lane(number), 0));
            *reads += 1;
            lane.note(&read.to_string());
            lane.beat(Beat { trial: thread, part: *reads, ..Beat::default() });
        }
        &*self.inner
    }
}

impl StateReader for LastReads {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.note(format_args!("account {address}")).account(address)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.note(format_args!("slot {slot:#x} of {address}")).storage(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.note(format_args!("code {hash}")).code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.note(format_args!("hash of block {number}")).block_hash(number)
    }

    fn has_storage(&self, address: Address) -> Result<bool, StateError> {
        self.note(format_args!("whether {address} has storage")).has_storage(address)
    }

    fn whole(&self) -> Option<&MemoryState> {
        self.inner.whole()
    }
}
