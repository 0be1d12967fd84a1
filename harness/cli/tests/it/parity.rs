//! Our executors against the reference, on blocks made to break parallel executors. The letters are
//! the families of real executor bugs that each block reveals.

use crate::scene::{BENEFICIARY, GAS_PRICE, Scene, authorization, code, contract, user};
use alloy_primitives::{Address, Bytes, TxKind, U256};
use lockstep_cases::built_in;
use lockstep_cli::testing::{plan, plan_of_all};
use lockstep_executors::Reference;
use lockstep_jobs::check::Judge;
use lockstep_judge::{compare::compare_outcomes, definition::Test};
use lockstep_model::{Executor as _, Fork, Outcome, RunOptions, StateReader as _};
use lockstep_report::record::{Status, TestResult, Verdict};

const THREADS: &[usize] = &[1, 2, 4, 8];

/// Runs a test with several numbers of threads, several times: schedules differ.
fn agree(judge: &mut Judge, test: &Test) -> TestResult {
    let mut last = None;
    for _ in 0..8 {
        let result = judge.judge_alone(test.clone());
        assert_eq!(result.verdict, Some(Verdict::Agreed), "{}: {:#?}", test.id, result.differences);
        assert_eq!(result.status, Status::Passed, "{}: {:#?}", test.id, result.differences);
        last = Some(result);
    }
    last.expect("it ran")
}

fn check(scene: impl Fn(Fork) -> Scene, forks: &[Fork]) {
    let mut judge = Judge::standalone(&plan_of_all(THREADS));
    for fork in forks {
        agree(&mut judge, &scene(*fork).test(&format!("{fork}")));
    }
}

const OLD_AND_NEW: &[Fork] = &[
    Fork::Frontier,
    Fork::Homestead,
    Fork::SpuriousDragon,
    Fork::Byzantium,
    Fork::Istanbul,
    Fork::London,
    Fork::Cancun,
    Fork::Osaka,
    Fork::Amsterdam,
];

#[test]
fn generated_blocks_of_every_shape_and_fork() {
    let mut judge = Judge::standalone(&plan_of_all(&[2, 4]));
    for seed in 0..300 {
        let result = judge.judge_alone(built_in::any_block(seed, 40));
        assert_eq!(result.status, Status::Passed, "{}: {:#?}", result.id, result.differences);
    }
}

/// A1, A5: the fee recipient's balance is read between fees.
#[test]
fn fee_recipient_observed() {
    check(
        |fork| {
            let mut scene = Scene::new(fork);
            scene.contract(contract(1), code::BALANCE_OF_COINBASE, &[]);
            for index in 0..12 {
                let to = if index % 3 == 1 { contract(1) } else { user(index + 20) };
                scene.call(user(index), to, 0, &[]);
            }
            scene
        },
        OLD_AND_NEW,
    );
}

/// A2: the fee recipient sends. A9 in spirit: it also receives.
#[test]
fn fee_recipient_sends_and_receives() {
    check(
        |fork| {
            let mut scene = Scene::new(fork);
            scene.state.insert(BENEFICIARY, U256::from(1) << 70, 0, Bytes::new(), []);
            for index in 0..12 {
                match index % 3 {
                    0 => scene.call(user(index), user(20), 1, &[]),
                    1 => scene.call(BENEFICIARY, user(21), 2, &[]),
                    _ => scene.call(user(index), BENEFICIARY, 3, &[]),
                }
            }
            scene
        },
        OLD_AND_NEW,
    );
}

/// A3, A8: the fee recipient is a contract with storage, and destroys itself.
#[test]
fn fee_recipient_is_a_contract_that_dies() {
    check(
        |fork| {
            let mut scene = Scene::new(fork);
            scene.contract(BENEFICIARY, code::DESTROY, &[(0, 1)]);
            for index in 0..9 {
                let to = if index == 4 { BENEFICIARY } else { user(20) };
                scene.call(user(index), to, 0, &[]);
            }
            scene
        },
        OLD_AND_NEW,
    );
}

