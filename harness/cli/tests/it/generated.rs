//! Generated blocks: they mean something, and every executor agrees on them.

use lockstep_cases::generate::{Limits, from_bytes, from_seed};
use lockstep_cli::testing::{factory, plan_of_all};
use lockstep_jobs::check::Judge;
use lockstep_model::{Outcome, RunOptions};
use lockstep_report::record::Status;
use proptest::prelude::*;

const SEEDS: u64 = 400;

#[test]
fn every_executor_agrees_on_generated_blocks() {
    let mut judge = Judge::standalone(&plan_of_all(&[2, 3]));
    let limits = Limits { transactions: 40, ..Limits::default() };
    for seed in 0..SEEDS {
        let result = judge.judge_alone(from_seed(seed, &limits).into_test());
        assert_eq!(result.status, Status::Passed, "{}: {:#?}", result.id, result.differences);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    /// The same generator under proptest, which makes failing bytes fewer.
    #[test]
    fn every_executor_agrees_on_the_blocks_of_any_bytes(
        bytes in proptest::collection::vec(any::<u8>(), 0..2_000),
    ) {
        let mut judge = Judge::standalone(&plan_of_all(&[2]));
        let limits = Limits { transactions: 30, ..Limits::default() };
        let result = judge.judge_alone(from_bytes(&bytes, "bytes", &limits).into_test());
        prop_assert_eq!(result.status, Status::Passed, "{:#?}", result.differences);
    }
}

/// A block that is rejected at its first transaction finds nothing, and neither does one in which
/// everything fails.
#[test]
fn most_blocks_are_valid_and_most_transactions_succeed() {
    let mut reference = factory("reference")(1).unwrap();
    let limits = Limits::default();
    let (mut unintended, mut transactions, mut succeeded) = (Vec::new(), 0, 0);
    for seed in 0..SEEDS {
        let generated = from_seed(seed, &limits);
        let case = &generated.block.case;
        match reference.prepare(case, &RunOptions::of(case)).unwrap().run().unwrap().outcome {
            Outcome::Accepted(block) => {
                transactions += block.receipts.len();
                succeeded += block.receipts.iter().filter(|receipt| receipt.success).count();
            }
            Outcome::Rejected(rejection) if !generated.is_meant_to_fail => {
                unintended.push(format!("{}: {rejection:?}", case.id));
            }
            Outcome::Rejected(_) => {}
        }
    }
    assert!(succeeded * 10 > transactions * 6, "{succeeded} of {transactions} succeeded");
    assert!(unintended.len() * 20 < SEEDS as usize, "rejected by chance: {unintended:#?}");
}
