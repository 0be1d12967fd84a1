//! Wrong block access lists: none is accepted, none panics. The names are those of the families of
//! real bugs that each mutant stands for.

use crate::scene::{BENEFICIARY, Scene, code, contract, user};
use alloy_eip7928::{
    AccountChanges, BalanceChange, BlockAccessIndex, BlockAccessList, CodeChange, NonceChange,
    SlotChanges, StorageChange,
};
use alloy_primitives::{Address, Bytes, U256};
use lockstep_executors::{AccessList, access_list::MadeList};
use lockstep_model::{At, Case, Fork, Mode, Outcome, Phases, Rejection, Rule};
use lockstep_runner::{
    source::built_in,
    test::Body,
    workload::{Signatures, Workload},
};

/// Runs a case with a list.
fn run(case: &Case, list: MadeList, threads: usize) -> Outcome {
    let mut executor = AccessList::new(threads, Mode::Forced).unwrap();
    executor.prepare_with(case, list).unwrap().run().unwrap().outcome
}

/// A mutant: false where the list has nothing to mutate in this way.
type Mutate = fn(&mut BlockAccessList, &Case) -> bool;

fn index(at: u64) -> BlockAccessIndex {
    BlockAccessIndex::new(at)
}

fn first<T>(items: Option<&mut T>, mutate: impl FnOnce(&mut T)) -> bool {
    items.map(mutate).is_some()
}

fn with_slots(list: &mut BlockAccessList) -> Option<&mut AccountChanges> {
    list.iter_mut().find(|account| !account.storage_changes.is_empty())
}

fn nobody() -> Address {
    Address::repeat_byte(0xfe)
}

