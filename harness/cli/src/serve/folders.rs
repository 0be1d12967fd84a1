//! What is in the folders, as a view.

use super::follow::{Follow, News};
use crate::{
    campaign::{Known, Part, Signature, Whole},
    fuzz::CAMPAIGN,
    live,
};
use lockstep_live::{
    View,
    view::{Finding, State, Table, Tile},
};
use lockstep_report::{
    bench::{Line, Record as Measurement},
    json::Reader,
    record::Verdict,
    terminal::Replay,
};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

/// A record that was not written for so long is not being written.
const STILL: Duration = Duration::from_secs(15);

/// Columns of the table of records.
const COLUMNS: [&str; 8] =
    ["record", "state", "done", "blocks a second", "findings", "commit", "machine", "written"];

/// The folders, and what was read of them.
pub(super) struct Folders {
    folders: Vec<PathBuf>,
    start: Instant,
    known: Known,
    checks: BTreeMap<PathBuf, Followed<Reader>>,
    measurements: BTreeMap<PathBuf, Followed<Measurement>>,
    /// When each record was last written, by its last look: where none changed, nothing is read.
    seen: BTreeMap<PathBuf, SystemTime>,
    was_running: bool,
}

/// A record of lines that is followed.
struct Followed<R> {
    file: Follow,
    record: R,
    /// Lines before the next.
    lines: usize,
    problem: Option<String>,
}

impl<R: Default> Followed<R> {
    fn new(path: &Path) -> Self {
        Self { file: Follow::new(path.to_owned()), record: R::default(), lines: 0, problem: None }
    }

    /// Takes what has come, line by line. A line that cannot be read is told, and the rest is read.
    fn read(&mut self, take: &mut dyn FnMut(&mut R, &str) -> Result<(), String>) {
        let news = match self.file.news() {
            Ok(Some(news)) => news,
            Ok(None) => return,
            Err(error) => {
                self.problem = Some(error.to_string());
                return;
            }
        };
        let text = match news {
            News::Lines(text) => text,
            News::Anew(text) => {
                (self.record, self.lines, self.problem) = (R::default(), 0, None);
                text
            }
        };
        for line in text.lines() {
            self.lines += 1;
            if let Err(problem) = take(&mut self.record, line) {
                self.problem = Some(format!("line {}: {problem}", self.lines));
            }
        }
    }
}

impl Folders {
    pub(super) fn new(folders: &[PathBuf]) -> Self {
        Self {
            folders: folders.to_vec(),
            start: Instant::now(),
            known: Known::new(),
            checks: BTreeMap::new(),
            measurements: BTreeMap::new(),
            seen: BTreeMap::new(),
            was_running: true,
        }
    }

    /// What is in the folders now.
    pub(super) fn view(&mut self) -> View {
        let names: Vec<String> =
            self.folders.iter().map(|folder| folder.display().to_string()).collect();
        let mut view = View {
            command: "serve".to_owned(),
            about: names.join(", "),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..View::default()
        };
        if let Some(change) = self.read_again() {
            change(&mut view);
        }
        view
    }

    /// Reads what has changed; what that changes in the view, or `None` where nothing has.
    pub(super) fn read_again(&mut self) -> Option<impl FnOnce(&mut View) + use<>> {
        let files = files(&self.folders);
        let is_new = files != self.seen;
        self.seen = files;
        // Once more after the last change: then it is over.
        if !is_new && !self.was_running {
            return None;
        }
        let folders: Vec<PathBuf> = self
            .seen
            .keys()
            .filter(|path| path.ends_with(CAMPAIGN))
            .filter_map(|path| path.parent().map(Path::to_owned))
            .collect();
        let whole = Whole::again(&folders, &mut self.known);
        self.follow();
        let now = SystemTime::now();
        let rows = self.rows(&whole, now);
        self.was_running = rows.iter().any(|row| row.is_running);
        let problems = self.problems(&whole);
        let findings = self.findings(&whole);
        let seconds = self.start.elapsed().as_secs_f64();
        Some(move |view: &mut View| fill(view, seconds, rows, findings, problems))
    }

