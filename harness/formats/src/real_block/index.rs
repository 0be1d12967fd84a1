//! `INDEX.json` beside the folders of blocks: what an archive says of each.

use crate::{File, SourceError, json};
use alloy_primitives::B256;
use serde::Deserialize;

/// A row of the index.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Row {
    network: String,
    number: u64,
    pub(super) hash: B256,
    pub(super) chain_id: u64,
    #[serde(default)]
    pub(super) parent_state_root: Option<B256>,
}

/// The index of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index(Vec<Row>);

impl Index {
    /// Reads an index; `None` where the file is one of something else.
    pub(super) fn read(file: &File) -> Option<Self> {
        let rows: Result<Vec<Row>, SourceError> = json::read(file);
        rows.ok().map(Self)
    }

    /// The row of the block in `…/network/number`.
    pub(super) fn row_of(&self, folder: &str) -> Option<&Row> {
        let mut names = folder.rsplit('/');
        let (number, network) = (names.next()?, names.next()?);
        let number: u64 = number.parse().ok()?;
        self.0.iter().find(|row| row.number == number && row.network == network)
    }
}
