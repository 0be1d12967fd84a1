//! For our own tests: plans without a command line.

use crate::defaults::{REFERENCE, executors};
use lockstep_engine::{Candidate, Factory};
use lockstep_formats::lists::Lists;
use lockstep_jobs::check::{Expectations, Plan, Selection};
use lockstep_model::Mode;
use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

/// A plan with `block_stm` at these numbers of threads.
pub fn plan(threads: &[usize]) -> Plan {
    let block_stm = factory("block_stm");
    let candidate = |threads: &usize| {
        Candidate::new(format!("block_stm@{threads}"), *threads, block_stm.clone())
    };
    plan_with(threads.iter().map(candidate).collect())
}

/// A plan with every parallel executor at these numbers of threads, in both modes, and the baseline.
pub fn plan_of_all(threads: &[usize]) -> Plan {
    plan_in(threads, &[Mode::Forced, Mode::Auto])
}

/// The same, in these modes.
pub fn plan_in(threads: &[usize], modes: &[Mode]) -> Plan {
    let mut candidates = vec![Candidate::new("sequential@1".to_owned(), 1, factory("sequential"))];
    for name in ["block_stm", "repair", "sharded", "access_list"] {
        for mode in modes.iter().copied() {
            let factory = factory_in(name, mode);
            let with = |threads: &usize| {
                Candidate::new(format!("{name}-{mode}@{threads}"), *threads, factory.clone())
            };
            candidates.extend(threads.iter().map(with));
        }
    }
    plan_with(candidates)
}

/// A plan with these candidates.
pub fn plan_with(candidates: Vec<Candidate>) -> Plan {
    Plan {
        reference: Candidate::reference(&factory(REFERENCE)),
        candidates,
        jobs: 1,
        selection: Selection::default(),
        pack: None,
        expectations: Expectations::Use,
        outcomes: false,
        lists: Arc::new(Lists::default()),
        hang_after: Duration::from_secs(60),
        release_memory: || {},
        most_hangs: 5,
        interrupted: Arc::new(AtomicBool::new(false)),
        paused: Arc::default(),
    }
}

/// The factory of one of Lockstep's own executors.
///
/// # Panics
/// When there is none of that name.
pub fn factory(name: &str) -> Factory {
    factory_in(name, Mode::Forced)
}

fn factory_in(name: &str, mode: Mode) -> Factory {
    let found = executors().into_iter().find(|known| known.name == name);
    found.expect("a name that the tests know").factory(mode)
}
