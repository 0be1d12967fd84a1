//! Parts by themselves: the multi-version memory, the scheduler, the roots of an import.
//!
//! ```text
//! cargo bench --bench parts
//! ```

use alloy_primitives::{Address, U256, keccak256};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use lockstep_cases::workload::{Signatures, Workload};
use lockstep_executors::{
    Reference,
    block_stm::{
        probe::MemoryProbe,
        scheduler::{Claims, Scheduler, Task},
    },
};
use lockstep_jobs::import::Importer;
use lockstep_judge::state::{NormalChanges, roots};
use lockstep_model::{Executor, MemoryState, Outcome, RunOptions};
use mimalloc::MiMalloc;
use std::{hint::black_box, sync::Arc};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const TRANSACTIONS: u32 = 10_000;

fn slot(index: u32) -> (Address, U256) {
    (Address::repeat_byte(7), keccak256(index.to_be_bytes()).into())
}

fn memory(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("memory");
    group.throughput(Throughput::Elements(TRANSACTIONS.into()));
    let state = Arc::new(MemoryState::default());
    let empty = || MemoryProbe::new(TRANSACTIONS as usize, state.clone());
    group.bench_function("write a slot each", |bencher| {
        bencher.iter_batched_ref(
            empty,
            |memory| (1..=TRANSACTIONS).for_each(|at| memory.write(at, slot(at), U256::from(at))),
            BatchSize::LargeInput,
        );
    });
    let mut written = empty();
    (1..=TRANSACTIONS).for_each(|at| written.write(at, slot(at), U256::from(at)));
    group.bench_function("read what was written", |bencher| {
        bencher.iter(|| {
            (1..=TRANSACTIONS).for_each(|at| {
                black_box(written.read(at + 1, slot(at)));
            });
        });
    });
    group.bench_function("read an unwritten location", |bencher| {
        bencher.iter(|| {
            (1..=TRANSACTIONS).for_each(|at| {
                black_box(written.read(at, slot(at + TRANSACTIONS)));
            });
        });
    });
    group.finish();
}

/// Every transaction executes and commits at once.
fn drive(mut scheduler: Scheduler) {
    loop {
        match scheduler.next_task() {
            Task::Done => return,
            Task::Execute(batch) => {
                batch.versions().for_each(|version| scheduler.finish_execution(version, true));
            }
            Task::Validate(version) => drop(scheduler.finish_validation(version, true)),
            Task::Commit(range) => {
                let all = range.len() as u32;
                assert!(scheduler.finish_commit(range, all).is_none(), "all are valid");
            }
            Task::Wait => unreachable!("one worker never waits"),
        }
    }
}

fn scheduler(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scheduler");
    group.throughput(Throughput::Elements(TRANSACTIONS.into()));
    for (name, most) in [("one at a time", 1), ("in batches of 16", 16)] {
        let claims = Claims { most: vec![most; TRANSACTIONS as usize].into(), ..Claims::single() };
        group.bench_function(name, |bencher| {
            bencher.iter(|| drive(Scheduler::new(TRANSACTIONS as usize, claims.clone())));
        });
    }
    group.finish();
}

/// A block of 1,000 transfers of one token.
fn roots(criterion: &mut Criterion) {
    let block = Workload::named("erc20").unwrap().block(0, 33_000_000, Signatures::Placeholder);
    let outcome = Reference
        .prepare(&block.case, &RunOptions::of(&block.case))
        .unwrap()
        .run()
        .unwrap()
        .outcome;
    let Outcome::Accepted(outcome) = outcome else { panic!("it is valid") };
    let mut group = criterion.benchmark_group("roots");
    group.bench_function("receipts, judge", |bencher| {
        bencher.iter(|| roots::receipts_root(&outcome.receipts));
    });
    group.bench_function("state, judge", |bencher| {
        bencher.iter(|| {
            let changes = NormalChanges::new(&block.pre, &outcome.changes);
            roots::state_root(&block.pre, &changes)
        });
    });
    for threads in [1, 2] {
        let importer = Importer::new(threads).unwrap();
        group.bench_function(format!("receipts, import@{threads}"), |bencher| {
            bencher.iter(|| importer.receipts(&outcome.receipts));
        });
        group.bench_function(format!("state, import@{threads}"), |bencher| {
            bencher.iter(|| importer.state_root(&block.pre, &outcome.changes));
        });
    }
    group.finish();
}

criterion_group!(benches, memory, scheduler, roots);
criterion_main!(benches);
