//! The command line, as close to what is typed as possible. `check` turns it into a plan.

use clap::{Args, Parser, Subcommand, ValueEnum};
use lockstep_model::Fork;
use lockstep_runner::{bench::Storage, workload::Contention};
use std::{path::PathBuf, time::Duration};

const ABOUT: &str = "Is your parallel EVM executor still the EVM?";

const LONG_ABOUT: &str = "\
Runs official Ethereum tests, real blocks and generated blocks through a sequential reference EVM \
and through parallel executors, and compares everything that consensus can see.";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "lockstep", version, about = ABOUT, long_about = LONG_ABOUT)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// A known bug to plant in this process, as in `A1`; see `lockstep faults --list`
    #[cfg(feature = "faults")]
    #[arg(long, value_name = "ID", global = true)]
    fault: Option<String>,
}

impl Cli {
    /// Plants what was asked for.
    #[cfg(feature = "faults")]
    pub(crate) fn plant(&self) -> anyhow::Result<()> {
        if let Some(id) = &self.fault {
            let fault = lockstep_faults::named(id);
            let fault = fault.ok_or_else(|| {
                anyhow::anyhow!("unknown fault `{id}`: `lockstep faults --list` names them")
            })?;
            lockstep_faults::plant(fault);
        }
        Ok(())
    }

