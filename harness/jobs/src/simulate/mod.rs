//! `lockstep simulate`: the real scheduler, workers and memory of `block_stm`, on more cores than there are.
//!
//! Workers take turns, and each has a clock. What a step costs was measured on this machine with one worker; what
//! it sees is what the others have done by then. Everything else is real: transactions are executed, and
//! the outcome is compared.
//!
//! * `costs`: what each step costs. * `machine`: what threads cost. * `clock`: who goes next.
//!
//! Not modelled: caches and memory bandwidth beyond what two busy cores show, cores that are not alike, and
//! what the system does besides.

mod clock;
mod costs;
mod machine;

use crate::profile::ideal;
use clock::{Clock, Machine, Simulated};
use costs::{Costs, Stopwatch, Timed};
use lockstep_engine::Factory;
use lockstep_judge::{compare::compare_outcomes, runnable::Runnable};
use lockstep_model::{
    Case, Contention, Dependencies, ExecutorError, Outcome, Prepared, RunOptions, Steering,
};
use lockstep_report::simulation::{AtCores, Measured, Shares, Simulation};
use std::{sync::Arc, thread, time::Instant};

/// Executors, as the command makes them.
#[derive(Clone)]
pub struct Parties {
    /// The baseline.
    pub sequential: Factory,
    /// `block_stm`, which may choose fewer threads.
    pub block_stm: Factory,
    /// The same, which may not.
    pub forced: Factory,
    /// `access_list`.
    pub access_list: Factory,
    /// What each transaction waits for.
    pub contention: fn(&Case) -> Result<Contention, ExecutorError>,
}

impl std::fmt::Debug for Parties {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parties").finish_non_exhaustive()
    }
}

/// Simulates blocks. What threads cost is measured once.
#[derive(Debug)]
pub struct Simulator {
    parties: Parties,
    cores: Vec<usize>,
    machine: Machine,
    /// Threads of which predictions are held against measurements.
    measured: Vec<usize>,
}

/// Runs with a stopwatch, and of the baseline; of each the shortest counts.
const RUNS: usize = 5;

/// Rounds of measurements, in each of which everyone runs once.
const ROUNDS: usize = 9;

impl Simulator {
    /// For these numbers of cores. With `validates`, the block is also measured at 1 and 2 threads.
    pub fn new(parties: Parties, cores: &[usize], validates: bool) -> Self {
        let there = thread::available_parallelism().map_or(1, usize::from);
        let measured = if validates { 1..=2 } else { 1..=0 };
        Self {
            parties,
            cores: cores.to_vec(),
            machine: Machine::measured(),
            measured: measured.filter(|threads| *threads <= there).collect(),
        }
    }

    /// A block on each number of cores.
    ///
    /// # Errors
    /// When an executor cannot run the block, the block is invalid, or an outcome is wrong.
    pub fn simulate(&self, block: &Runnable) -> Result<Simulation, String> {
        let case = &block.case;
        let (sequential_ns, right) = self.sequential(case)?;
        if matches!(right, Outcome::Rejected(_)) {
            return Err("an invalid block".to_owned());
        }
        let contention = (self.parties.contention)(case).map_err(|error| error.to_string())?;
        let dependencies = contention.dependencies();
        let costs = Arc::new(self.costs(case)?);
        let machine = self.machine.crowded_by(&self.parties.sequential, case, sequential_ns);
        let of_block = OfBlock {
            simulator: self,
            block,
            right: &right,
            sequential_ns,
            costs,
            machine,
            dependencies: &dependencies,
        };
        let list_serial_ns = of_block.list_serial_ns()?;
        let at_cores = self.cores.iter().map(|cores| of_block.at(*cores, list_serial_ns));
        let at_cores = at_cores.collect::<Result<Vec<_>, _>>()?;
        Ok(Simulation {
            block: case.id.to_string(),
            transactions: case.block.transactions.len(),
            gas_used: contention.transactions.iter().map(|one| one.gas_used).sum(),
            sequential_ns: sequential_ns as u64,
            bound: ratio(dependencies.work_ns(), dependencies.critical_path_ns()),
            list_bound: ratio(dependencies.work_ns(), dependencies.longest_ns()),
            at_cores,
            measured: of_block.measured()?,
        })
    }

    /// Time of the baseline, and its outcome.
    fn sequential(&self, case: &Case) -> Result<(f64, Outcome), String> {
        let mut prepared = prepare(&self.parties.sequential, 1, case, None)?;
        let outcome = run(&mut *prepared)?.1;
        Ok((shortest(&mut *prepared, RUNS)?, outcome))
    }

    fn costs(&self, case: &Case) -> Result<Costs, String> {
        let forced = &self.parties.forced;
        let whole_ns = shortest(&mut *prepare(forced, 1, case, None)?, RUNS)?;
        let mut fastest: Option<Timed> = None;
        for _ in 0..RUNS {
            let stopwatch = Arc::new(Stopwatch::default());
            let mut prepared = prepare(forced, 1, case, Some(stopwatch.clone()))?;
            let start = Instant::now();
            prepared.run().map_err(|error| error.to_string())?;
            let timed = stopwatch.timed(start, start.elapsed());
            fastest = Some(match fastest {
                Some(known) => known.fastest(&timed),
                None => timed,
            });
        }
        let fastest = fastest.ok_or("no run")?;
        Ok(fastest.costs(case.block.transactions.len(), whole_ns))
    }
}

