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
    Case, Contention, Dependencies, Execution, ExecutorError, Outcome, Prepared, RunOptions,
    Steering,
};
use lockstep_report::simulation::{AtCores, MachineCosts, Measured, Shares, Simulation};
use machine::run_both;
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
    has_two_cores: bool,
}

/// Runs with a stopwatch; of each step the shortest time counts.
const RUNS: usize = 5;

/// The place of `access_list` among those that are measured beside the baseline.
const LIST: usize = 1;

/// Rounds of measurements, in each of which everyone runs once.
const ROUNDS: usize = 25;

impl Simulator {
    /// For these numbers of cores. With `validates`, the block is also measured at 1 and 2 threads.
    pub fn new(parties: Parties, cores: &[usize], validates: bool) -> Self {
        let there = thread::available_parallelism().map_or(1, usize::from);
        let measured: &[usize] = if validates { &[1, 2] } else { &[] };
        Self {
            parties,
            cores: cores.to_vec(),
            machine: Machine::measured(),
            measured: measured.iter().copied().filter(|threads| *threads <= there).collect(),
            has_two_cores: there > 1,
        }
    }

    /// A block on each number of cores.
    ///
    /// # Errors
    /// When an executor cannot run the block, the block is invalid, or an outcome is wrong.
    pub fn simulate(&self, block: &Runnable) -> Result<Simulation, String> {
        let case = &block.case;
        let right = self.right(case)?;
        if matches!(right, Outcome::Rejected(_)) {
            return Err("an invalid block".to_owned());
        }
        let contention = (self.parties.contention)(case).map_err(|error| error.to_string())?;
        let dependencies = contention.dependencies();
        let times = self.times(block, &right)?;
        let costs = Arc::new(self.costs(case, times.forced_ns)?);
        let crowded = (times.both_ns / times.sequential_ns.max(1.0)).clamp(1.0, 2.0);
        let machine = Machine { crowded, ..self.machine };
        let of_block = OfBlock {
            simulator: self,
            block,
            right: &right,
            times: &times,
            costs,
            machine,
            dependencies: &dependencies,
        };
        let at_cores = self.cores.iter().map(|cores| of_block.at(*cores));
        let at_cores = at_cores.collect::<Result<Vec<_>, _>>()?;
        Ok(Simulation {
            block: case.id.to_string(),
            transactions: case.block.transactions.len(),
            gas_used: contention.transactions.iter().map(|one| one.gas_used).sum(),
            sequential_ns: times.sequential_ns as u64,
            bound: ratio(dependencies.work_ns(), dependencies.critical_path_ns()),
            list_bound: ratio(dependencies.work_ns(), dependencies.longest_ns()),
            machine: MachineCosts {
                wake_up_ns: machine.wake_up,
                spin_ns: machine.spin,
                crowded: machine.crowded,
            },
            at_cores,
            measured: of_block.measured()?,
        })
    }

    fn right(&self, case: &Case) -> Result<Outcome, String> {
        Ok(run(&mut *prepare(&self.parties.sequential, 1, case, None)?)?.1.outcome)
    }

    /// Everyone in each round, so that what the machine does besides hits all of them.
    /// A time of a wrong outcome is none.
    fn times(&self, block: &Runnable, right: &Outcome) -> Result<Times, String> {
        let case = &block.case;
        let Parties { sequential, forced, block_stm, access_list, .. } = &self.parties;
        let mut baseline = prepare(sequential, 1, case, None)?;
        let mut copies = [prepare(sequential, 1, case, None)?, prepare(sequential, 1, case, None)?];
        let mut others = vec![
            ("block_stm@1".to_owned(), prepare(forced, 1, case, None)?),
            ("access_list@1".to_owned(), prepare(access_list, 1, case, None)?),
        ];
        for threads in &self.measured {
            let label = format!("block_stm@{threads} (auto)");
            others.push((label, prepare(block_stm, *threads, case, None)?));
        }
        let mut times = vec![Vec::with_capacity(ROUNDS); 2 + others.len()];
        // Serial time, of executors that report it.
        let mut alone = vec![Vec::with_capacity(ROUNDS); others.len()];
        for _ in 0..ROUNDS {
            times[0].push(run(&mut *baseline)?.0);
            times[1].push(if self.has_two_cores { run_both(&mut copies) } else { 0.0 });
            for (nth, (label, other)) in others.iter_mut().enumerate() {
                let (time_ns, execution) = run(&mut **other)?;
                agrees(block, right, &execution.outcome, label)?;
                times[2 + nth].push(time_ns);
                alone[nth].push(time_ns - execution.telemetry.shared_ns as f64);
            }
        }
        let list_alone_ns = quiet(&mut alone[LIST]);
        let mut quiet = times.iter_mut().map(|times| quiet(times));
        let mut next = || quiet.next().unwrap_or_default();
        Ok(Times {
            sequential_ns: next(),
            both_ns: next(),
            forced_ns: next(),
            list_ns: next(),
            list_alone_ns,
            measured_ns: self.measured.iter().map(|_| next()).collect(),
        })
    }

