//! Files of one folder that belong to one block.

use crate::{File, Item, OtherFile, SourceError, files::without_compression};
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
    /// A file without tests.
    Other(OtherFile),
    /// Something that cannot be read.
    Unreadable(SourceError),
}

/// The most folders that may be open at once; an archive that interleaves more is not one of ours.
const MOST_OPEN: usize = 64;

/// Where the files of one block are: in which archive or folder that the user named, and in which
/// folder there.
type Place = (String, String);

/// Collects the files of a block until its folder is left.
#[derive(Debug, Default)]
pub struct Grouper {
    open: BTreeMap<Place, Vec<File>>,
    last: Place,
}

const NAMES: [&str; 4] = ["block.json", "pre_state.json", "block_hashes.json", "post_state.json"];

/// The folder and the name, without what tells that the file is compressed.
fn split(path: &str) -> (&str, &str) {
    let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
    (folder, without_compression(name))
}

impl Grouper {
    /// Takes the next item of the walk; gives what is complete by now.
    pub fn push(&mut self, item: Item) -> Vec<Grouped> {
        let file = match item {
            Item::Unreadable(error) => return vec![Grouped::Unreadable(error)],
            Item::Other(other) => return vec![Grouped::Other(other)],
            Item::File(file) => file,
        };
        let (folder, name) = split(&file.path);
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
        has("block.json") && has("pre_state.json")
    }

    fn close(&mut self, place: &Place) -> Option<Grouped> {
        let files = self.open.remove(place)?;
        let (origin, folder) = place.clone();
        let named = |name: &str| files.iter().find(|file| split(&file.path).1 == name).cloned();
        let missing = |name: &str| {
            let problem = format!("expected `{name}` beside the other files of a real block");
            Some(Grouped::Unreadable(SourceError::file(&folder, problem)))
        };
        let Some(block) = named("block.json") else { return missing("block.json") };
        let Some(pre_state) = named("pre_state.json") else { return missing("pre_state.json") };
        Some(Grouped::Block(Box::new(BlockFiles {
            folder,
            origin,
            block,
            pre_state,
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
