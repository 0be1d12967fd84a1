//! Prints, writes the record, knows the exit status.

use super::work::Message;
use crate::{
    args::BenchFormat,
    defaults::BASELINE,
    files,
    live::{self, Shown},
    output,
    progress::Progress,
};
use anyhow::{Context, Result};
use lockstep_report::{
    bench::{Line, Record, Table},
    samples::Circumstances,
};
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

pub(super) struct Reporter {
    format: BenchFormat,
    file: Option<BufWriter<File>>,
    table: Table,
    record: Record,
    progress: Progress,
    shown: Option<Shown>,
    failed: bool,
}

/// The description of a measurement.
pub(super) fn describe(circumstances: &Circumstances) -> String {
    format!(
        "measuring {} against {BASELINE}: {} runs of {} rounds, {}",
        circumstances.candidates.join(", "),
        circumstances.runs,
        circumstances.rounds,
        if circumstances.pinned { "threads pinned" } else { "threads not pinned" }
    )
}

impl Reporter {
    pub(super) fn new(
        circumstances: Circumstances,
        format: BenchFormat,
        out: Option<&Path>,
        shown: Option<Shown>,
    ) -> Result<Self> {
        let file = out.map(|folder| {
            files::make_out(folder)?;
            let path = folder.join("bench.jsonl");
            let file = File::create(&path);
            let file = file.with_context(|| format!("{}: cannot be written", path.display()))?;
            Ok::<_, anyhow::Error>(BufWriter::new(file))
        });
        output::err(&format!("{}\n", describe(&circumstances)));
        let mut reporter = Self {
            format,
            file: file.transpose()?,
            table: Table::default(),
            record: Record::default(),
            progress: Progress::new(),
            shown,
            failed: false,
        };
        reporter.line(Line::Circumstances(Box::new(circumstances)))?;
        Ok(reporter)
    }

    /// Takes what a measurement says.
    pub(super) fn message(&mut self, message: Message) -> Result<()> {
        match message {
            Message::Begin(block) => {
                self.progress.say(&block);
                if let Some(shown) = &self.shown {
                    shown.fill(|view| live::began(view, &block));
                }
            }
            Message::Line(line) => self.line(line)?,
            Message::Next => {}
        }
        Ok(())
    }

    /// The process that measures could not: it has said why.
    pub(super) const fn failed(&mut self) {
        self.failed = true;
    }

    /// It was interrupted.
    pub(super) const fn interrupted(&mut self) {
        self.record.interrupted = true;
    }

    fn line(&mut self, line: Line) -> Result<()> {
        let text = line.json();
        match &line {
            _ if self.format == BenchFormat::Json => output::out(&format!("{text}\n")),
            Line::SampleSet(set) if self.format == BenchFormat::Human => {
                let row = self.table.row(set);
                self.progress.suspend(|| output::out(&row));
            }
            Line::Failed { workload, reason } => {
                output::error(&format!("{workload}: nothing to compare with: {reason}"));
            }
            Line::Unreadable(error) => output::error(&error.to_string()),
            _ => {}
        }
        if let Some(file) = &mut self.file {
            writeln!(file, "{text}").and_then(|()| file.flush()).context("--out: bench.jsonl")?;
        }
        if let Some(shown) = &self.shown {
            shown.fill(|view| live::measured(view, shown.seconds(), &line));
        }
        self.record.add(line);
        Ok(())
    }

    /// Ends the record; gives it and the exit status.
    pub(super) fn finish(mut self) -> Result<(Record, u8)> {
        self.progress.finish();
        if let Some(shown) = &mut self.shown {
            shown.finish();
        }
        // A record of a run that failed is no more complete, but it was not interrupted.
        if self.record.interrupted {
            output::err("interrupted: what was measured until then is there\n");
        }
        self.line(Line::End { interrupted: self.record.interrupted || self.failed })?;
        let record = self.record;
        if self.format == BenchFormat::Human {
            output::out(&Table::summary(&record.sets));
        }
        let skipped = record.skipped.len();
        if skipped > 0 {
            output::err(&format!("{skipped} tests were not measured; their reasons: --out DIR\n"));
        }
        let status = if record.is_wrong() {
            1
        } else if self.failed || !record.unreadable.is_empty() {
            crate::EXIT_USAGE
        } else if record.sets.is_empty() {
            output::error("nothing ran");
            crate::EXIT_NOTHING
        } else {
            0
        };
        Ok((record, status))
    }
}
