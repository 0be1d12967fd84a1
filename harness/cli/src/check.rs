//! `lockstep check`.

mod plan;
mod verdicts;

use crate::{
    EXIT_USAGE, Lockstep,
    args::{CheckArgs, ExpectationsMode, Format},
    interrupt::{self, EXIT_INTERRUPTED},
    live::{self, Shown},
    output,
    pipes::{self, Copied},
    progress::Progress,
};
use anyhow::{Context, Result};
use lockstep_engine::isolation::{Staff, is_worker, of_this_process};
use lockstep_formats::{OtherFile, SourceError};
use lockstep_jobs::{
    AtWork,
    check::{Event, run, work},
};
use lockstep_live::Control;
use lockstep_report::{
    json,
    junit::Junit,
    record::{Overlap, Record, Status, TestResult},
    terminal,
};
use plan::Job;
pub(crate) use plan::payload;
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
    sync::atomic::Ordering,
    time::Instant,
};
use verdicts::Reviewed;

/// Runs the command; gives its exit status.
pub(crate) fn check(args: &CheckArgs, command: &Lockstep) -> Result<u8> {
    output::set_color(args.color);
    lockstep_executors::remember();
    if is_worker() {
        let job = plan::job(args, command, &pipes::copies())?;
        work(&job.plan, &job.input, of_this_process()?);
        return Ok(0);
    }
    // Each worker reads everything: inputs that can be read only once are copied first.
    let list = args.files_from.as_deref().map(pipes::list_path);
    let copied = Copied::new(args.paths.iter().map(PathBuf::as_path).chain(list))?;
    let job = plan::job(args, command, copied.paths())?;
    let control = Control { stop: job.plan.interrupted.clone(), pause: job.plan.paused.clone() };
    let shown = Shown::open(&args.watched, ("check", &job.announcement), "tests", control)?;
    let mut reporter = Reporter::new(args, &job, shown)?;
    interrupt::stop_or_exit(&job.plan.interrupted)?;
    let start = Instant::now();
    let mut reviewed = Reviewed::new(&job);
    reporter.say(&job.announcement);
    let staff = if args.in_process {
        let (plan, input) = (job.plan.clone(), job.input.clone());
        Staff::threads(move |ends| work(&plan, &input, ends))
    } else {
        Staff::processes_with([copied.to_env()])
    };
    let ended = run(&job.plan, staff, &mut |event| match event {
        Event::Test { result, .. } => reporter.test(reviewed.apply(*result)),
        Event::Unreadable(error) => reporter.unreadable(error),
        Event::Other(other) => reporter.other(other),
        Event::Packed(packing) => reporter.record.packing = Some(packing),
        Event::Overlap { executor, overlap } => {
            take_overlap(&mut reporter.record, &executor, overlap);
        }
        Event::Complaint(text) => reporter.record.complaints.push(text),
        Event::AtWork(at_work) => reporter.at_work(&at_work),
        Event::SoFar { .. } | Event::Finished => {}
    });
    reporter.record.complaints.extend(ended.err());
    reporter.record.interrupted = job.plan.interrupted.load(Ordering::Relaxed);
    if !reporter.record.interrupted {
        reporter.record.complaints.extend(reviewed.complaints());
        let idle = idle(&job, &reporter.record);
        reporter.record.complaints.extend(idle);
    }
    reporter.record.elapsed = start.elapsed();
    reporter.finish()?;
    let status = match reporter.record.exit_status() {
        0 if reporter.is_incomplete => EXIT_USAGE,
        status => status,
    };
    Ok(if reporter.record.interrupted && status != 1 { EXIT_INTERRUPTED } else { status })
}

/// Candidates that supported none of the blocks: of them nothing is known.
fn idle(job: &Job, record: &Record) -> Vec<String> {
    let labels = job.plan.candidates.iter().map(|candidate| &candidate.label);
    let idle =
        labels.filter(|label| record.counts.cases > 0 && !record.executors.contains_key(*label));
    idle.map(|label| format!("nothing ran: {label} supports none of these blocks")).collect()
}

/// Keeps the observed overlap of an executor that has run.
fn take_overlap(record: &mut Record, executor: &str, overlap: Overlap) {
    let Some(totals) = record.executors.get_mut(executor) else { return };
    totals.overlap = overlap;
    if overlap == Overlap::Refuted {
        let complaint = format!(
            "not parallel: {executor} was given several threads and says `{}`, but no two \
             transactions of an independent block ever had reads in flight at once",
            totals.mode
        );
        record.complaints.push(complaint);
    }
}

/// Prints events as they come and keeps the record.
struct Reporter {
    format: Format,
    quiet: bool,
    verbose: bool,
    record: Record,
    progress: Progress,
    shown: Option<Shown>,
    replay: terminal::Replay,
    out: Option<BufWriter<File>>,
    /// Whether a part of the record could not be written.
    is_incomplete: bool,
    /// Whether roots and gas of each case are printed.
    shows_outcomes: bool,
    /// The report in the making, where one is asked for.
    junit: Option<Junit>,
}

impl Reporter {
    fn new(args: &CheckArgs, job: &Job, shown: Option<Shown>) -> Result<Self> {
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
            shown,
            replay: job.replay.clone(),
            out,
            is_incomplete: false,
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

    fn unreadable(&mut self, error: SourceError) {
        self.print(&terminal::unreadable(&error));
        self.write_line(&json::unreadable_line(&error));
        self.record.unreadable.push(error);
    }

    fn other(&mut self, other: OtherFile) {
        self.write_line(&json::other_line(&other));
        self.record.others.push(other);
    }

    fn test(&mut self, result: TestResult) {
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
        if let Some(shown) = &self.shown
            && let Some(finding) = live::failed(&result, shown.now(), self.replay.of(&result))
        {
            shown.fill(|view| view.find(finding));
        }
        self.keep(result);
        self.progress.show(&self.record);
    }

    /// Shows how far the run is, now and then.
    fn at_work(&mut self, at_work: &[AtWork]) {
        if let Some(shown) = &mut self.shown
            && shown.is_due()
        {
            let seconds = shown.seconds();
            shown.fill(|view| {
                live::at_work(view, at_work);
                live::judged(view, seconds, &self.record);
            });
        }
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
            self.progress.suspend(|| {
                output::error(&format!("--out: check.jsonl cannot be written any more: {error}"));
            });
            self.out = None;
            self.is_incomplete = true;
        }
    }

    fn finish(&mut self) -> Result<()> {
        self.progress.finish();
        if let Some(shown) = &mut self.shown {
            let seconds = shown.seconds();
            shown.fill(|view| live::judged(view, seconds, &self.record));
            shown.finish();
        }
        self.write_line(&json::summary_line(&self.record));
        if self.format == Format::Human {
            output::out(&terminal::summary(&self.record, &self.replay));
        }
        if let Some(junit) = self.junit.take() {
            let report = junit.render(&self.record).map_err(|error| anyhow::anyhow!(error))?;
            output::out(&report);
        }
        if let Some(out) = &mut self.out {
            out.flush().context("--out: check.jsonl cannot be written")?;
        }
        Ok(())
    }
}
