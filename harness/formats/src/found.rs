//! The content of a file.

use crate::{OtherFile, SourceError};
use lockstep_judge::definition::{SourceKind, Test};
use std::borrow::Cow;

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

impl Found {
    /// Leaves only tests of this kind, where one is asked for. A file with others becomes one of those without
    /// tests.
    #[must_use]
    pub fn only(mut self, source: Option<SourceKind>) -> Self {
        let Some(source) = source else { return self };
        let (tests, others): (Vec<_>, Vec<_>) =
            self.tests.into_iter().partition(|test| test.source == source);
        if let Some(test) = others.first() {
            let file = test.id.split_once("::").map_or(&*test.id, |(file, _)| file).to_owned();
            let kind = test.source.name();
            let reason = format!("tests of the kind {kind}, not {}", source.name());
            self.others.push(OtherFile { file, reason: Cow::Owned(reason) });
        }
        Self { tests, ..self }
    }
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
