//! What there is to see of a run.

use serde::Serialize;
use std::collections::{HashMap, VecDeque};

/// The most findings that a view lists. Further ones are counted.
pub const MOST_FINDINGS: usize = 1_000;

/// The most rows of a table; the oldest go first.
pub const MOST_ROWS: usize = 1_000;

/// The most seconds of which the rate is kept.
const MOST_RATES: usize = 120;

/// After so many seconds without one more the rate is zero.
const STANDS_STILL: f64 = 5.0;

/// The most problems that are listed; the oldest go first.
const MOST_PROBLEMS: usize = 50;

/// A run, as one looks at it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct View {
    /// The command, as in `fuzz`.
    pub command: String,
    /// What it does, in a line.
    pub about: String,
    /// The version of Lockstep.
    pub version: String,
    /// Where the run is.
    pub state: State,
    /// For how long it has run, in seconds.
    pub seconds: f64,
    /// What is counted, in the plural.
    pub unit: &'static str,
    /// How many of them are done.
    pub done: u64,
    /// How many there are to be, where that is known.
    pub of: Option<u64>,
    /// How many were done in each of the last seconds.
    pub rates: Rates,
    /// Figures with their names.
    pub tiles: Vec<Tile>,
    /// How much of what there is to reach was reached.
    pub coverage: Vec<Coverage>,
    /// What each worker is at.
    pub workers: Vec<Worker>,
    /// Results in rows, where the run has such.
    pub table: Table,
    /// What is wrong with the run itself.
    pub problems: VecDeque<String>,
    /// What was found. Not a part of the serialised view: see [`Findings::since`].
    #[serde(skip)]
    pub findings: Findings,
    /// How many findings there are, of how many kinds, and how many of these are not listed.
    pub totals: Totals,
}

/// Where a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It goes on.
    #[default]
    Running,
    /// It was asked to pause.
    Paused,
    /// It was asked to stop, and does what has to be done before.
    Stopping,
    /// It is over.
    Finished,
}

impl State {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopping => "stopping",
            Self::Finished => "finished",
        }
    }
}

/// A figure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tile {
    /// Its name.
    pub name: String,
    /// Its value, as it is shown.
    pub value: String,
}

impl Tile {
    /// A figure.
    pub fn new(name: &str, value: impl ToString) -> Self {
        Self { name: name.to_owned(), value: value.to_string() }
    }
}

/// How much of something was reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Of what.
    pub name: String,
    /// How many were reached.
    pub reached: usize,
    /// How many there are.
    pub all: usize,
    /// Those that were not.
    pub missing: Vec<String>,
}

/// A worker and what it is at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Worker {
    /// Its name.
    pub name: String,
    /// The executor that runs.
    pub executor: String,
    /// The block or test.
    pub trial: String,
}

/// Rows of text under the names of their columns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Table {
    /// What the rows are, in the plural.
    pub name: &'static str,
    /// Names of the columns.
    pub columns: Vec<&'static str>,
    /// The rows, each as long as there are columns.
    pub rows: VecDeque<Vec<String>>,
}

impl Table {
    /// Adds a row.
    pub fn push(&mut self, row: Vec<String>) {
        self.rows.push_back(row);
        while self.rows.len() > MOST_ROWS {
            self.rows.pop_front();
        }
    }
}

/// How many were done in each of the last seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Rates {
    rates: VecDeque<f64>,
    #[serde(skip)]
    last: Option<(f64, u64)>,
}

impl Rates {
    /// Takes how many are done after so many seconds.
    pub fn note(&mut self, seconds: f64, done: u64) {
        let Some((last_seconds, last_done)) = self.last else {
            self.last = Some((seconds, done));
            return;
        };
        let passed = seconds - last_seconds;
        // A record that is written every other second says nothing new in between.
        if passed >= 1.0 && (done != last_done || passed >= STANDS_STILL) {
            self.rates.push_back(done.saturating_sub(last_done) as f64 / passed);
            self.last = Some((seconds, done));
        }
        while self.rates.len() > MOST_RATES {
            self.rates.pop_front();
        }
    }

    /// From the oldest to the newest, a second.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = f64> {
        self.rates.iter().copied()
    }
}

/// Something that was found: all of one signature.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What makes it the same finding as another one.
    pub signature: String,
    /// The executor that is wrong.
    pub executor: String,
    /// How it is wrong, in a word.
    pub kind: String,
    /// The block or test.
    pub trial: String,
    /// How it is wrong.
    pub text: String,
    /// The command that shows it again.
    pub replay: String,
    /// When it was first seen, in words.
    pub seen: String,
    /// How often it was found.
    pub count: u64,
    /// The number of the last change to it: greater than that of any change before.
    pub change: u64,
}