    fn costs(&self, case: &Case, whole_ns: f64) -> Result<Costs, String> {
        let forced = &self.parties.forced;
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

/// Times of a block as it is measured, in ns: those of quiet runs.
#[derive(Debug)]
struct Times {
    /// The baseline.
    sequential_ns: f64,
    /// The baseline, while another copy of it runs.
    both_ns: f64,
    /// `block_stm` with one worker.
    forced_ns: f64,
    /// `access_list` with one worker.
    list_ns: f64,
    /// Of that, what is not shared with other workers.
    list_alone_ns: f64,
    /// `block_stm` in mode `auto`, by the numbers of threads that are measured.
    measured_ns: Vec<f64>,
}

/// What is known of one block.
struct OfBlock<'a> {
    simulator: &'a Simulator,
    block: &'a Runnable,
    right: &'a Outcome,
    times: &'a Times,
    costs: Arc<Costs>,
    machine: Machine,
    dependencies: &'a Dependencies,
}

impl OfBlock<'_> {
    fn at(&self, cores: usize) -> Result<AtCores, String> {
        let clock = Arc::new(Clock::new(self.costs.clone(), self.machine));
        let case = &self.block.case;
        let parties = &self.simulator.parties;
        let mut prepared = prepare(&parties.block_stm, cores, case, Some(clock.clone()))?;
        let outcome = run(&mut *prepared)?.1.outcome;
        let label = format!("block_stm on {cores} simulated cores");
        agrees(self.block, self.right, &outcome, &label)?;
        let simulated = clock.result();
        let transactions = case.block.transactions.len() as f64;
        let left = 1.0 - f64::from(simulated.committed) / transactions.max(1.0);
        let block_stm_ns = if simulated.end == 0.0 {
            // It chose one thread.
            self.times.sequential_ns
        } else {
            // What was given up goes on alone.
            let alone = left * self.times.sequential_ns;
            self.costs.before + simulated.end + alone + self.after(cores)
        };
        let no_waits = self.dependencies.without_waits();
        let crowded = if cores > 1 { self.machine.crowded } else { 1.0 };
        let scale = self.times.sequential_ns / self.dependencies.work_ns().max(1) as f64;
        // Its workers do more than execute: they verify the list, and gather what was written.
        let list_scale = (self.times.list_ns - self.times.list_alone_ns)
            / self.dependencies.work_ns().max(1) as f64;
        Ok(AtCores {
            cores,
            block_stm_ns: block_stm_ns as u64,
            access_list_ns: (self.times.list_alone_ns
                + crowded * list_scale * ideal::time_ns(&no_waits, cores) as f64)
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

    /// Predictions beside measurements.
    fn measured(&self) -> Result<Vec<Measured>, String> {
        let measured = self.simulator.measured.iter().zip(&self.times.measured_ns);
        let held = |(threads, time_ns): (&usize, &f64)| {
            let predicted = self.at(*threads)?.block_stm_ns;
            Ok(Measured {
                threads: *threads,
                predicted: self.times.sequential_ns / predicted.max(1) as f64,
                measured: self.times.sequential_ns / time_ns.max(1.0),
            })
        };
        measured.map(held).collect()
    }
}

fn shares(simulated: &Simulated, cores: usize, whole_ns: f64) -> Shares {
    let all = (cores as f64 * whole_ns).max(1.0);
    let spent = &simulated.spent;
    let known = spent.useful + spent.wasted + spent.committing + spent.scheduling + spent.waiting;
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

/// An error with the first difference, if there is one.
fn agrees(
    block: &Runnable,
    right: &Outcome,
    outcome: &Outcome,
    executor: &str,
) -> Result<(), String> {
    match compare_outcomes(&block.pre, right, outcome, executor).first() {
        Some(first) => Err(format!("a wrong outcome: {first}")),
        None => Ok(()),
    }
}

/// Runs once: the time, in ns, and what came out.
fn run(prepared: &mut dyn Prepared) -> Result<(f64, Execution), String> {
    let start = Instant::now();
    let execution = prepared.run().map_err(|error| error.to_string())?;
    Ok((start.elapsed().as_nanos() as f64, execution))
}

/// The time of a quiet run: what the machine does besides makes runs longer, never shorter, and the very shortest
/// are luck.
fn quiet(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 5).copied().unwrap_or_default()
}
