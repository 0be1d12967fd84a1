//! Hostile clients: whatever a transition tool or a runner prints, it is an answer or an error that says what was expected.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_cases::generate::{Limits, from_seed};
use lockstep_external::frames::{transition, verdict};
use lockstep_model::Case;
use std::sync::LazyLock;

/// What the client was asked about.
static CASE: LazyLock<Case> = LazyLock::new(|| {
    let limits = Limits { transactions: 8, ..Limits::default() };
    from_seed(1, &limits).block.case
});

fuzz_target!(|bytes: &[u8]| {
    // The first byte chooses the kind of the client.
    let Some((which, bytes)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(bytes);
    let said = match which % 3 {
        0 => transition(&text, &CASE).map(drop),
        1 => verdict(&text, false),
        _ => verdict(&text, true),
    };
    if let Err(problem) = said {
        assert!(!problem.is_empty());
    }
});
