//! Verdicts: what a source expects, what execution made of it, and in what the two differ.
//!
//! From the bottom up, each uses only what stands above it:
//!
//! * [`state`]: whole states, changes in normal form, roots.
//! * [`difference`]: one difference, with its place.
//! * [`consensus`]: what makes a block valid apart from its execution.
//! * [`exceptions`]: the exception names of official tests.
//! * [`expected`], [`runnable`]: an expected outcome; a case with everything that judges it.
//! * [`chain`]: a tree of blocks and its import.
//! * [`pack`]: blocks that are packed from state tests.
//! * [`compare`]: reference against expectation, candidate against reference.
//! * [`definition`]: a test as its source defines it.
//!
//! Pure functions over plain data: no thread, no clock, no file, and no executor is known here.

pub mod chain;
pub mod compare;
pub mod consensus;
pub mod definition;
pub mod difference;
pub mod exceptions;
pub mod expected;
pub mod pack;
pub mod runnable;
pub mod state;
