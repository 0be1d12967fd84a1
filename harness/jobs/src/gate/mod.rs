//! Whether executors have become slower than they were: two records compared. Pure functions.
//!
//! * `change`: one executor on one block, and one executor on all of them.
//! * `markdown`: the result, for a pull request.
//!
//! A change is called one only where its interval says so, and where it is larger than a floor below which
//! it does not matter. If the machine's ceiling was measured beside every round, the share of it that
//! was reached must say the same: a neighbour who takes half a core away slows all threads down, and
//! tells nothing of an executor.

mod change;
pub mod markdown;

pub use change::{Call, Change, Comparison, Floors, Overall, compare};
