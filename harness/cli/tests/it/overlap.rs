//! The rendezvous reader proves overlap for `block_stm` and refutes it for the reference.

use lockstep_cases::built_in;
use lockstep_cli::testing::factory;
use lockstep_engine::{
    Candidate,
    instrument::{CountingReader, LatencyReader, RendezvousReader},
};
use lockstep_jobs::check::prove_overlap;
use lockstep_model::{Fork, RunOptions};
use lockstep_report::record::Overlap;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

fn candidate(name: &str, threads: usize) -> Candidate {
    Candidate::new(format!("{name}@{threads}"), threads, factory(name))
}

#[test]
fn block_stm_overlaps() {
    for threads in [2, 3, 8] {
        assert_eq!(prove_overlap(&candidate("block_stm", threads)), Overlap::Proved);
    }
}

#[test]
fn one_thread_is_not_asked() {
    assert_eq!(prove_overlap(&candidate("block_stm", 1)), Overlap::NotAsked);
}

#[test]
fn the_reference_never_overlaps() {
    let mut case = built_in::independent_transfers(Fork::Cancun, 8);
    let reader = Arc::new(RendezvousReader::new(&case, Duration::from_millis(200)));
    case.pre_state = reader.clone();
    let mut executor = factory("reference")(1).unwrap();
    let mut prepared = executor.prepare(&case, &RunOptions::of(&case)).unwrap();
    reader.arm();
    prepared.run().unwrap();
    assert!(!reader.met());
}

#[test]
fn two_transactions_are_parallel_from_the_first() {
    let mut case = built_in::independent_transfers(Fork::Cancun, 2);
    let reader = Arc::new(RendezvousReader::new(&case, Duration::from_secs(20)));
    case.pre_state = reader.clone();
    let mut executor = factory("block_stm")(2).unwrap();
    let mut prepared = executor.prepare(&case, &RunOptions::of(&case)).unwrap();
    reader.arm();
    prepared.run().unwrap();
    assert!(reader.met(), "a block of two is not too small");
}

/// They look first how slow it is, and may not be held where they do.
#[test]
fn overlap_is_proved_over_slow_storage_too() {
    for name in ["block_stm", "repair", "sharded", "access_list"] {
        let mut case = built_in::independent_transfers(Fork::Cancun, 16);
        let slow = Arc::new(LatencyReader::new(case.pre_state.clone(), Duration::from_micros(200)));
        case.pre_state = slow.clone();
        let patience = Duration::from_secs(20);
        let reader = Arc::new(RendezvousReader::new(&case, patience));
        case.pre_state = reader.clone();
        let mut executor = factory(name)(2).unwrap();
        let mut prepared = executor.prepare(&case, &RunOptions::of(&case)).unwrap();
        slow.arm(true);
        reader.arm();
        let start = Instant::now();
        prepared.run().unwrap();
        assert!(reader.met() && start.elapsed() < patience, "{name}: {:?}", start.elapsed());
    }
}

#[test]
fn reads_are_counted_by_thread() {
    let mut case = built_in::independent_transfers(Fork::Cancun, 64);
    let reader = Arc::new(CountingReader::new(case.pre_state.clone()));
    case.pre_state = reader.clone();
    factory("reference")(1).unwrap().prepare(&case, &RunOptions::of(&case)).unwrap().run().unwrap();
    assert_eq!(reader.threads(), 1);
    assert!(reader.reads() >= 64);
}