/// Puts an account where canonical order wants it.
fn insert(list: &mut BlockAccessList, account: AccountChanges) -> bool {
    if list.iter().any(|known| known.address == account.address) {
        return false;
    }
    list.push(account);
    list.sort_by_key(|account| account.address);
    true
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn mutants() -> Vec<(&'static str, Mutate)> {
    vec![
        ("K1 a system contract's entry is dropped", |list, _| {
            let system = [
                alloy_eips::eip4788::BEACON_ROOTS_ADDRESS,
                alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS,
            ];
            let before = list.len();
            list.retain(|account| !system.contains(&account.address));
            list.len() < before
        }),
        ("K2 the list is empty", |list, _| !std::mem::take(list).is_empty()),
        ("K3 an extra account", |list, _| insert(list, AccountChanges::new(nobody()))),
        ("K3 an extra read", |list, _| {
            first(list.first_mut(), |account| {
                account.storage_reads.push(U256::MAX);
            })
        }),
        ("K4 an entry twice", |list, _| {
            let Some(account) = list.first().cloned() else { return false };
            list.insert(0, account);
            true
        }),
        ("K5 an index behind the block", |list, case| {
            let end = case.block.transactions.len() as u64 + 2;
            first(list.first_mut(), |account| {
                account.balance_changes.push(BalanceChange::new(index(end), U256::from(1)));
            })
        }),
        ("K5 a change after the block that never was", |list, case| {
            let end = case.block.transactions.len() as u64 + 1;
            let free = |account: &&mut AccountChanges| {
                account.balance_changes.last().is_none_or(|c| c.block_access_index.get() < end)
            };
            first(list.iter_mut().find(free), |account| {
                account.balance_changes.push(BalanceChange::new(index(end), U256::from(1)));
            })
        }),
        ("K6 accounts out of order", |list, _| {
            let enough = list.len() > 1;
            list.reverse();
            enough
        }),
        ("K6 slots out of order", |list, _| {
            let several = |account: &&mut AccountChanges| account.storage_changes.len() > 1;
            first(list.iter_mut().find(several), |account| account.storage_changes.reverse())
        }),
        ("K6 indices out of order", |list, _| {
            let several = |account: &&mut AccountChanges| account.balance_changes.len() > 1;
            first(list.iter_mut().find(several), |account| account.balance_changes.reverse())
        }),
        ("K7 a net-zero write is listed", |list, case| {
            let pre = case.pre_state.clone();
            let read = |account: &&mut AccountChanges| !account.storage_reads.is_empty();
            first(list.iter_mut().find(read), |account| {
                let slot = account.storage_reads.remove(0);
                let value = pre.storage(account.address, slot).unwrap();
                let change = StorageChange::new(index(1), value);
                account.storage_changes.push(SlotChanges::new(slot, vec![change]));
                account.storage_changes.sort_by_key(|slot| slot.slot);
            })
        }),
        ("K8 a change is dropped", |list, _| {
            first(with_slots(list), |account| {
                let slot = account.storage_changes.remove(0);
                account.storage_reads.push(slot.slot);
                account.storage_reads.sort();
            })
        }),
        ("K9 a written slot is missing", |list, _| {
            first(with_slots(list), |account| drop(account.storage_changes.remove(0)))
        }),
        ("K10 the system address", |list, _| {
            let system = alloy_primitives::address!("fffffffffffffffffffffffffffffffffffffffe");
            insert(list, AccountChanges::new(system))
        }),
        ("K11 a nonce change is dropped", |list, _| {
            let changed = |account: &&mut AccountChanges| !account.nonce_changes.is_empty();
            first(list.iter_mut().find(changed), |account| account.nonce_changes.clear())
        }),
        ("K12 the target of a system call is missing", |list, _| {
            let target = alloy_eips::eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS;
            let before = list.len();
            list.retain(|account| account.address != target);
            list.len() < before
        }),
        ("K13 the last change is dropped", |list, case| {
            let end = case.block.transactions.len() as u64 + 1;
            let late = |account: &&mut AccountChanges| {
                account.balance_changes.last().is_some_and(|c| c.block_access_index.get() == end)
            };
            first(list.iter_mut().find(late), |account| {
                account.balance_changes.pop();
            })
        }),
        ("K14 a change has the index of a neighbour", |list, _| {
            let early = |account: &&mut AccountChanges| matches!(&account.balance_changes[..], [c] if c.block_access_index.get() == 1);
            first(list.iter_mut().find(early), |account| {
                account.balance_changes[0].block_access_index = index(2);
            })
        }),
        ("K15 code is emptied", |list, _| {
            let coded = |account: &&mut AccountChanges| !account.code_changes.is_empty();
            first(list.iter_mut().find(coded), |account| {
                account.code_changes[0].new_code = Bytes::new();
            })
        }),
        ("K16 code that is no code", |list, _| {
            first(list.first_mut(), |account| {
                let code = Bytes::from_static(&[0xef, 0x01, 0x00, 0x01]);
                account.code_changes = vec![CodeChange::new(index(1), code)];
            })
        }),
        ("K17 another balance", |list, _| {
            let changed = |account: &&mut AccountChanges| !account.balance_changes.is_empty();
            first(list.iter_mut().find(changed), |account| {
                account.balance_changes[0].post_balance += U256::from(1);
            })
        }),
        ("K17 another nonce", |list, _| {
            let changed = |account: &&mut AccountChanges| !account.nonce_changes.is_empty();
            first(list.iter_mut().find(changed), |account| account.nonce_changes[0].new_nonce += 1)
        }),
        ("K17 another value", |list, _| {
            first(with_slots(list), |account| {
                account.storage_changes[0].changes[0].new_value ^= U256::from(1);
            })
        }),
        ("K17 a made-up nonce", |list, _| {
            let changed = |account: &&mut AccountChanges| account.nonce_changes.is_empty();
            first(list.iter_mut().find(changed), |account| {
                account.nonce_changes.push(NonceChange::new(index(1), 77));
            })
        }),
        ("K19 a read is missing", |list, _| {
            let read = |account: &&mut AccountChanges| !account.storage_reads.is_empty();
            first(list.iter_mut().find(read), |account| {
                account.storage_reads.pop();
            })
        }),
        ("K20 a slot that was only warmed", |list, _| {
            first(with_slots(list), |account| {
                account.storage_reads.push(U256::from(1) << 200);
                account.storage_reads.sort();
            })
        }),
    ]
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
        for (name, mutate) in mutants() {
            let mut mutant = made.clone();
            if !mutate(&mut mutant.list, case) || mutant == made {
                continue;
            }
            let outcome = run(case, mutant, 2);
            assert!(is_wrong_list(&outcome), "{name} on {}: {outcome:?}", case.id);
            *applied.entry(name).or_insert(0) += 1;
        }
    }
    for (name, _) in mutants() {
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

/// K18: what is wrong with the transaction itself comes first.
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
