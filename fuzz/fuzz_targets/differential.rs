//! A generated block through the reference and every executor: they must agree.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_cases::generate::{Limits, from_bytes};
use lockstep_cli::testing::plan_of_all;
use lockstep_jobs::check::Judge;
use lockstep_report::record::Status;
use std::cell::RefCell;

thread_local! {
    static JUDGE: RefCell<Judge> = RefCell::new(Judge::standalone(&plan_of_all(&[2, 3])));
}

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { transactions: 64, ..Limits::default() };
    let test = from_bytes(bytes, "generated::bytes", &limits).into_test();
    let result = JUDGE.with_borrow_mut(|judge| judge.judge_alone(test));
    assert_eq!(result.status, Status::Passed, "{}: {:#?}", result.id, result.differences);
});