    fn follow(&mut self) {
        // A record that was renamed or taken away is none any more.
        self.checks.retain(|path, _| self.seen.contains_key(path));
        self.measurements.retain(|path, _| self.seen.contains_key(path));
        for path in self.seen.keys() {
            if path.ends_with("check.jsonl") {
                let followed =
                    self.checks.entry(path.clone()).or_insert_with(|| Followed::new(path));
                followed.read(&mut |reader, line| reader.line(line));
            } else if path.ends_with("bench.jsonl") {
                let followed =
                    self.measurements.entry(path.clone()).or_insert_with(|| Followed::new(path));
                followed.read(&mut |record, line| {
                    let line: Line = serde_json::from_str(line)
                        .map_err(|error| format!("expected a line of a measurement: {error}"))?;
                    record.cut_short = !matches!(line, Line::End { .. });
                    record.add(line);
                    Ok(())
                });
            }
        }
    }

    fn rows(&self, whole: &Whole, now: SystemTime) -> Vec<Row> {
        let age = |path: &Path| {
            let written = self.seen.get(path).copied().unwrap_or(SystemTime::UNIX_EPOCH);
            // A node whose clock is ahead has just written.
            now.duration_since(written).unwrap_or_default()
        };
        let mut rows: Vec<Row> = whole
            .parts
            .iter()
            .map(|part| of_part(part, age(&part.folder.join(CAMPAIGN))))
            .collect();
        for (path, Followed { record: reader, .. }) in &self.checks {
            let record = reader.record();
            let is_over = !record.interrupted;
            rows.push(Row {
                name: path.display().to_string(),
                unit: "tests",
                done: record.counts.tests as u64,
                findings: record.counts.failed,
                seconds: record.elapsed.as_secs_f64(),
                ..Row::of_age(age(path), is_over)
            });
        }
        for (path, Followed { record, .. }) in &self.measurements {
            let wrong = record.sets.iter().filter(|set| set.verdict != Verdict::Agreed).count();
            rows.push(Row {
                name: path.display().to_string(),
                unit: "results",
                done: record.sets.len() as u64,
                findings: wrong,
                commit: record.circumstances.commit.clone().unwrap_or_default(),
                machine: record.circumstances.machine.name(),
                ..Row::of_age(age(path), !record.cut_short)
            });
        }
        rows
    }

    fn problems(&self, whole: &Whole) -> Vec<String> {
        let of_check = self.checks.iter().map(|(path, followed)| (path, &followed.problem));
        let of_bench = self.measurements.iter().map(|(path, followed)| (path, &followed.problem));
        let of_files = of_check.chain(of_bench).filter_map(|(path, problem)| {
            problem.as_ref().map(|problem| format!("{}: {problem}", path.display()))
        });
        let complaints =
            self.checks.values().flat_map(|followed| &followed.record.record().complaints);
        let empty = self.seen.is_empty().then(|| {
            "no records yet: expected campaign.json, check.jsonl or bench.jsonl here or in a folder below"
                .to_owned()
        });
        whole
            .unreadable
            .iter()
            .cloned()
            .chain(of_files)
            .chain(complaints.cloned())
            .chain(empty)
            .collect()
    }

    fn findings(&self, whole: &Whole) -> Vec<Finding> {
        let of_campaigns = whole.findings.iter().map(|(signature, found)| {
            let sessions = whole.parts.iter().flat_map(|part| &part.campaign.sessions);
            let count: u64 = sessions.filter_map(|session| session.findings.get(signature)).sum();
            of_signature(signature, found, count)
        });
        let of_checks = self.checks.iter().flat_map(|(path, followed)| {
            let replay = Replay { command: "lockstep check".to_owned() };
            followed.record.record().failures.iter().filter_map(move |result| {
                live::failed(result, path.display().to_string(), replay.of(result))
            })
        });
        let of_measurements = self.measurements.iter().flat_map(|(path, followed)| {
            let wrong = followed.record.sets.iter().filter(|set| set.verdict != Verdict::Agreed);
            let command = followed.record.circumstances.command.join(" ");
            let (seen, replay) = (path.display().to_string(), format!("lockstep {command}"));
            wrong.map(move |set| live::wrong(set, seen.clone(), replay.clone()))
        });
        of_campaigns.chain(of_checks).chain(of_measurements).collect()
    }
}

