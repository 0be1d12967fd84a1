//! Counts reads and the threads that read.

use alloy_primitives::{Address, B256, Bytes, U256};
use lockstep_model::{AccountInfo, MemoryState, StateError, StateReader};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, ThreadId},
};

/// Passes every read on and remembers who asked.
pub struct CountingReader {
    inner: Arc<dyn StateReader>,
    reads: AtomicU64,
    threads: Mutex<HashSet<ThreadId>>,
}

impl std::fmt::Debug for CountingReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CountingReader").field("reads", &self.reads).finish_non_exhaustive()
    }
}

impl CountingReader {
    /// Watches `inner`.
    pub fn new(inner: Arc<dyn StateReader>) -> Self {
        Self { inner, reads: AtomicU64::new(0), threads: Mutex::default() }
    }

    /// Reads so far.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Threads that have read so far.
    pub fn threads(&self) -> usize {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn count(&self) -> &dyn StateReader {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.insert(thread::current().id());
        &*self.inner
    }
}

impl StateReader for CountingReader {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.count().account(address)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.count().storage(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.count().code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.count().block_hash(number)
    }

    fn has_storage(&self, address: Address) -> Result<bool, StateError> {
        self.count().has_storage(address)
    }

    fn whole(&self) -> Option<&MemoryState> {
        self.inner.whole()
    }
}