    /// Nothing can be planted in this program.
    #[cfg(not(feature = "faults"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with the feature")]
    pub(crate) const fn plant(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run cases through the reference and the candidates
    Check(Box<CheckArgs>),
    /// Measure speedups, with a verdict on every sample
    Bench(BenchArgs),
    /// Check and measure against a baseline, for a CI
    Gate(GateArgs),
    /// Look for blocks on which an executor is wrong
    Fuzz(FuzzArgs),
    /// Plant known executor bugs and see what finds them
    Faults(FaultsArgs),
    /// Tell why an executor is wrong on a block
    Explain(ExplainArgs),
    /// Write generated blocks for other clients and for the Python specs
    Export(ExportArgs),
    /// Make a block that shows a bug as small as it can be
    Minimise(MinimiseArgs),
    /// Render or merge records
    Report(ReportArgs),
    /// Official fixture releases
    #[command(subcommand)]
    Fixtures(FixturesCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum FixturesCommand {
    /// Fetch a release into ethereum-tests/ and verify its digest
    Pull(PullArgs),
}

const PULL_ABOUT: &str = "\
Fetches an official release into ethereum-tests/, where `lockstep check` without a PATH finds it. The \
releases and their digests are those of ethereum-tests/manifest.toml; what has another digest is not \
kept. A transfer that was cut off goes on where it was.";

const PULL_EXAMPLES: &str = "\
Examples:
  lockstep fixtures pull                          the first release of the manifest
  lockstep fixtures pull v5.1.0                   another one
  lockstep fixtures pull v5.1.0 --from ~/mirror   from a folder that holds its file
  lockstep fixtures pull v5.1.0 --from http://127.0.0.1:8000/";

#[derive(Debug, Args)]
#[command(long_about = PULL_ABOUT, after_help = PULL_EXAMPLES)]
pub(crate) struct PullArgs {
    /// A release of the manifest [default: the first]
    #[arg(value_name = "RELEASE")]
    pub(crate) release: Option<String>,

    /// Another place to fetch it from: a folder, a file or an address
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) from: Option<String>,
}

const REPORT_ABOUT: &str = "\
Reads records, merges them, and renders what they say together. A record is what `lockstep check --out DIR` or \
`lockstep bench --out DIR` writes, or the faults.json of `lockstep faults`; what a file is, its content tells. \
The exit status is that of the runs together.";

const REPORT_EXAMPLES: &str = "\
Examples:
  lockstep report out/check.jsonl                         a summary for a person
  lockstep report part-1.jsonl part-2.jsonl               two partitions as one run
  lockstep report --format junit out/*.jsonl > junit.xml  for a CI system
  lockstep report --format html --out report.html reports/*/*/*.jsonl reports/faults.json
                                                          a leaderboard of many machines
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
    /// For benchmark-action/github-action-benchmark
    GithubActionBenchmark,
    /// Bencher Metric Format
    Bencher,
}

#[derive(Debug, Args)]
#[command(long_about = REPORT_ABOUT, after_help = REPORT_EXAMPLES)]
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

const CHECK_ABOUT: &str = "\
Runs cases through the reference and the candidates, and compares everything that consensus can see.

PATH is a file, a folder or an archive (.tar.gz, .tar.zst) of state tests, blockchain tests (EEST or \
classic) or real blocks; what a file is, its content tells. Without a PATH: what ethereum-tests/ holds, else a \
built-in set of generated blocks.";

const CHECK_EXAMPLES: &str = "\
Examples:
  lockstep check                                    the built-in set
  lockstep check fixtures/state_tests               a folder of official tests
  lockstep check --threads 1,2,4,8 blocks.tar.zst   an archive, at four numbers of threads
  lockstep check --pack 64 --seed 1 tests.tar.gz    official tests, packed into parallel blocks
  lockstep check --format json tests.tar.gz         one JSON object a line
  lockstep check --partition slice:1/4 --out part-1 tests.tar.gz   a quarter, recorded

Exit status:
  1  something failed: diverged, expectation missed, hung, inconclusive
  2  else: something could not be read, or the usage is wrong
  4  else: nothing ran
  0  else
  130  interrupted, and nothing had failed by then";

#[derive(Debug, Args)]
#[command(long_about = CHECK_ABOUT, after_help = CHECK_EXAMPLES)]
pub(crate) struct CheckArgs {
    /// Files, folders and archives
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Candidates by name [default: all but the reference]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) executor: Vec<String>,

    /// Threads of each candidate; several numbers make several candidates [default: 2 or the
    /// cores, whichever is more]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) threads: Vec<usize>,

    /// Cases in flight [default: the cores]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,

    /// Only tests whose id matches
    #[arg(long, value_name = "REGEX")]
    pub(crate) filter: Option<String>,

    /// Only one part of the tests, `slice:I/N`
    #[arg(long, value_name = "slice:I/N")]
    pub(crate) partition: Option<String>,

    /// Decides the built-in set and how tests are packed
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Pack single-transaction state tests into blocks of up to N
    #[arg(long, value_name = "N")]
    pub(crate) pack: Option<usize>,

    /// Which packed blocks
    #[arg(long, value_name = "MODE", value_enum, default_value_t = PackMode::All, requires = "pack")]
    pub(crate) pack_mode: PackMode,

    /// Leave out the tests of the slow list
    #[arg(long)]
    pub(crate) skip_slow: bool,

    /// The least time after which a run counts as hung; the limit is this or 20 times the slowest
    /// run of the reference
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, allow_negative_numbers = true)]
    pub(crate) hang_after: f64,

    /// Run in this very process: a crash of an executor ends the run
    #[arg(long)]
    pub(crate) in_process: bool,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,

    /// Also write all JSON lines to DIR/check.jsonl
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// When to color
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,

    /// Print the summary only
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Print every test
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

const FUZZ_ABOUT: &str = "\
Generates blocks from seeds, and runs each through the reference and the candidates at two threads; one block \
in 32 also through every executor at 1, 2, 3 and 8 threads, twice. A different outcome, a panic, an error and a \
hang are findings; those with the same signature are counted once.

The seed of a campaign is the seed of its first block, the others follow: what was found with seed N comes again \
with `--seed N --blocks 1`.";

const FUZZ_EXAMPLES: &str = "\
Examples:
  lockstep fuzz --time 10m                                  a campaign
  lockstep fuzz --time 8h --out campaign                    one that can be resumed
  lockstep fuzz --time 8h --out campaign --resume           going on with it
  lockstep fuzz --seed 4711 --blocks 1                      one block again
  lockstep fuzz --fork Prague,Osaka --features calls,delegations --blocks 10000

Exit status:
  1  something was found
  2  else: something could not be written, or the usage is wrong
  4  else: nothing ran
  0  else";

#[derive(Debug, Args)]
#[command(long_about = FUZZ_ABOUT, after_help = FUZZ_EXAMPLES)]
pub(crate) struct FuzzArgs {
    /// For how long, as in `90s`, `10m`, `8h` [default: 1m, without --blocks]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) time: Option<Duration>,

    /// How many blocks
    #[arg(long, value_name = "N")]
    pub(crate) blocks: Option<u64>,

    /// The seed of the first block
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Blocks in flight [default: the cores]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,

    /// Who takes part in both lanes [default: `block_stm` and all brought ones on every block; every
    /// executor on one in 32]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) executor: Vec<String>,

    #[command(flatten)]
    pub(crate) kind: KindArgs,

    /// A block that takes this long hangs
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub(crate) hang_after: Duration,

    /// Stop at the first finding
    #[arg(long)]
    pub(crate) fail_fast: bool,

    /// How to print
    #[arg(long, value_enum, default_value_t = FuzzFormat::Human)]
    pub(crate) format: FuzzFormat,

    /// Write findings to DIR, and how far the campaign is
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Go on where the campaign of --out has stopped
    #[arg(long, requires = "out", conflicts_with = "seed")]
    pub(crate) resume: bool,

    /// When to color
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

const BENCH_ABOUT: &str = "\
Measures executors against `sequential`, the fastest one-thread execution of revm. In each round everyone \
runs once, in turn; the outcome of every timed run is compared with the reference's, and a wrong one has no \
speedup.

PATH is a file, a folder or an archive of real blocks (or of state tests). Without a PATH: the built-in \
workloads.";

const BENCH_EXAMPLES: &str = "\
Examples:
  lockstep bench                                            every built-in workload
  lockstep bench --workload erc20,swaps --gas 100000000     two of them, at 100 Mgas
  lockstep bench --min-gas 4000000 mainnet-blocks.tar.zst   real blocks of 4 Mgas and more
  lockstep bench --executor block_stm --threads 1,2,4       one executor, three numbers of threads
  lockstep bench --storage latency:100 --threads 32 --gas 20000000 --rounds 3   slow storage
  lockstep bench --storage disk --workload erc20           a database on disk
  lockstep bench --import --workload erc20                 senders and roots too

Exit status:
  1  an outcome was wrong, or an executor broke
  2  else: something could not be read, or the usage is wrong
  4  else: nothing ran
  0  else";

#[derive(Debug, Args)]
#[command(long_about = BENCH_ABOUT, after_help = BENCH_EXAMPLES)]
pub(crate) struct BenchArgs {
    /// Files, folders and archives
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Built-in workloads by name [default: all]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', conflicts_with = "paths")]
    pub(crate) workload: Vec<String>,

    /// About how much gas a built-in workload uses [default: 1,000,000,000; 100,000,000 on disk, 4,000,000
    /// where each read sleeps; at most 50,000,000 with --quick]
    #[arg(long, value_name = "GAS")]
    pub(crate) gas: Option<u64>,

    /// Little of everything: 2 runs of 3 rounds, 50,000,000 gas
    #[arg(long)]
    pub(crate) quick: bool,

    /// How much the transactions of a built-in workload want the same recipients, pools, items: `uniform`,
    /// `zipf:S`, or `hot:PART` of all choices on one in a hundred [default: the workload's own]
    #[arg(long, value_name = "KIND", conflicts_with = "paths")]
    pub(crate) contention: Option<Contention>,

    /// Only blocks that used at least this much gas
    #[arg(long, value_name = "GAS", default_value_t = 0)]
    pub(crate) min_gas: u64,

    /// Candidates by name [default: all but the reference and the baseline]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) executor: Vec<String>,

    /// Threads of each candidate; several numbers make several candidates [default: 2 or the
    /// cores, whichever is more]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) threads: Vec<usize>,

    /// Whether an executor may choose fewer threads
    #[arg(long, value_name = "MODE", value_enum, default_value_t = ThreadsMode::Auto)]
    pub(crate) mode: ThreadsMode,

    /// Where the pre-state is: `memory`; `latency:MICROS`, where each read sleeps; `disk`, a `redb`
    /// database in a temporary file, warm. Several are measured one after the other
    #[arg(long, value_name = "STORAGE,...", default_value = "memory", value_delimiter = ',',
        value_parser = storage)]
    pub(crate) storage: Vec<Storage>,

    /// Also measure the import of whole blocks: senders, execution, receipts root, state root
    #[arg(long)]
    pub(crate) import: bool,

    /// Runs: in each, everyone prepares the block anew [default: 4; 2 with --quick]
    #[arg(long, value_name = "N")]
    pub(crate) runs: Option<usize>,

    /// Rounds of each run: in each, everyone runs twice, forwards and backwards [default: 3]
    #[arg(long, value_name = "N")]
    pub(crate) rounds: Option<usize>,

    /// A run that takes this long hangs: its executor is left out from there on
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = humantime::parse_duration)]
    pub(crate) hang_after: Duration,

    /// What is measured, in the record [default: git's HEAD here]
    #[arg(long, value_name = "COMMIT")]
    pub(crate) commit: Option<String>,

    /// Measure in this process, for a debugger or a profiler: a hang stays, a crash ends it
    #[arg(long)]
    pub(crate) in_process: bool,

    /// Only tests whose id matches
    #[arg(long, value_name = "REGEX")]
    pub(crate) filter: Option<String>,

    /// Decides the built-in workloads
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Let the system move threads between cores
    #[arg(long)]
    pub(crate) no_pin: bool,

    /// How to print
    #[arg(long, value_enum, default_value_t = BenchFormat::Human)]
    pub(crate) format: BenchFormat,

    /// Also write all JSON lines to DIR/bench.jsonl
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// When to color
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

/// Whether an executor may choose fewer threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ThreadsMode {
    /// As many as it thinks are worth it
    Auto,
    /// All that it was given
    Forced,
}

fn storage(text: &str) -> Result<Storage, String> {
    let micros = text.strip_prefix("latency:").map(str::parse);
    match (text, micros) {
        ("memory", _) => Ok(Storage::Memory),
        ("disk", _) => Ok(Storage::Disk),
        (_, Some(Ok(micros))) if micros > 0 => Ok(Storage::Latency(Duration::from_micros(micros))),
        _ => Err("expected `memory`, `disk` or `latency:MICROS`, as in `latency:100`".to_owned()),
    }
}

const FAULTS_ABOUT: &str = "\
Plants bugs that executors have had, one at a time, each in a process of its own, and looks for it: by \
`lockstep fuzz`, and by official tests, packed tests and real blocks where paths are given. Tells what \
found it, how fast, and whether the same block agrees without the bug. Needs a program that carries the \
faults: cargo run --release --features faults -- faults";

const FAULTS_EXAMPLES: &str = "\
Examples:
  lockstep faults --list                       every fault, with who has had it
  lockstep faults --only A1,B3                 two of them
  lockstep faults --must --time 60s            those that must be found within a minute
  lockstep faults --official tests.tar.gz --out reports
                                               with the score of official tests beside; writes
                                               reports/faults.md and reports/faults.json

Exit status:
  1  a fault that must be found was not, or too many others, or a canary was
  2  the usage is wrong, or this program carries no faults
  4  nothing ran";

#[derive(Debug, Args)]
#[command(long_about = FAULTS_ABOUT, after_help = FAULTS_EXAMPLES)]
pub(crate) struct FaultsArgs {
    /// Only these faults
    #[arg(long, value_name = "ID,...", value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// Only those that must be found
    #[arg(long, conflicts_with = "only")]
    pub(crate) must: bool,

    /// How long `fuzz` looks for each [default: 60s for those that must be found, 5m for others]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) time: Option<Duration>,

    /// The seed of the first block
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Blocks in flight [default: the cores]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,

    /// Also look with official tests as they are
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) official: Vec<PathBuf>,

    /// Also look with state tests packed into blocks
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) packed: Vec<PathBuf>,

    /// Also look with real blocks
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) real: Vec<PathBuf>,

    /// Write faults.json and faults.md to DIR, after each fault
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Go on where the campaign of --out has stopped
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,

    /// Print every fault and do nothing
    #[arg(long)]
    pub(crate) list: bool,

    /// When to color
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

/// What generated blocks may be.
#[derive(Debug, Args)]
pub(crate) struct KindArgs {
    /// Only blocks of these forks, as in `Prague`
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) fork: Vec<Fork>,

    /// Only these features, as in `calls`; a name that is none lists them all
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) features: Vec<String>,

    /// The most transactions of a block
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(crate) transactions: usize,
}

/// One block, and who may be wrong on it.
#[derive(Debug, Args)]
pub(crate) struct CaseArgs {
    /// A file with the block: a finding, or a fixture
    #[arg(value_name = "CASE")]
    pub(crate) case: Option<PathBuf>,

    /// Of the file, the test whose id matches
    #[arg(long, value_name = "REGEX", requires = "case")]
    pub(crate) filter: Option<String>,

    /// The block that `lockstep fuzz` makes of this seed, instead of a file
    #[arg(long, value_name = "N", conflicts_with = "case")]
    pub(crate) seed: Option<u64>,

    /// Who may be wrong [default: all but the reference; the first who is]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) executor: Vec<String>,

    /// Threads of each of them
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) threads: Vec<usize>,

    /// A run that takes this long hangs
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = humantime::parse_duration)]
    pub(crate) hang_after: Duration,

    /// When to color
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

const MINIMISE_ABOUT: &str = "\
Leaves out of a block what it can while an executor is still wrong on it in the same way: transactions \
first, then withdrawals, accounts, storage, code, and what each transaction carries. Writes what is left as \
an EEST blockchain test that other clients can replay, with real signatures and a genesis of its own.";

const MINIMISE_EXAMPLES: &str = "\
Examples:
  lockstep minimise --seed 4711 --out case.json     the block of a finding
  lockstep minimise out/findings/x.json --time 5m   a file; the result on stdout
  lockstep minimise case.json --executor mine --threads 2,8

Exit status:
  1  no executor was wrong on it
  2  the usage is wrong, or the block cannot be read or signed anew";

#[derive(Debug, Args)]
#[command(long_about = MINIMISE_ABOUT, after_help = MINIMISE_EXAMPLES)]
pub(crate) struct MinimiseArgs {
    #[command(flatten)]
    pub(crate) case: CaseArgs,

    /// For how long
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = humantime::parse_duration)]
    pub(crate) time: Duration,

    /// Write it to FILE instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

const EXPLAIN_ABOUT: &str = "\
Finds the first transaction that came out differently, the value that it must have read to come out so, who \
wrote that value and who should have, and puts its steps as they should be beside its steps as they were.";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  lockstep explain case.json                          the first executor that is wrong on it
  lockstep explain --seed 4711 --executor mine        the block of a finding
  lockstep explain case.json --format markdown --out issue.md

Exit status:
  1  no executor was wrong on it
  2  the usage is wrong, or the block cannot be read";

/// How `explain` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExplainFormat {
    /// For a person at a terminal
    Human,
    /// For an issue
    Markdown,
}

#[derive(Debug, Args)]
#[command(long_about = EXPLAIN_ABOUT, after_help = EXPLAIN_EXAMPLES)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) case: CaseArgs,

    /// How to print
    #[arg(long, value_enum, default_value_t = ExplainFormat::Human)]
    pub(crate) format: ExplainFormat,

    /// Write it to FILE instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

const EXPORT_ABOUT: &str = "\
Writes blocks that `lockstep fuzz` makes, signed and on a genesis of their own, with what the reference \
makes of them: as EEST blockchain tests, which `lockstep check`, revme and others replay, or as the inputs \
of a transition tool (alloc.json, env.json, txs.json) with the reference's result in expected.json, which \
tools/specs/judge.py holds against the Python execution specs.";

const EXPORT_EXAMPLES: &str = "\
Examples:
  lockstep export --seed 1 --blocks 50 --out fixtures
  lockstep export --seed 1 --blocks 50 --format t8n --out t8n
  lockstep export --seed 7 --fork Prague,Osaka --format t8n --out t8n
  lockstep export case.json --format t8n --out t8n    a minimised finding";

/// What `export` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// EEST blockchain tests, a file for each block
    Fixture,
    /// Inputs of a transition tool, a folder for each block
    T8n,
}

#[derive(Debug, Args)]
#[command(long_about = EXPORT_ABOUT, after_help = EXPORT_EXAMPLES)]
pub(crate) struct ExportArgs {
    /// A file with a test of one block, instead of generated blocks
    #[arg(value_name = "CASE", conflicts_with_all = ["seed", "blocks", "fork", "features"])]
    pub(crate) case: Option<PathBuf>,

    /// The seed of the first block
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// How many blocks
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) blocks: u64,

    #[command(flatten)]
    pub(crate) kind: KindArgs,

    /// What to write
    #[arg(long, value_enum, default_value_t = ExportFormat::Fixture)]
    pub(crate) format: ExportFormat,

    /// Write to DIR
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// How `fuzz` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FuzzFormat {
    /// For a person
    Human,
    /// One JSON object a line on stdout, nothing else there
    Json,
}

/// How `bench` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchFormat {
    /// For a person
    Human,
    /// One JSON object a line on stdout, nothing else there
    Json,
    /// Not at all: another command speaks
    #[value(skip)]
    Silent,
}

const GATE_ABOUT: &str = "\
Runs `check` and then `bench`, and compares speedups with those of a baseline: the bench.jsonl of an earlier run. \
What diverges, hangs or crashes always fails the gate. What is slower does where it is beyond its interval and a \
floor, twice: what seems to be slower is measured again.

DIR has everything before the exit status is given: gate.md, report.html, junit.xml, check.jsonl, bench.jsonl. On \
GitHub the step's summary and annotations are written too.";

const GATE_EXAMPLES: &str = "\
Examples:
  lockstep gate --out first                                     makes a baseline: first/bench.jsonl
  lockstep gate --out second --baseline first/bench.jsonl       against it
  lockstep gate --quick --executor mine --out gate fixtures/    fixtures instead of the built-in set

Exit status:
  0  passed
  1  something diverged, hung or crashed
  2  the usage is wrong, or something could not be read, the baseline among it
  3  slower than the baseline allows
  4  nothing ran";

#[derive(Debug, Args)]
#[command(long_about = GATE_ABOUT, after_help = GATE_EXAMPLES)]
pub(crate) struct GateArgs {
    /// What `check` runs: files, folders and archives [default: as `check`]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// The bench.jsonl of an earlier run
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,

    /// Compare speeds although the baseline is of another machine
    #[arg(long)]
    pub(crate) any_machine: bool,

    /// Percent by which an executor may be slower on all blocks together
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    pub(crate) floor_all: f64,

    /// Percent by which it may be slower on one block
    #[arg(long, value_name = "PERCENT", default_value_t = 15.0)]
    pub(crate) floor_one: f64,

    /// Candidates by name [default: all but the reference and the baseline]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) executor: Vec<String>,

    /// Threads of each candidate [default: 2 or the cores, whichever is more]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) threads: Vec<usize>,

    /// Workloads that are measured [default: all]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) workload: Vec<String>,

    /// About how much gas a workload uses [default: as `bench --quick`]
    #[arg(long, value_name = "GAS")]
    pub(crate) gas: Option<u64>,

    /// Runs: in each, everyone prepares the block anew [default: 4; 2 with --quick]
    #[arg(long, value_name = "N")]
    pub(crate) runs: Option<usize>,

    /// Rounds of each run [default: 3]
    #[arg(long, value_name = "N")]
    pub(crate) rounds: Option<usize>,

    /// Half the runs
    #[arg(long)]
    pub(crate) quick: bool,

    /// Decides the workloads
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Let `check` leave out the tests of the slow list
    #[arg(long)]
    pub(crate) skip_slow: bool,

    /// A measured run that takes this long hangs
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = humantime::parse_duration)]
    pub(crate) hang_after: Duration,

    /// What is measured, in the record [default: git's HEAD here]
    #[arg(long, value_name = "COMMIT")]
    pub(crate) commit: Option<String>,

    /// Let the system move threads between cores
    #[arg(long)]
    pub(crate) no_pin: bool,

    /// Write everything to DIR
    #[arg(long, value_name = "DIR", default_value = "lockstep-gate")]
    pub(crate) out: PathBuf,

    /// When to color
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

/// Runs of `gate` where nothing is said: of quick blocks, more of them.
const GATE_RUNS: usize = 4;

impl GateArgs {
    /// What `bench` is asked for.
    pub(crate) fn bench(&self) -> BenchArgs {
        BenchArgs {
            paths: Vec::new(),
            workload: self.workload.clone(),
            gas: self.gas,
            quick: true,
            contention: None,
            min_gas: 0,
            executor: self.executor.clone(),
            threads: self.threads.clone(),
            mode: ThreadsMode::Auto,
            storage: vec![Storage::Memory],
            import: false,
            runs: self.runs.or((!self.quick).then_some(GATE_RUNS)),
            rounds: self.rounds,
            hang_after: self.hang_after,
            commit: self.commit.clone(),
            in_process: false,
            filter: None,
            seed: self.seed,
            no_pin: self.no_pin,
            format: BenchFormat::Human,
            out: None,
            color: self.color,
        }
    }
}

/// Which packed blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PackMode {
    /// No account in common: each test's own expectations still hold
    Disjoint,
    /// Everything in common: real dependencies
    Shared,
    /// One transaction of the block must be rejected
    Invalid,
    /// All three, one after the other
    All,
}

impl PackMode {
    /// The name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Disjoint => "disjoint",
            Self::Shared => "shared",
            Self::Invalid => "invalid",
            Self::All => "all",
        }
    }
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a person
    Human,
    /// One JSON object a line on stdout, nothing else there
    Json,
    /// One JUnit XML document on stdout, nothing else there
    Junit,
}

/// When to color.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
