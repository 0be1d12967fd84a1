//! Shared parts of the benches.

// Not every bench needs all of it.
#![allow(dead_code, reason = "each bench is a crate of its own")]

use criterion::{BenchmarkGroup, SamplingMode, measurement::WallTime};
use lockstep_executors::{AccessList, BlockStm, Reference, Sequential};
use lockstep_judge::{compare::compare_outcomes, runnable::Runnable};
use lockstep_model::{Executor, Mode, Outcome, Prepared, RunOptions};
use std::{thread, time::Duration};

/// Executors by name, with as many threads as there are cores, or two.
pub(crate) fn executors() -> Vec<(String, Box<dyn Executor>)> {
    let threads = thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
    vec![
        ("reference".to_owned(), Box::new(Reference)),
        ("sequential".to_owned(), Box::new(Sequential)),
        (format!("block_stm@{threads}"), Box::new(BlockStm::new(threads, Mode::Auto).unwrap())),
        (format!("access_list@{threads}"), Box::new(AccessList::new(threads, Mode::Auto).unwrap())),
    ]
}

/// A block that is ready to run, and what must come of it.
pub(crate) struct Ready<'a> {
    block: &'a Runnable,
    right: Outcome,
}

impl<'a> Ready<'a> {
    pub(crate) fn new(block: &'a Runnable) -> Self {
        Self {
            block,
            right: run(&mut *Reference.prepare(&block.case, &RunOptions::of(&block.case)).unwrap()),
        }
    }

    /// Prepares the block; a wrong outcome ends the bench: it has no time.
    pub(crate) fn prepare(&self, name: &str, executor: &mut dyn Executor) -> Box<dyn Prepared> {
        let mut prepared =
            executor.prepare(&self.block.case, &RunOptions::of(&self.block.case)).unwrap();
        self.judge(name, &run(&mut *prepared));
        prepared
    }

    pub(crate) fn judge(&self, name: &str, outcome: &Outcome) {
        let found = compare_outcomes(&self.block.pre, &self.right, outcome, name);
        assert!(found.is_empty(), "{}: {found:#?}", self.block.case.id);
    }
}

pub(crate) fn run(prepared: &mut dyn Prepared) -> Outcome {
    prepared.run().unwrap().outcome
}

/// For work of tenths of a second: few samples, one run each.
pub(crate) fn for_whole_blocks(group: &mut BenchmarkGroup<'_, WallTime>) {
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
}
