//! From the command line to the measurements.

use crate::{
    Lockstep,
    args::{BenchArgs, ThreadsMode},
    candidates::{Chosen, candidates, factory},
    defaults::{BASELINE, REFERENCE},
};
use anyhow::{Result, bail};
use lockstep_engine::Candidate;
use lockstep_jobs::bench::{BenchPlan, Storage, Watch};
use lockstep_model::Mode;
use std::sync::Arc;

/// How much is measured where nothing else is said.
struct Size {
    runs: usize,
    rounds: usize,
    gas: u64,
}

const WHOLE: Size = Size { runs: 4, rounds: 3, gas: 1_000_000_000 };
const QUICK: Size = Size { runs: 2, rounds: 3, gas: 50_000_000 };

/// Gas of a built-in workload where each read sleeps, or asks a database: more would take hours, and show
/// the same. Less would be too few transactions for the dozens of threads that slow storage is worth.
const GAS_OF_LATENCY: u64 = 16_000_000;
const GAS_ON_DISK: u64 = 100_000_000;

/// The parameters of a measurement that do not depend on its blocks.
#[derive(Debug)]
pub(crate) struct Measures {
    pub(crate) runs: usize,
    pub(crate) rounds: usize,
    pub(crate) candidates: Vec<Candidate>,
    mode: Mode,
}

impl Measures {
    pub(crate) fn new(args: &BenchArgs, command: &Lockstep) -> Result<Self> {
        let size = if args.quick { QUICK } else { WHOLE };
        let (runs, rounds) = (args.runs.unwrap_or(size.runs), args.rounds.unwrap_or(size.rounds));
        if runs == 0 || rounds == 0 {
            bail!("--runs {runs} --rounds {rounds}: expected at least 1 of each");
        }
        let mode = match args.mode {
            ThreadsMode::Auto => Mode::Auto,
            ThreadsMode::Forced => Mode::Forced,
        };
        let chosen = Chosen { names: &args.executor, threads: &args.threads, mode };
        let candidates = candidates(&command.executors, &chosen, &[REFERENCE, BASELINE])?;
        Ok(Self { runs, rounds, candidates, mode })
    }

    /// The plan with this storage, for those candidates that are not left out.
    pub(crate) fn plan(
        &self,
        args: &BenchArgs,
        command: &Lockstep,
        storage: Storage,
        without: &[String],
        watch: Arc<Watch>,
    ) -> Result<BenchPlan> {
        let executors = &command.executors;
        let candidates = self.candidates.iter().filter(|who| !without.contains(&who.label));
        Ok(BenchPlan {
            reference: factory(executors, REFERENCE, self.mode)?,
            baseline: Candidate::new(BASELINE, 1, factory(executors, BASELINE, self.mode)?),
            candidates: candidates.cloned().collect(),
            runs: self.runs,
            rounds: self.rounds,
            pin: !args.no_pin,
            storage,
            dependencies: Some(lockstep_executors::dependencies),
            import: args.import,
            memory: command.memory_meter,
            watch,
        })
    }
}

/// Gas of a built-in workload with this storage.
pub(crate) fn gas(args: &BenchArgs, storage: Storage) -> u64 {
    let gas = if args.quick { QUICK.gas } else { WHOLE.gas };
    args.gas.unwrap_or(match storage {
        Storage::Memory => gas,
        Storage::Latency(_) => gas.min(GAS_OF_LATENCY),
        Storage::Disk => gas.min(GAS_ON_DISK),
    })
}
