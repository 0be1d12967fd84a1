//! Instructions for one transaction, counted by valgrind: the same on a noisy machine as on a quiet one,
//! so that a regression shows.
//!
//! ```text
//! apt-get install valgrind
//! cargo bench --bench instructions
//! LOCKSTEP_BENCH_GAS=1000000 cargo bench --bench instructions
//! ```
//!
//! The program runs itself under `valgrind --tool=callgrind`, once with two runs of a block and once with
//! several: the difference is what a run takes, without what comes before it and what is done once. Both
//! at the same time: counts do not mind.

#[path = "support/bare_loop.rs"]
mod bare_loop;
#[path = "support/gas.rs"]
mod gas;

use bare_loop::BareLoop;
use gas::gas_or;
use lockstep_cases::workload::{Signatures, Workload};
use lockstep_executors::{AccessList, BlockStm, Reference, Sequential};
use lockstep_model::{Executor, Mode, Outcome, RunOptions};
use mimalloc::MiMalloc;
use std::{process::Command, thread};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const BARE_LOOP: &str = "bare loop";
const EXECUTORS: [&str; 5] = [BARE_LOOP, "reference", "sequential", "block_stm", "access_list"];
const WORKLOADS: [&str; 3] = ["transfers", "erc20", "swaps"];
const GAS: u64 = 10_000_000;
const FEW_RUNS: u64 = 2;
const MORE_RUNS: u64 = 6;

/// Told to the program under valgrind, with executor, workload and runs behind it.
const UNDER_VALGRIND: &str = "--one";

#[expect(clippy::print_stdout, reason = "a benchmark reports to the terminal")]
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [first, executor, workload, runs] = &words[..]
        && first == UNDER_VALGRIND
    {
        return run(executor, workload, runs.parse().expect("a number of runs"));
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: valgrind is not installed");
        return;
    }
    println!("instructions for one transaction, one thread");
    for workload in WORKLOADS {
        for executor in EXECUTORS {
            let [few, more] = thread::scope(|scope| {
                [FEW_RUNS, MORE_RUNS]
                    .map(|runs| scope.spawn(move || count(executor, workload, runs)))
                    .map(|counted| counted.join().expect("valgrind counts"))
            });
            let transactions = block(workload).case.block.transactions.len() as u64;
            println!(
                "{workload:<10} {executor:<12} {:>9}",
                (more - few) / (MORE_RUNS - FEW_RUNS) / transactions
            );
        }
    }
}

fn block(workload: &str) -> lockstep_judge::runnable::Runnable {
    Workload::named(workload).expect("a workload").block(0, gas_or(GAS), Signatures::Placeholder)
}

fn run(executor: &str, workload: &str, runs: u64) {
    if executor == BARE_LOOP {
        let block = block(workload);
        let bare_loop = BareLoop::new(&block.case);
        return (0..runs).for_each(|_| drop(bare_loop.run()));
    }
    let mut executor: Box<dyn Executor> = match executor {
        "reference" => Box::new(Reference),
        "sequential" => Box::new(Sequential),
        "block_stm" => Box::new(BlockStm::new(1, Mode::Forced).unwrap()),
        "access_list" => Box::new(AccessList::new(1, Mode::Forced).unwrap()),
        _ => panic!("no executor `{executor}`"),
    };
    let case = block(workload).case;
    let mut prepared = executor.prepare(&case, &RunOptions::of(&case)).unwrap();
    for _ in 0..runs {
        let outcome = prepared.run().unwrap().outcome;
        assert!(matches!(outcome, Outcome::Accepted(_)), "{outcome:?}");
    }
}

fn count(executor: &str, workload: &str, runs: u64) -> u64 {
    let this = std::env::current_exe().expect("a program knows where it is");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(this)
        .args([UNDER_VALGRIND, executor, workload, &runs.to_string()])
        .output()
        .expect("valgrind runs");
    let text = String::from_utf8_lossy(&output.stderr);
    let refs = text.lines().find_map(|line| line.split_once("refs:"));
    let refs = refs.map(|(_, count)| count.trim().replace(',', ""));
    refs.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no count in:\n{text}"))
}
