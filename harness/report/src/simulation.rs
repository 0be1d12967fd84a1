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
    /// What threads cost on the machine.
    pub machine: MachineCosts,
    /// By number of cores.
    pub at_cores: Vec<AtCores>,
    /// Predictions beside measurements.
    pub measured: Vec<Measured>,
}

/// What threads cost, as it was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct MachineCosts {
    /// From the call of a sleeping thread until it runs, in ns.
    pub wake_up_ns: f64,
    /// How long a worker without a task looks for one before it sleeps, in ns.
    pub spin_ns: f64,
    /// How much longer this block takes on one core while another one runs it too.
    pub crowded: f64,
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
    /// Whether a text is what `lockstep simulate --format json` writes.
    pub fn is_one(text: &str) -> bool {
        crate::first_line(text).get("at_cores").is_some()
    }

    fn speedup(&self, time_ns: u64) -> f64 {
        self.sequential_ns as f64 / time_ns.max(1) as f64
    }

    /// What so many cores allow `block_stm`.
    fn limit(&self, cores: usize) -> f64 {
        self.bound.min(cores as f64).max(1.0)
    }

    /// What so many cores allow `access_list`.
    fn list_limit(&self, cores: usize) -> f64 {
        self.list_bound.min(cores as f64).max(1.0)
    }
}

/// A block, as lines for a terminal.
pub fn terminal(simulation: &Simulation) -> String {
    let Simulation { block, transactions, bound, list_bound, sequential_ns, machine, .. } =
        simulation;
    let mut text = format!(
        "{block}\n  {transactions} transactions, {:.2} ms sequential; bound of dependencies {bound:.2}x, with lists \
         {list_bound:.2}x\n  a thread wakes up in {:.0} µs, spins {:.0} µs before it sleeps; beside another one \
         everything takes {:.2} times as long\n  cores  block_stm  of its limit  ideal   access_list  again  executing wasted commit \
         schedule waiting serial\n",
        *sequential_ns as f64 / 1e6,
        machine.wake_up_ns / 1e3,
        machine.spin_ns / 1e3,
        machine.crowded,
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

/// Speedups of all blocks in sum, at one number of cores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sum {
    /// How many.
    pub cores: usize,
    /// Of `block_stm`.
    pub block_stm: f64,
    /// Of what the bounds of dependencies allow. More than 1 where transactions go on in the middle, once what they
    /// wait for is there: the bound has them begin only then.
    pub share: f64,
    /// Of an ideal schedule.
    pub ideal: f64,
    /// Of `access_list`.
    pub access_list: f64,
    /// Of what the longest transactions allow.
    pub list_share: f64,
}

/// Speedups of all blocks in sum, by the numbers of cores.
pub fn sums(all: &[Simulation]) -> Vec<Sum> {
    let Some(first) = all.first() else { return Vec::new() };
    let sum = |time: &dyn Fn(&Simulation) -> u64| all.iter().map(time).sum::<u64>() as f64;
    let sequential = sum(&|one| one.sequential_ns);
    let at = |(index, at): (usize, &AtCores)| {
        let of = |time: &dyn Fn(&AtCores) -> u64| {
            sequential / sum(&|one| time(&one.at_cores[index])).max(1.0)
        };
        let share = |speedup: f64, limit: &dyn Fn(&Simulation) -> f64| {
            let least = all.iter().map(|one| one.sequential_ns as f64 / limit(one));
            speedup * least.sum::<f64>() / sequential.max(1.0)
        };
        let (block_stm, access_list) = (of(&|at| at.block_stm_ns), of(&|at| at.access_list_ns));
        Sum {
            cores: at.cores,
            block_stm,
            share: share(block_stm, &|one| one.limit(at.cores)),
            ideal: of(&|at| at.ideal_ns),
            access_list,
            list_share: share(access_list, &|one| one.list_limit(at.cores)),
        }
    };
    first.at_cores.iter().enumerate().map(at).collect()
}

/// Measured speedups of `block_stm`, of all blocks in sum, by the numbers of threads.
pub fn measured_sums(all: &[Simulation]) -> Vec<(usize, f64)> {
    let Some(first) = all.first() else { return Vec::new() };
    let sequential: f64 = all.iter().map(|one| one.sequential_ns as f64).sum();
    let of = |(index, measured): (usize, &Measured)| {
        let times = all.iter().filter_map(|one| {
            Some(one.sequential_ns as f64 / one.measured.get(index)?.measured.max(f64::EPSILON))
        });
        (measured.threads, sequential / times.sum::<f64>().max(1.0))
    };
    first.measured.iter().enumerate().map(of).collect()
}

/// How good the predictions are, a sentence for each number of threads.
pub fn validation(all: &[Simulation]) -> Vec<String> {
    let measured = || all.iter().flat_map(|one| &one.measured);
    let mut threads: Vec<usize> = measured().map(|measured| measured.threads).collect();
    threads.sort_unstable();
    threads.dedup();
    let sentence = |threads: usize| {
        let of: Vec<f64> =
            measured().filter(|one| one.threads == threads).map(Measured::error).collect();
        let close = of.iter().filter(|error| error.abs() <= CLOSE).count();
        let worst = of.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
        format!(
            "{threads} threads: predicted within {:.0} % of what was measured on {close} of {} blocks; worst {:+.0} %",
            100.0 * CLOSE,
            of.len(),
            100.0 * worst.unwrap_or_default()
        )
    };
    threads.into_iter().map(sentence).collect()
}

/// All blocks together: sums, and how good the predictions are.
pub fn summary(all: &[Simulation]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "{} blocks in sum\n  cores  block_stm  of its limit  ideal   access_list  of its limit\n",
        all.len()
    );
    for Sum { cores, block_stm, share, ideal, access_list, list_share } in sums(all) {
        let (share, list_share) = (100.0 * share, 100.0 * list_share);
        let _ = writeln!(
            text,
            "  {cores:>5}  {block_stm:>8.2}x  {share:>10.0} %  {ideal:>5.2}x  {access_list:>10.2}x  {list_share:>10.0} %"
        );
    }
    validation(all).iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    text
}

