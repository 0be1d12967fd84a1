//! Blocks on simulated cores.

use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// A block on simulated cores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Simulation {
    /// The block.
    pub block: String,
    /// Its transactions.
    pub transactions: usize,
    /// Gas of all of them.
    pub gas_used: u64,
    /// Time of `sequential`, in ns.
    pub sequential_ns: u64,
    /// The bound of dependencies: all work over the longest chain.
    pub bound: f64,
    /// The bound where every value is known beforehand: all work over the longest transaction.
    pub list_bound: f64,
    /// By number of cores.
    pub at_cores: Vec<AtCores>,
    /// Predictions beside measurements.
    pub measured: Vec<Measured>,
}

/// A number of cores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AtCores {
    /// How many.
    pub cores: usize,
    /// Time of `block_stm`, in ns.
    pub block_stm_ns: u64,
    /// Time of `access_list`, in ns.
    pub access_list_ns: u64,
    /// Time of an ideal schedule, which knows all dependencies, in ns.
    pub ideal_ns: u64,
    /// Executions of `block_stm` after the first of each transaction.
    pub re_executions: u64,
    /// Where the time of its cores goes.
    pub shares: Shares,
}

/// Parts of the time of all cores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    /// Executions whose results stand.
    pub executing: f64,
    /// Executions that were stale, or given up.
    pub wasted: f64,
    /// Checks and commits.
    pub committing: f64,
    /// Asking for tasks, and telling of them.
    pub scheduling: f64,
    /// Without a task.
    pub waiting: f64,
    /// Before and after the transactions, and what one thread does alone.
    pub serial: f64,
}

/// A prediction beside a measurement: speedups over `sequential`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Threads.
    pub threads: usize,
    /// As simulated.
    pub predicted: f64,
    /// As measured.
    pub measured: f64,
}

impl Measured {
    /// By how much the prediction is off, as a part of the measurement.
    pub fn error(&self) -> f64 {
        self.predicted / self.measured - 1.0
    }
}

impl Simulation {
    fn speedup(&self, time_ns: u64) -> f64 {
        self.sequential_ns as f64 / time_ns.max(1) as f64
    }

    /// What so many cores allow `block_stm`.
    fn limit(&self, cores: usize) -> f64 {
        self.bound.min(cores as f64).max(1.0)
    }
}

/// A block, as lines for a terminal.
pub fn terminal(simulation: &Simulation) -> String {
    let Simulation { block, transactions, bound, list_bound, sequential_ns, .. } = simulation;
    let mut text = format!(
        "{block}\n  {transactions} transactions, {:.2} ms sequential; bound of dependencies {bound:.2}x, with lists \
         {list_bound:.2}x\n  cores  block_stm  of its limit  ideal   access_list  again  executing wasted commit \
         schedule waiting serial\n",
        *sequential_ns as f64 / 1e6
    );
    for at in &simulation.at_cores {
        let speedup = simulation.speedup(at.block_stm_ns);
        let shares = &at.shares;
        let parts = [
            shares.executing,
            shares.wasted,
            shares.committing,
            shares.scheduling,
            shares.waiting,
            shares.serial,
        ];
        let parts: Vec<String> =
            parts.iter().map(|part| format!("{:>6.0} %", part * 100.0)).collect();
        let _ = writeln!(
            text,
            "  {:>5}  {speedup:>8.2}x  {:>10.0} %  {:>5.2}x  {:>10.2}x  {:>5}  {}",
            at.cores,
            100.0 * speedup / simulation.limit(at.cores),
            simulation.speedup(at.ideal_ns),
            simulation.speedup(at.access_list_ns),
            at.re_executions,
            parts.join("")
        );
    }
    for measured in &simulation.measured {
        let _ = writeln!(
            text,
            "  {} threads measured: {:.2}x; predicted {:.2}x ({:+.0} %)",
            measured.threads,
            measured.measured,
            measured.predicted,
            100.0 * measured.error()
        );
    }
    text
}

/// How far off a prediction may be.
pub const CLOSE: f64 = 0.10;

/// All blocks together: sums, and how good the predictions are.
pub fn summary(all: &[Simulation]) -> String {
    let Some(first) = all.first() else { return String::new() };
    let sum = |time: &dyn Fn(&Simulation) -> u64| all.iter().map(time).sum::<u64>() as f64;
    let sequential = sum(&|one| one.sequential_ns);
    let mut text = format!(
        "{} blocks in sum\n  cores  block_stm  of its limit  ideal   access_list\n",
        all.len()
    );
    for (index, at) in first.at_cores.iter().enumerate() {
        let of = |time: &dyn Fn(&AtCores) -> u64| {
            sequential / sum(&|one| time(&one.at_cores[index])).max(1.0)
        };
        let block_stm = of(&|at| at.block_stm_ns);
        let limit = sequential
            / all
                .iter()
                .map(|one| one.sequential_ns as f64 / one.limit(at.cores))
                .sum::<f64>()
                .max(1.0);
        let _ = writeln!(
            text,
            "  {:>5}  {block_stm:>8.2}x  {:>10.0} %  {:>5.2}x  {:>10.2}x",
            at.cores,
            100.0 * block_stm / limit,
            of(&|at| at.ideal_ns),
            of(&|at| at.access_list_ns),
        );
    }
    let mut threads: Vec<usize> =
        all.iter().flat_map(|one| &one.measured).map(|measured| measured.threads).collect();
    threads.sort_unstable();
    threads.dedup();
    for threads in threads {
        let of: Vec<&Measured> = all
            .iter()
            .flat_map(|one| &one.measured)
            .filter(|measured| measured.threads == threads)
            .collect();
        let close = of.iter().filter(|measured| measured.error().abs() <= CLOSE).count();
        let worst =
            of.iter().map(|measured| measured.error()).max_by(|a, b| a.abs().total_cmp(&b.abs()));
        let _ = writeln!(
            text,
            "  {threads} threads: predicted within {:.0} % of what was measured on {close} of {} blocks; worst {:+.0} %",
            100.0 * CLOSE,
            of.len(),
            100.0 * worst.unwrap_or_default()
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Simulation {
        let at = |cores, block_stm_ns| AtCores {
            cores,
            block_stm_ns,
            access_list_ns: 400,
            ideal_ns: 500,
            re_executions: 3,
            shares: Shares { executing: 0.5, ..Shares::default() },
        };
        Simulation {
            block: "a block".to_owned(),
            transactions: 4,
            gas_used: 84_000,
            sequential_ns: 1_000,
            bound: 2.5,
            list_bound: 4.0,
            at_cores: vec![at(2, 625), at(8, 500)],
            measured: vec![
                Measured { threads: 1, predicted: 1.0, measured: 1.0 },
                Measured { threads: 2, predicted: 1.6, measured: 1.28 },
            ],
        }
    }

    #[test]
    fn speedups_are_held_against_the_limit() {
        let text = terminal(&example());
        assert!(text.contains("1.60x          80 %"), "{text}");
        assert!(text.contains("2.00x          80 %"), "{text}");
        assert!(text.contains("measured: 1.28x; predicted 1.60x (+25 %)"), "{text}");
    }

    #[test]
    fn the_sum_tells_how_good_predictions_are() {
        let text = summary(&[example(), example()]);
        assert!(
            text.contains("1 threads: predicted within 10 % of what was measured on 2 of 2"),
            "{text}"
        );
        assert!(text.contains("on 0 of 2 blocks; worst +25 %"), "{text}");
        assert_eq!(summary(&[]), "");
    }
}
