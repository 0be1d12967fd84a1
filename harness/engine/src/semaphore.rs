//! Keeps the bytes of waiting batches within a budget.

use std::sync::{Condvar, Mutex, PoisonError};

/// A budget of bytes. One batch always gets through, however large.
#[derive(Debug)]
pub struct Semaphore {
    budget: usize,
    inside: Mutex<usize>,
    left: Condvar,
}

impl Semaphore {
    /// A budget of bytes.
    pub const fn new(budget: usize) -> Self {
        Self { budget, inside: Mutex::new(0), left: Condvar::new() }
    }

    /// Waits until `bytes` fit.
    pub fn enter(&self, bytes: usize) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        while *inside > 0 && *inside + bytes > self.budget {
            inside = self.left.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
        *inside += bytes;
    }

    /// Gives `bytes` back.
    pub fn leave(&self, bytes: usize) {
        *self.inside.lock().unwrap_or_else(PoisonError::into_inner) -= bytes;
        self.left.notify_all();
    }
}
