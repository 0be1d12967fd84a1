//! Files of one folder that belong to one block.

use crate::source::{File, Item, SourceError};
use std::collections::BTreeMap;

/// The files of a real block.
#[derive(Debug, Clone)]
pub struct BlockFiles {
    /// The folder's path.
    pub folder: String,
    /// What the user named to get here.
    pub origin: String,
    /// `block.json`.
    pub block: File,
    /// `pre_state.json`.
    pub pre_state: File,
    /// `block_hashes.json`.
    pub block_hashes: Option<File>,
    /// `post_state.json`.
    pub post_state: Option<File>,
}

impl BlockFiles {
    /// Bytes held in memory.
    pub fn size(&self) -> usize {
        let files = [Some(&self.block), Some(&self.pre_state)].into_iter();
        let files = files.chain([self.block_hashes.as_ref(), self.post_state.as_ref()]);
        files.flatten().map(|file| file.content.held()).sum()
    }
}

/// What comes out of the grouper.
#[derive(Debug, Clone)]
pub enum Grouped {
    /// A file on its own.
    File(File),
    /// A whole block.
    Block(Box<BlockFiles>),
    /// Something that cannot be read.
    Unreadable(SourceError),
}

/// The most folders that may be open at once; an archive that interleaves more is not one of ours.
const MOST_OPEN: usize = 64;

/// Collects the files of a block until its folder is left.
#[derive(Debug, Default)]
pub struct Grouper {
    open: BTreeMap<String, Vec<File>>,
    last: String,
}

const NAMES: [&str; 4] = ["block.json", "pre_state.json", "block_hashes.json", "post_state.json"];

impl Grouper {
    /// Takes the next item of the walk; gives what is complete by now.
    pub fn push(&mut self, item: Item) -> Vec<Grouped> {
        let file = match item {
            Item::Unreadable(error) => return vec![Grouped::Unreadable(error)],
            Item::File(file) => file,
        };
        let (folder, name) = file.path.rsplit_once('/').unwrap_or((".", &file.path));
        if !NAMES.contains(&name) {
            return vec![Grouped::File(file)];
        }
        let folder = folder.to_owned();
        let mut complete = Vec::new();
        if folder != self.last && (self.is_complete(&self.last) || self.open.len() >= MOST_OPEN) {
            complete.extend(self.close(&self.last.clone()));
        }
        self.last.clone_from(&folder);
        self.open.entry(folder).or_default().push(file);
        complete
    }

    /// The rest, at the end of the walk.
    pub fn finish(mut self) -> Vec<Grouped> {
        let folders: Vec<_> = self.open.keys().cloned().collect();
        folders.iter().filter_map(|folder| self.close(folder)).collect()
    }

    fn is_complete(&self, folder: &str) -> bool {
        let files = self.open.get(folder);
        let has = |name: &str| {
            files.is_some_and(|files| files.iter().any(|file| file.path.ends_with(name)))
        };
        has("/block.json") && has("/pre_state.json")
    }

    fn close(&mut self, folder: &str) -> Option<Grouped> {
        let files = self.open.remove(folder)?;
        let origin = files.first()?.origin.clone();
        let named = |name: &str| {
            let ends = |file: &&File| file.path.rsplit('/').next().is_some_and(|last| last == name);
            files.iter().find(ends).cloned()
        };
        let missing = |name: &str| {
            let problem = format!("expected `{name}` beside the other files of a real block");
            Some(Grouped::Unreadable(SourceError::file(folder, problem)))
        };
        let Some(block) = named("block.json") else { return missing("block.json") };
        let Some(pre_state) = named("pre_state.json") else { return missing("pre_state.json") };
        Some(Grouped::Block(Box::new(BlockFiles {
            folder: folder.to_owned(),
            origin,
            block,
            pre_state,
            block_hashes: named("block_hashes.json"),
            post_state: named("post_state.json"),
        })))
    }
}
