//! Remembers what is computed over and over while nothing is measured.
//!
//! `check` and `fuzz` execute every block several times, and official tests repeat their inputs from fork to
//! fork. Three kinds of work are pure functions of bytes, and cost more than to look them up: curve arithmetic
//! of precompiles, the jump analysis of code, and the authorities of EIP-7702. Results are found by their
//! whole input, not by a digest of it.
//!
//! `lockstep bench` does not call [`remember`]: what is measured is computed.

mod analyses;
mod arithmetic;
mod authorities;

pub(crate) use analyses::{analysed, bytecode_of};
pub(crate) use authorities::authority;

use std::sync::atomic::{AtomicBool, Ordering};

static REMEMBERS: AtomicBool = AtomicBool::new(false);

/// Makes every executor of this process remember from now on. The first call counts; returns false where
/// revm's arithmetic was already chosen.
pub fn remember() -> bool {
    // Relaxed: the flag guards nothing but whether a cache is asked, and either answer is right.
    REMEMBERS.store(true, Ordering::Relaxed);
    arithmetic::install()
}

/// Whether executors of this process remember.
pub(crate) fn remembers() -> bool {
    REMEMBERS.load(Ordering::Relaxed)
}
