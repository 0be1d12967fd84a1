//! Files of one folder that belong to one block.

use super::index::Index;
use crate::{File, Item, OtherFile, SourceError, files::without_compression, networks::Network};
use std::{collections::BTreeMap, sync::Arc};

/// The files of a real block.
#[derive(Debug, Clone)]
pub struct BlockFiles {
    /// The folder's path.
    pub folder: String,
    /// The path that the user named to get here.
    pub origin: String,
    /// `block.json`.
    pub block_json: Option<File>,
    /// `block.rlp`.
    pub block_rlp: Option<File>,
    /// `pre_state.json`.
    pub pre_state: Option<File>,
    /// `witness.json`.
    pub witness: Option<File>,
    /// `block_hashes.json`.
    pub block_hashes: Option<File>,
    /// `post_state.json`.
    pub post_state: Option<File>,
    /// The `INDEX.json` of the archive or folder that the user named.
    pub index: Option<Arc<Index>>,
    /// The network, where the user names it.
    pub network: Option<Arc<Network>>,
}

impl BlockFiles {
    /// A block by itself, without a state.
    pub fn alone(block_json: File, network: Arc<Network>) -> Self {
        Self {
            folder: String::new(),
            origin: String::new(),
            block_json: Some(block_json),
            block_rlp: None,
            pre_state: None,
            witness: None,
            block_hashes: None,
            post_state: None,
            index: None,
            network: Some(network),
        }
    }

    /// Bytes held in memory.
    pub fn size(&self) -> usize {
        let Self { block_json, block_rlp, pre_state, witness, block_hashes, post_state, .. } = self;
        let files = [block_json, block_rlp, pre_state, witness, block_hashes, post_state];
        files.into_iter().flatten().map(|file| file.content.held()).sum()
    }
}

/// The grouper's output.
#[derive(Debug, Clone)]
pub enum Grouped {
    /// A file on its own.
    File(File),
    /// A whole block.
    Block(Box<BlockFiles>),
    /// A file without tests.
    Other(OtherFile),
    /// Something that cannot be read.
    Unreadable(SourceError),
}

/// The most folders that may be open at once; an archive that interleaves more is not one of ours.
const MOST_OPEN: usize = 64;

/// The location of one block's files: the archive or folder that the user named, and the folder
/// within it.
type Place = (String, String);

/// Collects the files of a block until its folder is left.
#[derive(Debug, Default)]
pub struct Grouper {
    open: BTreeMap<Place, Vec<File>>,
    last: Place,
    /// By the path that the user named to get there.
    indices: BTreeMap<String, Arc<Index>>,
    network: Option<Arc<Network>>,
}

const NAMES: [&str; 6] = [
    "block.json",
    "block.rlp",
    "pre_state.json",
    "witness.json",
    "block_hashes.json",
    "post_state.json",
];

const INDEX: &str = "INDEX.json";

/// The folder and the name, without what tells that the file is compressed.
fn split(path: &str) -> (&str, &str) {
    let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
    (folder, without_compression(name))
}

impl Grouper {
    /// For blocks of a network that the user names, or of those that they say.
    pub fn of(network: Option<Arc<Network>>) -> Self {
        Self { network, ..Self::default() }
    }

    /// Takes the next item of the walk; returns everything that is complete by now.
    pub fn push(&mut self, item: Item) -> Vec<Grouped> {
        let file = match item {
            Item::Unreadable(error) => return vec![Grouped::Unreadable(error)],
            Item::Other(other) => return vec![Grouped::Other(other)],
            Item::File(file) => file,
        };
        let (folder, name) = split(&file.path);
        if name == INDEX
            && let Some(index) = Index::read(&file)
        {
            let other = OtherFile::new(file.shown(), "index of real blocks");
            self.indices.insert(file.origin, Arc::new(index));
            return vec![Grouped::Other(other)];
        }
        if !NAMES.contains(&name) {
            return vec![Grouped::File(file)];
        }
        let place = (file.origin.clone(), folder.to_owned());
        let mut complete = Vec::new();
        if place != self.last && (self.is_complete(&self.last) || self.open.len() >= MOST_OPEN) {
            complete.extend(self.close(&self.last.clone()));
        }
        self.last.clone_from(&place);
        let files = self.open.entry(place).or_default();
        if files.iter().any(|other| other.path == file.path) {
            let problem = "expected one file of this name in its folder, found another";
            complete.push(Grouped::Unreadable(SourceError::file(&file.path, problem)));
        } else {
            files.push(file);
        }
        complete
    }

    /// The rest, at the end of the walk.
    pub fn finish(mut self) -> Vec<Grouped> {
        let places: Vec<_> = self.open.keys().cloned().collect();
        places.iter().filter_map(|place| self.close(place)).collect()
    }

    fn is_complete(&self, place: &Place) -> bool {
        let files = self.open.get(place);
        let has = |name: &str| {
            files.is_some_and(|files| files.iter().any(|file| split(&file.path).1 == name))
        };
        (has("block.json") || has("block.rlp")) && (has("pre_state.json") || has("witness.json"))
    }

    fn close(&mut self, place: &Place) -> Option<Grouped> {
        let files = self.open.remove(place)?;
        let (origin, folder) = place.clone();
        let named = |name: &str| files.iter().find(|file| split(&file.path).1 == name).cloned();
        let missing = |names: &str| {
            let problem = format!("expected {names} beside the other files of a real block");
            Some(Grouped::Unreadable(SourceError::file(&folder, problem)))
        };
        let (block_json, block_rlp) = (named("block.json"), named("block.rlp"));
        let (pre_state, witness) = (named("pre_state.json"), named("witness.json"));
        if block_json.is_none() && block_rlp.is_none() {
            return missing("`block.rlp` or `block.json`");
        }
        if pre_state.is_none() && witness.is_none() {
            return missing("`witness.json` or `pre_state.json`");
        }
        Some(Grouped::Block(Box::new(BlockFiles {
            index: self.indices.get(&origin).cloned(),
            network: self.network.clone(),
            folder,
            origin,
            block_json,
            block_rlp,
            pre_state,
            witness,
            block_hashes: named("block_hashes.json"),
            post_state: named("post_state.json"),
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(origin: &str, path: &str) -> Item {
        Item::File(File { origin: origin.to_owned(), ..File::of_text(path, "") })
    }

    fn blocks(items: Vec<Item>) -> Vec<String> {
        let mut grouper = Grouper::default();
        let mut grouped: Vec<Grouped> =
            items.into_iter().flat_map(|item| grouper.push(item)).collect();
        grouped.extend(grouper.finish());
        let origin = |grouped| match grouped {
            Grouped::Block(block) => block.origin,
            Grouped::File(file) => file.path,
            Grouped::Other(other) => other.file,
            Grouped::Unreadable(error) => format!("unreadable {}", error.file),
        };
        grouped.into_iter().map(origin).collect()
    }

    #[test]
    fn archives_with_the_same_folder_are_different_blocks() {
        let items = ["a.tar", "b.tar"]
            .into_iter()
            .flat_map(|origin| [file(origin, "block.json"), file(origin, "pre_state.json")]);
        assert_eq!(blocks(items.collect()), ["a.tar", "b.tar"]);
    }

    #[test]
    fn a_file_twice_and_a_file_missing_are_named() {
        let items = vec![
            file("a", "1/block.json"),
            file("a", "1/block.json"),
            file("a", "1/pre_state.json"),
            file("a", "2/pre_state.json"),
        ];
        assert_eq!(blocks(items), ["unreadable 1/block.json", "a", "unreadable 2"]);
    }
}