/// A4: a zero tip touches the fee recipient; it must not create it, or must, by fork.
#[test]
fn fee_recipient_gets_nothing() {
    check(
        |fork| {
            let mut scene = Scene::new(fork);
            if fork >= Fork::London {
                scene.block.base_fee = GAS_PRICE as u64;
            } else {
                // An existing empty account: state clearing removes it at the first touch.
                scene.state.insert(BENEFICIARY, U256::ZERO, 0, Bytes::new(), []);
            }
            scene.contract(contract(1), &code::observe(BENEFICIARY), &[]);
            for index in 0..6 {
                let to = if index == 3 { contract(1) } else { user(20) };
                scene.call(user(index), to, 0, &[]);
            }
            scene
        },
        OLD_AND_NEW,
    );
}

/// The fee recipient is empty but has storage: its death by a zero reward clears that, and no
/// later payment may bring it back.
#[test]
fn fee_recipient_with_storage_dies_of_nothing() {
    check(
        |fork| {
            let mut scene = Scene::new(fork);
            scene.block.base_fee = if fork >= Fork::London { GAS_PRICE as u64 } else { 0 };
            let storage = [(U256::from(1), U256::from(2))];
            scene.state.insert(BENEFICIARY, U256::ZERO, 0, Bytes::new(), storage);
            for index in 0..6 {
                let to = if index == 3 { BENEFICIARY } else { user(20) };
                scene.call(user(index), to, u64::from(index), &[]);
            }
            scene
        },
        &[Fork::Istanbul, Fork::London, Fork::Cancun],
    );
}

/// A balance that would overflow is left alone.
#[test]
fn fee_recipient_overflows() {
    check(
        |fork| {
            let mut scene = Scene::new(fork);
            scene.state.insert(BENEFICIARY, U256::MAX - U256::from(5), 0, Bytes::new(), []);
            for index in 0..4 {
                scene.call(user(index), user(20), 1, &[]);
            }
            scene
        },
        OLD_AND_NEW,
    );
}

/// B2: senders that are funded inside the block, in both directions of speculation.
#[test]
fn sender_funded_in_the_block() {
    check(
        |fork| {
            let mut scene = Scene::new(fork);
            let poor = Address::repeat_byte(0x77);
            let enough = 100 * 21_000 * GAS_PRICE as u64;
            scene.call(user(0), poor, enough, &[]);
            scene.legacy(poor, TxKind::Call(user(1)), 5, &[], 21_000);
            scene.legacy(poor, TxKind::Call(user(2)), 5, &[], 21_000);
            scene
        },
        OLD_AND_NEW,
    );
}

/// B1, C1, C3, C5: deploy, use, destroy, pay and revive one address within the block.
#[test]
fn destroyed_and_revived_by_create2() {
    let forks = [Fork::Petersburg, Fork::Istanbul, Fork::London, Fork::Shanghai, Fork::Cancun];
    check(
        |fork| {
            let mut scene = Scene::new(fork);
            scene.contract(contract(1), code::FACTORY, &[]);
            // Counts, and destroys itself when it is sent calldata.
            let child = [
                0x36, 0x60, 0x0e, 0x57, // if calldatasize: goto 14
                0x60, 0x00, 0x54, 0x60, 0x01, 0x01, 0x60, 0x00, 0x55, 0x00, // count, stop
                0x5b, 0x33, 0xff, // 14: selfdestruct(caller)
            ];
            let init = code::deploy(&child);
            let address = contract(1).create2_from_code([0; 32], &init);
            scene.contract(contract(2), &code::observe(address), &[]);
            let mut sender = 0;
            for _ in 0..3 {
                scene.call(user(sender), contract(1), 0, &init);
                scene.call(user(sender + 1), address, 0, &[]);
                scene.call(user(sender + 2), contract(2), 0, &[]);
                scene.call(user(sender + 3), address, 0, &[1]);
                scene.call(user(sender + 4), contract(2), 0, &[]);
                sender += 5;
            }
            scene.call(user(sender), address, 1, &[]);
            scene
        },
        &forks,
    );
}

