//! JUnit XML, as CI systems read it: a suite for each source and fork, a case for each test.

use crate::{
    record::{Record, Status, TestResult, Verdict},
    samples::SampleSet,
};
use lockstep_formats::SourceError;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::{collections::BTreeMap, time::Duration};

/// The most differences of one test that its failure lists.
const MOST_DIFFERENCES: usize = 64;

/// Tests for a report in the making. Passed tests are in it too, so it grows with the run.
#[derive(Debug, Default)]
pub struct Junit {
    /// Whether there is anything beside tests.
    has_more: bool,
    suites: BTreeMap<String, TestSuite>,
}

impl Junit {
    /// Adds a test.
    pub fn add(&mut self, result: &TestResult) {
        let name = format!("{}.{}", result.source.name(), result.fork);
        let mut case = TestCase::new(xml(&result.id), status(result));
        case.set_classname(xml(&name)).set_time(Duration::from_nanos(result.time_ns));
        let suite = self.suites.entry(name.clone()).or_insert_with(|| TestSuite::new(xml(&name)));
        suite.add_test_case(case);
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
        let suite = self.suites.entry(suite.to_owned());
        suite.or_insert_with_key(|name| TestSuite::new(xml(name))).add_test_case(case);
    }

    /// The report, with what the record has beside tests.
    ///
    /// # Errors
    /// When a text cannot be written as XML.
    pub fn render(mut self, record: &Record) -> Result<String, String> {
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
        let mut report = Report::new("lockstep check");
        report.set_time(record.elapsed);
        report.add_test_suites(self.suites.into_values());
        report.to_string().map_err(|error| error.to_string())
    }

    fn add_problem(&mut self, suite: &str, name: &str, kind: NonSuccessKind, text: &str) {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(xml(text));
        self.add_case(suite, name, status);
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
