//! The rest of a run, shared by the threads of a worker.

use super::events::Rest;
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// The rest of a run.
#[derive(Debug)]
pub(super) struct Left {
    done: Mutex<HashMap<String, usize>>,
    suspects: HashSet<String>,
    /// Trials so far.
    trials: AtomicU64,
    /// Set where the pool has to end early.
    pub(super) stop: AtomicBool,
}

impl Left {
    pub(super) fn of(Rest { done, suspects, .. }: Rest) -> Self {
        let (trials, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { done: Mutex::new(done), suspects, trials, stop }
    }

    /// Whether this test was reported by a worker before. Each report counts once.
    pub(super) fn take_done(&self, id: &str) -> bool {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        match done.get_mut(id) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        }
    }

    /// Whether this test must run alone.
    pub(super) fn is_suspect(&self, id: &str) -> bool {
        self.suspects.contains(id)
    }

    /// A number that no other trial of this worker has. From one: zero is no trial.
    pub(super) fn next_trial(&self) -> u64 {
        // Relaxed: only the number matters.
        self.trials.fetch_add(1, Ordering::Relaxed) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reported_tests_are_left_out_once_each() {
        let done = [("a".to_owned(), 1)].into();
        let left = Left::of(Rest { done, ..Rest::default() });
        assert_eq!([left.take_done("a"), left.take_done("a")], [true, false]);
        assert!(!left.take_done("b"));
    }
}