/// C2, C12: an old contract with storage dies; its storage must not come back.
/// An account that ends, is created anew and written, and then only paid: the changes taken after each
/// transaction are, together, those of the block.
#[test]
fn changes_in_pieces_are_those_of_the_block() {
    for fork in [Fork::Petersburg, Fork::Berlin, Fork::London] {
        let mut scene = Scene::new(fork);
        scene.contract(contract(1), code::FACTORY, &[]);
        // Destroys itself when it is sent calldata; else writes, unless it is paid.
        let child = [
            0x36, 0x60, 0x0e, 0x57, // if calldatasize: goto 14
            0x34, 0x60, 0x11, 0x57, // if callvalue: goto 17
            0x60, 0x01, 0x60, 0x00, 0x55, 0x00, // write, stop
            0x5b, 0x33, 0xff, // 14: selfdestruct(caller)
            0x5b, 0x00, // 17: stop
        ];
        let init = code::deploy(&child);
        let address = contract(1).create2_from_code([0; 32], &init);
        scene.call(user(0), contract(1), 0, &init);
        scene.call(user(1), address, 0, &[1]);
        scene.call(user(2), contract(1), 0, &init);
        scene.call(user(3), address, 0, &[]);
        scene.call(user(4), address, 1, &[]);
        let block = scene.runnable("pieces");
        let outcome = |options: &RunOptions| {
            let mut prepared = Reference.prepare(&block.case, options).unwrap();
            prepared.run().unwrap().outcome
        };
        let whole = outcome(&RunOptions::of(&block.case));
        let pieces = outcome(&RunOptions { changes_by_transaction: true, ..RunOptions::default() });
        assert_eq!(compare_outcomes(&block.pre, &whole, &pieces, "in pieces"), []);
        let Outcome::Accepted(whole) = whole else { panic!("{fork}: rejected") };
        let after = block.pre.state_after(&whole.changes);
        assert_eq!(after.storage(address, U256::ZERO).unwrap(), U256::from(1), "{fork}");
    }
}

#[test]
fn old_contract_with_storage_dies() {
    check(
        |fork| {
            let mut scene = Scene::new(fork);
            scene.contract(contract(1), code::DESTROY, &[(0, 7), (1, 8)]);
            scene.contract(contract(2), &code::observe(contract(1)), &[]);
            scene.call(user(0), contract(2), 0, &[]);
            scene.call(user(1), contract(1), 0, &[]);
            scene.call(user(2), contract(2), 0, &[]);
            scene.call(user(3), contract(1), 9, &[]);
            scene.call(user(4), contract(2), 0, &[]);
            scene
        },
        OLD_AND_NEW,
    );
}

/// C13: EIP-7610, also where the account with storage was touched, and so cleared, before.
#[test]
fn creation_at_an_address_with_storage() {
    check(
        |fork| {
            let mut scene = Scene::new(fork);
            let target = user(0).create(0);
            let storage = [(U256::from(1), U256::from(2))];
            scene.state.insert(target, U256::from(1), 0, Bytes::new(), storage);
            scene.create(user(0), &code::deploy(code::COUNT));
            scene.call(user(1), target, 1, &[]);
            let empty = user(2).create(0);
            scene.state.insert(empty, U256::ZERO, 0, Bytes::new(), storage);
            scene.call(user(3), empty, 0, &[]);
            scene.create(user(2), &code::deploy(code::COUNT));
            scene
        },
        &[Fork::Homestead, Fork::SpuriousDragon, Fork::Istanbul, Fork::Cancun],
    );
}

/// D1, D3: one sender's nonce chain, with creations among it.
#[test]
fn nonce_chain_with_creations() {
    check(
        |fork| {
            let mut scene = Scene::new(fork);
            for index in 0..15 {
                if index % 3 == 0 {
                    scene.create(user(0), &code::deploy(code::COUNT));
                } else {
                    let born = user(0).create(index - index % 3);
                    scene.call(user(0), born, 0, &[]);
                }
            }
            scene
        },
        OLD_AND_NEW,
    );
}

