//! A generated block through the reference and `block_stm`: they must agree, and the block must
//! leave behind what plain arithmetic says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_cli::testing::plan_of_all;
use lockstep_runner::{check::Judge, record::Status, source::built_in};
use std::cell::RefCell;

thread_local! {
    static JUDGE: RefCell<Judge> = RefCell::new(Judge::standalone(&plan_of_all(&[2, 3])));
}

fuzz_target!(|seed: u64| {
    let result = JUDGE.with_borrow_mut(|judge| judge.judge_alone(built_in::any_block(seed, 64)));
    assert_eq!(result.status, Status::Passed, "{}: {:#?}", result.id, result.differences);
});
