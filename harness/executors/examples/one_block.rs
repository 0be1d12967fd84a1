//! Runs one workload through executors again and again, in turns, and nothing else: for profilers.
//!
//! ```text
//! cargo build --release -p lockstep-executors --example one_block
//! perf record target/release/examples/one_block block_stm-auto 2 erc20 1000000000 50
//! valgrind --tool=callgrind target/release/examples/one_block sequential 1 erc20 20000000 1
//! target/release/examples/one_block sequential,access_list 2 swaps 1000000000 11
//! ```

use lockstep_cases::workload::{Signatures, Workload};
use lockstep_executors::{AccessList, BlockStm, Reference, Sequential, Sharded};
use lockstep_model::{Executor, Mode, Outcome, RunOptions};
use mimalloc::MiMalloc;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn executor(name: &str, threads: usize) -> Box<dyn Executor> {
    match name {
        "reference" => Box::new(Reference),
        "sequential" => Box::new(Sequential),
        "block_stm" => Box::new(BlockStm::new(threads, Mode::Forced).expect("threads")),
        "block_stm-auto" => Box::new(BlockStm::new(threads, Mode::Auto).expect("threads")),
        "repair" => Box::new(BlockStm::mending(threads, Mode::Forced).expect("threads")),
        "repair-auto" => Box::new(BlockStm::mending(threads, Mode::Auto).expect("threads")),
        "sharded" => Box::new(Sharded::new(threads, Mode::Forced).expect("threads")),
        "access_list" => Box::new(AccessList::new(threads, Mode::Forced).expect("threads")),
        "access_list-auto" => Box::new(AccessList::new(threads, Mode::Auto).expect("threads")),
        _ => panic!("no executor `{name}`"),
    }
}

#[expect(clippy::print_stderr, reason = "an example reports to the terminal")]
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [names, threads, workload, gas, times] = &words[..] else {
        panic!("usage: one_block EXECUTOR[,EXECUTOR…] THREADS WORKLOAD GAS TIMES");
    };
    let threads = threads.parse().expect("threads are a number");
    let workload = Workload::named(workload).expect("a workload's name");
    let gas = gas.parse().expect("gas is a number");
    let block = workload.block(0, gas, Signatures::Placeholder);
    let prepared = names.split(',').map(|name| {
        let prepared = executor(name, threads)
            .prepare(&block.case, &RunOptions::of(&block.case))
            .expect("it runs");
        (name, prepared)
    });
    let mut prepared: Vec<_> = prepared.collect();
    for _ in 0..times.parse().expect("times is a number") {
        for (name, prepared) in &mut prepared {
            let start = Instant::now();
            let execution = prepared.run().expect("it runs");
            let time = start.elapsed();
            assert!(matches!(execution.outcome, Outcome::Accepted(_)), "{:?}", execution.outcome);
            eprintln!("{name} {time:?} {:?}", execution.telemetry);
        }
    }
}
