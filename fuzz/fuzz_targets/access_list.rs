//! A generated block with a wrong access list: rejected as such, and never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_cases::generate::{Limits, from_bytes};
use lockstep_executors::{AccessList, access_list::mutants};
use lockstep_model::{Mode, Outcome, Rejection, Rule, RunOptions};
use std::cell::RefCell;

thread_local! {
    static EXECUTOR: RefCell<AccessList> =
        RefCell::new(AccessList::new(2, Mode::Forced).expect("a thread"));
}

fuzz_target!(|bytes: &[u8]| {
    // The first byte chooses the mutant, the rest the block.
    let Some((which, bytes)) = bytes.split_first() else { return };
    let limits = Limits { transactions: 32, ..Limits::default() };
    let case = from_bytes(bytes, "generated::bytes", &limits).block.case;
    let made = AccessList::make(&case).expect("the reference runs it");
    EXECUTOR.with_borrow_mut(|executor| {
        let mut run = |list| {
            let mut prepared =
                executor.prepare_with(&case, &RunOptions::of(&case), list).expect("it can be run");
            prepared.run().expect("it does not break").outcome
        };
        let Outcome::Accepted(_) = run(made.clone()) else { return };
        let mutators = mutants::all();
        let (name, mutate) = mutators[usize::from(*which) % mutators.len()];
        let mut mutant = made.clone();
        if mutate(&mut mutant.list, &case) && mutant != made {
            let outcome = run(mutant);
            let wrong = Rule::InvalidBlockAccessList;
            let is_refused =
                matches!(&outcome, Outcome::Rejected(Rejection { rule, .. }) if *rule == wrong);
            assert!(is_refused, "{name}: {outcome:?}");
        }
    });
});
