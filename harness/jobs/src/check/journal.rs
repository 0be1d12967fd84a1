//! The journal of a run, which outlives its process.
//!
//! An executor that overflows its stack or calls `abort` takes the process with it. So a supervised
//! run writes down what it does: which test each worker is at, which executor it runs, and every
//! result once it has been reported. Another process can go on from there, and say who crashed.
//!
//! One line an entry, written straight through: it needs no order to survive, only the process to
//! have written it.

use super::desk::TestName;
use lockstep_formats::{OtherFile, SourceError};
use lockstep_judge::definition::SourceKind;
use lockstep_report::record::{Cases, Status, TestResult, Verdict};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};

/// An entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Entry {
    /// A process begins, or a proof has ended: nothing from before is in flight any more.
    Begin,
    /// A worker turns to a test; `alone`: no other test runs meanwhile.
    Turn { worker: usize, test: TestName, alone: bool },
    /// A worker gives the test to an executor.
    Run { worker: usize, executor: String },
    /// A test was reported.
    Result(Box<TestResult>),
    /// An input that could not be read was reported.
    Unreadable(SourceError),
    /// A file without tests was reported.
    Other(OtherFile),
}

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal(Mutex<File>);

/// What a journal says of the processes before.
#[derive(Debug, Default)]
pub struct Past {
    /// What they have reported.
    pub results: Vec<TestResult>,
    /// Inputs that they have reported as unreadable.
    pub unreadable: Vec<SourceError>,
    /// Files without tests that they have reported.
    pub others: Vec<OtherFile>,
    /// What was in flight when the last of them ended.
    in_flight: Vec<InFlight>,
}

#[derive(Debug, Clone)]
struct InFlight {
    test: TestName,
    executor: Option<String>,
    alone: bool,
}

impl Journal {
    /// Reads what is there, and goes on writing.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(path: &Path) -> io::Result<(Self, Past)> {
        let past = Past::of(path)?;
        let file = OpenOptions::new().append(true).open(path)?;
        let journal = Self(Mutex::new(file));
        journal.write(&Entry::Begin);
        Ok((journal, past))
    }

    pub(crate) fn turn(&self, worker: usize, test: &TestName, alone: bool) {
        self.write(&Entry::Turn { worker, test: test.clone(), alone });
    }

    pub(crate) fn run(&self, worker: usize, executor: &str) {
        self.write(&Entry::Run { worker, executor: executor.to_owned() });
    }

    /// A test was reported: no later process needs to run it.
    pub fn result(&self, result: &TestResult) {
        self.write(&Entry::Result(Box::new(result.clone())));
    }

    /// Runs the proof that an executor is parallel, so that a crash of it is known for what it is.
    pub fn watch_proof<T>(&self, executor: &str, prove: impl FnOnce() -> T) -> T {
        let (origin, fork) = (String::new(), String::new());
        let id = proof_id(executor);
        self.turn(usize::MAX, &TestName { id, origin, source: SourceKind::BuiltIn, fork }, true);
        self.run(usize::MAX, executor);
        let proof = prove();
        self.write(&Entry::Begin);
        proof
    }

    /// An input was reported as unreadable.
    pub fn unreadable(&self, error: &SourceError) {
        self.write(&Entry::Unreadable(error.clone()));
    }

    /// A file without tests was reported.
    pub fn other(&self, other: &OtherFile) {
        self.write(&Entry::Other(other.clone()));
    }

    /// A journal that can no longer be written costs the isolation, not the run.
    fn write(&self, entry: &Entry) {
        let mut line = serde_json::to_vec(entry).expect("strings and numbers");
        line.push(b'\n');
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line);
    }
}

impl Past {
    /// Reads a journal without going on with it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of(path: &Path) -> io::Result<Self> {
        Ok(Self::read(&std::fs::read_to_string(path)?))
    }

    fn read(text: &str) -> Self {
        let mut past = Self::default();
        let mut at: BTreeMap<usize, InFlight> = BTreeMap::new();
        // The last line may be cut short.
        for entry in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
            match entry {
                Entry::Begin => at.clear(),
                Entry::Turn { worker, test, alone } => {
                    // A solo test starts only after all pending tests have finished, and
                    // who ran alone has ended where anybody begins.
                    at.retain(|_, other: &mut InFlight| !alone && !other.alone);
                    at.insert(worker, InFlight { test, executor: None, alone });
                }
                Entry::Run { worker, executor } => {
                    if let Some(in_flight) = at.get_mut(&worker) {
                        in_flight.executor = Some(executor);
                    }
                }
                Entry::Result(result) => past.results.push(*result),
                Entry::Unreadable(error) => past.unreadable.push(error),
                Entry::Other(other) => past.others.push(other),
            }
        }
        let done: HashSet<&str> = past.results.iter().map(|result| result.id.as_str()).collect();
        let left = at.into_values().filter(|in_flight| !done.contains(in_flight.test.id.as_str()));
        past.in_flight = left.collect();
        past
    }

    /// The result of the test that ended the process, where it is known which one that was.
    pub fn culprit(&self, how: &str) -> Option<TestResult> {
        let alone = self.in_flight.iter().find(|in_flight| in_flight.alone);
        let only = || (self.in_flight.len() == 1).then(|| &self.in_flight[0]);
        alone.or_else(only).map(|in_flight| crashed(in_flight, how))
    }

    /// Tests one of which ended the process. Each must run alone next, to find out.
    pub fn suspects(&self) -> HashSet<String> {
        self.in_flight.iter().map(|in_flight| in_flight.test.id.clone()).collect()
    }
}

