//! `lockstep bench`: a wrong outcome has no speedup, and nothing that ran goes unnamed.

use crate::{
    command::lockstep,
    wrong_executors::{Corrupt, lost_log},
};
use lockstep_cli::testing::factory;
use lockstep_runner::{
    bench::{Bench, BenchPlan, Group, SampleSet},
    check::{Candidate, Factory},
    record::Verdict,
    workload::{Signatures, Workload},
};
use std::sync::Arc;

fn measure(candidate: Factory) -> SampleSet {
    let plan = BenchPlan {
        reference: factory("reference"),
        baseline: Candidate {
            label: "sequential".to_owned(),
            threads: 1,
            factory: factory("sequential"),
        },
        candidates: vec![Candidate { label: "mine@2".to_owned(), threads: 2, factory: candidate }],
        rounds: 7,
        pin: false,
        latency: None,
        memory: None,
    };
    let block = Workload::named("erc20").unwrap().block(1, 1_000_000, Signatures::Placeholder);
    let mut sets = Bench::new(plan).unwrap().measure(&block).unwrap();
    sets.pop().unwrap()
}

#[test]
fn every_round_has_its_samples() {
    let set = measure(factory("block_stm"));
    assert_eq!((set.baseline_ns.len(), set.candidate_ns.len()), (7, 7));
    assert_eq!((set.executor.as_str(), set.threads, set.verdict), ("mine", 2, Verdict::Agreed));
    let (speedup, low, high) =
        (set.speedup.unwrap(), set.speedup_low.unwrap(), set.speedup_high.unwrap());
    assert!(0.0 < low && low <= speedup && speedup <= high);
    assert!(set.gas > 900_000 && set.transactions == 30);
    let group = Group::of([&set, &set]);
    assert_eq!((group.blocks, group.without), (2, 0));
    assert!((group.geometric_mean - speedup).abs() < 1e-9);
}

/// Right until its k-th call: the verdict is of the very runs that are timed.
#[test]
fn a_run_that_goes_wrong_late_has_no_speedup() {
    for first_wrong in [0, 1, 4, 7] {
        let candidate: Factory =
            Arc::new(move |_threads| Ok(Box::new(Corrupt::new(lost_log, first_wrong))));
        let set = measure(candidate);
        assert_eq!(set.verdict, Verdict::Diverged, "wrong from run {first_wrong} on");
        assert_eq!((set.speedup, set.speedup_low, set.speedup_high), (None, None, None));
        assert!(set.reason.unwrap().contains("logs"));
    }
}

#[test]
fn an_executor_that_panics_is_named() {
    let candidate: Factory =
        Arc::new(|_threads| Ok(Box::new(Corrupt::new(|_, _| panic!("on purpose"), 0))));
    let set = measure(candidate);
    assert_eq!((set.verdict, set.speedup), (Verdict::Inconclusive, None));
    assert!(set.reason.unwrap().contains("on purpose"));
}

#[test]
fn json_lines_have_the_samples() {
    let args = "bench --workload transfers,swaps --gas 1000000 --rounds 3 --format json --no-pin";
    let run = lockstep(&args.split(' ').collect::<Vec<_>>());
    assert_eq!(run.status, 0, "{}", run.stderr);
    let lines = run.lines();
    assert_eq!(lines.len(), 4, "two workloads, two executors");
    for line in lines {
        assert_eq!((&line["kind"], &line["verdict"]), (&"sample-set".into(), &"agreed".into()));
        assert_eq!(line["baseline_ns"].as_array().unwrap().len(), 3);
        assert!(line["speedup"].as_f64().unwrap() > 0.0);
        assert_eq!(line["mode"], "auto");
    }
}

/// Threads beyond the cores wait for storage side by side.
#[test]
fn slow_storage_is_waited_for_and_measured() {
    let args = "bench --workload transfers --gas 500000 --rounds 1 --threads 8 --storage latency:500 \
                --format json --executor access_list";
    let run = lockstep(&args.split_whitespace().collect::<Vec<_>>());
    assert_eq!(run.status, 0, "{}", run.stderr);
    let line = &run.lines()[0];
    assert!(line["read_ns"].as_u64().unwrap() >= 500_000, "{line}");
    // 23 transfers read 46 accounts, one after the other.
    let baseline = line["baseline_ns"][0].as_u64().unwrap();
    assert!(baseline >= 40 * 500_000, "{line}");
}

#[test]
fn usage_is_checked() {
    for (args, words) in [
        ("bench --workload nothing", "unknown workload `nothing`, expected one of: transfers"),
        ("bench --rounds 0", "--rounds 0"),
        ("bench --executor nobody", "unknown executor `nobody`"),
        ("bench --threads 0 --rounds 1", "--threads 0"),
        ("bench --storage latency:soon", "latency:MICROS"),
        ("bench --storage latency:0", "latency:MICROS"),
    ] {
        let run = lockstep(&args.split(' ').collect::<Vec<_>>());
        assert_eq!(run.status, 2, "{args}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{words} is not in:\n{}", run.stderr);
    }
    let run = lockstep(&["bench", "--rounds", "1", "/nowhere"]);
    assert_eq!(run.status, 2, "{}", run.stderr);
}
