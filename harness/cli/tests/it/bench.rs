//! `lockstep bench`: a wrong outcome has no speedup, and nothing that ran goes unnamed.

use crate::{
    command::lockstep,
    wrong_executors::{Corrupt, lost_log},
};
use lockstep_cases::workload::{Signatures, Workload};
use lockstep_cli::testing::factory;
use lockstep_engine::{Candidate, Factory};
use lockstep_jobs::bench::{Bench, BenchPlan, Storage, Watch};
use lockstep_model::Mode;
use lockstep_report::{
    bench::{Record, RecordError},
    record::Verdict,
    samples::{Group, SampleSet},
};
use std::sync::Arc;

fn measure(candidate: Factory) -> SampleSet {
    measure_on(Storage::Memory, candidate)
}

fn measure_on(storage: Storage, candidate: Factory) -> SampleSet {
    let plan = BenchPlan {
        reference: factory("reference"),
        baseline: Candidate::new("sequential", 1, factory("sequential")),
        candidates: vec![Candidate::new("mine@2".to_owned(), 2, candidate)],
        runs: 2,
        rounds: 3,
        pin: false,
        storage,
        dependencies: Some(lockstep_executors::dependencies),
        import: true,
        memory: None,
        watch: Arc::new(Watch::default()),
    };
    let block = Workload::named("erc20").unwrap().block(1, 1_000_000, Signatures::Real);
    let mut sets = Bench::new(plan).unwrap().measure(&block).unwrap();
    sets.pop().unwrap()
}

#[test]
fn every_round_has_its_samples() {
    let set = measure(factory("block_stm"));
    let lengths = [&set.baseline_ns, &set.control_ns, &set.candidate_ns].map(Vec::len);
    assert_eq!(lengths, [12, 12, 12], "two runs of three rounds, forwards and backwards");
    assert_eq!((set.copies_ns.len(), set.ratios().all().len()), (6, 6));
    assert!(0.0 < set.control_low && set.control_low <= set.control);
    let receipts = set.candidate_receipts.as_ref().unwrap();
    assert!(receipts.p50_ns() > 0 && receipts.p50_ns() <= receipts.p99_ns);
    assert_eq!((set.executor.as_str(), set.threads, set.verdict), ("mine", 2, Verdict::Agreed));
    let (speedup, low, high) =
        (set.speedup.unwrap(), set.speedup_low.unwrap(), set.speedup_high.unwrap());
    assert!(0.0 < low && low <= speedup && speedup <= high);
    assert!(set.gas > 900_000 && set.transactions == 30);
    // Seven rounds of a moment say nothing of the machine.
    let set = SampleSet { noisy: false, ..set };
    let group = Group::of([&set, &set]);
    assert_eq!((group.blocks, group.without), (2, 0));
    assert!((group.geometric_mean - speedup).abs() < 1e-9);
}

/// Right until its k-th call: the verdict is of the very runs that are timed.
#[test]
fn a_run_that_goes_wrong_late_has_no_speedup() {
    for first_wrong in [0, 1, 6, 7, 13, 15] {
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
    let args = "bench --workload transfers,swaps --gas 1000000 --runs 1 --format json --no-pin";
    let run = lockstep(&args.split(' ').collect::<Vec<_>>());
    assert_eq!(run.status, 0, "{}", run.stderr);
    let record = Record::read(&run.stdout).unwrap();
    assert_eq!((record.circumstances.schema, record.circumstances.runs), (1, 1));
    assert!(record.circumstances.machine.cores >= 1 && !record.cut_short);
    assert_eq!(record.sets.len(), 8, "two workloads, four executors");
    for set in record.sets {
        assert_eq!((set.verdict, set.mode), (Verdict::Agreed, Mode::Auto));
        assert_eq!(set.baseline_ns.len(), 6);
        assert!(set.speedup.unwrap() > 0.0 && set.outcome.is_some());
    }
}

#[test]
fn a_record_that_is_none_says_what_was_expected() {
    let run =
        lockstep(&["bench", "--workload", "transfers", "--gas", "100000", "--format", "json"]);
    let text = run.stdout;
    let cut = &text[..text.len() - 20];
    let record = Record::read(cut).unwrap();
    assert!(record.cut_short && record.sets.len() == 4);
    let newer = text.replacen("\"schema\":1", "\"schema\":7", 1);
    assert_eq!(Record::read(&newer).unwrap_err(), RecordError::Schema { found: 7 });
    for wrong in ["", "{}", "[1]", "no record", "{\"kind\":\"end\",\"interrupted\":false}"] {
        let error = Record::read(wrong).unwrap_err();
        assert!(matches!(error, RecordError::NotARecord(_)), "{wrong}: {error}");
    }
    let broken = text.replacen("\n{", "\n!{", 1);
    assert!(matches!(Record::read(&broken), Err(RecordError::Line { line: 2, .. })));
}

/// Threads beyond the cores wait for storage side by side.
#[test]
fn slow_storage_is_waited_for_and_measured() {
    let args = "bench --workload transfers --gas 500000 --runs 1 --rounds 1 --threads 8 --storage latency:500 \
                --format json --executor access_list";
    let run = lockstep(&args.split_whitespace().collect::<Vec<_>>());
    assert_eq!(run.status, 0, "{}", run.stderr);
    let line = &run.lines()[1];
    assert!(line["storage"]["read_ns"].as_u64().unwrap() >= 500_000, "{line}");
    // 23 transfers read 46 accounts, one after the other.
    let baseline = line["baseline_ns"][0].as_u64().unwrap();
    assert!(baseline >= 40 * 500_000, "{line}");
}

#[test]
fn a_database_on_disk_gives_the_same() {
    let set = measure_on(Storage::Disk, factory("block_stm"));
    assert_eq!(set.verdict, Verdict::Agreed, "{:?}", set.reason);
    let storage = set.storage.unwrap();
    assert!(storage.read_ns.unwrap() > 0);
    // `device_bytes` is not asserted: it counts the whole process, and other tests read files meanwhile.
}

#[test]
fn whole_imports_are_timed_by_stage() {
    for name in ["block_stm", "access_list"] {
        let set = measure(factory(name));
        assert_eq!(set.verdict, Verdict::Agreed, "{:?}", set.reason);
        let stages = set.candidate_stages.as_ref().unwrap();
        for (stage, samples) in stages.named() {
            assert_eq!(samples.len(), 6, "{stage}");
            assert!(samples.iter().all(|ns| *ns > 0), "{stage}");
        }
        let names: Vec<&str> = set.stage_speedups().iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["senders", "execution", "receipts root", "state root", "import"]);
    }
}

