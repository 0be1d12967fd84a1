//! Comparison: pure functions from outcomes to typed differences.
//!
//! Two of them, because executors share code: a mistake in shared code is invisible between
//! executors ([`compare_outcomes`]); only the fixture's expectation catches it
//! ([`compare_expectation`]).

mod difference;
mod expectation;
mod normal;
mod outcomes;
mod receipts;
pub mod roots;

pub use difference::{Difference, Scope, ShouldBe};
pub use expectation::{compare_end, compare_expectation, compare_undecodable, interfering_members};
pub use normal::{NormalAccount, NormalChanges};
pub use outcomes::compare_outcomes;
pub use receipts::{STATUS_FILLED_IN, compare_receipts, is_filled_in};
