//! Options of `lockstep statetest`, `blocktest` and `enginetest`: the shared runner interface, and what drivers of geth
//! and revme give besides.

use super::duration;
use clap::{Args, ValueEnum};
use std::{path::PathBuf, time::Duration};

pub(super) const RUNNER_ABOUT: &str = "\
Runs tests through one executor, as a client's own test runner does: stdout is one JSON array with a row for \
each test. Without a PATH, names of files are read from stdin, one a line, until an empty one: an array for each file.

Exit status: 0 there are results, whatever they are; 1 something could not be read; 2 wrong usage; 4 nothing \
ran; 130 interrupted.

Examples:
  lockstep blocktest fixtures/blockchain_tests --workers 2
  lockstep enginetest --executor access_list --threads 4 --bal-report tests.tar.gz
  lockstep statetest --run 'sstore.*Cancun' --executor block_stm tests.json

Linked under the name `evm` or `revme`, the program takes the command lines of geth or revme and answers as they do.";

/// What `blocktest` and `enginetest` take.
#[derive(Debug, Args)]
pub(crate) struct RunnerArgs {
    /// Files, folders and archives
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Tests in flight [default: the cores]
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<usize>,

    /// Only tests whose name matches
    #[arg(long, value_name = "REGEX")]
    pub(crate) run: Option<String>,

    /// Say on stderr how each block was executed, a JSON object a line
    #[arg(long)]
    pub(crate) bal_report: bool,

    /// The executor
    #[arg(long, value_name = "NAME", default_value = crate::defaults::REFERENCE)]
    pub(crate) executor: String,

    /// Its threads [default: the cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,

    /// A run that takes longer counts as hung
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "60s")]
    pub(crate) hang_after: Duration,

    /// Whose results to write
    #[arg(long, value_enum, value_name = "WHOSE")]
    pub(crate) results: Option<Results>,

    /// Accepted for drivers of revme: lines are JSON
    #[arg(long, hide = true)]
    pub(crate) json: bool,

    /// Accepted for drivers of revme: everything is run
    #[arg(long, hide = true)]
    pub(crate) keep_going: bool,

    /// Accepted for drivers of revme: nothing is printed of it
    #[arg(long, hide = true)]
    pub(crate) print_env_on_error: bool,

    /// Accepted for drivers of revme: there is no progress
    #[arg(long, hide = true)]
    pub(crate) omit_progress: bool,
}

/// What `statetest` takes.
#[derive(Debug, Args)]
pub(crate) struct StateTestArgs {
    #[command(flatten)]
    pub(crate) runner: RunnerArgs,

    /// Only this fork
    #[arg(long = "statetest.fork", value_name = "NAME")]
    pub(crate) fork: Option<String>,

    /// Write the steps of each test to stderr, as the reference takes them, then the state root
    #[arg(long)]
    pub(crate) trace: bool,

    /// Leave the stack out
    #[arg(long = "trace.nostack", alias = "nostack")]
    pub(crate) trace_no_stack: bool,

    /// revme's line for each test on stderr
    #[arg(long, short = 'o')]
    pub(crate) json_outcome: bool,

    /// Accepted for drivers: one format is written
    #[arg(long = "trace.format", hide = true)]
    pub(crate) trace_format: Option<String>,

    /// Accepted for drivers: memory is never written
    #[arg(
        long = "trace.nomemory", alias = "nomemory", hide = true, num_args = 0..=1,
        require_equals = true, default_missing_value = "true"
    )]
    pub(crate) trace_no_memory: Option<bool>,

    /// Accepted for drivers: return data is never written
    #[arg(
        long = "trace.noreturndata", alias = "noreturndata", hide = true, num_args = 0..=1,
        require_equals = true, default_missing_value = "true"
    )]
    pub(crate) trace_no_return_data: Option<bool>,
}

/// Whose results to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Results {
    /// An array of rows on stdout
    Array,
    /// The same, and on stderr the state root of each state test
    Geth,
    /// Lines of JSON: of state tests on stderr, of others on stdout. Exit status 1 where a test failed
    Revme,
}
