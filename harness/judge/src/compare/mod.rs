//! Comparison: pure functions from outcomes to typed differences.
//!
//! There are two, because executors share code: a mistake in shared code is invisible between
//! executors ([`compare_outcomes`]); only the fixture's expectation catches it
//! ([`compare_expectation`]).

mod expectation;
mod outcomes;
mod receipts;

pub use expectation::{compare_end, compare_expectation, compare_undecodable, interfering_members};
pub use outcomes::{Comparison, compare_outcomes, lacks_states};
pub use receipts::{STATUS_FILLED_IN, compare_receipts, is_filled_in};
