//! `lockstep gate`.

use super::{BenchArgs, BenchFormat, Color, LiveArgs, ThreadsMode};
use clap::Args;
use lockstep_jobs::bench::Storage;
use std::{path::PathBuf, time::Duration};

pub(super) const GATE_ABOUT: &str = "\
Runs `check` and then `bench`, and compares speedups with those of a baseline: the bench.jsonl of an earlier run. \
What diverges, hangs or crashes always fails the gate. What is slower does where it is beyond its interval and a \
floor; what seems to be slower is measured again, and both measurements together decide.

DIR has everything before the exit status is given: gate.md, report.html, junit.xml, lockstep.sarif, check.jsonl, bench.jsonl. On \
GitHub the step's summary and annotations are written too.";

const GATE_EXAMPLES: &str = "\
Examples:
  lockstep gate --out first                                     makes a baseline: first/bench.jsonl
  lockstep gate --out second --baseline first/bench.jsonl       against it
  lockstep gate --quick --executor mine --out gate fixtures/    fixtures instead of the built-in set
  lockstep gate --simulate --out gate                           with curves of simulated cores, and conflicts

Exit status:
  0  passed
  1  something diverged, hung or crashed
  2  the usage is wrong, or something could not be read, the baseline among it
  3  slower than the baseline allows
  4  nothing ran";

#[derive(Debug, Args)]
#[command(after_help = GATE_EXAMPLES)]
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
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = super::duration)]
    pub(crate) hang_after: Duration,

    /// Simulate the measured blocks on these numbers of cores and profile them, for the report
    #[arg(long, value_name = "LIST", value_delimiter = ',', num_args = 0..=1, default_missing_value = "1,2,4,8,16,32,64", value_parser = super::simulate::cores)]
    pub(crate) simulate: Vec<usize>,

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
            network: None,
            workload: self.workload.clone(),
            gas: self.gas,
            quick: true,
            contention: None,
            min_gas: 0,
            executor: self.executor.clone(),
            threads: self.threads.clone(),
            shards: None,
            mode: ThreadsMode::Auto,
            storage: vec![Storage::Memory],
            import: false,
            runs: self.runs.or((!self.quick).then_some(GATE_RUNS)),
            rounds: self.rounds,
            hang_after: self.hang_after,
            commit: self.commit.clone(),
            in_process: false,
            watched: LiveArgs::default(),
            filter: None,
            seed: self.seed,
            no_pin: self.no_pin,
            format: BenchFormat::Human,
            out: None,
            color: self.color,
        }
    }
}
