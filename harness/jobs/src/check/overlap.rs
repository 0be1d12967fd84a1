//! Proves from outside that a candidate is parallel.

use lockstep_cases::built_in;
use lockstep_engine::{Candidate, instrument::RendezvousReader};
use lockstep_model::{Case, RunOptions};
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

/// Runs a block of independent transfers in which two transactions must meet.
pub fn prove_overlap(candidate: &Candidate) -> Overlap {
    if candidate.threads < 2 {
        return Overlap::NotAsked;
    }
    let mut case = built_in::independent_transfers(16);
    let reader = Arc::new(RendezvousReader::new(&case, PATIENCE));
    case.pre_state = reader.clone();
    let (candidate, arm) = (candidate.clone(), reader.clone());
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        // A panic shows as a verdict in the check itself; here it is merely no proof.
        let _ = catch_unwind(AssertUnwindSafe(|| execute(&candidate, &case, &arm)));
        let _ = done.send(());
    });
    let _ = ended.recv_timeout(LIMIT);
    if reader.met() { Overlap::Proved } else { Overlap::Refuted }
}

fn execute(candidate: &Candidate, case: &Case, reader: &RendezvousReader) -> Result<(), String> {
    let mut executor = (candidate.factory)(candidate.threads)?;
    let mut prepared =
        executor.prepare(case, &RunOptions::of(case)).map_err(|error| error.to_string())?;
    reader.arm();
    prepared.run().map(|_| ()).map_err(|error| error.to_string())
}
