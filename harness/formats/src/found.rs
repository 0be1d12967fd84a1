//! The content of a file.

use crate::{OtherFile, SourceError};
use lockstep_judge::definition::Test;

/// The content of a file or a batch.
#[derive(Debug, Default)]
pub struct Found {
    /// The tests.
    pub tests: Vec<Test>,
    /// Sources that could not be read, in whole or in part.
    pub unreadable: Vec<SourceError>,
    /// Files without tests for us.
    pub others: Vec<OtherFile>,
}

impl From<SourceError> for Found {
    fn from(error: SourceError) -> Self {
        Self { unreadable: vec![error], ..Self::default() }
    }
}

impl From<OtherFile> for Found {
    fn from(other: OtherFile) -> Self {
        Self { others: vec![other], ..Self::default() }
    }
}