/// Findings by signature, in the order in which they were first found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    rows: Vec<Finding>,
    known: HashMap<String, Known>,
    changes: u64,
}

/// A signature that was found before.
#[derive(Debug, Clone, Copy)]
struct Known {
    count: u64,
    /// Its row, where it is listed.
    place: Option<usize>,
}

/// Counts of findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Findings.
    pub findings: u64,
    /// Kinds of them.
    pub kinds: u64,
    /// Kinds that are not listed.
    pub left_out: u64,
}

impl Findings {
    /// All that are listed.
    pub fn rows(&self) -> &[Finding] {
        &self.rows
    }

    /// Those that changed after the change with this number.
    pub fn since(&self, change: u64) -> impl Iterator<Item = &Finding> {
        self.rows.iter().filter(move |row| row.change > change)
    }

    /// The number of the last change.
    pub const fn changes(&self) -> u64 {
        self.changes
    }
}

impl View {
    /// Adds a finding, or says how often one that is known was found. What is too much for the list is counted.
    pub fn find(&mut self, finding: Finding) {
        if self.found_again(&finding.signature, finding.count) {
            return;
        }
        let findings = &mut self.findings;
        self.totals.findings += finding.count;
        self.totals.kinds += 1;
        let place = (findings.rows.len() < MOST_FINDINGS).then_some(findings.rows.len());
        findings.known.insert(finding.signature.clone(), Known { count: finding.count, place });
        if place.is_some() {
            findings.changes += 1;
            findings.rows.push(Finding { change: findings.changes, ..finding });
        } else {
            self.totals.left_out += 1;
        }
    }

    /// Says how often a finding was found. False where it is not known.
    pub fn found_again(&mut self, signature: &str, count: u64) -> bool {
        let findings = &mut self.findings;
        let Some(known) = findings.known.get_mut(signature) else { return false };
        if known.count != count {
            self.totals.findings = self.totals.findings - known.count + count;
            known.count = count;
            if let Some(row) = known.place.map(|place| &mut findings.rows[place]) {
                findings.changes += 1;
                (row.count, row.change) = (count, findings.changes);
            }
        }
        true
    }

    /// A copy that lists no findings.
    pub fn without_findings(&self) -> Self {
        Self {
            command: self.command.clone(),
            about: self.about.clone(),
            version: self.version.clone(),
            rates: self.rates.clone(),
            tiles: self.tiles.clone(),
            coverage: self.coverage.clone(),
            workers: self.workers.clone(),
            table: self.table.clone(),
            problems: self.problems.clone(),
            findings: Findings::default(),
            ..*self
        }
    }

    /// Says how far the run is.
    pub fn progress(&mut self, seconds: f64, done: u64) {
        (self.seconds, self.done) = (seconds, done);
        self.rates.note(seconds, done);
    }

    /// Adds something that is wrong with the run itself.
    pub fn problem(&mut self, text: String) {
        self.problems.push_back(text);
        while self.problems.len() > MOST_PROBLEMS {
            self.problems.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(signature: &str, count: u64) -> Finding {
        Finding { signature: signature.to_owned(), count, ..Finding::default() }
    }

    #[test]
    fn a_change_is_seen_by_those_who_have_not_seen_it() {
        let mut view = View::default();
        view.find(finding("a", 1));
        view.find(finding("b", 1));
        let seen = view.findings.changes();
        view.find(finding("a", 1));
        assert_eq!(view.findings.since(seen).count(), 0);
        view.find(finding("a", 3));
        let changed: Vec<_> =
            view.findings.since(seen).map(|row| (&*row.signature, row.count)).collect();
        assert_eq!(changed, [("a", 3)]);
        assert_eq!(view.totals, Totals { findings: 4, kinds: 2, left_out: 0 });
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let mut view = View::default();
        for _ in 0..2 {
            (0..MOST_FINDINGS + 3).for_each(|number| view.find(finding(&number.to_string(), 1)));
        }
        assert_eq!(view.findings.rows().len(), MOST_FINDINGS);
        let all = MOST_FINDINGS as u64 + 3;
        assert_eq!(view.totals, Totals { findings: all, kinds: all, left_out: 3 });
    }

    #[test]
    fn a_rate_is_that_of_the_last_seconds() {
        let mut rates = Rates::default();
        for (seconds, done) in [(0.0, 0), (0.5, 10), (1.0, 30), (1.5, 40), (3.0, 130)] {
            rates.note(seconds, done);
        }
        assert_eq!(rates.iter().collect::<Vec<_>>(), [30.0, 50.0]);
        for (seconds, done) in [(4.0, 130), (5.0, 150), (9.0, 150), (10.0, 150)] {
            rates.note(seconds, done);
        }
        assert_eq!(rates.iter().skip(2).collect::<Vec<_>>(), [10.0, 0.0]);
    }
}
