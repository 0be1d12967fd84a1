//! `lockstep fuzz`: a bug is found, reproduces from its seed, and is not lost.

use crate::{
    command::lockstep,
    wrong_executors::{Corrupt, lost_log},
};
use lockstep_cases::generate::Limits;
use lockstep_cli::testing::factory;
use lockstep_engine::{Candidate, Factory, isolation::Staff};
use lockstep_jobs::{
    finding::{Finding, Kind},
    fuzz::{FuzzPlan, Tally, Tell, run, work},
};
use lockstep_model::{Case, Executor, ExecutorError, Prepared, Read, ReadObserver, RunOptions};
use std::{fs, sync::Arc, thread, time::Duration};

fn plan(seed: u64, blocks: u64) -> FuzzPlan {
    FuzzPlan {
        clients: Vec::new(),
        reference: factory("reference"),
        fast: Vec::new(),
        deep: Vec::new(),
        dependencies: lockstep_executors::dependencies,
        stops_at_first: false,
        limits: Limits { transactions: 20, ..Limits::default() },
        seed,
        blocks: Some(blocks),
        time: None,
        jobs: 2,
        hang_after: Duration::from_millis(500),
        interrupted: Arc::default(),
        paused: Arc::default(),
    }
}

fn run_in_threads(plan: FuzzPlan, tell: Tell<'_>) -> Tally {
    let workers = plan.clone();
    run(&plan, Staff::threads(move |ends| work(&workers, ends)), tell).unwrap()
}

fn campaign(seed: u64, blocks: u64, factory_of_mine: Factory) -> (Tally, Vec<Finding>) {
    let mine = Candidate::new("mine@2".to_owned(), 2, factory_of_mine);
    let plan = FuzzPlan { fast: vec![mine], ..plan(seed, blocks) };
    let mut told = Vec::new();
    let tally = run_in_threads(plan, &mut |_, finding| told.extend(finding.cloned()));
    (tally, told)
}

#[test]
fn a_lost_log_is_found_and_comes_again_from_its_seed() {
    let mine: Factory = Arc::new(|_threads| Ok(Box::new(Corrupt::new(lost_log, 0))));
    let (tally, told) = campaign(1, 200, mine.clone());
    assert!(tally.sums.blocks > 200, "some seeds are those of chains: {}", tally.sums.blocks);
    assert_eq!(tally.next_seed, 201);
    let found = tally.findings.values().next().expect("it was found");
    let finding = &found.representatives[0];
    assert!(found.count > 1, "many blocks have logs");
    assert_eq!(found.representatives.len() as u64, found.count.min(5), "the first five are kept");
    assert_eq!(told.len(), tally.findings.len(), "each signature is told once");
    assert_eq!(
        (finding.kind, finding.signature().as_str()),
        (Kind::Diverged, "mine-diverged-accepts-receipt-logs")
    );
    let (again, _) = campaign(finding.recipe.seed, 1, mine);
    let same = &again.findings[&finding.signature()].representatives[0];
    assert_eq!(same.differences, finding.differences);
}

#[test]
fn a_panic_is_a_finding_and_the_campaign_goes_on() {
    let mine: Factory =
        Arc::new(|_threads| Ok(Box::new(Corrupt::new(|_, _| panic!("on purpose"), 0))));
    let (tally, told) = campaign(1, 20, mine);
    assert_eq!(tally.next_seed, 21);
    let signatures: Vec<String> = told.iter().map(Finding::signature).collect();
    assert!(signatures.iter().all(|one| one.starts_with("mine-panicked-")), "{signatures:?}");
    assert!(signatures.contains(&"mine-panicked-accepts".to_owned()), "{signatures:?}");
    assert!(told[0].reason.as_ref().unwrap().contains("on purpose"));
}

/// Hangs on the block of one seed.
struct Hangs(Box<dyn Executor>);

impl Executor for Hangs {
    fn prepare(
        &mut self,
        case: &Case,
        options: &RunOptions,
    ) -> Result<Box<dyn Prepared>, ExecutorError> {
        if case.id.contains("seed=7[") {
            loop {
                thread::park();
            }
        }
        self.0.prepare(case, options)
    }
}

