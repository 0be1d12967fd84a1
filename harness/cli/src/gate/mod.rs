//! `lockstep gate`.
//!
//! * `github`: output for GitHub's runner: a summary, annotations.
//! * `scaling`: simulated cores and profiles, beside what was measured.
//!
//! `check` and `bench` run as processes of their own, with the words that a user would type.

mod github;
mod scaling;

use crate::{
    Lockstep,
    args::{BenchFormat, GateArgs},
    bench, files, output,
};
use anyhow::{Context, Result};
use lockstep_engine::isolation::is_worker;
use lockstep_jobs::gate::{Call, Comparison, Floors, compare, markdown as comparison_markdown};
use lockstep_report::{
    bench::Record,
    board::{self, Board},
    html, json,
    junit::Junit,
    markdown,
    record::Record as CheckRecord,
    sarif,
};
use scaling::{Scaling, scale};
use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const NOTHING_IN_COMMON: &str = "the baseline has no block and executor in common with this run: measure it with the same \
                                 --quick, --gas, --seed and --workload";

const EXIT_FAILED: u8 = 1;
const EXIT_SLOWER: u8 = 3;

/// The results of all parts.
struct Outcome {
    check: Option<CheckRecord>,
    tests: Vec<lockstep_report::record::TestResult>,
    measured: Record,
    comparison: Option<Comparison>,
    /// Why speeds were not compared, where a baseline was given.
    not_compared: Option<String>,
    /// Exit statuses of the parts.
    statuses: Vec<u8>,
}

/// Runs the command; gives its exit status.
pub(crate) fn gate(args: &GateArgs, command: &Lockstep) -> Result<u8> {
    if is_worker() {
        return bench::bench(&args.bench(), command);
    }
    output::set_color(args.color);
    files::make_out(&args.out)?;
    // A baseline that cannot be read is told at once, and after the rest has its report.
    let baseline = args.baseline.as_deref().map(read).transpose();
    if let Err(error) = &baseline {
        output::error(&format!("{error:#}"));
    }
    let (check_status, check, tests) = check(args)?;
    let outcome = measure(args, command, baseline, (check_status, check, tests))?;
    write(args, &outcome, scale(args, command)?)?;
    let status = outcome.status();
    output::out(&outcome.verdict(status));
    Ok(status)
}

fn read(file: &Path) -> Result<Record> {
    let name = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("--baseline {name}"))?;
    Record::read(&text).map_err(|error| anyhow::anyhow!("--baseline {name}: {error}"))
}

type Checked = (u8, Option<CheckRecord>, Vec<lockstep_report::record::TestResult>);

/// `check` of the named paths, or of the built-in set.
fn check(args: &GateArgs) -> Result<Checked> {
    output::err("gate: check\n");
    let mut words: Vec<OsString> = own_words();
    words.push("check".into());
    words.extend(args.paths.iter().map(|path| path.clone().into_os_string()));
    let list = |name: &str, values: &[String]| {
        (!values.is_empty()).then(|| format!("{name}={}", values.join(",")))
    };
    let threads: Vec<String> = args.threads.iter().map(usize::to_string).collect();
    words.extend(list("--executor", &args.executor).map(Into::into));
    words.extend(list("--threads", &threads).map(Into::into));
    words.extend(args.skip_slow.then(|| "--skip-slow".into()));
    words.extend(["--format".into(), "json".into(), "--out".into(), args.out.clone().into()]);
    let program = env::current_exe().context("cannot find this program again")?;
    let status = Command::new(program)
        .args(words)
        .stdout(Stdio::null())
        .status()
        .context("cannot start a process for check")?;
    let status = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(EXIT_FAILED);
    let mut tests = Vec::new();
    let text = fs::read_to_string(args.out.join("check.jsonl")).unwrap_or_default();
    let record = json::read(&text, &mut |test| tests.push(test.clone())).ok();
    Ok((status, record, tests))
}

/// The words before the command: those of the program itself.
fn own_words() -> Vec<OsString> {
    env::args_os().skip(1).take_while(|word| word != "gate").collect()
}

