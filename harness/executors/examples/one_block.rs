//! Runs one workload through one executor again and again, and nothing else: for profilers.
//!
//! ```text
//! cargo build --release -p lockstep-executors --example one_block
//! perf record target/release/examples/one_block block_stm 2 erc20 1000000000 50
//! valgrind --tool=callgrind target/release/examples/one_block sequential 1 erc20 20000000 1
//! ```

use lockstep_executors::{BlockStm, Reference, Sequential};
use lockstep_model::{Executor, Mode, Outcome};
use lockstep_runner::workload::{Signatures, Workload};
use mimalloc::MiMalloc;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[expect(clippy::print_stderr, reason = "it has nobody else to tell")]
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, threads, workload, gas, times] = &words[..] else {
        panic!("usage: one_block EXECUTOR THREADS WORKLOAD GAS TIMES");
    };
    let threads = threads.parse().expect("threads are a number");
    let mut executor: Box<dyn Executor> = match name.as_str() {
        "reference" => Box::new(Reference),
        "sequential" => Box::new(Sequential),
        "block_stm" => Box::new(BlockStm::new(threads, Mode::Forced).expect("threads")),
        "block_stm-auto" => Box::new(BlockStm::new(threads, Mode::Auto).expect("threads")),
        _ => panic!("no executor `{name}`"),
    };
    let workload = Workload::named(workload).expect("a workload's name");
    let gas = gas.parse().expect("gas is a number");
    let block = workload.block(0, gas, Signatures::Placeholder);
    let mut prepared = executor.prepare(&block.case).expect("it runs");
    for _ in 0..times.parse().expect("times is a number") {
        let start = Instant::now();
        let execution = prepared.run().expect("it runs");
        let time = start.elapsed();
        assert!(matches!(execution.outcome, Outcome::Accepted(_)), "{:?}", execution.outcome);
        eprintln!("{time:?} {:?}", execution.telemetry);
    }
}
