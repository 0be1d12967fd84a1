//! Wrong block access lists: none is accepted, none panics. The names are those of the families of
//! real bugs that each mutant stands for.

use crate::scene::{BENEFICIARY, Scene, code, contract, user};
use alloy_eip7928::{BalanceChange, BlockAccessIndex};
use alloy_primitives::U256;
use lockstep_cases::{
    built_in,
    workload::{Signatures, Workload},
};
use lockstep_executors::{
    AccessList,
    access_list::{MadeList, mutants},
};
use lockstep_judge::definition::Body;
use lockstep_model::{At, Case, Fork, Mode, Outcome, Phases, Rejection, Rule, RunOptions};

/// Runs a case with a list.
fn run(case: &Case, list: MadeList, threads: usize) -> Outcome {
    let mut executor = AccessList::new(threads, Mode::Forced).unwrap();
    executor.prepare_with(case, &RunOptions::of(case), list).unwrap().run().unwrap().outcome
}

fn index(at: u64) -> BlockAccessIndex {
    BlockAccessIndex::new(at)
}

/// Blocks with everything in them that a mutant may want.
fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = built_in::tests(5)
        .into_iter()
        .filter(|test| test.id.contains("-16[") && test.fork != "Frontier")
        .filter_map(|test| match test.body {
            Body::Run(run) => Some(run.case),
            _ => None,
        })
        .collect();
    let swaps = Workload::named("swaps").unwrap();
    cases.push(swaps.block(1, 2_000_000, Signatures::Placeholder).case);
    for fork in [Fork::London, Fork::Cancun, Fork::Amsterdam] {
        let mut scene = Scene::new(fork);
        scene.contract(contract(1), &code::observe(user(9)), &[(2, 1)]);
        scene.contract(contract(2), code::DESTROY, &[(1, 1)]);
        scene.call(user(1), contract(1), 0, &[]);
        scene.create(user(2), &code::deploy(&[0x00]));
        scene.call(user(3), contract(2), 1, &[]);
        scene.call(user(4), contract(1), 0, &[]);
        cases.push(scene.runnable(&format!("scene[{fork}]")).case);
    }
    cases
}

fn is_wrong_list(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected(Rejection { rule: Rule::InvalidBlockAccessList, .. }))
}

#[test]
fn every_mutant_is_rejected() {
    let cases = cases();
    let mut applied = std::collections::BTreeMap::new();
    for case in &cases {
        let made = AccessList::make(case).unwrap();
        let right = run(case, made.clone(), 2);
        assert!(matches!(right, Outcome::Accepted(_)), "{}: {right:?}", case.id);
        for (name, mutate) in mutants::all() {
            let mut mutant = made.clone();
            if !mutate(&mut mutant.list, case) || mutant == made {
                continue;
            }
            let outcome = run(case, mutant, 2);
            assert!(is_wrong_list(&outcome), "{name} on {}: {outcome:?}", case.id);
            *applied.entry(name).or_insert(0) += 1;
        }
    }
    for (name, _) in mutants::all() {
        assert!(applied.contains_key(name), "{name}: no block has anything for it");
    }
}

/// A state test has no phases: nothing may be stated at their indices, and no transaction may see it.
#[test]
fn nothing_is_stated_where_nothing_happens() {
    let mut scene = Scene::new(Fork::Cancun);
    scene.call(user(1), user(20), 3, &[]);
    let case = Case { phases: Phases::TransactionsOnly, ..scene.runnable("state test").case };
    let made = AccessList::make(&case).unwrap();
    assert!(matches!(run(&case, made.clone(), 2), Outcome::Accepted(_)));
    for (wrong, at) in [(0, At::PreBlock), (2, At::PostBlock)] {
        let mut mutant = made.clone();
        let paid = mutant.list.iter_mut().find(|account| account.address == user(20)).unwrap();
        paid.balance_changes.push(BalanceChange::new(index(wrong), U256::from(7)));
        paid.balance_changes.sort_by_key(|change| change.block_access_index);
        let rule = Rule::InvalidBlockAccessList;
        assert_eq!(run(&case, mutant, 2), Outcome::Rejected(Rejection { at, rule }));
    }
}

/// A wrong value ends the block where it stands, and not where it does harm.
#[test]
fn the_first_wrong_index_is_named() {
    let mut scene = Scene::new(Fork::Cancun);
    for sender in 1..6 {
        scene.call(user(sender), user(20), u64::from(sender), &[]);
    }
    let case = scene.runnable("five").case;
    let made = AccessList::make(&case).unwrap();
    for wrong in 1..=5 {
        for threads in [1, 2, 4] {
            let mut mutant = made.clone();
            let paid = mutant.list.iter_mut().find(|account| account.address == user(20)).unwrap();
            let changes = paid.balance_changes.iter_mut();
            for change in changes.filter(|change| change.block_access_index.get() >= wrong) {
                change.post_balance += U256::from(1);
            }
            let outcome = run(&case, mutant, threads);
            let at = At::Transaction(wrong as usize - 1);
            let rule = Rule::InvalidBlockAccessList;
            assert_eq!(outcome, Outcome::Rejected(Rejection { at, rule }));
        }
    }
}

/// K18: the error of the transaction itself comes first.
#[test]
fn an_invalid_transaction_comes_before_what_the_list_lacks() {
    let mut scene = Scene::new(Fork::Cancun);
    scene.call(user(1), user(20), 1, &[]);
    scene.set_next_nonce(user(2), 7);
    scene.call(user(2), user(21), 1, &[]);
    let case = scene.runnable("invalid").case;
    let mut made = AccessList::make(&case).unwrap();
    made.list.retain(|account| ![user(2), user(21)].contains(&account.address));
    let at = At::Transaction(1);
    let expected = Outcome::Rejected(Rejection { at, rule: Rule::NonceTooHigh });
    assert_eq!(run(&case, made, 2), expected);
    assert_ne!(BENEFICIARY, user(2));
}
