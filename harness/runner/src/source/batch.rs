//! Batches: what one worker reads and runs at a time.

use super::{
    File, SourceError, blockchain_test, files,
    kind::{self, Kind},
    real_block::{self, BlockFiles, Grouped, Grouper},
    state_test,
};
use crate::test::Test;
use std::{path::PathBuf, sync::Arc};

/// A file, or what belongs together. Reading the same batch twice gives the same tests.
#[derive(Debug, Clone)]
pub enum Batch {
    /// A file of tests.
    File(File),
    /// A real block.
    RealBlock(Box<BlockFiles>),
    /// Tests made without a file.
    Made(Arc<[Test]>),
}

impl Batch {
    /// What the user named to get here.
    pub fn origin(&self) -> &str {
        match self {
            Self::File(file) => &file.origin,
            Self::RealBlock(block) => &block.origin,
            Self::Made(_) => "",
        }
    }

    /// Bytes that the batch holds in memory.
    pub fn size(&self) -> usize {
        match self {
            Self::File(file) => file.content.held(),
            Self::RealBlock(block) => block.size(),
            Self::Made(_) => 0,
        }
    }

    /// The tests of the batch, and what of it could not be read.
    pub fn read(&self) -> (Vec<Test>, Vec<SourceError>) {
        match self {
            Self::File(file) => read_file(file),
            Self::RealBlock(block) => match real_block::test(block) {
                Ok(test) => (vec![test], Vec::new()),
                Err(error) => (Vec::new(), vec![error]),
            },
            Self::Made(tests) => (tests.to_vec(), Vec::new()),
        }
    }
}

/// Walks the paths, and hands over what belongs together. Ends early where `emit` says false.
pub fn batches(paths: &[PathBuf], emit: &mut dyn FnMut(Result<Batch, SourceError>) -> bool) {
    let mut grouper = Grouper::default();
    let mut emit_all = |grouped: Vec<Grouped>| {
        grouped.into_iter().all(|grouped| {
            emit(match grouped {
                Grouped::File(file) => Ok(Batch::File(file)),
                Grouped::Block(block) => Ok(Batch::RealBlock(block)),
                Grouped::Unreadable(error) => Err(error),
            })
        })
    };
    let mut go_on = true;
    files(paths, &mut |item| {
        go_on = emit_all(grouper.push(item));
        go_on
    });
    if go_on {
        emit_all(grouper.finish());
    }
}

fn read_file(file: &File) -> (Vec<Test>, Vec<SourceError>) {
    match kind::kind(file) {
        Ok(Kind::StateTests) => state_test::tests(file),
        Ok(Kind::BlockchainTests) => blockchain_test::tests(file),
        Ok(Kind::NoTests) => (Vec::new(), Vec::new()),
        Err(error) => (Vec::new(), vec![error]),
    }
}
