//! Blocks of 1 Ggas of each built-in workload, through every executor.
//!
//! ```text
//! cargo bench --bench gigagas
//! LOCKSTEP_BENCH_GAS=100000000 cargo bench --bench gigagas -- erc20
//! ```
//!
//! Before criterion's own, the three one-thread times are measured in turn, and printed: reference,
//! `sequential`, and a bare loop of revm calls that `sequential` must keep up with (with what an executor
//! owes at its end, receipts and owned changes; the calls alone are shown beside it). Criterion measures
//! one after the other: for ratios that can be believed use `lockstep bench`.

#[path = "support/bare_loop.rs"]
mod bare_loop;
#[path = "support/gas.rs"]
mod gas;
mod support;

use bare_loop::BareLoop;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gas::gas_or;
use lockstep_cases::workload::{Signatures, Workload};
use lockstep_executors::{Reference, Sequential};
use lockstep_judge::runnable::Runnable;
use lockstep_model::Outcome;
use lockstep_report::samples::statistics::median;
use mimalloc::MiMalloc;
use std::time::Instant;
use support::{Ready, executors, for_whole_blocks, run};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Criterion takes its time: the rest of the workloads is for `lockstep bench`.
const WORKLOADS: [&str; 7] =
    ["transfers", "transfers-chain", "erc20", "erc20-hot", "erc20-chain", "swaps", "swaps-hot"];

const GAS: u64 = 1_000_000_000;

fn blocks(criterion: &mut Criterion) {
    let smoke = std::env::args().any(|argument| argument == "--test");
    for name in WORKLOADS {
        let workload = Workload::named(name).expect("a workload");
        let block = workload.block(0, gas_or(GAS), Signatures::Placeholder);
        let ready = Ready::new(&block);
        one_thread(&block, &ready, if smoke { 1 } else { 11 });
        let mut group = criterion.benchmark_group(format!("gigagas/{}", workload.name));
        for_whole_blocks(&mut group);
        group.throughput(Throughput::Elements(block.case.block.transactions.len() as u64));
        for (name, mut executor) in executors() {
            let mut prepared = ready.prepare(&name, &mut *executor);
            group.bench_function(&name, |bencher| bencher.iter(|| run(&mut *prepared)));
        }
        group.finish();
    }
}

#[expect(clippy::print_stderr, reason = "a benchmark reports to the terminal")]
fn one_thread(block: &Runnable, ready: &Ready<'_>, rounds: usize) {
    let bare_loop = BareLoop::new(&block.case);
    ready.judge("bare loop", &Outcome::Accepted(Box::new(bare_loop.run())));
    let mut sequential = ready.prepare("sequential", &mut Sequential);
    let mut reference = ready.prepare("reference", &mut Reference);

    let mut times = [const { Vec::new() }; 4];
    for _ in 0..rounds {
        let [calls, bare, ours, theirs] = &mut times;
        calls.push(milliseconds(|| bare_loop.calls()));
        bare.push(milliseconds(|| bare_loop.run()));
        ours.push(milliseconds(|| run(&mut *sequential)));
        theirs.push(milliseconds(|| run(&mut *reference)));
    }
    let [calls, bare, ours, theirs] = times.each_ref().map(|times| median(times));
    let of_calls = ratio(&times[2], &times[0]);
    let of_bare = ratio(&times[2], &times[1]);
    eprintln!(
        "{}: one thread: bare loop {bare:.1} ms (its calls alone {calls:.1} ms), sequential \
         {ours:.1} ms, reference {theirs:.1} ms; sequential takes {of_bare:.2}x of the bare loop, \
         {of_calls:.2}x of its calls alone",
        block.case.id
    );
}

/// Without the time that giving back what it made takes.
fn milliseconds<T>(work: impl FnOnce() -> T) -> f64 {
    let clock = Instant::now();
    let made = work();
    let took = clock.elapsed();
    drop(made);
    took.as_secs_f64() * 1e3
}

fn ratio(of: &[f64], by: &[f64]) -> f64 {
    median(&of.iter().zip(by).map(|(of, by)| of / by).collect::<Vec<f64>>())
}

criterion_group!(benches, blocks);
criterion_main!(benches);
