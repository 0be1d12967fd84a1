//! Proves from outside that a candidate is parallel.

use lockstep_cases::built_in;
use lockstep_engine::{Candidate, instrument::RendezvousReader};
use lockstep_model::{Case, ExecutorError, Fork, RunOptions};
use lockstep_report::record::Overlap;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

/// How long a read waits for another transaction's; a sequential executor waits twice.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long the whole proof may take before the executor counts as not parallel.
const LIMIT: Duration = Duration::from_secs(30);

/// Forks of the block; the second is for executors that do not support the first.
const FORKS: [Fork; 2] = [Fork::Cancun, Fork::Amsterdam];

/// Runs a block of independent transfers in which two transactions must meet.
pub fn prove_overlap(candidate: &Candidate) -> Overlap {
    if candidate.threads < 2 {
        return Overlap::NotAsked;
    }
    let of_fork = |fork| of_block(candidate, built_in::independent_transfers(fork, 16));
    FORKS.into_iter().find_map(of_fork).unwrap_or(Overlap::NotAsked)
}

/// `None` where the executor does not support the block.
fn of_block(candidate: &Candidate, mut case: Case) -> Option<Overlap> {
    let reader = Arc::new(RendezvousReader::new(&case, PATIENCE));
    case.pre_state = reader.clone();
    let (candidate, arm) = (candidate.clone(), reader.clone());
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        // A panic shows as a verdict in the check itself; here it is merely no proof.
        let ran = catch_unwind(AssertUnwindSafe(|| execute(&candidate, &case, &arm)));
        let _ = done.send(matches!(ran, Ok(Err(ExecutorError::Unsupported(_)))));
    });
    if ended.recv_timeout(LIMIT) == Ok(true) {
        return None;
    }
    Some(if reader.met() { Overlap::Proved } else { Overlap::Refuted })
}

fn execute(
    candidate: &Candidate,
    case: &Case,
    reader: &RendezvousReader,
) -> Result<(), ExecutorError> {
    let made = (candidate.factory)(candidate.threads);
    let mut executor = made.map_err(ExecutorError::Broken)?;
    let mut prepared = executor.prepare(case, &RunOptions::of(case))?;
    reader.arm();
    prepared.run().map(|_| ())
}