/// E2, E3, E4: delegated, used, delegated elsewhere, used, cleared, used.
#[test]
fn delegations_change_within_the_block() {
    let mut scene = Scene::new(Fork::Prague);
    scene.contract(contract(1), code::COUNT, &[]);
    scene.contract(contract(2), code::BALANCE_OF_COINBASE, &[]);
    let targets = [contract(1), contract(2), Address::ZERO, contract(1)];
    let mut sender = 0;
    for (round, target) in targets.into_iter().enumerate() {
        // A made-up signature gives another authority for every tuple, so each round has its own;
        // it is used before and after.
        let (authority, signed) = authorization(round as u8, target, 0);
        scene.contract(contract(10 + round as u8), &code::call(authority), &[]);
        scene.call(user(sender), contract(10 + round as u8), 0, &[]);
        scene.set_code(user(sender + 1), contract(10 + round as u8), vec![signed.clone()]);
        scene.call(user(sender + 2), authority, 1, &[]);
        // The nonce has moved: this one is ignored.
        scene.set_code(user(sender + 3), authority, vec![signed]);
        scene.call(user(sender + 4), contract(10 + round as u8), 0, &[]);
        sender += 5;
    }
    let result = agree(&mut Judge::standalone(&plan(THREADS)), &scene.test("delegations"));
    assert_eq!(result.status, Status::Passed);
}

/// F1, F2, F3, B9: touches of precompiles and of empty accounts, by fork.
#[test]
fn precompiles_and_empty_accounts_are_touched() {
    check(
        |fork| {
            let mut scene = Scene::new(fork);
            scene.state.insert(Address::with_last_byte(4), U256::ZERO, 0, Bytes::new(), []);
            scene.contract(contract(1), &code::observe(Address::with_last_byte(4)), &[]);
            let absent = Address::repeat_byte(0x55);
            scene.contract(contract(2), &code::call(absent), &[]);
            scene.call(user(0), Address::with_last_byte(3), 0, &[]);
            scene.legacy(user(1), TxKind::Call(Address::with_last_byte(3)), 0, &[], 21_100);
            scene.call(user(2), contract(1), 0, &[]);
            scene.call(user(3), Address::with_last_byte(4), 0, &[]);
            scene.call(user(4), contract(1), 0, &[]);
            scene.call(user(5), absent, 0, &[]);
            scene.call(user(6), contract(2), 0, &[]);
            scene.call(user(7), absent, 1, &[]);
            scene.call(user(8), contract(2), 0, &[]);
            scene
        },
        OLD_AND_NEW,
    );
}

/// G4: written values depend on read values.
#[test]
fn hot_slot() {
    check(
        |fork| {
            let mut scene = Scene::new(fork);
            scene.contract(contract(1), code::COUNT, &[]);
            for index in 0..30 {
                scene.call(user(index), contract(1), 0, &[]);
            }
            scene
        },
        OLD_AND_NEW,
    );
}

/// H3, J1, J2, J4, J5: the block breaks in the middle, in several ways; the first by order counts.
#[test]
fn rejected_in_the_middle() {
    let break_it: [fn(&mut Scene); 5] = [
        |scene| scene.set_next_nonce(user(5), 3),
        |scene| scene.call(Address::repeat_byte(0x99), user(1), 1, &[]),
        |scene| scene.legacy(user(5), TxKind::Call(user(1)), 0, &[], 20_000),
        |scene| scene.legacy(user(5), TxKind::Call(user(1)), 0, &[], 2_000_000_000),
        |scene| {
            // Admission comes first: together they are over the limit, and the nonce is wrong too.
            scene.block.gas_limit = 2_700_000;
            scene.set_next_nonce(user(5), 9);
        },
    ];
    let mut judge = Judge::standalone(&plan(THREADS));
    for (number, break_it) in break_it.iter().enumerate() {
        for fork in [Fork::Frontier, Fork::Byzantium, Fork::London, Fork::Osaka] {
            let mut scene = Scene::new(fork);
            for index in 0..5 {
                scene.call(user(index), user(20), 1, &[]);
            }
            break_it(&mut scene);
            for index in 5..15 {
                scene.call(user(index), user(20), 1, &[]);
            }
            agree(&mut judge, &scene.test(&format!("broken {number} {fork}")));
        }
    }
}

/// G13: blocks of no, one and two transactions.
#[test]
fn tiny_blocks() {
    for count in 0..3 {
        check(
            |fork| {
                let mut scene = Scene::new(fork);
                for index in 0..count {
                    scene.call(user(index), user(20), 1, &[]);
                }
                scene
            },
            OLD_AND_NEW,
        );
    }
}
