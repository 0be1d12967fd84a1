//! Real blocks through every executor, one after the other in each sample.
//!
//! ```text
//! LOCKSTEP_REAL_BLOCKS=../shared/mainnet-blocks cargo bench --bench real_blocks
//! ```
//!
//! `LOCKSTEP_REAL_BLOCKS`: files, folders and archives, separated as in `PATH`. Without it the built-in
//! set is measured.

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lockstep_cases::{batch::read_all, built_in};
use lockstep_formats::Walk;
use lockstep_judge::{
    definition::{Body, Test},
    runnable::Runnable,
};
use mimalloc::MiMalloc;
use std::path::PathBuf;
use support::{Ready, executors, for_whole_blocks, run};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Below this, blocks measure how long threads take to wake.
const LEAST_GAS: u64 = 4_000_000;

#[expect(clippy::print_stderr, reason = "a benchmark reports to the terminal")]
fn blocks() -> (&'static str, Vec<Runnable>) {
    let Some(paths) = std::env::var_os("LOCKSTEP_REAL_BLOCKS") else {
        eprintln!("LOCKSTEP_REAL_BLOCKS is not set: measuring the built-in set");
        return ("built-in", runnable(built_in::tests(0)).collect());
    };
    // The working folder of a bench is its package's; the user's is where `cargo` was called.
    let start = std::env::var_os("PWD").map(PathBuf::from).unwrap_or_default();
    let paths: Vec<PathBuf> = std::env::split_paths(&paths).map(|path| start.join(path)).collect();
    let mut blocks = Vec::new();
    read_all(&Walk::new(paths), &mut |found| {
        assert!(found.unreadable.is_empty(), "LOCKSTEP_REAL_BLOCKS: {:?}", found.unreadable);
        let used =
            |block: &Runnable| block.expectation.header.as_ref().map(|header| header.gas_used);
        blocks.extend(runnable(found.tests).filter(|block| used(block) >= Some(LEAST_GAS)));
        true
    });
    assert!(!blocks.is_empty(), "LOCKSTEP_REAL_BLOCKS: no block of {LEAST_GAS} gas and more");
    ("real", blocks)
}

fn runnable(tests: Vec<Test>) -> impl Iterator<Item = Runnable> {
    tests.into_iter().filter_map(|test| match test.body {
        Body::Run(block) => Some(*block),
        _ => None,
    })
}

fn real_blocks(criterion: &mut Criterion) {
    let (name, blocks) = blocks();
    let ready: Vec<Ready<'_>> = blocks.iter().map(Ready::new).collect();
    let mut group = criterion.benchmark_group(format!("real_blocks/{name}"));
    for_whole_blocks(&mut group);
    group.throughput(Throughput::Elements(blocks.len() as u64));
    for (name, mut executor) in executors() {
        let mut prepared: Vec<_> =
            ready.iter().map(|ready| ready.prepare(&name, &mut *executor)).collect();
        group.bench_function(&name, |bencher| {
            bencher.iter(|| prepared.iter_mut().for_each(|prepared| drop(run(&mut **prepared))));
        });
    }
    group.finish();
}

criterion_group!(benches, real_blocks);
criterion_main!(benches);