#[test]
fn a_hang_is_a_finding_and_the_campaign_goes_on() {
    let mine: Factory = Arc::new(|threads| Ok(Box::new(Hangs(factory("sequential")(threads)?))));
    let (tally, told) = campaign(1, 30, mine);
    assert_eq!(tally.next_seed, 31);
    assert!(tally.sums.blocks >= 29, "{}", tally.sums.blocks);
    assert_eq!((told.len(), told[0].kind, told[0].recipe.seed), (1, Kind::Hung, 7));
    assert_eq!(told[0].executor, "mine@2");
}

/// Reads correct values, and reports wrong ones for slots.
struct Liar(Box<dyn Executor>);

struct Lie(Arc<dyn ReadObserver>);

impl ReadObserver for Lie {
    fn rests_on(&self, transaction: usize, read: Read) {
        self.0.rests_on(
            transaction,
            match read {
                Read::Slot(address, slot, value) => Read::Slot(address, slot, !value),
                read => read,
            },
        );
    }
}

impl Executor for Liar {
    fn prepare(
        &mut self,
        case: &Case,
        options: &RunOptions,
    ) -> Result<Box<dyn Prepared>, ExecutorError> {
        let lie = |reads: Arc<dyn ReadObserver>| Arc::new(Lie(reads)) as Arc<dyn ReadObserver>;
        let reads = options.reads.clone().map(lie);
        self.0.prepare(case, &RunOptions { reads, ..options.clone() })
    }
}

#[test]
fn a_wrong_read_is_a_finding_where_the_outcome_is_right() {
    for name in ["block_stm", "repair", "sharded", "access_list"] {
        let liar: Factory = Arc::new(move |threads| Ok(Box::new(Liar(factory(name)(threads)?))));
        let mine = Candidate::new("mine@2".to_owned(), 2, liar);
        let plan = FuzzPlan { deep: vec![mine], ..plan(1, 320) };
        let tally = run_in_threads(plan, &mut |_, _| {});
        let found = &tally.findings["mine-misread-accepts"];
        let (finding, count) = (&found.representatives[0], &found.count);
        assert!(tally.findings.len() == 1 && *count > 1, "{name}: {:?}", tally.findings);
        let reason = finding.reason.as_ref().unwrap();
        assert!(reason.contains(" read slot 0x") && reason.contains(" left it as 0x"), "{reason}");
    }
}

#[test]
fn our_executors_have_nothing_to_find_and_a_campaign_can_be_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("campaign");
    let out = out.to_str().unwrap();
    let first = lockstep(&["fuzz", "--blocks", "100", "--transactions", "10", "--out", out]);
    assert_eq!(first.status, 0, "{}", first.stderr);
    let blocks: u64 = first.stdout.split(' ').next().unwrap().parse().unwrap();
    assert!(blocks > 100, "{}", first.stdout);
    let state = || fs::read_to_string(format!("{out}/campaign.json")).unwrap();
    assert!(state().contains("\"next_seed\": 101"), "{}", state());
    let more =
        lockstep(&["fuzz", "--blocks", "50", "--transactions", "10", "--out", out, "--resume"]);
    assert_eq!(more.status, 0, "{}", more.stderr);
    assert!(more.stderr.contains("from seed 101"), "{}", more.stderr);
    assert!(state().contains("\"next_seed\": 151"), "{}", state());
}

#[test]
fn usage_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "no folder").unwrap();
    let file = file.to_str().unwrap();
    let empty = folder.path().join("empty");
    let empty = empty.to_str().unwrap();
    for (args, words) in [
        (vec!["--seed", "soon"], "invalid value 'soon'"),
        (vec!["--time", "soon"], "invalid value 'soon'"),
        (vec!["--executor", "unknown"], "unknown executor `unknown`"),
        (vec!["--features", "nothing"], "unknown feature `nothing`, expected one of: transfers"),
        (vec!["--fork", "Atlantis"], "Atlantis"),
        (vec!["--fork", "Constantinople"], "EIP-1283"),
        (vec!["--jobs", "0"], "--jobs 0"),
        (vec!["--transactions", "0"], "--transactions 0"),
        (vec!["--out", file], "cannot be made"),
        (vec!["--out", empty, "--resume"], "expected the campaign that --resume goes on with"),
    ] {
        let run = lockstep(&[&["fuzz", "--blocks", "1"][..], &args].concat());
        assert_eq!(run.status, 2, "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{words} is not in:\n{}", run.stderr);
    }
    let run = lockstep(&["fuzz", "--blocks", "0"]);
    assert_eq!(run.status, 4, "{}", run.stderr);
}