/// A record, as a row of the table.
#[derive(Debug, Default)]
struct Row {
    name: String,
    unit: &'static str,
    is_running: bool,
    state: &'static str,
    done: u64,
    of: Option<u64>,
    /// How many are done in a second, where that is known.
    rate: Option<f64>,
    seconds: f64,
    findings: usize,
    commit: String,
    machine: String,
    age: Duration,
}

impl Row {
    fn of_age(age: Duration, is_over: bool) -> Self {
        let is_running = !is_over && age < STILL;
        let state = match (is_over, is_running) {
            (true, _) => "complete",
            (false, true) => "running",
            (false, false) => "stopped",
        };
        Self { is_running, state, age, ..Self::default() }
    }

    fn cells(&self) -> Vec<String> {
        let of = self.of.map_or_else(String::new, |of| format!(" of {of}"));
        let age = humantime::format_duration(Duration::from_secs(self.age.as_secs()));
        vec![
            self.name.clone(),
            self.state.to_owned(),
            format!("{}{of} {}", self.done, self.unit),
            self.rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}")),
            self.findings.to_string(),
            self.commit.chars().take(12).collect(),
            self.machine.clone(),
            format!("{age} ago"),
        ]
    }
}

fn of_part(part: &Part, age: Duration) -> Row {
    let campaign = &part.campaign;
    let last = campaign.sessions.last();
    let seconds: f64 = campaign.sessions.iter().map(|session| session.seconds).sum();
    Row {
        name: part.folder.display().to_string(),
        unit: "seeds",
        done: campaign.next_seed.saturating_sub(campaign.first_seed),
        of: campaign.seeds,
        rate: (seconds > 0.0).then(|| campaign.blocks as f64 / seconds),
        seconds,
        findings: campaign.findings,
        commit: last.and_then(|last| last.commit.clone()).unwrap_or_default(),
        machine: last.map(|last| last.machine.clone()).unwrap_or_default(),
        ..Row::of_age(age, part.complete == Some(true))
    }
}

fn of_signature(signature: &str, found: &Signature, count: u64) -> Finding {
    Finding {
        signature: signature.to_owned(),
        executor: found.saved.executor.clone(),
        kind: found.saved.kind.clone(),
        trial: found.saved.block.clone(),
        text: found.saved.lines(),
        replay: found.saved.replay.clone(),
        seen: found.first_seen.clone().unwrap_or_default(),
        count: count.max(1),
        change: 0,
    }
}

fn fill(
    view: &mut View,
    seconds: f64,
    rows: Vec<Row>,
    findings: Vec<Finding>,
    problems: Vec<String>,
) {
    let unit = rows.first().map_or("records", |row| row.unit);
    let done: u64 = rows.iter().filter(|row| row.unit == unit).map(|row| row.done).sum();
    view.unit = unit;
    view.of = rows.iter().map(|row| row.of).sum();
    view.progress(seconds, done);
    view.seconds = rows.iter().map(|row| row.seconds).fold(0.0, f64::max);
    let is_running = rows.iter().any(|row| row.is_running);
    view.state = if is_running { State::Running } else { State::Finished };
    let count = |state: &str| rows.iter().filter(|row| row.state == state).count();
    view.tiles = ["running", "complete", "stopped"]
        .iter()
        .map(|state| Tile::new(&format!("records {state}"), count(state)))
        .collect();
    view.table = Table {
        name: "Records",
        columns: COLUMNS.to_vec(),
        rows: rows.iter().map(Row::cells).collect(),
    };
    view.problems.clear();
    problems.into_iter().for_each(|problem| view.problem(problem));
    findings.into_iter().for_each(|finding| view.find(finding));
}

/// The records in the folders and in those below, with when each was written.
fn files(folders: &[PathBuf]) -> BTreeMap<PathBuf, SystemTime> {
    let mut found = BTreeMap::new();
    for folder in folders {
        let below = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        for folder in below.chain([folder.clone()]) {
            for name in [CAMPAIGN, "check.jsonl", "bench.jsonl"] {
                let path = folder.join(name);
                let written: io::Result<_> = fs::metadata(&path).and_then(|file| file.modified());
                if let Ok(written) = written {
                    found.insert(path, written);
                }
            }
        }
    }
    found
}
