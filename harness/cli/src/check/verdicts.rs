//! The reviewed lists, applied to results: known failures, and outdated tests of drafts.

use super::plan::Job;
use crate::fixtures::digest;
use lockstep_formats::lists::{Draft, Lists};
use lockstep_judge::difference::{Difference, ShouldBe};
use lockstep_report::record::{Status, TestResult, Verdict};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

/// The lists, and what of them was needed.
#[derive(Debug)]
pub(crate) struct Reviewed {
    lists: Arc<Lists>,
    /// Names of the candidates of this run.
    candidates: BTreeSet<String>,
    /// For each archive that a failed test came from: the reason, if it is a draft.
    drafts: BTreeMap<String, Option<Draft>>,
    /// Tests of each archive, and those that are outdated, whatever else is wrong with them.
    tests: BTreeMap<String, usize>,
    outdated: BTreeMap<String, usize>,
    /// Known entries whose test failed.
    needed: BTreeSet<usize>,
    /// Known entries whose test ran and passed, with that test.
    needless: BTreeMap<usize, String>,
}

impl Reviewed {
    pub(crate) fn new(job: &Job) -> Self {
        let lists = job.plan.lists.clone();
        let candidates = job.plan.candidates.iter().map(|candidate| name(&candidate.label));
        Self {
            lists,
            candidates: candidates.collect(),
            drafts: BTreeMap::new(),
            tests: BTreeMap::new(),
            outdated: BTreeMap::new(),
            needed: BTreeSet::new(),
            needless: BTreeMap::new(),
        }
    }

    /// The result with the status that the lists give it. An expectation that the reference misses may
    /// be known, or outdated; so may a divergence of an executor that is known to diverge there.
    pub(crate) fn apply(&mut self, mut result: TestResult) -> TestResult {
        count(&mut self.tests, &result.origin);
        if result.status == Status::Passed {
            let entries = self.entries_for(&result.id);
            self.not_needed(&entries, &result.id);
        }
        if result.status == Status::Failed
            && let Some(excuse) = self.excuse(&result)
        {
            self.needed.extend(excuse.entries);
            result.status = excuse.status;
            if excuse.is_outdated {
                count(&mut self.outdated, &result.origin);
            }
            result.reason = Some(excuse.reasons.join("; "));
        }
        result
    }

    /// Every entry that a test could need in this run.
    fn entries_for(&self, id: &str) -> Vec<usize> {
        let candidates = self.candidates.iter().map(|name| Some(name.as_str()));
        let executors = std::iter::once(None).chain(candidates);
        executors.filter_map(|executor| self.lists.known(id, executor)).collect()
    }

    fn not_needed(&mut self, entries: &[usize], id: &str) {
        for entry in entries {
            self.needless.insert(*entry, id.to_owned());
        }
    }

    /// Why the result does not count as a failure. Everything that is wrong with it needs an excuse,
    /// and a run that did not end, or broke, has none.
    fn excuse(&mut self, result: &TestResult) -> Option<Excuse> {
        if result.differences.is_empty()
            || !matches!(result.verdict, None | Some(Verdict::Agreed | Verdict::Diverged))
        {
            return None;
        }
        let mut excuse = Excuse::default();
        for who in wrongdoers(result) {
            if who.is_none()
                && let Some(reason) = self.draft(&result.origin)
            {
                excuse.reasons.push(reason);
                excuse.is_outdated = true;
                continue;
            }
            let entry = self.lists.known(&result.id, who.as_deref())?;
            excuse.status = Status::Known;
            excuse.reasons.push(self.lists.known[entry].reason.clone());
            excuse.entries.push(entry);
        }
        Some(excuse)
    }

    /// Why the archive is a draft, if it is one.
    fn draft(&mut self, origin: &str) -> Option<String> {
        let lists = &self.lists;
        let draft = self.drafts.entry(origin.to_owned()).or_insert_with(|| {
            let path = Path::new(origin);
            let digest = if path.is_file() { digest(path).ok()? } else { return None };
            let draft = lists.drafts.iter().find(|draft| draft.sha256 == digest)?;
            Some(draft.clone())
        });
        draft.as_ref().map(|draft| draft.reason.clone())
    }

    /// Drafts of which other tests pass than have passed.
    fn drafts_that_changed(&self) -> impl Iterator<Item = String> {
        self.drafts.iter().filter_map(|(origin, draft)| {
            let draft = draft.as_ref()?;
            let of = |counts: &BTreeMap<String, usize>| counts.get(origin).copied().unwrap_or(0);
            let (tests, outdated) = (of(&self.tests), of(&self.outdated));
            let is_whole = tests >= draft.tests;
            (outdated > draft.outdated || is_whole && outdated < draft.outdated).then(|| {
                format!(
                    "{origin}: {outdated} of {tests} tests of this draft are outdated, {} of {} on the list: what passes of \
                     a draft must go on passing, and what does not must not begin to without a reason",
                    draft.outdated, draft.tests
                )
            })
        })
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
        needless.map(complaint).chain(self.drafts_that_changed()).collect()
    }
}

/// Why a result does not count as a failure.
struct Excuse {
    status: Status,
    /// Whether a draft is part of it.
    is_outdated: bool,
    reasons: Vec<String>,
    entries: Vec<usize>,
}

impl Default for Excuse {
    fn default() -> Self {
        let (reasons, entries) = (Vec::new(), Vec::new());
        Self { status: Status::Outdated, is_outdated: false, reasons, entries }
    }
}

fn count(of: &mut BTreeMap<String, usize>, origin: &str) {
    *of.entry(origin.to_owned()).or_default() += 1;
}

/// The executors with an unexpected outcome: the reference (`None`), or candidates by name.
fn wrongdoers(result: &TestResult) -> BTreeSet<Option<String>> {
    let who = |difference: &Difference| match difference.should_be {
        ShouldBe::Expected(_) => None,
        ShouldBe::Reference(_) => Some(name(&difference.executor)),
    };
    result.differences.iter().map(who).collect()
}

/// An executor's name without its threads.
fn name(label: &str) -> String {
    label.rsplit_once('@').map_or(label, |(name, _)| name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_draft_the_same_tests_must_go_on_passing() {
        let complaints = |tests: usize, outdated: usize| {
            let draft = Draft {
                sha256: String::new(),
                reason: "a draft".to_owned(),
                tests: 3,
                outdated: 2,
            };
            let reviewed = Reviewed {
                lists: Arc::new(Lists::default()),
                candidates: BTreeSet::new(),
                drafts: [("a.tar.zst".to_owned(), Some(draft))].into(),
                tests: [("a.tar.zst".to_owned(), tests)].into(),
                outdated: [("a.tar.zst".to_owned(), outdated)].into(),
                needed: BTreeSet::new(),
                needless: BTreeMap::new(),
            };
            reviewed.complaints()
        };
        assert_eq!(complaints(3, 2), Vec::<String>::new());
        assert_eq!(complaints(2, 1), Vec::<String>::new(), "a part of the archive");
        assert!(complaints(3, 3)[0].contains("3 of 3 tests of this draft are outdated, 2 of 3 on"));
        assert!(complaints(3, 1)[0].contains("1 of 3 tests of this draft are outdated, 2 of 3 on"));
    }
}
