//! Blocks that once showed a bug, as small as they could be made: `corpora`, compiled in. Each says in its
//! `_info.comment` what it is there for.

use include_dir::{Dir, include_dir};
use lockstep_formats::{File, blockchain_test};
use lockstep_judge::definition::Test;

static REGRESSIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/data/regressions");
static FAULTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/data/faults");
static TROPHIES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/data/trophies");

/// Where a block comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// What Lockstep's own executors were once wrong on.
    Regressions,
    /// For each planted fault a block that reveals it; the file's name begins with the fault's id.
    Faults,
    /// What other executors are wrong on.
    Trophies,
}

impl Kept {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Regressions, Self::Faults, Self::Trophies];

    /// The name of the folder.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Regressions => "regressions",
            Self::Faults => "faults",
            Self::Trophies => "trophies",
        }
    }

    const fn dir(self) -> &'static Dir<'static> {
        match self {
            Self::Regressions => &REGRESSIONS,
            Self::Faults => &FAULTS,
            Self::Trophies => &TROPHIES,
        }
    }

    /// Its files, by name.
    ///
    /// # Panics
    /// Never: a test reads them.
    pub fn files(self) -> Vec<KeptFile> {
        let mut files: Vec<_> = self
            .dir()
            .files()
            .filter(|file| file.path().extension().is_some_and(|kind| kind == "json"))
            .map(|file| KeptFile {
                name: file.path().file_stem().and_then(|name| name.to_str()).expect("a name"),
                text: file.contents_utf8().expect("it is JSON"),
            })
            .collect();
        files.sort_unstable_by_key(|file| file.name);
        files
    }
}

/// A file.
#[derive(Debug, Clone, Copy)]
pub struct KeptFile {
    /// Its name without `.json`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

impl KeptFile {
    /// Its tests. `folder` stands in their ids.
    ///
    /// # Panics
    /// Never: a test reads all of them.
    pub fn tests(&self, folder: &str) -> Vec<Test> {
        let file = File::of_text(format!("{folder}/{}.json", self.name), self.text);
        let found = blockchain_test::tests(&file);
        assert!(found.unreadable.is_empty(), "{}: {:?}", self.name, found.unreadable);
        found.tests
    }

    /// What it is there for.
    ///
    /// # Panics
    /// Never: a test reads all of them.
    pub fn comment(&self) -> String {
        let json: serde_json::Value = serde_json::from_str(self.text).expect("it is JSON");
        let test = json.as_object().and_then(|tests| tests.values().next()).expect("a test");
        test["_info"]["comment"].as_str().unwrap_or_default().to_owned()
    }
}

/// All tests of all files.
pub fn tests() -> Vec<Test> {
    let of = |kept: Kept| {
        let tests = kept.files().into_iter().flat_map(|file| file.tests(kept.folder()));
        tests.collect::<Vec<_>>()
    };
    Kept::ALL.into_iter().flat_map(of).collect()
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn every_file_has_one_test_and_says_what_it_is_for() {
        for kept in Kept::ALL {
            for file in kept.files() {
                assert_eq!(file.tests(kept.folder()).len(), 1, "{}", file.name);
                let comment = file.comment();
                let ends = comment.ends_with('.') || comment.ends_with(')');
                assert!(ends, "{}: {comment}", file.name);
            }
        }
    }
}
