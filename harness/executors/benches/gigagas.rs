//! Blocks of 1 Ggas of each built-in workload, through every executor.
//!
//! ```text
//! cargo bench --bench gigagas
//! LOCKSTEP_BENCH_GAS=100000000 cargo bench --bench gigagas -- erc20
//! ```
//!
//! Before criterion's own, the three one-thread times are measured in turn, and printed: reference,
//! `sequential`, and a bare loop of revm calls that `sequential` must keep up with. Criterion measures
//! one after the other: for ratios that can be believed use `lockstep bench`.

#[path = "support/bare_loop.rs"]
mod bare_loop;
mod support;

use bare_loop::BareLoop;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lockstep_executors::{Reference, Sequential};
use lockstep_model::{Executor, Outcome};
use lockstep_runner::{
    bench::statistics::median,
    test::Runnable,
    workload::{self, Signatures},
};
use mimalloc::MiMalloc;
use std::time::Instant;
use support::{Ready, executors, for_whole_blocks, run};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const GAS: u64 = 1_000_000_000;

fn gas() -> u64 {
    let text = std::env::var("LOCKSTEP_BENCH_GAS");
    text.map_or(GAS, |text| text.parse().expect("LOCKSTEP_BENCH_GAS: expected a number"))
}

fn blocks(criterion: &mut Criterion) {
    let smoke = std::env::args().any(|argument| argument == "--test");
    for workload in workload::ALL {
        let block = workload.block(0, gas(), Signatures::Placeholder);
        one_thread(&block, if smoke { 1 } else { 11 });
        let mut group = criterion.benchmark_group(format!("gigagas/{}", workload.name));
        for_whole_blocks(&mut group);
        group.throughput(Throughput::Elements(block.case.block.transactions.len() as u64));
        let ready = Ready::new(&block);
        for (name, mut executor) in executors() {
            let mut prepared = ready.prepare(&name, &mut *executor);
            group.bench_function(&name, |bencher| bencher.iter(|| run(&mut *prepared)));
        }
        group.finish();
    }
}

#[expect(clippy::print_stderr, reason = "for whoever runs the bench")]
fn one_thread(block: &Runnable, rounds: usize) {
    let bare_loop = BareLoop::new(&block.case);
    let mut sequential = Sequential.prepare(&block.case).unwrap();
    let mut reference = Reference.prepare(&block.case).unwrap();
    let Outcome::Accepted(right) = run(&mut *reference) else { panic!("it is valid") };
    let bare_gas: u64 = bare_loop.run().0.iter().map(|result| result.gas().tx_gas_used()).sum();
    assert_eq!(bare_gas, right.gas_used, "the bare loop does the same");

    let mut times = [const { Vec::new() }; 3];
    for _ in 0..rounds {
        let mut clock = Instant::now();
        let mut lap = |of: &mut Vec<f64>| {
            of.push(clock.elapsed().as_secs_f64() * 1e3);
            clock = Instant::now();
        };
        let [bare, ours, theirs] = &mut times;
        let done = bare_loop.run();
        lap(bare);
        drop(done);
        lap(&mut Vec::new());
        let done = run(&mut *sequential);
        lap(ours);
        drop(done);
        lap(&mut Vec::new());
        let done = run(&mut *reference);
        lap(theirs);
        drop(done);
    }
    let [bare, ours, theirs] = times.each_ref().map(|times| median(times));
    let ratios: Vec<f64> = times[1].iter().zip(&times[0]).map(|(ours, bare)| ours / bare).collect();
    eprintln!(
        "{}: one thread: bare loop {bare:.1} ms, sequential {ours:.1} ms, reference {theirs:.1} ms; \
         sequential takes {:.2}x of the bare loop",
        block.case.id,
        median(&ratios)
    );
}

criterion_group!(benches, blocks);
criterion_main!(benches);
