//! `lockstep bench`.

use super::{Color, LiveArgs};
use clap::{Args, ValueEnum};
use lockstep_cases::workload::Contention;
use lockstep_formats::networks::Network;
use lockstep_jobs::bench::Storage;
use std::{num::NonZeroUsize, path::PathBuf, sync::Arc, time::Duration};

pub(super) const BENCH_ABOUT: &str = "\
Measures executors against `sequential`, the fastest one-thread execution of revm. In each run everyone \
prepares the block anew; in each of its rounds everyone runs twice, forwards and backwards, a second copy of \
`sequential` among them: what it seems to be faster than the first (A/A) is what the machine makes up, and where \
that is much there is no speedup. The outcome of every timed run is compared with the reference's: a wrong one \
has no speedup either. A candidate that hangs or crashes has a row that says so, and the others are measured on.

Intervals are of 95 %, from resamples of whole runs and of rounds in them. bound: what dependencies allow with \
these threads, and what the longest transaction allows where all values are known. ref, cpu, memory: the \
reference's time, and the candidate's processor time and peak memory, in terms of the baseline's.

PATH is a file, a folder or an archive of real blocks (or of state tests). Without a PATH: the built-in \
workloads.";

const BENCH_EXAMPLES: &str = "\
Examples:
  lockstep bench                                            every built-in workload
  lockstep bench --quick                                    little of everything, in half a minute
  lockstep bench --workload erc20,swaps --gas 100000000     two of them, at 100 Mgas
  lockstep bench --workload payments,payments-naive --contention zipf:1.1
                                                            contracts, and popular recipients
  lockstep bench --min-gas 4000000 mainnet-blocks.tar.zst   real blocks of 4 Mgas and more
  lockstep bench --executor block_stm --threads 1,2,4       one executor, three numbers of threads
  lockstep bench --storage memory,disk,latency:100 --threads 2,16 --workload erc20
                                                            a database on disk, storage far away
  lockstep bench --import --workload erc20                 senders and roots too

Exit status:
  1  an outcome was wrong, or an executor broke
  2  else: something could not be read, or the usage is wrong
  4  else: nothing ran
  0  else";

#[derive(Debug, Args)]
#[command(after_help = BENCH_EXAMPLES)]
pub(crate) struct BenchArgs {
    /// Files, folders and archives
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Network of real blocks: mainnet, sepolia, holesky, hoodi, or a genesis file as geth reads it
    /// [default: as the folder, the index or the signatures say]
    #[arg(long, value_name = "NAME|FILE", value_parser = super::network)]
    pub(crate) network: Option<Arc<Network>>,

    /// Built-in workloads by name; a name that is none lists them all [default: all]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', conflicts_with = "paths")]
    pub(crate) workload: Vec<String>,

    /// About how much gas a built-in workload uses [default: 1,000,000,000; 100,000,000 on disk, 16,000,000
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

    /// Shards of `sharded` [default: one for each of its threads]
    #[arg(long, value_name = "N")]
    pub(crate) shards: Option<NonZeroUsize>,

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
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = super::duration)]
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

    #[command(flatten)]
    pub(crate) watched: LiveArgs,

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
