//! `lockstep report`.

use crate::{
    Lockstep,
    args::{ReportArgs, ReportFormat},
    files, fuzz, output, rerun,
};
use alloy_primitives::hex;
use anyhow::{Context, Result, anyhow, bail};
use lockstep_report::{
    bench::{Line, Record as Measurement, Table},
    board::Board,
    ctrf,
    found::Found,
    html, json,
    junit::{Junit, Limits},
    markdown,
    profile::{self, Profile},
    projections,
    record::{Record, TestResult},
    results::{ClientRun, Killed, Mutant},
    sarif, schema,
    simulation::{self, Simulation},
    slow_blocks, terminal,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{
    collections::{HashSet, hash_map::RandomState},
    fmt::Write as _,
    fs,
    hash::BuildHasher,
    path::Path,
};

/// Exit status where a record could not be read.
const EXIT_UNREADABLE: u8 = 2;

/// The records that the command has read so far.
#[derive(Default)]
struct Merged {
    /// All runs of `check` as one.
    record: Record,
    /// Every test, where it is rendered one by one.
    tests: Vec<TestResult>,
    keeps_tests: bool,
    board: Board,
    /// Digests of the tests of all records, to see whether they are parts of one run.
    ids: HashSet<u64>,
    hasher: RandomState,
}

/// Runs the command; gives its exit status.
pub(crate) fn report(args: &ReportArgs, command: &Lockstep) -> Result<u8> {
    output::set_color(args.color);
    if args.schema {
        let schema = serde_json::to_string_pretty(&schema::of_a_line()).context("the schema")?;
        output::out(&format!("{schema}\n"));
        return Ok(0);
    }
    let was_there = args.out.as_ref().is_some_and(|out| out.exists());
    if let Some(out) = &args.out {
        files::can_be_written(out)?;
    }
    let one_by_one = [ReportFormat::Json, ReportFormat::Junit, ReportFormat::Ctrf];
    let mut merged = Merged { keeps_tests: one_by_one.contains(&args.format), ..Merged::default() };
    let mut all_read = true;
    for file in &args.files {
        if fuzz::is_fixture(file) {
            output::err(&format!("{}: a test, of the finding beside it\n", file.display()));
            continue;
        }
        if let Err(error) = merged.add(file) {
            output::error(&format!("{error:#}"));
            all_read = false;
        }
    }
    if merged.is_empty() {
        bail!("none of the records could be read");
    }
    if args.rerun {
        return rerun::rerun(&merged.board, command);
    }
    let texts = merged.render(args)?;
    match &args.out {
        Some(out) => write(out, was_there, &texts)?,
        None => texts.iter().for_each(|text| output::out(text)),
    }
    let status = merged.exit_status();
    Ok(if status == 1 || all_read { status } else { EXIT_UNREADABLE })
}

/// One document under its name; several as NAME-1, NAME-2, ...
fn write(out: &Path, was_there: bool, texts: &[String]) -> Result<()> {
    let stem = out.file_stem().unwrap_or_default().to_string_lossy();
    let extension =
        out.extension().map_or(String::new(), |end| format!(".{}", end.to_string_lossy()));
    let numbered = |number: usize| out.with_file_name(format!("{stem}-{number}{extension}"));
    if let [text] = texts {
        return files::replace(out, text);
    }
    for (number, text) in (1..).zip(texts) {
        files::replace(&numbered(number), text)?;
    }
    // Those of an earlier run that had more: a CI would take them for results of this one.
    for stale in (texts.len() + 1..).map(numbered).take_while(|path| path.exists()) {
        fs::remove_file(&stale)
            .with_context(|| format!("{}: cannot be removed", stale.display()))?;
    }
    // Made to see whether it can be written; the documents stand beside it.
    if was_there { Ok(()) } else { fs::remove_file(out).with_context(|| out.display().to_string()) }
}

impl Merged {
    fn is_empty(&self) -> bool {
        let board = &self.board;
        board.checks.is_empty()
            && board.measurements.is_empty()
            && board.faults.is_empty()
            && board.simulations.is_empty()
            && board.profiles.is_empty()
            && board.found.is_empty()
            && board.slow_blocks.is_empty()
            && board.mutants.is_empty()
            && board.clients.is_empty()
    }

    /// Adds a file, whose content tells what it is.
    fn add(&mut self, file: &Path) -> Result<()> {
        let name = file.display().to_string();
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
        if text.trim_start().starts_with('[') {
            self.add_array(&name, &text)?;
        } else if Found::is_one(&text) {
            self.board.found.push(found(file, &text)?);
        } else if slow_blocks::is_one(&text) {
            let (blocks, unknown) = slow_blocks::read(&name, &text);
            if unknown > 0 {
                output::err(&format!(
                    "{name}: {unknown} lines tell of a slow block in a form that is not known\n"
                ));
            }
            self.board.slow_blocks.extend(blocks);
        } else if Simulation::is_one(&text) {
            self.board.simulations.extend(lines_of(&name, &text)?);
        } else if Profile::is_one(&text) {
            self.board.profiles.extend(lines_of(&name, &text)?);
        } else if text.is_empty() || Measurement::is_one(&text) {
            let record = Measurement::read(&text).map_err(|error| anyhow!("{name}: {error}"))?;
            warn_of_ends(&name, record.interrupted, record.cut_short);
            self.board.measurements.push((name, record));
        } else {
            let (mut tests, mut digests) = (Vec::new(), Vec::new());
            let (keeps, hasher) = (self.keeps_tests, &self.hasher);
            let record = json::read(&text, &mut |test| {
                digests.push(hasher.hash_one((&test.origin, &test.id)));
                tests.extend(keeps.then(|| test.clone()));
            });
            let record = record.map_err(|error| anyhow!("{name}: {error}"))?;
            warn_of_ends(&name, record.interrupted, false);
            self.warn_of_overlap(file, digests);
            self.record.merge(record.clone());
            self.tests.extend(tests);
            self.board.checks.push((name, record));
        }
        Ok(())
    }

    /// Planted faults, mutants, or a client's rows: the fields of the first element tell.
    fn add_array(&mut self, name: &str, text: &str) -> Result<()> {
        let all: Value = serde_json::from_str(text).with_context(|| name.to_owned())?;
        let has = |field: &str| all.get(0).is_some_and(|first| first.get(field).is_some());
        if has("result") {
            self.board.mutants.extend(array::<Mutant>(name, all, "the mutants of tools/mutants")?);
        } else if has("pass") {
            let tests = array(name, all, "rows of the interface that runners share")?;
            self.board.clients.push(ClientRun::of(name, tests));
        } else {
            self.board.faults = array(name, all, "what `lockstep faults --out` writes")?;
        }
        Ok(())
    }

    /// Parts of one run have no test in common; runs of the same tests cannot be told apart here. A digest is kept of each
    /// test: records of many nodes have millions.
    fn warn_of_overlap(&mut self, file: &Path, digests: Vec<u64>) {
        let common = digests.iter().filter(|digest| self.ids.contains(digest)).count();
        if common > 0 {
            output::err(&format!(
                "{}: {common} of its tests are in an earlier record too, and count twice\n",
                file.display()
            ));
        }
        self.ids.extend(digests);
    }

    fn render(&self, args: &ReportArgs) -> Result<Vec<String>> {
        let version = env!("CARGO_PKG_VERSION");
        let failures_only = args.failures_only;
        Ok(vec![match args.format {
            ReportFormat::Human => self.human(),
            ReportFormat::Json => self.json(),
            ReportFormat::Junit => {
                return self.junit(Limits { failures_only, most_tests: args.most_tests });
            }
            ReportFormat::Ctrf => {
                pretty(&ctrf::render(&self.board, &self.tests, failures_only, version))?
            }
            ReportFormat::Sarif => pretty(&sarif::render(&self.board, version))?,
            ReportFormat::Markdown => markdown::render(&self.board),
            ReportFormat::Html => html::render(&self.board).map_err(|error| anyhow!(error))?,
            ReportFormat::GithubActionBenchmark => {
                pretty(&projections::github_action_benchmark(&self.board))?
            }
            ReportFormat::Bencher => pretty(&projections::bencher(&self.board))?,
        }])
    }

    fn junit(&self, limits: Limits) -> Result<Vec<String>> {
        let mut junit = Junit::default();
        junit.limits = limits;
        self.tests.iter().for_each(|test| junit.add(test));
        self.board.sets().for_each(|(_, set)| junit.add_set(set));
        for found in &self.board.found {
            let text = format!("{}\n{}", found.text(), found.replay);
            junit.add_decision("findings", &found.signature, Some(&text));
        }
        junit.render_all(&self.record).map_err(|error| anyhow!(error))
    }

    fn human(&self) -> String {
        let mut text = String::new();
        if !self.board.checks.is_empty() {
            let replay = terminal::Replay { command: "lockstep check".to_owned() };
            for result in &self.record.failures {
                text += &terminal::failure(result, &replay);
            }
            text += &terminal::summary(&self.record, &replay);
        }
        for (file, measurement) in &self.board.measurements {
            let circumstances = markdown::circumstances(&measurement.circumstances);
            let _ = write!(text, "\n{file}\n{circumstances}\n");
            let mut table = Table::default();
            measurement.sets.iter().for_each(|set| text += &table.row(set));
            text += &Table::summary(&measurement.sets);
        }
        if let Some(scores) = self.board.scores() {
            let _ = write!(text, "\n{scores}");
        }
        if !self.board.simulations.is_empty() {
            let _ = write!(text, "\n{}", simulation::summary(&self.board.simulations));
        }
        for profile in &self.board.profiles {
            let _ = write!(text, "\n{}", profile::terminal(profile));
        }
        for found in &self.board.found {
            let (signature, what) = (&found.signature, found.text());
            let _ = writeln!(text, "{signature}: {what}\n  reproduce: {}", found.replay);
        }
        for run in &self.board.clients {
            let _ =
                writeln!(text, "{}: {} passed, {} failed", run.file, run.passed, run.failed.len());
        }
        let Killed { viable, killed, .. } = Killed::of(&self.board.mutants);
        if viable > 0 {
            let _ = writeln!(text, "{killed} of {viable} viable mutants were noticed");
        }
        for slow in &self.board.slow_blocks {
            let (block, timing) = (&slow.block, slow.timing);
            let _ = writeln!(
                text,
                "{}: block {}: {} txs, {:.1} Mgas, {:.3} ms of execution, by the client's own word",
                slow.log,
                block.number,
                block.tx_count,
                block.gas_used as f64 / 1e6,
                timing.execution_ms
            );
        }
        text
    }

    fn json(&self) -> String {
        let mut text = String::new();
        if !self.board.checks.is_empty() {
            let tests = self.tests.iter().map(json::test_line);
            let unreadable = self.record.unreadable.iter().map(json::unreadable_line);
            for line in tests.chain(unreadable) {
                let _ = writeln!(text, "{line}");
            }
            let _ = writeln!(text, "{}", json::summary_line(&self.record));
        }
        for (_, measurement) in &self.board.measurements {
            let lines = measurement.lines();
            lines.iter().map(Line::json).for_each(|line| text += &format!("{line}\n"));
        }
        let line = |value: serde_json::Result<String>| value.expect("plain data") + "\n";
        let simulations = self.board.simulations.iter().map(serde_json::to_string);
        let profiles = self.board.profiles.iter().map(serde_json::to_string);
        simulations.chain(profiles).for_each(|value| text += &line(value));
        text
    }

    /// That of all records together.
    fn exit_status(&self) -> u8 {
        let wrong = self.board.measurements.iter().any(|(_, record)| record.is_wrong());
        match self.record.exit_status() {
            _ if wrong || !self.board.found.is_empty() => 1,
            _ if self.board.checks.is_empty() => 0,
            status => status,
        }
    }
}

fn array<T: DeserializeOwned>(name: &str, all: Value, expected: &str) -> Result<Vec<T>> {
    serde_json::from_value(all).with_context(|| format!("{name}: expected {expected}"))
}

/// A finding, with the block made small that stands beside it.
fn found(file: &Path, text: &str) -> Result<Found> {
    let name = file.display().to_string();
    let found: Found = serde_json::from_str(text)
        .with_context(|| format!("{name}: expected a finding of `lockstep fuzz --out`"))?;
    let small = file.with_extension("fixture.json");
    // Its name and comments say how it came to be.
    let content = fuzz::content(&small).ok();
    let fingerprint = content
        .map_or_else(|| found.signature.clone(), |content| hex::encode(Sha256::digest(content)));
    let file = if small.exists() { small.display().to_string() } else { name };
    Ok(Found { file, fingerprint, ..found })
}

fn pretty(value: &Value) -> Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(value).context("JSON")?))
}

/// One value a line.
fn lines_of<T: DeserializeOwned>(name: &str, text: &str) -> Result<Vec<T>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let values = lines.map(|(index, line)| {
        serde_json::from_str(line).with_context(|| format!("{name}, line {}", index + 1))
    });
    values.collect()
}

fn warn_of_ends(name: &str, interrupted: bool, cut_short: bool) {
    if interrupted {
        output::err(&format!("{name}: the run was interrupted: it holds what was known then\n"));
    } else if cut_short {
        output::err(&format!("{name}: cut short: it holds what was written until then\n"));
    }
}
