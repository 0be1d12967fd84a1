//! Proves parallelism from outside: a read of one transaction waits for a read of another.
//!
//! An executor that runs transactions one after the other can never have the reads of two of them
//! in flight; it runs into the time limit, twice, and is refuted. Twice, because one read alone may be no
//! transaction's: an executor may look first how fast its storage is.

use alloy_primitives::{Address, B256, Bytes, U256, map::AddressMap};
use lockstep_model::{AccountInfo, Case, MemoryState, StateError, StateReader};
use std::{
    collections::BTreeSet,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Holds the first read of each sender's account until two transactions have one in flight.
pub struct RendezvousReader {
    inner: Arc<dyn StateReader>,
    /// Which transaction an account's read belongs to.
    senders: AddressMap<usize>,
    patience: Duration,
    meeting: Mutex<Meeting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Meeting {
    armed: bool,
    waiting: BTreeSet<usize>,
    met: bool,
    /// Reads without a second read in flight.
    in_vain: u32,
}

/// Reads in vain after which reads wait no longer.
const MOST_IN_VAIN: u32 = 2;

impl std::fmt::Debug for RendezvousReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RendezvousReader").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl RendezvousReader {
    /// Watches the reads of a case whose transactions have senders of their own.
    pub fn new(case: &Case, patience: Duration) -> Self {
        let senders = case.block.transactions.iter().enumerate();
        Self {
            inner: case.pre_state.clone(),
            senders: senders.map(|(index, transaction)| (transaction.sender, index)).collect(),
            patience,
            meeting: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// From here on reads wait. Reads while an executor prepares are no part of the proof.
    pub fn arm(&self) {
        self.meeting.lock().unwrap_or_else(PoisonError::into_inner).armed = true;
    }

    /// Whether two transactions have had reads in flight at once.
    pub fn met(&self) -> bool {
        self.meeting.lock().unwrap_or_else(PoisonError::into_inner).met
    }

    fn wait(&self, transaction: usize) {
        let deadline = Instant::now() + self.patience;
        let mut meeting = self.meeting.lock().unwrap_or_else(PoisonError::into_inner);
        if !meeting.armed {
            return;
        }
        meeting.waiting.insert(transaction);
        if meeting.waiting.len() >= 2 {
            meeting.met = true;
            self.changed.notify_all();
        }
        while !meeting.met && meeting.in_vain < MOST_IN_VAIN {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                meeting.in_vain += 1;
                break;
            }
            let woken = self.changed.wait_timeout(meeting, left);
            meeting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        meeting.waiting.remove(&transaction);
    }
}

impl StateReader for RendezvousReader {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        if let Some(transaction) = self.senders.get(&address) {
            self.wait(*transaction);
        }
        self.inner.account(address)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.inner.storage(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.inner.code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.inner.block_hash(number)
    }

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
    use lockstep_cases::built_in;
    use lockstep_model::Fork;
    use std::thread;

    #[test]
    fn one_read_in_vain_leaves_the_rest_a_chance_and_two_do_not() {
        for (in_vain, meets) in [(0, true), (1, true), (2, false)] {
            let case = built_in::independent_transfers(Fork::Cancun, 4);
            let senders: Vec<_> = case.block.transactions.iter().map(|each| each.sender).collect();
            let alone = RendezvousReader::new(&case, Duration::from_millis(1));
            alone.arm();
            (0..in_vain).for_each(|_| drop(alone.account(senders[0])));
            assert!(!alone.met());
            let reader = RendezvousReader { patience: Duration::from_secs(20), ..alone };
            thread::scope(|scope| {
                for sender in &senders[1..3] {
                    scope.spawn(|| reader.account(*sender).unwrap());
                }
            });
            assert_eq!(reader.met(), meets, "{in_vain} in vain");
        }
    }
}
