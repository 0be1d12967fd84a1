//! The judge is judged: every wrong executor is caught, with the right difference named.

use crate::{
    scene::{Scene, code, contract, user},
    wrong_executors::{self as wrong, Corrupt, Corruption, Panicking, PanickingReader, Spinning},
};
use alloy_primitives::TxKind;
use lockstep_cases::built_in;
use lockstep_cli::testing::{factory, plan, plan_with};
use lockstep_engine::{Candidate, Factory, isolation::Staff};
use lockstep_jobs::check::{Event, Input, Judge, Plan, prove_overlap, run, work};
use lockstep_judge::{
    definition::{Body, Test},
    difference::Scope,
};
use lockstep_model::{Executor, Fork, RunOptions};
use lockstep_report::record::{Overlap, Record, Status, TestResult, Verdict};
use std::{
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

fn candidate(factory: Factory) -> Candidate {
    Candidate::new("wrong@2", 2, factory)
}

fn corrupt(corruption: Corruption, after: usize) -> Candidate {
    candidate(Arc::new(move |_| Ok(Box::new(Corrupt::new(corruption, after)))))
}

fn judge_with(corruption: Corruption, test: Test) -> TestResult {
    Judge::standalone(&plan_with(vec![corrupt(corruption, 0)])).judge_alone(test)
}

/// The executor is caught, and this difference is among those named.
#[track_caller]
fn caught(corruption: Corruption, test: Test, scope: Scope, field: &str, tx: Option<usize>) {
    let result = judge_with(corruption, test);
    assert_eq!(result.status, Status::Failed);
    assert_eq!(result.verdict, Some(Verdict::Diverged));
    let named = result.differences.iter().any(|difference| {
        difference.scope == scope
            && difference.field == field
            && difference.tx == tx
            && difference.executor == "wrong@2"
    });
    assert!(named, "{field} is not named: {:#?}", result.differences);
}

/// Six calls of one counter, each of which logs nothing but writes one slot.
fn hot_slot() -> Test {
    let mut scene = Scene::new(Fork::Cancun);
    scene.contract(contract(1), code::COUNT, &[]);
    for index in 0..6 {
        scene.call(user(index), contract(1), 0, &[]);
    }
    scene.test("hot slot")
}

/// A generated block whose calls log.
fn logging() -> Test {
    let tests = built_in::tests(0);
    let found = tests.into_iter().find(|test| test.id.contains("call-independent-16[Cancun"));
    found.expect("the built-in set has it")
}

fn destroying() -> Test {
    let mut scene = Scene::new(Fork::London);
    scene.contract(contract(1), code::DESTROY, &[(0, 7), (1, 8)]);
    scene.call(user(0), contract(1), 0, &[]);
    scene.test("destroying")
}

fn deploying() -> Test {
    let mut scene = Scene::new(Fork::Cancun);
    scene.create(user(0), &code::deploy(code::COUNT));
    scene.test("deploying")
}

fn rejected() -> Test {
    let mut scene = Scene::new(Fork::Cancun);
    scene.call(user(0), user(1), 1, &[]);
    scene.legacy(user(2), TxKind::Call(user(1)), 0, &[], 20_000);
    scene.test("rejected")
}

#[test]
fn wrong_gas() {
    caught(wrong::wrong_gas, hot_slot(), Scope::Receipt, "gas_used", Some(1));
}

#[test]
fn lost_log() {
    caught(wrong::lost_log, logging(), Scope::Receipt, "logs", Some(2));
}

#[test]
fn wrong_status() {
    caught(wrong::wrong_status, hot_slot(), Scope::Receipt, "status", Some(0));
}

#[test]
fn stale_read_across_transactions() {
    caught(wrong::stale_read, hot_slot(), Scope::Storage, "value", None);
    caught(wrong::stale_read, hot_slot(), Scope::Block, "state_root", None);
}

#[test]
fn lost_fee_recipient_balance() {
    caught(wrong::lost_fees, hot_slot(), Scope::Account, "existence", None);
}

#[test]
fn lost_storage_clearing() {
    caught(wrong::lost_clearing, destroying(), Scope::Account, "existence", None);
    caught(wrong::lost_clearing, destroying(), Scope::Storage, "value", None);
}

#[test]
fn lost_code() {
    caught(wrong::lost_code, deploying(), Scope::Account, "code", None);
}

#[test]
fn wrong_rejection() {
    caught(wrong::wrong_rule, rejected(), Scope::Rejection, "rule", None);
    caught(wrong::wrong_place, rejected(), Scope::Rejection, "place", None);
    caught(wrong::rejects_all, hot_slot(), Scope::Rejection, "verdict", None);
}

#[test]
fn wrong_intermediate_state() {
    let mut scene = Scene::new(Fork::Homestead);
    scene.call(user(0), user(1), 1, &[]);
    scene.call(user(2), user(3), 1, &[]);
    let test = scene.test("homestead");
    caught(
        wrong::wrong_intermediate_state,
        test,
        Scope::Receipt,
        "state_after_transaction",
        Some(0),
    );
}

#[test]
fn right_until_its_kth_call() {
    let mut judge = Judge::standalone(&plan_with(vec![corrupt(wrong::wrong_gas, 5)]));
    let verdicts: Vec<_> = (0..8).map(|_| judge.judge_alone(hot_slot()).status).collect();
    assert_eq!(verdicts[..5], [Status::Passed; 5]);
    assert_eq!(verdicts[5..], [Status::Failed; 3]);
}

#[test]
fn panic_in_a_worker() {
    let panicking = candidate(Arc::new(|_| Ok(Box::new(Panicking))));
    let result = Judge::standalone(&plan_with(vec![panicking])).judge_alone(hot_slot());
    assert_eq!((result.status, result.verdict), (Status::Failed, Some(Verdict::Inconclusive)));
    let reason = result.reason.unwrap();
    assert!(reason.contains("panicked: wrong@2: a worker has lost its head"), "{reason}");
}

/// A panic inside `block_stm`'s own workers must end the run, not leave the others waiting.
#[test]
fn panic_in_block_stm() {
    let Body::Run(mut runnable) = hot_slot().body else { panic!("it runs") };
    let reader = PanickingReader(runnable.case.pre_state.clone(), AtomicUsize::new(0));
    runnable.case.pre_state = Arc::new(reader);
    let mut executor = factory("block_stm")(4).unwrap();
    let error = executor
        .prepare(&runnable.case, &RunOptions::of(&runnable.case))
        .unwrap()
        .run()
        .unwrap_err()
        .to_string();
    assert!(error.contains("the reader has had enough"), "{error}");
    // And the executor is as good as before.
    let result = Judge::standalone(&plan(&[4])).judge_alone(hot_slot());
    assert_eq!(result.status, Status::Passed);
}

#[test]
fn secretly_on_one_thread() {
    let liar = corrupt(wrong::claims_to_be_parallel, 0);
    assert_eq!(prove_overlap(&liar), Overlap::Refuted);
}

/// A run that does not end is `Hung` and does not stop the rest.
#[test]
fn one_that_spins() {
    let spins_once: Factory = {
        let made = Arc::new(AtomicUsize::new(0));
        Arc::new(move |threads| {
            let first = made.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
            if first {
                Ok(Box::new(Spinning) as Box<dyn Executor>)
            } else {
                factory("block_stm")(threads)
            }
        })
    };
    let plan =
        Plan { hang_after: Duration::from_millis(300), ..plan_with(vec![candidate(spins_once)]) };
    let tests: Vec<Test> =
        (0..5).map(|number| Test { id: format!("test {number}"), ..hot_slot() }).collect();
    let mut record = Record::default();
    let mut statuses = Vec::new();
    let (plan, input) = (Arc::new(plan), Input::Tests(tests));
    let staff = {
        let plan = plan.clone();
        Staff::threads(move |ends| work(&plan, &input, ends))
    };
    run(&plan, staff, &mut |event| {
        if let Event::Test { result, .. } = event {
            statuses.push((result.id.clone(), result.verdict));
            record.add(*result);
        }
    })
    .unwrap();
    assert_eq!(statuses[0], ("test 0".to_owned(), Some(Verdict::Hung)));
    assert_eq!((record.counts.tests, record.counts.passed, record.counts.hung), (5, 4, 1));
    assert_eq!(record.exit_status(), 1);
}

#[test]
fn sequential_against_itself_agrees() {
    let itself = Candidate::new("reference@1", 1, factory("reference"));
    let mut judge = Judge::standalone(&plan_with(vec![itself]));
    for test in [hot_slot(), logging(), destroying(), deploying(), rejected()] {
        assert_eq!(judge.judge_alone(test).status, Status::Passed);
    }
}
