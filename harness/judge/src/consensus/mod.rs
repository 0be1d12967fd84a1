//! Consensus rules apart from execution: header, ommer and body rules of every fork.
//!
//! alloy's types only, once for all executors. Each rule is one short function named after what it
//! demands, with its EIP or Yellow Paper clause beside it. A block that breaks a rule of [`header`],
//! [`ommers`] or [`senders`], or one that [`body::check`] has, reaches no executor; what a header commits
//! to, and the access list that comes with a block, count beside what execution finds.
//!
//! * [`schedule`]: which rules hold for a block.
//! * [`decode`]: from the RLP of a block to its parts.
//! * [`header`], [`difficulty`], [`blobs`]: a header on top of its parent.
//! * [`ommers`], [`body`]: what the block holds.
//! * [`senders`]: who signed its transactions.
//! * [`access_list`]: the form of an EIP-7928 list.
//! * [`outcome`]: what the header says of the execution, once that has happened.
//!
//! It does not check seals (the proof of work behind `mixHash` and `nonce`): the official tests have
//! none.

pub mod access_list;
pub mod blobs;
pub mod body;
pub mod decode;
pub mod difficulty;
pub mod header;
pub mod ommers;
pub mod outcome;
mod rule;
pub mod schedule;
pub mod senders;

pub use decode::DecodedBlock;
pub use rule::{BlockRule, Broken};
pub use schedule::{Era, Schedule};