fn crashed(in_flight: &InFlight, how: &str) -> TestResult {
    let InFlight { test, executor, .. } = in_flight.clone();
    let executor = executor.unwrap_or_else(|| "the harness itself".to_owned());
    TestResult {
        id: test.id,
        origin: test.origin,
        source: test.source,
        fork: test.fork,
        status: Status::Failed,
        verdict: Some(Verdict::Inconclusive),
        reason: Some(format!("executor crashed: {executor}: {how}")),
        differences: Vec::new(),
        undecidable: Vec::new(),
        time_ns: 0,
        cases: Cases::of(Verdict::Inconclusive),
        runs: Vec::new(),
        packed: None,
        outcomes: Vec::new(),
    }
}

/// The id under which the proof that an executor is parallel stands, should it crash.
pub fn proof_id(executor: &str) -> String {
    format!("proof that {executor} is parallel")
}

/// What a run that goes on needs to know while it runs.
#[derive(Debug, Default)]
pub struct Resume {
    /// How often each id was reported: ids may occur in several inputs.
    done: Mutex<HashMap<String, usize>>,
    suspects: HashSet<String>,
}

impl Resume {
    /// Leaves out what was reported, and keeps suspects apart.
    pub fn new(done: &[TestResult], suspects: HashSet<String>) -> Self {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for result in done {
            *counts.entry(result.id.clone()).or_default() += 1;
        }
        Self { done: Mutex::new(counts), suspects }
    }

    /// Whether this test was reported by a process before. Each report counts once.
    pub fn take_done(&self, id: &str) -> bool {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        match done.get_mut(id) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        }
    }

    /// Whether this test must run alone.
    pub(crate) fn is_suspect(&self, id: &str) -> bool {
        self.suspects.contains(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_judge::definition::SourceKind;

    fn test(id: &str) -> TestName {
        let (origin, fork) = (String::new(), "Osaka".to_owned());
        TestName { id: id.to_owned(), origin, source: SourceKind::BuiltIn, fork }
    }

    fn written(entries: impl FnOnce(&Journal)) -> Past {
        let file = tempfile::NamedTempFile::new().unwrap();
        entries(&Journal::open(file.path()).unwrap().0);
        Journal::open(file.path()).unwrap().1
    }

    #[test]
    fn one_test_in_flight_is_the_culprit() {
        let past = written(|journal| {
            journal.turn(0, &test("a"), false);
            journal.run(0, "reference");
            journal.run(0, "mine@2");
        });
        let culprit = past.culprit("signal 6").unwrap();
        assert_eq!(culprit.id, "a");
        assert_eq!(culprit.reason.unwrap(), "executor crashed: mine@2: signal 6");
    }

    #[test]
    fn two_tests_in_flight_are_suspects_until_one_crashes_alone() {
        let past = written(|journal| {
            journal.turn(0, &test("a"), false);
            journal.turn(1, &test("b"), false);
        });
        assert!(past.culprit("signal 6").is_none());
        assert_eq!(past.suspects().len(), 2);
        let past = written(|journal| {
            journal.turn(1, &test("b"), false);
            journal.turn(0, &test("a"), true);
        });
        assert_eq!(past.culprit("signal 6").unwrap().id, "a");
    }

    /// Results are reported in the order of tests, so one may wait for another that crashes.
    #[test]
    fn who_has_run_alone_is_not_blamed_for_the_next() {
        let past = written(|journal| {
            journal.turn(0, &test("a"), true);
            journal.turn(1, &test("b"), true);
        });
        assert_eq!(past.culprit("signal 6").unwrap().id, "b");
        let past = written(|journal| {
            journal.turn(0, &test("a"), true);
            journal.turn(1, &test("b"), false);
        });
        assert_eq!(past.culprit("signal 6").unwrap().id, "b");
    }

    #[test]
    fn reported_tests_are_not_in_flight_and_are_left_out_once_each() {
        let past = written(|journal| {
            journal.turn(0, &test("a"), false);
            let in_flight = InFlight { test: test("a"), executor: None, alone: false };
            journal.result(&crashed(&in_flight, "x"));
        });
        assert!(past.suspects().is_empty());
        let resume = Resume::new(&past.results, HashSet::new());
        assert_eq!([resume.take_done("a"), resume.take_done("a")], [true, false]);
        assert!(!resume.take_done("b"));
    }

    #[test]
    fn a_new_process_has_nothing_in_flight() {
        let file = tempfile::NamedTempFile::new().unwrap();
        Journal::open(file.path()).unwrap().0.turn(0, &test("a"), false);
        drop(Journal::open(file.path()).unwrap());
        assert!(Journal::open(file.path()).unwrap().1.suspects().is_empty());
    }
}
