//! `INDEX.json` beside the folders of blocks: an archive's claims about each.

use crate::{File, SourceError, json};
use alloy_primitives::B256;
use serde::Deserialize;

/// A row of the index.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Row {
    number: u64,
    #[serde(default)]
    network: Option<String>,
    #[serde(default)]
    pub(super) hash: Option<B256>,
    #[serde(default)]
    pub(super) chain_id: Option<u64>,
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

    /// The row of the block in `…/network/number`, or `…/number` where the index names no network.
    pub(super) fn row_of(&self, folder: &str) -> Option<&Row> {
        let mut names = folder.rsplit('/');
        let number: u64 = names.next()?.parse().ok()?;
        let network = names.next();
        let is_it = |row: &&Row| {
            row.number == number && (row.network.is_none() || row.network.as_deref() == network)
        };
        self.0.iter().find(is_it)
    }
}