fn measure(
    args: &GateArgs,
    command: &Lockstep,
    baseline: Result<Option<Record>>,
    (check_status, check, tests): Checked,
) -> Result<Outcome> {
    output::err("gate: bench\n");
    let measure =
        |out: PathBuf| bench::measure(&args.bench(), command, BenchFormat::Silent, Some(&out));
    let (measured, status) = measure(args.out.clone())?;
    let mut outcome = Outcome {
        check,
        tests,
        measured,
        comparison: None,
        not_compared: None,
        statuses: vec![check_status, status],
    };
    match baseline {
        Err(error) => outcome.cannot_compare(format!("{error:#}")),
        Ok(None) => {}
        Ok(Some(baseline)) => outcome.compare(args, &baseline, &measure)?,
    }
    Ok(outcome)
}

/// Whether speeds of the two say anything about the executors.
fn comparable(baseline: &Record, now: &Record, any_machine: bool) -> Result<(), String> {
    let [then, today] = [baseline, now].map(|record| record.circumstances.machine.name());
    if then != today && !any_machine {
        return Err(format!(
            "the baseline was measured on another machine ({then}; this is {today}); --any-machine compares all the \
             same"
        ));
    }
    Ok(())
}

impl Outcome {
    /// Speeds were to be compared, and cannot be: an error of usage.
    fn cannot_compare(&mut self, reason: String) {
        self.not_compared = Some(reason);
        self.statuses.push(crate::EXIT_USAGE);
    }

    /// Compares speeds with the baseline's; what seems to be slower is measured again.
    fn compare(
        &mut self,
        args: &GateArgs,
        baseline: &Record,
        measure: &dyn Fn(PathBuf) -> Result<(Record, u8)>,
    ) -> Result<()> {
        if let Err(reason) = comparable(baseline, &self.measured, args.any_machine) {
            self.not_compared = Some(reason);
            return Ok(());
        }
        let floors = Floors { one: args.floor_one / 100.0, all: args.floor_all / 100.0 };
        let mut comparison = compare(baseline, &self.measured, floors);
        if comparison.changes.is_empty() {
            self.cannot_compare(NOTHING_IN_COMMON.to_owned());
            return Ok(());
        }
        if comparison.is_slower() {
            output::err("gate: something seems to be slower; bench once more\n");
            let (again, status) = measure(args.out.join("again"))?;
            self.statuses.push(status);
            comparison = comparison.with(&compare(baseline, &again, floors));
        }
        self.comparison = Some(comparison);
        Ok(())
    }

    /// 1 something is wrong, else 2 something could not be read, else 3 something is slower, else 4 nothing
    /// ran, else 0.
    fn status(&self) -> u8 {
        let has = |status: u8| self.statuses.contains(&status);
        let slower = self.comparison.as_ref().is_some_and(Comparison::is_slower);
        match () {
            () if has(EXIT_FAILED) => EXIT_FAILED,
            () if has(crate::EXIT_USAGE) => crate::EXIT_USAGE,
            () if slower => EXIT_SLOWER,
            () if has(crate::EXIT_NOTHING) => crate::EXIT_NOTHING,
            () => 0,
        }
    }

    fn verdict(&self, status: u8) -> String {
        let words = match status {
            0 => "PASSED",
            EXIT_SLOWER => "SLOWER",
            crate::EXIT_NOTHING => "NOTHING RAN",
            crate::EXIT_USAGE => "UNREADABLE",
            _ => "FAILED",
        };
        let mut text = String::new();
        if let Some(reason) = &self.not_compared {
            text += &format!("speed was not compared: {reason}\n");
        }
        for line in self.slower() {
            text += &format!("slower: {line}\n");
        }
        let counts = self.check.as_ref().map(|record| record.counts).unwrap_or_default();
        let wrong = self.wrong().len();
        text + &format!(
            "{words}: {} tests, {} failed; {} sample sets, {wrong} wrong\n",
            counts.tests,
            counts.failed,
            self.measured.sets.len()
        )
    }

    /// The slowdowns, in words.
    fn slower(&self) -> Vec<String> {
        let Some(comparison) = &self.comparison else { return Vec::new() };
        let percent = comparison_markdown::percent;
        let overall = comparison.overall.iter().filter(|one| one.call == Call::Slower);
        let overall = overall.map(|one| {
            format!("{} on {} blocks: {}", one.executor, one.blocks, percent(one.change.median))
        });
        let single = comparison.changes.iter().filter(|one| one.call == Call::Slower);
        let single = single.map(|one| {
            format!("{} on {}: {}", one.executor, one.block, percent(one.change.median))
        });
        overall.chain(single).collect()
    }

