//! Storage that takes its time.

use alloy_primitives::{Address, B256, Bytes, U256};
use lockstep_model::{AccountInfo, MemoryState, StateError, StateReader};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Lets every read of an account, a slot or code sleep before it answers, while it is armed.
///
/// A sleep leaves the core to others, as a read of a disk does. The system wakes a sleeper later than
/// it asked for; how long reads really took is measured.
pub struct LatencyReader {
    inner: Arc<dyn StateReader>,
    latency: Duration,
    armed: AtomicBool,
    reads: AtomicU64,
    waited_ns: AtomicU64,
}

impl std::fmt::Debug for LatencyReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LatencyReader").field("latency", &self.latency).finish_non_exhaustive()
    }
}

impl LatencyReader {
    /// Slows down `inner`.
    pub fn new(inner: Arc<dyn StateReader>, latency: Duration) -> Self {
        let (armed, reads, waited_ns) = Default::default();
        Self { inner, latency, armed, reads, waited_ns }
    }

    /// Whether reads sleep from here on. Reads while a block is prepared are off the clock.
    pub fn arm(&self, armed: bool) {
        self.armed.store(armed, Ordering::SeqCst);
    }

    /// How long a read took, in the mean; `None` where there was none.
    pub fn measured(&self) -> Option<Duration> {
        let reads = self.reads.load(Ordering::SeqCst);
        self.waited_ns.load(Ordering::SeqCst).checked_div(reads).map(Duration::from_nanos)
    }

    fn wait(&self) -> &dyn StateReader {
        if self.armed.load(Ordering::Relaxed) {
            let start = Instant::now();
            thread::sleep(self.latency);
            let waited = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.reads.fetch_add(1, Ordering::Relaxed);
            self.waited_ns.fetch_add(waited, Ordering::Relaxed);
        }
        &*self.inner
    }
}

impl StateReader for LatencyReader {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.wait().account(address)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.wait().storage(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.wait().code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.inner.block_hash(number)
    }

    /// Asked beside the account, and known with it.
    fn has_storage(&self, address: Address) -> Result<bool, StateError> {
        self.inner.has_storage(address)
    }

    fn whole(&self) -> Option<&MemoryState> {
        self.inner.whole()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_model::MemoryState;

    #[test]
    fn reads_sleep_while_armed_and_are_measured() {
        let reader = LatencyReader::new(Arc::new(MemoryState::default()), Duration::from_millis(2));
        assert_eq!(reader.account(Address::ZERO), Ok(None));
        assert_eq!(reader.measured(), None);
        reader.arm(true);
        assert_eq!(reader.storage(Address::ZERO, U256::ZERO), Ok(U256::ZERO));
        assert!(reader.measured().unwrap() >= Duration::from_millis(2));
    }
}