/// What is known of one block.
struct OfBlock<'a> {
    simulator: &'a Simulator,
    block: &'a Runnable,
    right: &'a Outcome,
    sequential_ns: f64,
    costs: Arc<Costs>,
    machine: Machine,
    dependencies: &'a Dependencies,
}

impl OfBlock<'_> {
    fn at(&self, cores: usize, list_serial_ns: f64) -> Result<AtCores, String> {
        let clock = Arc::new(Clock::new(self.costs.clone(), self.machine));
        let case = &self.block.case;
        let parties = &self.simulator.parties;
        let mut prepared = prepare(&parties.block_stm, cores, case, Some(clock.clone()))?;
        let (_, outcome) = run(&mut *prepared)?;
        let label = format!("block_stm on {cores} simulated cores");
        if let Some(first) =
            compare_outcomes(&self.block.pre, self.right, &outcome, &label).first()
        {
            return Err(format!("a wrong outcome: {first}"));
        }
        let simulated = clock.result();
        let transactions = case.block.transactions.len() as f64;
        let left = 1.0 - f64::from(simulated.committed) / transactions.max(1.0);
        let block_stm_ns = if simulated.end == 0.0 {
            // It chose one thread.
            self.sequential_ns
        } else {
            // What was given up goes on alone.
            let alone = left * self.sequential_ns;
            self.costs.before + simulated.end + alone + self.after(cores)
        };
        let no_waits = self.dependencies.without_waits();
        let crowded = if cores > 1 { self.machine.crowded } else { 1.0 };
        let scale = self.sequential_ns / self.dependencies.work_ns().max(1) as f64;
        Ok(AtCores {
            cores,
            block_stm_ns: block_stm_ns as u64,
            access_list_ns: (list_serial_ns
                + crowded * scale * ideal::time_ns(&no_waits, cores) as f64)
                as u64,
            ideal_ns: (scale * ideal::time_ns(self.dependencies, cores) as f64) as u64,
            re_executions: simulated.re_executions,
            shares: shares(&simulated, cores, block_stm_ns),
        })
    }

    /// The phase after the block on one thread, while the others collect what was written.
    fn after(&self, cores: usize) -> f64 {
        let after = self.costs.after;
        after * (0.5 + 0.5 / cores.min(4) as f64)
    }

    /// What `access_list` does besides executing transactions, on one thread.
    fn list_serial_ns(&self) -> Result<f64, String> {
        let case = &self.block.case;
        let mut prepared = prepare(&self.simulator.parties.access_list, 1, case, None)?;
        let whole = shortest(&mut *prepared, RUNS)?;
        Ok((whole - self.sequential_ns).max(0.0))
    }

    /// The block as it is measured, everyone in each round.
    fn measured(&self) -> Result<Vec<Measured>, String> {
        let case = &self.block.case;
        let parties = &self.simulator.parties;
        let mut baseline = prepare(&parties.sequential, 1, case, None)?;
        let mut measured = Vec::new();
        for threads in &self.simulator.measured {
            let mut candidate = prepare(&parties.block_stm, *threads, case, None)?;
            let (mut alone, mut times) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                alone.push(run(&mut *baseline)?.0);
                times.push(run(&mut *candidate)?.0);
            }
            let predicted = self.at(*threads, 0.0)?.block_stm_ns;
            measured.push(Measured {
                threads: *threads,
                predicted: self.sequential_ns / predicted.max(1) as f64,
                measured: median(&mut alone) / median(&mut times).max(1.0),
            });
        }
        Ok(measured)
    }
}

fn shares(simulated: &Simulated, cores: usize, whole_ns: f64) -> Shares {
    let all = (cores as f64 * whole_ns).max(1.0);
    let spent = &simulated.spent;
    let known =
        spent.useful + spent.wasted + spent.committing + spent.scheduling + spent.waiting;
    Shares {
        executing: spent.useful / all,
        wasted: spent.wasted / all,
        committing: spent.committing / all,
        scheduling: spent.scheduling / all,
        waiting: spent.waiting / all,
        serial: (1.0 - known / all).max(0.0),
    }
}

fn ratio(whole: u64, part: u64) -> f64 {
    if part == 0 { 1.0 } else { whole as f64 / part as f64 }
}

fn prepare(
    factory: &Factory,
    threads: usize,
    case: &Case,
    steering: Option<Arc<dyn Steering>>,
) -> Result<Box<dyn Prepared>, String> {
    let options = RunOptions { steering, ..RunOptions::of(case) };
    let prepared = factory(threads)?.prepare(case, &options);
    prepared.map_err(|error| error.to_string())
}

/// Runs once: the time, in ns, and the outcome.
fn run(prepared: &mut dyn Prepared) -> Result<(f64, Outcome), String> {
    let start = Instant::now();
    let execution = prepared.run().map_err(|error| error.to_string())?;
    Ok((start.elapsed().as_nanos() as f64, execution.outcome))
}

fn shortest(prepared: &mut dyn Prepared, runs: usize) -> Result<f64, String> {
    (0..runs).try_fold(f64::MAX, |known, _| Ok(known.min(run(prepared)?.0)))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
