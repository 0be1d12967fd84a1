//! JSON lines: one object for each test and each unreadable input, and the summary last. Written
//! and read by the same types, so that a record can be rendered again, or merged with others.

use crate::record::{
    CaseOutcome, Cases, Counts, ExecutorTotals, PackedBlock, PackedTotals, ProvedRoots, Record,
    Status, TestResult, Verdict,
};
use lockstep_cases::pack::Packing;
use lockstep_formats::{OtherFile, SourceError};
use lockstep_judge::{definition::SourceKind, difference::Difference};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap, time::Duration};

/// One line of a record.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Test(Box<TestLine>),
    Unreadable(SourceError),
    Other(OtherFile),
    Summary(Box<SummaryLine>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct TestLine {
    id: String,
    source: SourceKind,
    fork: String,
    status: Status,
    verdict: Option<Verdict>,
    reason: Option<String>,
    differences: Vec<Difference>,
    /// The archive, folder or file that the user named and that led to the test.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    origin: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    undecidable: Vec<Cow<'static, str>>,
    #[serde(default)]
    cases: Cases,
    #[serde(default)]
    time_ns: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    packed: Option<PackedLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    outcomes: Vec<CaseOutcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    roots: Option<ProvedRoots>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct PackedLine {
    mode: Cow<'static, str>,
    transactions: usize,
    left_out: usize,
    members: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct SummaryLine {
    #[serde(flatten)]
    counts: Counts,
    unreadable: usize,
    #[serde(default)]
    other_files: usize,
    seconds: f64,
    interrupted: bool,
    executors: BTreeMap<String, ExecutorTotals>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    packing: Option<Packing>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    packed: BTreeMap<Cow<'static, str>, PackedTotals>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    complaints: Vec<String>,
}

fn write(line: &Line) -> String {
    serde_json::to_string(line).expect("strings and numbers")
}

/// The line of a test, without the line end.
pub fn test_line(result: &TestResult) -> String {
    let packed = result.packed.clone();
    write(&Line::Test(Box::new(TestLine {
        id: result.id.clone(),
        source: result.source,
        fork: result.fork.clone(),
        status: result.status,
        verdict: result.verdict,
        reason: result.reason.clone(),
        differences: result.differences.clone(),
        origin: result.origin.clone(),
        undecidable: result.undecidable.clone(),
        cases: result.cases,
        time_ns: result.time_ns,
        packed: packed.map(|packed| PackedLine {
            mode: packed.mode,
            transactions: packed.members.len(),
            left_out: packed.left_out,
            members: packed.members,
        }),
        outcomes: result.outcomes.clone(),
        roots: result.roots,
    })))
}

/// The line of an input that could not be read, without the line end.
pub fn unreadable_line(error: &SourceError) -> String {
    write(&Line::Unreadable(error.clone()))
}

/// The line of a file without tests, without the line end.
pub fn other_line(other: &OtherFile) -> String {
    write(&Line::Other(other.clone()))
}

/// The summary line, without the line end.
pub fn summary_line(record: &Record) -> String {
    write(&Line::Summary(Box::new(SummaryLine {
        counts: record.counts,
        unreadable: record.unreadable.len(),
        other_files: record.others.len(),
        seconds: record.elapsed.as_secs_f64(),
        interrupted: record.interrupted,
        executors: record.executors.clone(),
        packing: record.packing,
        packed: record.packed.clone(),
        complaints: record.complaints.clone(),
    })))
}

/// A record that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct RecordError {
    /// The line, from one.
    pub line: usize,
    /// The problem with it.
    pub problem: String,
}

/// A record that is read line by line.
#[derive(Debug)]
pub struct Reader {
    record: Record,
}

impl Default for Reader {
    /// Before the first line. A record without its last line counts as interrupted.
    fn default() -> Self {
        Self { record: Record { interrupted: true, ..Record::default() } }
    }
}

impl Reader {
    /// Takes a line.
    ///
    /// # Errors
    /// When it is no line of a record, or a summary of other tests than those before it.
    pub fn line(&mut self, line: &str) -> Result<(), String> {
        let line = serde_json::from_str(line).map_err(|error| not_a_line(&error))?;
        self.take(line, &mut |_| {})
    }

    /// What the lines so far add up to.
    pub const fn record(&self) -> &Record {
        &self.record
    }

    fn take(&mut self, line: Line, on_test: &mut dyn FnMut(&TestResult)) -> Result<(), String> {
        match line {
            Line::Test(test) => {
                let result = test_result(*test);
                on_test(&result);
                self.record.add(result);
            }
            Line::Unreadable(error) => self.record.unreadable.push(error),
            Line::Other(other) => self.record.others.push(other),
            Line::Summary(summary) => summarise(&mut self.record, *summary)?,
        }
        Ok(())
    }
}

fn not_a_line(error: &serde_json::Error) -> String {
    format!("expected a line of a Lockstep record: {error}")
}

/// Reads a record, calls `on_test` with every test, in order, and gives what it adds up to.
///
/// # Errors
/// The first line that is not one of a record. A record without its last line was cut short: that is
/// no error, it counts as interrupted.
pub fn read(text: &str, on_test: &mut dyn FnMut(&TestResult)) -> Result<Record, RecordError> {
    let mut reader = Reader::default();
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
    while let Some((index, line)) = lines.next() {
        let wrong = |problem: String| RecordError { line: index + 1, problem };
        let line: Line = match serde_json::from_str(line) {
            Ok(line) => line,
            // The last line of a record that was cut short.
            Err(error) if error.is_eof() && lines.peek().is_none() => break,
            Err(error) => return Err(wrong(not_a_line(&error))),
        };
        reader.take(line, on_test).map_err(wrong)?;
    }
    Ok(reader.record)
}

fn test_result(line: TestLine) -> TestResult {
    let packed = |packed: PackedLine| PackedBlock {
        mode: packed.mode,
        members: packed.members,
        left_out: packed.left_out,
    };
    TestResult {
        id: line.id,
        origin: line.origin,
        source: line.source,
        fork: line.fork,
        status: line.status,
        verdict: line.verdict,
        reason: line.reason,
        differences: line.differences,
        undecidable: line.undecidable,
        cases: line.cases,
        time_ns: line.time_ns,
        runs: Vec::new(),
        packed: line.packed.map(packed),
        outcomes: line.outcomes,
        roots: line.roots,
    }
}

/// Adds the facts that only the summary holds. Its counts must equal those of the tests.
fn summarise(record: &mut Record, summary: SummaryLine) -> Result<(), String> {
    if record.counts != summary.counts || record.unreadable.len() != summary.unreadable {
        return Err(format!(
            "expected a summary of the {} tests above it ({} failed, {} unreadable inputs), found \
             one of {} ({} failed, {} unreadable): lines are missing, or were changed",
            record.counts.tests,
            record.counts.failed,
            record.unreadable.len(),
            summary.counts.tests,
            summary.counts.failed,
            summary.unreadable
        ));
    }
    record.elapsed = Duration::try_from_secs_f64(summary.seconds).unwrap_or_default();
    record.interrupted = summary.interrupted;
    record.executors = summary.executors;
    record.packing = summary.packing;
    record.packed = summary.packed;
    record.complaints = summary.complaints;
    Ok(())
}
