//! What is in a suite: `manifest.json`.

use super::Member;
use lockstep_model::Rule;
use serde::Serialize;

/// What is in a suite.
#[derive(Debug, Default, Serialize)]
pub struct Manifest {
    /// The program that has written it.
    pub made_by: String,
    /// Implementations that were asked.
    pub confirmers: Vec<String>,
    /// Its blocks, in the order of their files.
    pub tests: Vec<Entry>,
    /// Blocks that were wanted and are not in it.
    pub left_out: Vec<LeftOut>,
}

/// A block of the suite.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// Its name in both files.
    pub id: String,
    /// Its file, below `blockchain_tests` and, from Paris on, `blockchain_tests_engine`.
    pub file: String,
    /// The fork.
    pub fork: String,
    /// Its transactions.
    pub transactions: usize,
    /// The rule that it breaks, where it is invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalid: Option<String>,
    /// What it stands for.
    pub stands_for: String,
    /// The planted fault that it is kept for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Implementations that say the same, each of which shares no code with the reference.
    pub confirmed_by: Vec<String>,
}

/// A block that was wanted and is not in the suite.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its name.
    pub id: String,
    /// Why.
    pub why: String,
}

impl Manifest {
    /// Adds a block.
    pub fn add(&mut self, member: &Member) {
        let block = &member.draft.block.case;
        self.tests.push(Entry {
            id: member.draft.id(),
            file: member.draft.path(),
            fork: block.rules.fork.fixture_name().to_owned(),
            transactions: block.block.transactions.len(),
            invalid: member.ending.broken.as_ref().map(Rule::to_string),
            stands_for: member.draft.stands_for.clone(),
            fault: member.draft.fault.clone(),
            confirmed_by: member.confirmed_by.clone(),
        });
    }

    /// How many of its blocks somebody has confirmed.
    pub fn confirmed(&self) -> usize {
        self.tests.iter().filter(|test| !test.confirmed_by.is_empty()).count()
    }
}
