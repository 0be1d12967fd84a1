//! `lockstep report`.

use crate::{
    args::{Format, ReportArgs},
    output,
};
use anyhow::{Context, Result, anyhow, bail};
use lockstep_runner::{
    record::{Record, TestResult},
    report::{json, junit::Junit, terminal},
};
use std::{collections::BTreeSet, fs, path::Path};

/// Exit status where a record could not be read.
const EXIT_UNREADABLE: u8 = 2;

/// What the command has read so far.
#[derive(Default)]
struct Merged {
    record: Record,
    tests: Vec<TestResult>,
    read: usize,
    /// Ids of all records, to see whether they are parts of one run.
    ids: BTreeSet<(String, String)>,
}

/// Runs the command; gives its exit status.
pub(crate) fn report(args: &ReportArgs) -> Result<u8> {
    output::set_color(args.color);
    let mut merged = Merged::default();
    let mut all_read = true;
    for file in &args.files {
        if let Err(error) = merged.add(file) {
            output::error(&format!("{error:#}"));
            all_read = false;
        }
    }
    if merged.read == 0 {
        bail!("none of the records could be read");
    }
    merged.print(args.format)?;
    let status = merged.record.exit_status();
    Ok(if status == 1 || all_read { status } else { EXIT_UNREADABLE })
}

impl Merged {
    fn add(&mut self, file: &Path) -> Result<()> {
        let name = file.display();
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
        let mut tests = Vec::new();
        let record = json::read(&text, &mut |test| tests.push(test));
        let record = record.map_err(|error| anyhow!("{name}: {error}"))?;
        if record.interrupted {
            output::err(&format!(
                "{name}: the run was interrupted: it holds what was known then\n"
            ));
        }
        self.warn_of_overlap(file, &tests);
        self.record.merge(record);
        self.tests.extend(tests);
        self.read += 1;
        Ok(())
    }

    /// Parts of one run have no test in common; runs of the same tests cannot be told apart here.
    fn warn_of_overlap(&mut self, file: &Path, tests: &[TestResult]) {
        let key = |test: &TestResult| (test.origin.clone(), test.id.clone());
        let keys: BTreeSet<_> = tests.iter().map(key).collect();
        let common = keys.intersection(&self.ids).count();
        if common > 0 {
            output::err(&format!(
                "{}: {common} of its tests are in an earlier record too, and count twice\n",
                file.display()
            ));
        }
        self.ids.extend(keys);
    }

    fn print(&self, format: Format) -> Result<()> {
        match format {
            Format::Human => {
                let replay = terminal::Replay { command: "lockstep check".to_owned() };
                for result in &self.record.failures {
                    output::out(&terminal::failure(result, &replay));
                }
                output::out(&terminal::summary(&self.record, &replay));
            }
            Format::Json => {
                let tests = self.tests.iter().map(json::test_line);
                let unreadable = self.record.unreadable.iter().map(json::unreadable_line);
                for line in tests.chain(unreadable) {
                    output::out(&format!("{line}\n"));
                }
                output::out(&format!("{}\n", json::summary_line(&self.record)));
            }
            Format::Junit => {
                let mut junit = Junit::default();
                self.tests.iter().for_each(|test| junit.add(test));
                output::out(&junit.render(&self.record).map_err(|error| anyhow!(error))?);
            }
        }
        Ok(())
    }
}
