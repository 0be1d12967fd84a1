//! The reviewed lists, applied to results: what is known, and what is a draft's.

use super::plan::Job;
use crate::fixtures::digest;
use lockstep_runner::{
    compare::{Difference, ShouldBe},
    lists::{Draft, Lists},
    record::{Status, TestResult, Verdict},
};
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
    /// Outdated tests of each draft archive.
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
            outdated: BTreeMap::new(),
            needed: BTreeSet::new(),
            needless: BTreeMap::new(),
        }
    }

    /// Takes note of a result that a process before has already given its status.
    pub(crate) fn remember(&mut self, result: &TestResult) {
        let entries: Vec<usize> = self.entries_for(&result.id);
        match result.status {
            Status::Known => self.needed.extend(entries),
            Status::Passed => self.not_needed(&entries, &result.id),
            Status::Outdated => {
                let _ = self.draft(&result.origin);
                self.count_outdated(&result.origin);
            }
            _ => {}
        }
    }

    /// The result with the status that the lists give it. An expectation that the reference misses may
    /// be known, or outdated; so may a divergence of an executor that is known to diverge there.
    pub(crate) fn apply(&mut self, mut result: TestResult) -> TestResult {
        if result.status == Status::Passed {
            let entries = self.entries_for(&result.id);
            self.not_needed(&entries, &result.id);
        }
        if result.status == Status::Failed
            && let Some(excuse) = self.excuse(&result)
        {
            self.needed.extend(excuse.entries);
            result.status = excuse.status;
            if excuse.status == Status::Outdated {
                self.count_outdated(&result.origin);
            }
            result.reason = Some(excuse.reasons.join("; "));
        }
        result
    }

    fn count_outdated(&mut self, origin: &str) {
        *self.outdated.entry(origin.to_owned()).or_default() += 1;
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
        let mut excuse =
            Excuse { status: Status::Outdated, reasons: Vec::new(), entries: Vec::new() };
        for who in wrongdoers(result) {
            if who.is_none()
                && let Some(reason) = self.draft(&result.origin)
            {
                excuse.reasons.push(reason);
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

    /// Drafts of which fewer tests pass than have passed.
    fn drafts_that_got_worse(&self) -> impl Iterator<Item = String> {
        self.outdated.iter().filter_map(|(origin, found)| {
            let known = self.drafts.get(origin)?.as_ref()?.outdated;
            (*found > known).then(|| {
                format!(
                    "{origin}: {found} tests of this draft are outdated, {known} on the list: what passes of a draft \
                     must go on passing"
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
        needless.map(complaint).chain(self.drafts_that_got_worse()).collect()
    }
}

/// Why a result does not count as a failure.
struct Excuse {
    status: Status,
    reasons: Vec<String>,
    entries: Vec<usize>,
}

/// Who did something else than expected: the reference (`None`), or candidates by name.
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
    fn what_passes_of_a_draft_must_go_on_passing() {
        let draft = Draft { sha256: String::new(), reason: "a draft".to_owned(), outdated: 1 };
        let mut reviewed = Reviewed {
            lists: Arc::new(Lists::default()),
            candidates: BTreeSet::new(),
            drafts: [("a.tar.zst".to_owned(), Some(draft))].into(),
            outdated: BTreeMap::new(),
            needed: BTreeSet::new(),
            needless: BTreeMap::new(),
        };
        reviewed.count_outdated("a.tar.zst");
        assert_eq!(reviewed.complaints(), Vec::<String>::new());
        reviewed.count_outdated("a.tar.zst");
        let complaints = reviewed.complaints();
        assert!(complaints[0].contains("2 tests of this draft are outdated, 1 on the list"));
    }
}
