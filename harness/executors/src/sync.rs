//! The one door to concurrency: every thread, lock and atomic of this crate comes through here,
//! so that a model checker can take their place. With the feature `shuttle` it does
//! (`tests/interleavings.rs`: whole blocks, sequentially consistent), and with `loom`
//! (`block_stm/models.rs`: small models, in which a weak load may be stale). Nothing works outside of such a
//! test then.

#[cfg(not(any(feature = "shuttle", feature = "loom")))]
mod system {
    pub use std::sync::{
        Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize},
        mpsc,
    };
    pub use std::{hint::spin_loop, thread};

    /// Cores that the calling thread may use.
    pub(crate) fn cores() -> usize {
        thread::available_parallelism().map_or(1, usize::from)
    }

    /// How often a worker with nothing to do looks again before it sleeps.
    pub(crate) const SPINS: u32 = 2_000;

    /// Buckets of a table, however small the block.
    pub(crate) const LEAST_BUCKETS: usize = 1 << 12;
}

#[cfg(feature = "loom")]
mod system {
    use loom::sync::atomic;
    pub use loom::{
        hint::spin_loop,
        sync::{
            Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
            atomic::AtomicBool, mpsc,
        },
        thread,
    };
    use std::sync::atomic::Ordering;

    pub(crate) const fn cores() -> usize {
        2
    }

    /// An atomic of loom's, each operation of which begins with a step on another one.
    ///
    /// loom reduces interleavings by the last access to each object alone: where a thread loads an atomic and
    /// then stores to it, its load hides that of another thread before, and the two are never swapped
    /// (`a_load_before_a_store_is_explored` in the models). An addition hides nothing. It is Relaxed, so it
    /// makes no value visible that would not be.
    macro_rules! stepped {
        ($name:ident, $value:ty) => {
            #[derive(Debug, Default)]
            pub struct $name {
                step: atomic::AtomicUsize,
                value: atomic::$name,
            }

            impl $name {
                pub(crate) fn new(value: $value) -> Self {
                    Self { step: atomic::AtomicUsize::new(0), value: atomic::$name::new(value) }
                }

                fn step(&self) -> &atomic::$name {
                    self.step.fetch_add(1, Ordering::Relaxed);
                    &self.value
                }

                pub(crate) fn load(&self, order: Ordering) -> $value {
                    self.step().load(order)
                }

                pub(crate) fn store(&self, value: $value, order: Ordering) {
                    self.step().store(value, order);
                }

                pub(crate) fn fetch_add(&self, more: $value, order: Ordering) -> $value {
                    self.step().fetch_add(more, order)
                }

                pub(crate) fn compare_exchange(
                    &self,
                    current: $value,
                    new: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    self.step().compare_exchange(current, new, success, failure)
                }

                pub(crate) fn fetch_update(
                    &self,
                    success: Ordering,
                    failure: Ordering,
                    update: impl FnMut($value) -> Option<$value>,
                ) -> Result<$value, $value> {
                    self.step().fetch_update(success, failure, update)
                }

                pub(crate) fn with_mut<T>(&mut self, edit: impl FnOnce(&mut $value) -> T) -> T {
                    self.value.with_mut(edit)
                }
            }
        };
    }

    stepped!(AtomicU32, u32);
    stepped!(AtomicU64, u64);
    stepped!(AtomicUsize, usize);

    /// Each look is a step of the model.
    pub(crate) const SPINS: u32 = 1;

    /// All places share one.
    pub(crate) const LEAST_BUCKETS: usize = 1;
}

#[cfg(all(feature = "shuttle", not(feature = "loom")))]
mod system {
    pub use shuttle::{
        hint::spin_loop,
        sync::{
            Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
            atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize},
            mpsc,
        },
        thread,
    };

    /// So that two workers spin and three sleep.
    pub(crate) const fn cores() -> usize {
        2
    }

    /// Each look is a step of the model.
    pub(crate) const SPINS: u32 = 3;

    /// Few, so that different places share one.
    pub(crate) const LEAST_BUCKETS: usize = 4;
}

// A value that is set once by the first thread, and counted references, have no order of steps in
// which they go wrong.
pub use std::sync::{Arc, OnceLock, PoisonError, atomic::Ordering};
pub use system::*;

/// Stores into an atomic that no other thread can see.
pub(crate) fn set_exclusively(atomic: &mut AtomicU64, value: u64) {
    #[cfg(not(feature = "loom"))]
    {
        *atomic.get_mut() = value;
    }
    #[cfg(feature = "loom")]
    atomic.with_mut(|place| *place = value);
}

/// Locks, also after a panic of another holder: a poisoned run is thrown away as a whole, so the
/// data behind the lock is never trusted again.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a condition, as [`lock`] locks.
pub(crate) fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// As [`lock`], for reading.
pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// As [`lock`], for writing.
pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
