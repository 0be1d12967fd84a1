//! Whole blocks under a model checker: `shuttle` decides at every lock, atomic and wait which thread
//! goes on, and finds deadlocks and lost wake-ups as well as wrong outcomes.
//!
//! ```text
//! cargo test -p lockstep-executors --features shuttle --test interleavings
//! ```

use lockstep_cases::{
    built_in,
    workload::{Signatures, Workload},
};
use lockstep_executors::{AccessList, BlockStm, Reference, Sharded};
use lockstep_judge::{compare::compare_outcomes, definition::Body, runnable::Runnable};
use lockstep_model::{Case, Executor, Mode, Outcome, RunOptions};
use shuttle::{
    Config, Runner,
    scheduler::{PctScheduler, RandomScheduler, Scheduler},
};
use std::sync::Arc;

/// Schedules of each block at random, and as many that hold one thread back at a few points (PCT).
const SCHEDULES: usize = 150;

/// Points at which PCT changes its mind.
const DEPTH: usize = 3;

fn run_under<S: Scheduler + 'static>(scheduler: S, test: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    // The EVM's frames are large, and shuttle's own default stacks are small.
    config.stack_size = 8 << 20;
    Runner::new(scheduler, config).run(test);
}

fn under_schedules(count: usize, test: impl Fn() + Send + Sync + Clone + 'static) {
    run_under(RandomScheduler::new(count), test.clone());
    run_under(PctScheduler::new(DEPTH, count), test);
}

/// Blocks that are large enough for `auto` to use several threads; of the chain it gives up on guessing.
fn larger_blocks() -> Vec<Runnable> {
    let block = |name| Workload::named(name).unwrap().block(3, 8_000_000, Signatures::Placeholder);
    ["erc20-hot", "erc20-chain"].map(block).into()
}

/// Blocks in which something can go wrong: everything depends on something, or invalid, or destroyed.
fn blocks() -> Vec<Runnable> {
    let wanted = [
        "-chained-16[Cancun",
        "-hot-slot-16[Cancun",
        "-same-sender-16[Byzantium",
        "-star-16[Prague",
        "-fee-recipient-16[London",
    ];
    let built_in = built_in::tests(1).into_iter();
    let built_in = built_in.filter(|test| wanted.iter().any(|name| test.id.contains(name)));
    let mut blocks: Vec<Runnable> = built_in
        .filter_map(|test| match test.body {
            Body::Run(block) => Some(*block),
            _ => None,
        })
        .collect();
    for (name, gas) in [("erc20-hot", 300_000), ("swaps-hot", 900_000)] {
        let workload = Workload::named(name).unwrap();
        blocks.push(workload.block(3, gas, Signatures::Placeholder));
    }
    assert!(blocks.len() >= 10, "{} blocks", blocks.len());
    blocks
}

fn run(executor: &mut dyn Executor, case: &Case) -> Outcome {
    executor.prepare(case, &RunOptions::of(case)).unwrap().run().unwrap().outcome
}

fn check(blocks: Vec<Runnable>, schedules: usize, make: fn(usize) -> Box<dyn Executor>) {
    for block in blocks {
        let right = Arc::new(run(&mut Reference, &block.case));
        for threads in [2, 3] {
            let (block, right) = (block.clone(), right.clone());
            under_schedules(schedules, move || {
                let mut executor = make(threads);
                // The second run finds what the first has left behind.
                for _ in 0..2 {
                    let ours = run(&mut *executor, &block.case);
                    let found = compare_outcomes(&block.pre, &right, &ours, "ours");
                    assert!(found.is_empty(), "{}: {found:#?}", block.case.id);
                }
            });
        }
    }
}

#[test]
fn block_stm_under_many_schedules() {
    check(blocks(), SCHEDULES, |threads| Box::new(BlockStm::new(threads, Mode::Forced).unwrap()));
}

#[test]
fn block_stm_that_may_give_up_under_many_schedules() {
    check(larger_blocks(), SCHEDULES / 10, |threads| {
        Box::new(BlockStm::new(threads, Mode::Auto).unwrap())
    });
}

#[test]
fn mended_blocks_under_many_schedules() {
    check(blocks(), SCHEDULES, |threads| {
        Box::new(BlockStm::mending(threads, Mode::Forced).unwrap())
    });
}

#[test]
fn shards_under_many_schedules() {
    check(blocks(), SCHEDULES, |threads| Box::new(Sharded::new(threads, Mode::Forced).unwrap()));
}

#[test]
fn access_list_under_many_schedules() {
    check(blocks(), SCHEDULES, |threads| Box::new(AccessList::new(threads, Mode::Forced).unwrap()));
}
