//! Batches: what one worker reads and runs at a time.

use lockstep_formats::{
    File, Found, Item, OtherFile, SourceError, Walk, blockchain_test,
    engine_test::{self, PreAllocs},
    files,
    kind::{self, Kind},
    real_block::{self, BlockFiles, Grouped, Grouper},
    state_test,
};
use lockstep_judge::definition::Test;
use std::sync::Arc;

/// A file, or what belongs together. Reading the same batch twice gives the same tests.
#[derive(Debug, Clone)]
pub enum Batch {
    /// A file of tests.
    File(File),
    /// A file of engine tests, with the files that hold their genesis.
    WithPreAllocs(File, Arc<PreAllocs>),
    /// A real block.
    RealBlock(Box<BlockFiles>),
    /// Tests made without a file.
    Made(Arc<[Test]>),
    /// A file without tests.
    Other(OtherFile),
}

impl Batch {
    /// The archive, folder or file that the user named; empty where there is none.
    pub fn origin(&self) -> &str {
        match self {
            Self::File(file) | Self::WithPreAllocs(file, _) => &file.origin,
            Self::RealBlock(block) => &block.origin,
            Self::Made(_) | Self::Other(_) => "",
        }
    }

    /// Bytes that the batch holds in memory.
    pub fn size(&self) -> usize {
        match self {
            Self::File(file) | Self::WithPreAllocs(file, _) => file.content.held(),
            Self::RealBlock(block) => block.size(),
            Self::Made(_) | Self::Other(_) => 0,
        }
    }

    /// Reads its contents.
    pub fn read(&self) -> Found {
        match self {
            Self::File(file) => read_file(file, &PreAllocs::default()),
            Self::WithPreAllocs(file, allocs) => read_file(file, allocs),
            Self::RealBlock(block) => match real_block::test(block) {
                Ok(test) => Found { tests: vec![test], ..Found::default() },
                Err(error) => error.into(),
            },
            Self::Made(tests) => Found { tests: tests.to_vec(), ..Found::default() },
            Self::Other(other) => other.clone().into(),
        }
    }
}

/// Walks the paths, and hands over what belongs together. Ends early where `emit` says false.
pub fn batches(walk: &Walk, emit: &mut dyn FnMut(Result<Batch, SourceError>) -> bool) {
    let mut grouper = Grouper::of(walk.network.clone());
    let mut shared = SharedGenesis::default();
    let mut go_on = true;
    files(walk, &mut |item| {
        if let Some(item) = shared.take(item) {
            go_on = grouper.push(item).into_iter().all(|grouped| emit(batch(grouped)));
        }
        go_on
    });
    if go_on && grouper.finish().into_iter().all(|grouped| emit(batch(grouped))) {
        shared.finish().into_iter().all(|batch| emit(Ok(batch)));
    }
}

/// Reads everything below the paths, batch by batch. Ends early where `use_found` says false.
pub fn read_all(walk: &Walk, use_found: &mut dyn FnMut(Found) -> bool) {
    batches(walk, &mut |batch| use_found(batch.map_or_else(Found::from, |batch| batch.read())));
}

fn batch(grouped: Grouped) -> Result<Batch, SourceError> {
    match grouped {
        Grouped::File(file) => Ok(Batch::File(file)),
        Grouped::Block(block) => Ok(Batch::RealBlock(block)),
        Grouped::Other(other) => Ok(Batch::Other(other)),
        Grouped::Unreadable(error) => Err(error),
    }
}

/// Holds engine-x tests back until every `pre_alloc` file is there: in an archive they may come first.
#[derive(Debug, Default)]
struct SharedGenesis {
    tests: Vec<File>,
    allocs: PreAllocs,
}

impl SharedGenesis {
    /// Takes what belongs here; gives the rest back.
    fn take(&mut self, item: Item) -> Option<Item> {
        match item {
            Item::File(file) if is_in_pre_alloc(&file.path) => self.allocs.add(file),
            Item::File(file) if file.names_pre_alloc => self.tests.push(file),
            Item::Other(other) if is_in_pre_alloc(&other.file) => {
                self.allocs.add_pointer(&other.file);
                return Some(Item::Other(other));
            }
            item => return Some(item),
        }
        None
    }

    fn finish(self) -> Vec<Batch> {
        let mut names: Vec<String> = self.allocs.files().map(File::shown).collect();
        names.sort_unstable();
        let allocs = Arc::new(self.allocs);
        let tests = self.tests.into_iter();
        let tests = tests.map(|file| Batch::WithPreAllocs(file, allocs.clone()));
        let others = names.into_iter();
        let others = others.map(|name| Batch::Other(OtherFile::new(name, PRE_ALLOC)));
        tests.chain(others).collect()
    }
}

const PRE_ALLOC: &str = "genesis of engine-x tests";

fn is_in_pre_alloc(path: &str) -> bool {
    path.rsplit('/').nth(1) == Some("pre_alloc")
}

fn read_file(file: &File, allocs: &PreAllocs) -> Found {
    match kind::kind(file) {
        Ok(Kind::StateTests) => state_test::tests(file),
        Ok(Kind::BlockchainTests) => blockchain_test::tests(file),
        Ok(Kind::EngineTests) => engine_test::tests(file, allocs),
        Ok(Kind::PreAlloc) => OtherFile::new(file.shown(), PRE_ALLOC).into(),
        Ok(Kind::Other(other)) => other.into(),
        Err(error) => error.into(),
    }
}