    /// Sample sets without agreement and blocks that failed, in words.
    fn wrong(&self) -> Vec<String> {
        let sets = self.measured.sets.iter();
        let wrong = sets.filter(|set| set.verdict != lockstep_report::record::Verdict::Agreed);
        let wrong = wrong.map(|set| {
            let reason = set.reason.as_deref().unwrap_or_default();
            format!("{} on {}: {}: {reason}", board::label(set), set.workload, board::verdict(set))
        });
        let failed = self.measured.failed.iter();
        wrong.chain(failed.map(|(block, reason)| format!("{block}: {reason}"))).collect()
    }
}

/// Every report, before the exit status is given.
fn write(args: &GateArgs, outcome: &Outcome, scaling: Scaling) -> Result<()> {
    let file = |name: &str| args.out.join(name);
    let checks: Vec<_> =
        outcome.check.iter().map(|record| ("check".to_owned(), record.clone())).collect();
    let board = Board {
        measurements: vec![("bench".to_owned(), outcome.measured.clone())],
        checks,
        simulations: scaling.simulations,
        profiles: scaling.profiles,
        ..Board::default()
    };
    let mut text = summary(outcome);
    text += &markdown::render(&board);
    files::replace(&file("gate.md"), &text)?;
    files::replace(&file("report.html"), &html::render(&board).map_err(anyhow::Error::msg)?)?;
    files::replace(&file("junit.xml"), &junit(outcome)?)?;
    let sarif = sarif::render(&board, env!("CARGO_PKG_VERSION"));
    files::replace(&file("lockstep.sarif"), &format!("{sarif:#}\n"))?;
    github::summary(&text)?;
    github::annotate(&problems(outcome), &outcome.slower(), outcome.not_compared.as_deref());
    output::err(&format!(
        "gate: {} has gate.md, report.html, junit.xml, lockstep.sarif, check.jsonl, bench.jsonl\n",
        args.out.display()
    ));
    Ok(())
}

fn summary(outcome: &Outcome) -> String {
    let mut text = format!(
        "# Lockstep gate: {}\n",
        outcome.verdict(outcome.status()).lines().last().unwrap_or_default()
    );
    if let Some(reason) = &outcome.not_compared {
        text += &format!("\n> ⚠ Speed was not compared: {reason}\n");
    }
    let problems = problems(outcome);
    for problem in problems.iter().take(20) {
        text += &format!("\n* ❌ {}\n", problem.replace('\n', " "));
    }
    if problems.len() > 20 {
        text += &format!("\n{} more are in check.jsonl and bench.jsonl.\n", problems.len() - 20);
    }
    if let Some(comparison) = &outcome.comparison {
        text += &comparison_markdown::render(comparison);
    }
    text + "\n"
}

/// All problems, in words.
fn problems(outcome: &Outcome) -> Vec<String> {
    let failures = outcome.check.iter().flat_map(|record| &record.failures).map(|test| {
        let first = test.differences.first().map(ToString::to_string);
        let reason = first.or_else(|| test.reason.clone()).unwrap_or_default();
        format!("{}: {reason}", test.id)
    });
    let complaints = outcome.check.iter().flat_map(|record| record.complaints.clone());
    let unreadable =
        outcome.check.iter().flat_map(|record| &record.unreadable).map(ToString::to_string);
    failures.chain(complaints).chain(unreadable).chain(outcome.wrong()).collect()
}

fn junit(outcome: &Outcome) -> Result<String> {
    let mut junit = Junit::default();
    outcome.tests.iter().for_each(|test| junit.add(test));
    outcome.measured.sets.iter().for_each(|set| junit.add_set(set));
    let slower = outcome.slower().join("; ");
    let failure = (!slower.is_empty()).then_some(slower.as_str());
    junit.add_decision("gate", "speed", failure);
    let record = outcome.check.clone().unwrap_or_default();
    junit.render(&record).map_err(anyhow::Error::msg)
}