/// The sums as a table in Markdown.
pub fn table_of_sums(all: &[Simulation]) -> String {
    let mut text = String::from(
        "| cores | `block_stm` | of its limit | ideal | `access_list` | of its limit |\n|--:|--:|--:|--:|--:|--:|\n",
    );
    for Sum { cores, block_stm, share, ideal, access_list, list_share } in sums(all) {
        let (share, list_share) = (100.0 * share, 100.0 * list_share);
        let _ = writeln!(
            text,
            "| {cores} | {block_stm:.2}x | {share:.0} % | {ideal:.2}x | {access_list:.2}x | {list_share:.0} % |"
        );
    }
    text
}

/// All blocks as Markdown: sums, and predictions beside measurements.
pub fn markdown(all: &[Simulation]) -> String {
    let mut text = format!(
        "# Simulated cores\n\n{} blocks in sum, as speedups over `sequential`. *Simulated*: the real scheduler and memory \
         of `block_stm` on so many cores, each with a clock; costs measured on this machine with one worker. `access_list` \
         is a model. *Limit*: what dependencies and the number of cores allow each block. *Ideal*: a schedule that \
         knows all dependencies beforehand, and begins no transaction before all that it waits for has ended. `block_stm` \
         with more than two workers can be faster: a transaction that has begun goes on where it is once the value is \
         there.\n\n",
        all.len()
    );
    text.push_str(&table_of_sums(all));
    text.push('\n');
    validation(all).iter().for_each(|line| text.push_str(&format!("* {line}\n")));
    text.push_str(
        "\n| block | transactions | bound | 2 threads measured | predicted | off | 8 cores | 16 cores |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for one in all {
        let two = one.measured.iter().find(|measured| measured.threads == 2);
        let two = two.map_or("- | - | -".to_owned(), |two| {
            let off = 100.0 * two.error();
            format!("{:.2}x | {:.2}x | {off:+.0} %", two.measured, two.predicted)
        });
        let at = |cores: usize| {
            let found = one.at_cores.iter().find(|at| at.cores == cores);
            found.map_or("-".to_owned(), |at| format!("{:.2}x", one.speedup(at.block_stm_ns)))
        };
        let Simulation { block, transactions, bound, .. } = one;
        let (eight, sixteen) = (at(8), at(16));
        let _ = writeln!(
            text,
            "| {block} | {transactions} | {bound:.2}x | {two} | {eight} | {sixteen} |"
        );
    }
    text
}

/// A curve: its name, its color, and its value.
type Curve = (&'static str, &'static str, fn(&Sum) -> f64);

/// Width and height of the picture, and the room left of and below it.
const PICTURE: (f64, f64, f64) = (640.0, 360.0, 44.0);

/// The sums as curves over the number of cores, which doubles from step to step.
pub fn svg(all: &[Simulation]) -> String {
    let sums = sums(all);
    let (width, height, room) = PICTURE;
    let most = sums.iter().flat_map(|sum| [sum.ideal, sum.access_list, sum.block_stm]);
    let most = most.fold(1.0, f64::max).ceil();
    let steps = (sums.len().max(2) - 1) as f64;
    let x = |index: usize| room + index as f64 * (width - room - 120.0) / steps;
    let y = |speedup: f64| height - room - speedup * (height - room - 20.0) / most;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<title>Speedups over sequential on simulated cores, {} blocks in sum</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        all.len()
    );
    for speedup in 0..=most as usize {
        let at = y(speedup as f64);
        let _ = writeln!(
            svg,
            "<line x1=\"{room}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/><text x=\"8\" \
             y=\"{:.1}\">{speedup}x</text>",
            width - 120.0,
            at + 4.0
        );
    }
    for (index, sum) in sums.iter().enumerate() {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            x(index),
            height - 20.0,
            sum.cores
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\">cores, simulated</text>",
        width - 112.0,
        height - 20.0
    );
    // Colors that can be told apart without telling red from green (Okabe and Ito).
    let curves: [Curve; 3] = [
        ("access_list, a model", "#009e73", |sum| sum.access_list),
        ("an ideal schedule", "#6e6e6e", |sum| sum.ideal),
        ("block_stm", "#0072b2", |sum| sum.block_stm),
    ];
    for (name, color, value) in curves {
        let points: Vec<String> = sums
            .iter()
            .enumerate()
            .map(|(index, sum)| format!("{:.1},{:.1}", x(index), y(value(sum))))
            .collect();
        let last = sums.last().map_or(0.0, value);
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/><text x=\"{:.1}\" \
             y=\"{:.1}\" fill=\"{color}\">{name}</text>",
            points.join(" "),
            width - 116.0,
            y(last) + 4.0
        );
    }
    svg + "</svg>\n"
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
            machine: MachineCosts { wake_up_ns: 50_000.0, spin_ns: 20_000.0, crowded: 1.25 },
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
        let text = markdown(&[example()]);
        assert!(text.contains("| 8 | 2.00x | 80 % | 2.00x | 2.50x | 62 % |"), "{text}");
        assert!(
            text.contains("| a block | 4 | 2.50x | 1.28x | 1.60x | +25 % | 2.00x | - |"),
            "{text}"
        );
        assert_eq!(svg(&[example()]).matches("<polyline").count(), 3);
    }
}
