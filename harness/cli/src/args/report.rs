//! `lockstep report`.

use super::Color;
use clap::{Args, ValueEnum};
use std::{num::NonZeroUsize, path::PathBuf};

pub(super) const REPORT_ABOUT: &str = "\
Reads records, merges them, and renders what they say together. A record is what `lockstep check --out DIR` or \
`lockstep bench --out DIR` writes, or a finding of `lockstep fuzz --out DIR`, or the faults.json of `lockstep faults`, the mutants.json of tools/mutants, the rows of a client's runner, the log of a client with slow-block lines, or what `lockstep simulate` and \
`lockstep profile` print as JSON; what a file is, its content tells. \
The exit status is that of the runs together.";

const REPORT_EXAMPLES: &str = "\
Examples:
  lockstep report out/check.jsonl                         a summary for a person
  lockstep report part-1.jsonl part-2.jsonl               two partitions as one run
  lockstep report --format junit out/*.jsonl > junit.xml  for a CI system
  lockstep report --format junit --failures-only --most-tests 50000 --out junit.xml out/*.jsonl
                                                          for one that takes no large files
  lockstep report --format sarif --out lockstep.sarif campaign/findings/*.json out/check.jsonl
                                                          an alert for each bug, for code scanning
  lockstep report --format html --out report.html reports/*/*/*.jsonl reports/faults.json
                                                          a leaderboard of many machines
  lockstep report --format html --out report.html bench.jsonl simulation.jsonl profile.jsonl
                                                          with curves of simulated cores, and conflicts
  lockstep report --rerun theirs.jsonl                    whether their workloads come to what they state
  lockstep report --schema                                the JSON Schema of a record's lines

github-action-benchmark: tool `customBiggerIsBetter`. bencher: adapter `json`.";

/// How `report` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For a person
    Human,
    /// The lines of all records
    Json,
    /// For a pull request or an issue
    Markdown,
    /// A page that needs nothing else
    Html,
    /// JUnit XML
    Junit,
    /// CTRF, the Common Test Report Format
    Ctrf,
    /// SARIF 2.1.0: an alert for each bug, for code scanning
    Sarif,
    /// For benchmark-action/github-action-benchmark
    GithubActionBenchmark,
    /// Bencher Metric Format
    Bencher,
}

#[derive(Debug, Args)]
#[command(after_help = REPORT_EXAMPLES)]
pub(crate) struct ReportArgs {
    /// Records
    #[arg(value_name = "FILE", required_unless_present = "schema")]
    pub(crate) files: Vec<PathBuf>,

    /// How to print
    #[arg(long, value_enum, default_value_t = ReportFormat::Human)]
    pub(crate) format: ReportFormat,

    /// Write to FILE instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// In JUnit and CTRF: list only what did not pass, and count the rest
    #[arg(long)]
    pub(crate) failures_only: bool,

    /// In JUnit: the most tests of a document; with more, --out NAME.xml writes NAME-1.xml, NAME-2.xml, ...
    #[arg(long, value_name = "N", requires = "out")]
    pub(crate) most_tests: Option<NonZeroUsize>,

    /// Instead: make the workloads again from their seeds, and compare what they come to
    #[arg(long, conflicts_with_all = ["format", "out"])]
    pub(crate) rerun: bool,

    /// Instead: print the JSON Schema of the lines
    #[arg(long, conflicts_with_all = ["files", "format", "out", "rerun"])]
    pub(crate) schema: bool,

    /// When to color
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}
