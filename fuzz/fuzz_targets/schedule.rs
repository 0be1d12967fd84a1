//! Bytes decide who does what next: whatever they say, the scheduler must end with the sequential
//! outcome.

#![no_main]

#[path = "../../harness/executors/tests/it/simulation.rs"]
mod simulation;

use libfuzzer_sys::{arbitrary::Unstructured, fuzz_target};
use simulation::{Program, run, sequential};

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = Unstructured::new(bytes);
    let mut turn = 0;
    let mut choose = |end: usize| {
        // Without bytes left every worker gets a turn, so that it ends.
        turn += 1;
        if bytes.is_empty() { turn % end } else { bytes.int_in_range(0..=end - 1).unwrap_or(0) }
    };
    let cells = 1 + choose(11);
    let count = choose(24);
    let programs: Vec<Program> = (0..count).map(|_| Program::choose(&mut choose, cells)).collect();
    let (memory, _) = run(&programs, cells, &mut choose);
    assert_eq!(memory, sequential(&programs, cells));
});
