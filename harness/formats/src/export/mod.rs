//! A block as a fixture that every client can replay: an EEST `blockchain_test` of one block on top of
//! its genesis.
//!
//! * `rebase`: the block as the first one of a chain.
//! * `sign`: its transactions under real signatures.
//! * `fixture`: the file, as a `blockchain_test` or a `blockchain_test_engine`.
//! * `t8n`: the same block as the inputs of a transition tool. * `real_block`: the same as a folder with a witness.
//!
//! The reference fills in what the header states. A file is only as right as the reference is: replaying
//! it elsewhere is how the reference itself is judged.

mod fixture;
mod real_block;
mod rebase;
mod sign;
mod t8n;

pub(crate) use fixture::accounts;
pub use fixture::{Filled, Fixture, file, fixture, fixture_of};
pub use real_block::{RealBlock, real_block};
pub use rebase::{has_too_many_blobs, may_overflow, rebased, showable};
pub(crate) use sign::UNKNOWN_KEY;
pub use sign::{UnknownKey, sign};
pub(crate) use t8n::env;
pub use t8n::{T8n, t8n};
