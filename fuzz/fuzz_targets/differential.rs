//! A generated block through the reference and every executor: they must agree.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_cases::generate::{Limits, from_bytes};
use lockstep_cli::testing::plan_in;
use lockstep_jobs::check::Judge;
use lockstep_model::Mode;
use lockstep_report::record::Status;
use std::cell::RefCell;

/// Every executor at these threads in this mode. All at once would be four times as slow, and show libFuzzer four times as
/// much that is alike.
const SETTINGS: [(usize, Mode); 4] =
    [(2, Mode::Forced), (3, Mode::Forced), (2, Mode::Auto), (3, Mode::Auto)];

thread_local! {
    static JUDGES: RefCell<[Judge; 4]> = RefCell::new(
        SETTINGS.map(|(threads, mode)| Judge::standalone(&plan_in(&[threads], &[mode]))),
    );
}

fuzz_target!(|bytes: &[u8]| {
    // The first byte chooses threads and mode, the rest the block.
    let Some((which, bytes)) = bytes.split_first() else { return };
    let limits = Limits { transactions: 64, ..Limits::default() };
    let test = from_bytes(bytes, "generated::bytes", &limits).into_test();
    let which = usize::from(*which) % SETTINGS.len();
    let result = JUDGES.with_borrow_mut(|judges| judges[which].judge_alone(test));
    assert_eq!(result.status, Status::Passed, "{}: {:#?}", result.id, result.differences);
});
