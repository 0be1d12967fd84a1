//! Steers any executor from outside: holds each read of the state before the block until it is let go.

use alloy_primitives::{Address, B256, Bytes, U256};
use lockstep_model::{
    AccountInfo, MemoryState, NextStep, StateError, StateReader, Steering, StepKind,
};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Display,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

/// Holds the reads of all threads and lets them go one at a time, in the order that a [`Steering`] chooses.
///
/// It cannot see who still works and who sleeps. A choice is made when as many threads wait as the executor was
/// given, or when nothing has happened for a while (`settle`): a thread that waits for another one at a lock must
/// not stop the run. So its control is partial: between two reads the threads are free.
pub struct HeldReads {
    inner: Arc<dyn StateReader>,
    steering: Arc<dyn Steering>,
    threads: usize,
    settle: Duration,
    held: Mutex<Held>,
    changed: Condvar,
}

struct Held {
    /// Threads by the order of their first read.
    known: HashMap<ThreadId, u32>,
    waiting: BTreeMap<u32, NextStep>,
    let_go: Option<u32>,
    /// The last read that came or went.
    last: Instant,
    /// The steering has stopped: reads wait no longer.
    is_over: bool,
    names: BTreeMap<u64, String>,
}

impl std::fmt::Debug for HeldReads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeldReads").field("threads", &self.threads).finish_non_exhaustive()
    }
}

impl HeldReads {
    /// Holds the reads of `inner`, by an executor of so many threads.
    pub fn new(
        inner: Arc<dyn StateReader>,
        steering: Arc<dyn Steering>,
        threads: usize,
        settle: Duration,
    ) -> Self {
        let held = Held {
            known: HashMap::new(),
            waiting: BTreeMap::new(),
            let_go: None,
            last: Instant::now(),
            is_over: false,
            names: BTreeMap::new(),
        };
        let (held, changed) = (Mutex::new(held), Condvar::new());
        Self { inner, steering, threads, settle, held, changed }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Threads that have read so far.
    pub fn readers(&self) -> usize {
        self.held().known.len()
    }

    /// What the places of the steps are, in words.
    pub fn names(&self) -> BTreeMap<u64, String> {
        self.held().names.clone()
    }

    fn hold(&self, read: impl Display) -> &dyn StateReader {
        let name = read.to_string();
        let place = place_of(&name);
        let mut held = self.held();
        held.names.entry(place).or_insert(name);
        let number = held.known.len() as u32;
        let worker = *held.known.entry(thread::current().id()).or_insert(number);
        let step = NextStep { worker, kind: StepKind::Read, incarnation: None, place };
        held.waiting.insert(worker, step);
        held.last = Instant::now();
        loop {
            if held.is_over || held.let_go == Some(worker) {
                held.let_go = None;
                held.waiting.remove(&worker);
                held.last = Instant::now();
                return &*self.inner;
            }
            let is_settled = held.last.elapsed() >= self.settle;
            if held.let_go.is_none() && (held.waiting.len() >= self.threads || is_settled) {
                self.choose(&mut held);
                continue;
            }
            let woken = self.changed.wait_timeout(held, self.settle);
            held = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn choose(&self, held: &mut Held) {
        let waiting: Vec<NextStep> = held.waiting.values().copied().collect();
        match self.steering.choose(&waiting) {
            Ok(chosen) => held.let_go = waiting.get(chosen).map(|step| step.worker),
            Err(_) => held.is_over = true,
        }
        held.last = Instant::now();
        self.changed.notify_all();
    }
}

/// The hash by which a read is known: the same in each process.
fn place_of(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    // In a schedule a place has 8 digits.
    hasher.finish() & 0xffff_ffff
}

impl StateReader for HeldReads {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.hold(format_args!("account {address}")).account(address)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.hold(format_args!("slot {slot:#x} of {address}")).storage(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.hold(format_args!("code {hash}")).code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.hold(format_args!("hash of block {number}")).block_hash(number)
    }

    fn has_storage(&self, address: Address) -> Result<bool, StateError> {
        self.hold(format_args!("whether {address} has storage")).has_storage(address)
    }

    fn whole(&self) -> Option<&MemoryState> {
        self.inner.whole()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets the read of the highest worker go first.
    struct Last;

    impl Steering for Last {
        fn choose(&self, ready: &[NextStep]) -> Result<usize, String> {
            Ok(ready.len() - 1)
        }
    }

    #[test]
    fn reads_go_in_the_order_that_is_chosen() {
        let inner = Arc::new(MemoryState::default());
        let reader = HeldReads::new(inner, Arc::new(Last), 3, Duration::from_millis(300));
        let order = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for number in 0..3_u8 {
                let (reader, order) = (&reader, &order);
                scope.spawn(move || {
                    // They come one after the other, and wait for the last.
                    thread::sleep(Duration::from_millis(40 * u64::from(number)));
                    reader.account(Address::with_last_byte(number)).unwrap();
                    order.lock().unwrap().push(number);
                });
            }
        });
        assert_eq!(order.lock().unwrap()[0], 2, "the last one that came");
        assert_eq!(reader.readers(), 3);
        assert!(reader.names().values().any(|name| name.starts_with("account 0x")));
    }

    #[test]
    fn a_lone_reader_is_let_go_after_a_while() {
        let inner = Arc::new(MemoryState::default());
        let reader = HeldReads::new(inner, Arc::new(Last), 2, Duration::from_micros(200));
        assert_eq!(reader.storage(Address::ZERO, U256::ZERO), Ok(U256::ZERO));
    }
}
