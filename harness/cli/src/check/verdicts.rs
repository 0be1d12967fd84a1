//! The reviewed lists, applied to results: what is known, and what is a draft's.

use super::plan::Job;
use lockstep_runner::{
    compare::ShouldBe,
    lists::Lists,
    record::{Status, TestResult, Verdict},
};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

/// The lists, and what of them was needed.
#[derive(Debug)]
pub(crate) struct Reviewed {
    lists: Arc<Lists>,
    /// For each archive that a failed test came from: the reason, if it is a draft.
    drafts: BTreeMap<String, Option<String>>,
    /// Known entries whose test failed.
    needed: BTreeSet<usize>,
    /// Known entries whose test ran and passed, with that test.
    needless: BTreeMap<usize, String>,
}

impl Reviewed {
    pub(crate) fn new(job: &Job) -> Self {
        let lists = job.plan.lists.clone();
        Self { lists, drafts: BTreeMap::new(), needed: BTreeSet::new(), needless: BTreeMap::new() }
    }

    /// The result with the status that the lists give it. They excuse a missed expectation, never
    /// a divergence.
    pub(crate) fn apply(&mut self, mut result: TestResult) -> TestResult {
        let entry = self.lists.known(&result.id);
        if result.status == Status::Passed
            && let Some(entry) = entry
        {
            self.needless.insert(entry, result.id.clone());
        }
        if result.status != Status::Failed || !misses_expectations_alone(&result) {
            return result;
        }
        if let Some(reason) = self.draft(&result.origin) {
            result.status = Status::Outdated;
            result.reason = Some(reason);
        } else if let Some(entry) = entry {
            self.needed.insert(entry);
            result.status = Status::Known;
            result.reason = Some(self.lists.known[entry].reason.clone());
        }
        result
    }

    /// Why the archive is a draft, if it is one.
    fn draft(&mut self, origin: &str) -> Option<String> {
        let lists = &self.lists;
        let reason = self.drafts.entry(origin.to_owned()).or_insert_with(|| {
            let digest = sha256(Path::new(origin))?;
            let draft = lists.drafts.iter().find(|draft| draft.sha256 == digest)?;
            Some(draft.reason.clone())
        });
        reason.clone()
    }

    /// An entry that nothing needs any more hides the next regression.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let needless = self.needless.iter().filter(|(entry, _)| !self.needed.contains(entry));
        let complaint = |(entry, id): (&usize, &String)| {
            format!(
                "known failure `{}` is no longer needed: {id} passes; take it off the list",
                self.lists.known[*entry].id
            )
        };
        needless.map(complaint).collect()
    }
}

fn misses_expectations_alone(result: &TestResult) -> bool {
    let expected = |difference: &lockstep_runner::compare::Difference| {
        matches!(difference.should_be, ShouldBe::Expected(_))
    };
    !result.differences.is_empty()
        && result.differences.iter().all(expected)
        && matches!(result.verdict, None | Some(Verdict::Agreed))
}

/// The digest of a file, in hexadecimal; `None` for a folder or a file that cannot be read.
fn sha256(path: &Path) -> Option<String> {
    let mut file = std::fs::File::open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut digest = Sha256::new();
    std::io::copy(&mut file, &mut DigestWriter(&mut digest)).ok()?;
    Some(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

struct DigestWriter<'a>(&'a mut Sha256);

impl std::io::Write for DigestWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
