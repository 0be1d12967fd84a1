//! JUnit XML, as CI systems read it: a suite for each source and fork, a case for each test.

use crate::{
    record::{Record, Status, TestResult, Verdict},
    samples::SampleSet,
};
use lockstep_formats::SourceError;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    time::Duration,
};

/// The most differences of one test that its failure lists.
const MOST_DIFFERENCES: usize = 64;

/// Tests for a report in the making. It grows with the run.
#[derive(Debug, Default)]
pub struct Junit {
    /// What a reader can take.
    pub limits: Limits,
    /// Whether there is anything beside tests.
    has_more: bool,
    cases: BTreeMap<String, Vec<TestCase>>,
    /// Passed tests that are counted, not listed, by suite.
    left_out: BTreeMap<String, usize>,
}

/// What a reader of JUnit can take: GitLab takes 30 MB a file, 250,000 elements, and counts of 100 MB a job.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Passed tests are counted, not listed.
    pub failures_only: bool,
    /// The most tests of a document: with more there are several.
    pub most_tests: Option<NonZeroUsize>,
}

impl Junit {
    /// Adds a test.
    pub fn add(&mut self, result: &TestResult) {
        let name = format!("{}.{}", result.source.name(), result.fork);
        if self.limits.failures_only && result.status == Status::Passed {
            *self.left_out.entry(name).or_default() += 1;
            return;
        }
        let mut case = TestCase::new(xml(&result.id), status(result));
        case.set_classname(xml(&name)).set_time(Duration::from_nanos(result.time_ns));
        self.cases.entry(name).or_default().push(case);
    }

    /// Adds an executor's runs on one block: passed, where all of them were right.
    pub fn add_set(&mut self, set: &SampleSet) {
        let name = format!("{} {}@{}", crate::bench::name(set), set.executor, set.threads);
        let mut status = TestCaseStatus::success();
        if set.verdict != Verdict::Agreed {
            status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let reason = set.reason.as_deref().unwrap_or_default();
            let verdict = crate::bench::verdict(set.verdict);
            status.set_message(xml(&format!("{verdict}: {reason}")));
        }
        self.has_more = true;
        self.add_case("bench", &name, status);
    }

    /// Adds something that passed, or failed for a reason.
    pub fn add_decision(&mut self, suite: &str, name: &str, failure: Option<&str>) {
        let mut status = TestCaseStatus::success();
        if let Some(reason) = failure {
            status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(xml(reason));
        }
        self.has_more = true;
        self.add_case(suite, name, status);
    }

    fn add_case(&mut self, suite: &str, name: &str, status: TestCaseStatus) {
        let mut case = TestCase::new(xml(name), status);
        case.set_classname(xml(suite));
        self.cases.entry(suite.to_owned()).or_default().push(case);
    }

    /// The report, with what the record has beside tests, as one document.
    ///
    /// # Errors
    /// When a text cannot be written as XML.
    pub fn render(mut self, record: &Record) -> Result<String, String> {
        self.limits.most_tests = None;
        let mut documents = self.render_all(record)?;
        Ok(documents.pop().unwrap_or_default())
    }

    /// The report as documents that each keep within the limits; at least one.
    ///
    /// # Errors
    /// When a text cannot be written as XML.
    pub fn render_all(mut self, record: &Record) -> Result<Vec<String>, String> {
        self.add_rest(record);
        let most = self.limits.most_tests.map_or(usize::MAX, NonZeroUsize::get);
        let mut documents = vec![new_report(record)];
        let mut room = most;
        let names: BTreeSet<String> =
            self.cases.keys().chain(self.left_out.keys()).cloned().collect();
        for name in names {
            let mut suite = TestSuite::new(xml(&name));
            if let Some(left_out) = self.left_out.get(&name) {
                suite.add_property(("passed, not listed", left_out.to_string().as_str()));
            }
            for case in self.cases.remove(&name).unwrap_or_default() {
                if room == 0 {
                    let full = std::mem::replace(&mut suite, TestSuite::new(xml(&name)));
                    add_suite(&mut documents, full);
                    documents.push(new_report(record));
                    room = most;
                }
                suite.add_test_case(case);
                room -= 1;
            }
            add_suite(&mut documents, suite);
        }
        let written = documents.iter().map(|report| report.to_string());
        written.collect::<Result<_, _>>().map_err(|error| error.to_string())
    }

    /// What the record has beside tests.
    fn add_rest(&mut self, record: &Record) {
        for error in &record.unreadable {
            self.add_problem("unreadable", &error.file, NonSuccessKind::Error, &unreadable(error));
        }
        for other in &record.others {
            let mut status = TestCaseStatus::skipped();
            status.set_message(xml(&other.reason));
            self.add_case("files without tests", &other.file, status);
        }
        for (index, complaint) in record.complaints.iter().enumerate() {
            let name = format!("complaint {}", index + 1);
            self.add_problem("run", &name, NonSuccessKind::Failure, complaint);
        }
        if record.ran() == 0 && !self.has_more {
            self.add_problem("run", "nothing ran", NonSuccessKind::Error, "no test was run");
        }
    }

    fn add_problem(&mut self, suite: &str, name: &str, kind: NonSuccessKind, text: &str) {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(xml(text));
        self.add_case(suite, name, status);
    }
}

fn new_report(record: &Record) -> Report {
    let mut report = Report::new("lockstep check");
    report.set_time(record.elapsed);
    report
}

fn add_suite(documents: &mut [Report], suite: TestSuite) {
    if let (Some(report), false) =
        (documents.last_mut(), suite.test_cases.is_empty() && suite.properties.is_empty())
    {
        report.add_test_suite(suite);
    }
}

/// The text without the characters that XML 1.0 (2.2) does not have, not even escaped.
fn xml(text: &str) -> String {
    let is_xml = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let escaped = |c: char| if is_xml(c) { c.to_string() } else { c.escape_unicode().to_string() };
    text.chars().map(escaped).collect()
}

fn unreadable(error: &SourceError) -> String {
    error.to_string()
}

fn status(result: &TestResult) -> TestCaseStatus {
    let reason = result.reason.as_deref().unwrap_or_default();
    match result.status {
        Status::Passed => TestCaseStatus::success(),
        // Known and outdated tests miss an expectation for a reviewed reason: to a CI system they are
        // tests that do not count.
        Status::Known | Status::Outdated | Status::Skipped => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(xml(reason));
            status
        }
        Status::Failed => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_type(xml(reason.split(':').next().unwrap_or("failed")))
                .set_message(xml(reason));
            status.set_description(xml(&differences(result)));
            status
        }
    }
}

fn differences(result: &TestResult) -> String {
    let mut lines: Vec<String> =
        result.differences.iter().take(MOST_DIFFERENCES).map(ToString::to_string).collect();
    if result.differences.len() > MOST_DIFFERENCES {
        lines.push(format!("and {} more", result.differences.len() - MOST_DIFFERENCES));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_xml_does_not_have_are_escaped() {
        assert_eq!(xml("a\u{0}b\u{ffff}c\u{1b}[31m"), "a\\u{0}b\\u{ffff}c\\u{1b}[31m");
        assert_eq!(xml("tab\t \u{10000} é"), "tab\t \u{10000} é");
    }
}
