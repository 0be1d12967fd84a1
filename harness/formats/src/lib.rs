//! Files in and out.
//!
//! * [`mod@files`]: walks folders, archives, pipes and compressed files.
//! * [`mod@kind`]: recognises a JSON file by its content.
//! * [`state_test`], [`blockchain_test`], [`engine_test`], [`real_block`]: readers, one a format; each gives
//!   [`Test`](lockstep_judge::definition::Test)s.
//! * [`access_list`]: EIP-7928 lists as JSON.
//! * [`mod@export`]: fixtures and `t8n` inputs out of a case.
//! * [`mod@t8n`]: documents of a transition tool.
//! * [`networks`]: fork times and constants of public networks.
//! * [`lists`]: reviewed lists of known failures, slow tests and drafts.
//! * [`keys`], [`placeholder`]: senders whose keys are known; transactions without a signature.

pub mod access_list;
pub mod blockchain_test;
pub mod engine_test;
pub mod export;
pub mod files;
pub mod keys;
pub mod kind;
pub mod lists;
pub mod networks;
pub mod placeholder;
pub mod real_block;
pub mod state_test;
pub mod system_contracts;
pub mod t8n;

mod accounts;
mod archive;
mod body;
mod form;
mod found;
mod hex;
mod json;

pub use files::{Content, File, Item, Walk, files};
pub use found::Found;

use lockstep_model::Rules;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// The steepest exponent of a blob base fee that still fits 128 bits: e^88 < 2^127. Beyond it no
/// blob could be paid for, and revm's computation of it practically never ends.
const STEEPEST_BLOB_PRICE: u64 = 88;

/// Refuses an excess of blob gas that has no price (EIP-4844, `fake_exponential`).
pub(crate) fn check_blob_price(rules: &Rules, excess: Option<u64>) -> Result<(), String> {
    // Cancun's fraction, the smallest of all, where the rules name none.
    let fraction = rules.blobs.map_or(3_338_477, |blobs| blobs.update_fraction);
    if fraction == 0 {
        return Err("expected a blob base fee update fraction above zero".to_owned());
    }
    match excess {
        Some(excess) if excess / fraction > STEEPEST_BLOB_PRICE => {
            Err(format!("expected excess blob gas whose price fits 128 bits, found {excess}"))
        }
        _ => Ok(()),
    }
}

/// A source that could not be read: the file, the place in it, and the problem there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceError {
    /// The file, with its archive where it is in one.
    pub file: String,
    /// The place in the file, where there is one.
    pub place: Option<String>,
    /// The problem: the expected and the found input.
    pub problem: String,
}

impl SourceError {
    /// An error about a whole file.
    pub fn file(file: impl Into<String>, problem: impl ToString) -> Self {
        Self { file: file.into(), place: None, problem: problem.to_string() }
    }

    /// An error at a place in a file.
    pub fn place(
        file: impl Into<String>,
        place: impl Into<String>,
        problem: impl ToString,
    ) -> Self {
        Self { file: file.into(), place: Some(place.into()), problem: problem.to_string() }
    }
}

/// A file that holds no tests that can be run here, and what it is instead.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct OtherFile {
    /// The file, with its archive where it is in one.
    pub file: String,
    /// Its kind, in words.
    pub reason: Cow<'static, str>,
}

impl OtherFile {
    /// Licences, checksums, pictures: nothing that a release has tests in.
    pub const NOT_JSON: &str = "not JSON";
    /// A file of which only the name is there.
    pub const LFS_POINTER: &str = "Git LFS pointer: the file itself is kept elsewhere";

    /// A file and what it is.
    pub fn new(file: impl Into<String>, reason: &'static str) -> Self {
        Self { file: file.into(), reason: Cow::Borrowed(reason) }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(place) = &self.place {
            write!(f, ": at {place}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for SourceError {}
