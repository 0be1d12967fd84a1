//! `lockstep check`.

mod plan;
pub(crate) mod supervisor;
mod verdicts;

use crate::{
    Lockstep,
    args::{CheckArgs, ExpectationsMode, Format},
    output,
    progress::Progress,
};
use anyhow::{Context, Result};
use lockstep_formats::{OtherFile, SourceError};
use lockstep_jobs::check::{Event, Journal, Plan, proof_id, prove_overlap, run};
use lockstep_report::{
    json,
    junit::Junit,
    record::{Overlap, Record, Status, TestResult},
    terminal,
};
use plan::Job;
use std::{
    fs::File,
    io::{BufWriter, Write},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use supervisor::Supervised;
use verdicts::Reviewed;

/// Exit status after an interruption, as a shell reports SIGINT.
const EXIT_INTERRUPTED: u8 = 130;

/// Runs the command; gives its exit status.
pub(crate) fn check(
    args: Box<CheckArgs>,
    command: &Lockstep,
    supervised: Option<Supervised>,
) -> Result<u8> {
    output::set_color(args.color);
    let job = plan::job(&args, command, supervised.as_ref())?;
    lockstep_executors::remember();
    let mut reporter = Reporter::new(&args, &job)?;
    listen_for_interrupts(&job.plan)?;
    let start = Instant::now();
    let spent = supervised.as_ref().map_or(Duration::ZERO, |supervised| supervised.spent);
    let mut reviewed = Reviewed::new(&job);
    match supervised {
        Some(supervised) if !supervised.is_first() => {
            // Complaints at this point are a process's last words.
            reporter.go_on(supervised, &mut reviewed);
            if !reporter.record.complaints.is_empty() {
                reporter.record.elapsed = spent + start.elapsed();
                reporter.finish()?;
                return Ok(reporter.record.exit_status());
            }
        }
        _ => reporter.say(&job.announcement),
    }
    run(&job.plan, job.input.clone(), &mut |event| match event {
        Event::Test(result) => reporter.test(reviewed.apply(*result)),
        Event::Unreadable(error) => reporter.unreadable(error),
        Event::Other(other) => reporter.other(other),
        Event::Packed(packing) => reporter.record.packing = Some(packing),
        Event::Panic(text) => {
            let complaint = format!("the harness itself panicked, and the run ended there: {text}");
            reporter.record.complaints.push(complaint);
        }
        Event::WorkerDone(_) => {}
    });
    if job.plan.worn_out.load(Ordering::Relaxed) {
        reporter.say("three runs did not end: another process goes on without their threads");
        return Ok(supervisor::worn_out());
    }
    reporter.record.interrupted = job.plan.interrupted.load(Ordering::Relaxed);
    if !reporter.record.interrupted {
        prove_parallelism(&job.plan, &mut reporter.record);
        reporter.record.complaints.extend(reviewed.complaints());
    }
    reporter.record.elapsed = spent + start.elapsed();
    reporter.finish()?;
    let status = reporter.record.exit_status();
    Ok(if reporter.record.interrupted && status != 1 { EXIT_INTERRUPTED } else { status })
}

/// Telemetry is an executor's own word: an executor with two or more threads must show an overlap.
fn prove_parallelism(plan: &Plan, record: &mut Record) {
    for candidate in &plan.candidates {
        let Some(totals) = record.executors.get_mut(&candidate.label) else { continue };
        // An executor that says in every run that it is sequential has made no claim to refute.
        if totals.mode == lockstep_model::Mode::Sequential && candidate.threads > 1 {
            totals.overlap = Overlap::NotClaimed;
            continue;
        }
        if plan.resume.take_done(&proof_id(&candidate.label)) {
            // It crashed a process before, and is a failed test of this run.
            continue;
        }
        totals.overlap = match plan.journal.as_ref() {
            Some(journal) => journal.watch_proof(&candidate.label, || prove_overlap(candidate)),
            None => prove_overlap(candidate),
        };
        if totals.overlap == Overlap::Refuted {
            record.complaints.push(format!(
                "not parallel: {} was given {} threads and says `{}`, but no two transactions of \
                 an independent block ever had reads in flight at once",
                candidate.label, candidate.threads, totals.mode
            ));
        }
    }
}

/// The first Ctrl-C ends the run and prints what is known; the second ends the process.
fn listen_for_interrupts(plan: &Plan) -> Result<()> {
    let interrupted = plan.interrupted.clone();
    ctrlc::set_handler(move || {
        if interrupted.swap(true, Ordering::Relaxed) {
            #[expect(clippy::exit, reason = "the user has asked twice")]
            std::process::exit(EXIT_INTERRUPTED.into());
        }
    })
    .context("cannot listen for Ctrl-C")
}

/// Prints events as they come and keeps the record.
struct Reporter {
    format: Format,
    quiet: bool,
    verbose: bool,
    record: Record,
    progress: Progress,
    replay: terminal::Replay,
    journal: Option<Arc<Journal>>,
    out: Option<BufWriter<File>>,
    /// Inputs that a process before has reported: they are read again, and not reported again.
    known_unreadable: Vec<SourceError>,
    known_others: Vec<OtherFile>,
    /// Whether roots and gas of each case are printed.
    shows_outcomes: bool,
    /// The report in the making, where one is asked for.
    junit: Option<Junit>,
}

impl Reporter {
    fn new(args: &CheckArgs, job: &Job) -> Result<Self> {
        let out = match &args.out {
            None => None,
            Some(folder) => {
                let path = folder.join("check.jsonl");
                let file = std::fs::create_dir_all(folder).and_then(|()| File::create(&path));
                Some(BufWriter::new(
                    file.with_context(|| format!("cannot write {}", path.display()))?,
                ))
            }
        };
        Ok(Self {
            format: args.format,
            quiet: args.quiet,
            verbose: args.verbose,
            record: Record::default(),
            progress: Progress::new(),
            replay: job.replay.clone(),
            journal: job.plan.journal.clone(),
            out,
            known_unreadable: Vec::new(),
            known_others: Vec::new(),
            shows_outcomes: args.expectations == ExpectationsMode::Ignore,
            junit: (args.format == Format::Junit).then(Junit::default),
        })
    }

    /// A remark for a person: on stderr where stdout is for a machine.
    fn say(&self, text: &str) {
        if !self.quiet {
            self.progress.suspend(|| output::err(&format!("{text}\n")));
        }
    }

    fn print(&self, text: &str) {
        self.progress.suspend(|| match self.format {
            Format::Human => output::out(text),
            Format::Json | Format::Junit => output::err(text),
        });
    }

    /// Takes over what the processes before have reported, and reports the crash that this one goes
    /// on behind.
    fn go_on(&mut self, supervised: Supervised, reviewed: &mut Reviewed) {
        let (culprit, complaint) = (supervised.culprit(), supervised.complaint());
        for result in supervised.past.results {
            reviewed.remember(&result);
            self.keep(result);
        }
        for error in supervised.past.unreadable {
            self.write_out(&json::unreadable_line(&error));
            self.known_unreadable.push(error.clone());
            self.record.unreadable.push(error);
        }
        for other in supervised.past.others {
            self.write_out(&json::other_line(&other));
            self.known_others.push(other.clone());
            self.record.others.push(other);
        }
        if let Some(culprit) = culprit {
            self.test(reviewed.apply(culprit));
        }
        self.record.complaints.extend(complaint);
    }

    fn unreadable(&mut self, error: SourceError) {
        if take(&mut self.known_unreadable, &error) {
            return;
        }
        // First of all: see `supervisor::Relay`.
        if let Some(journal) = &self.journal {
            journal.unreadable(&error);
        }
        self.print(&terminal::unreadable(&error));
        self.write_line(&json::unreadable_line(&error));
        self.record.unreadable.push(error);
    }

    fn other(&mut self, other: OtherFile) {
        if take(&mut self.known_others, &other) {
            return;
        }
        // First of all: see `supervisor::Relay`.
        if let Some(journal) = &self.journal {
            journal.other(&other);
        }
        self.write_line(&json::other_line(&other));
        self.record.others.push(other);
    }

    fn test(&mut self, result: TestResult) {
        // First of all: see `supervisor::Relay`.
        if let Some(journal) = &self.journal {
            journal.result(&result);
        }
        if self.format == Format::Json {
            let line = format!("{}\n", json::test_line(&result));
            self.progress.suspend(|| output::out(&line));
        }
        if self.format == Format::Human && !self.quiet {
            if result.status == Status::Failed {
                self.print(&terminal::failure(&result, &self.replay));
            }
            if self.shows_outcomes {
                self.print(&terminal::outcomes(&result));
            } else if result.status == Status::Failed {
                // It was printed above.
            } else if self.verbose {
                self.print(&terminal::line(&result));
            }
        }
        self.keep(result);
        self.progress.show(&self.record);
    }

    fn keep(&mut self, result: TestResult) {
        if self.out.is_some() {
            self.write_out(&json::test_line(&result));
        }
        if let Some(junit) = &mut self.junit {
            junit.add(&result);
        }
        self.record.add(result);
    }

    fn write_line(&mut self, line: &str) {
        if self.format == Format::Json {
            let line = format!("{line}\n");
            self.progress.suspend(|| output::out(&line));
        }
        self.write_out(line);
    }

    fn write_out(&mut self, line: &str) {
        let line = format!("{line}\n");
        if let Some(out) = &mut self.out
            && let Err(error) = out.write_all(line.as_bytes())
        {
            output::error(&format!("cannot write to --out any more: {error}"));
            self.out = None;
        }
    }

    fn finish(&mut self) -> Result<()> {
        self.progress.finish();
        self.write_line(&json::summary_line(&self.record));
        if self.format == Format::Human {
            output::out(&terminal::summary(&self.record, &self.replay));
        }
        if let Some(junit) = self.junit.take() {
            let report = junit.render(&self.record).map_err(|error| anyhow::anyhow!(error))?;
            output::out(&report);
        }
        if let Some(out) = &mut self.out {
            out.flush().context("cannot write to --out")?;
        }
        Ok(())
    }
}

/// Takes one that is equal out of those that an earlier process has reported; false where there is none.
fn take<T: PartialEq>(known: &mut Vec<T>, one: &T) -> bool {
    let found = known.iter().position(|known| known == one);
    found.map(|index| known.swap_remove(index)).is_some()
}