/// The 17th run is an import: before it are two runs of a warm-up and three rounds, and two runs for the
/// times of receipts.
#[test]
fn an_import_of_a_wrong_outcome_has_no_speedup() {
    let candidate: Factory = Arc::new(|_threads| Ok(Box::new(Corrupt::new(lost_log, 16))));
    let set = measure(candidate);
    assert_eq!((set.verdict, set.speedup), (Verdict::Diverged, None));
    assert!(set.reason.as_ref().unwrap().contains("import"), "{:?}", set.reason);
    assert!(set.stage_speedups().is_empty());
}

#[test]
fn a_chain_waits_for_itself_and_independent_transfers_for_nobody() {
    let dependencies = |name: &str| {
        let block = Workload::named(name).unwrap().block(1, 2_000_000, Signatures::Placeholder);
        lockstep_executors::dependencies(&block.case).unwrap()
    };
    for name in ["transfers", "erc20", "swaps"] {
        let found = dependencies(name);
        assert!(found.transactions.len() > 10, "{name}");
        assert!(found.transactions.iter().all(|one| one.after.is_empty()), "{name}: {found:?}");
        assert_eq!(found.critical_path_ns(), found.longest_ns());
    }
    for name in ["transfers-chain", "erc20-chain"] {
        let found = dependencies(name);
        for (index, transaction) in found.transactions.iter().enumerate().skip(1) {
            assert_eq!(transaction.after, [index as u32 - 1], "{name}");
        }
        assert_eq!(found.critical_path_ns(), found.work_ns(), "{name}");
    }
    let hot = dependencies("swaps-hot");
    let waiting = hot.transactions.iter().filter(|one| !one.after.is_empty()).count();
    assert!(waiting > 0 && hot.critical_path_ns() < hot.work_ns());
}

#[test]
fn what_is_not_measured_is_counted_with_its_reason() {
    let run = lockstep(&["bench", "--rounds", "1", "--filter", "nothing-has-this-name"]);
    assert_eq!(run.status, 4, "{}", run.stderr);
    let args = ["--runs", "1", "--gas", "100000", "--format", "json", "--filter", "swaps-hot"];
    let run = lockstep(&[&["bench"][..], &args].concat());
    assert_eq!((run.status, run.lines().len()), (0, 6), "{}", run.stderr);
}

#[test]
fn usage_is_checked() {
    for (args, words) in [
        ("bench --workload nothing", "unknown workload `nothing`, expected one of: transfers"),
        ("bench --rounds 0", "--rounds 0"),
        ("bench --executor unknown", "unknown executor `unknown`"),
        ("bench --threads 0 --rounds 1", "--threads 0"),
        ("bench --storage latency:soon", "latency:MICROS"),
        ("bench --storage latency:0", "latency:MICROS"),
    ] {
        let run = lockstep(&args.split(' ').collect::<Vec<_>>());
        assert_eq!(run.status, 2, "{args}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{words} is not in:\n{}", run.stderr);
        assert!(!run.stderr.contains("interrupted"), "it was not: {}", run.stderr);
    }
    let run = lockstep(&["bench", "--rounds", "1", "/nowhere"]);
    assert_eq!(run.status, 2, "{}", run.stderr);
}
