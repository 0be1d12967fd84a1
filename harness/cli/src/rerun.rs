//! Executes the blocks of records again, to verify the recorded outcomes.
//!
//! Times cannot be verified from afar. Outcomes can: a block's id has the seed, and the reference must
//! find the same digest.

use crate::{Lockstep, candidates::factory, defaults::REFERENCE, output};
use anyhow::{Error, Result};
use lockstep_cases::workload::Workload;
use lockstep_jobs::bench::digest;
use lockstep_model::{Mode, RunOptions};
use lockstep_report::board::Board;
use rayon::prelude::*;
use std::collections::BTreeMap;

const EXIT_DIFFERENT: u8 = 1;

/// Runs every workload of the records again; gives the exit status.
pub(crate) fn rerun(board: &Board, command: &Lockstep) -> Result<u8> {
    let mut stated = BTreeMap::new();
    for (_, set) in board.sets() {
        stated.entry(&*set.workload).or_insert_with(Vec::new).push(set.outcome);
    }
    let reference = factory(&command.executors, REFERENCE, Mode::Auto)?;
    let outcome = |id: &str| -> Result<Option<_>> {
        let Some((workload, size)) = Workload::of_id(id) else { return Ok(None) };
        let block = workload.sized(size);
        let mut reference = reference(1).map_err(Error::msg)?;
        let mut prepared = reference.prepare(&block.case, &RunOptions::of(&block.case))?;
        Ok(Some(digest(&block, &prepared.run()?.outcome)))
    };
    let found: Vec<_> = stated.par_iter().map(|(id, _)| outcome(id)).collect::<Result<_>>()?;
    let (mut same, mut different, mut left) = (0, 0, 0);
    for ((id, outcomes), found) in stated.into_iter().zip(found) {
        match found {
            None => left += 1,
            Some(found) if outcomes.iter().all(|stated| *stated == found) => same += 1,
            Some(found) => {
                different += 1;
                let show =
                    |digest: Option<_>| digest.map_or("nothing".to_owned(), |it| format!("{it}"));
                let stated = outcomes.into_iter().find(|stated| *stated != found).flatten();
                output::error(&format!("{id}: stated {}, found {}", show(stated), show(found)));
            }
        }
    }
    output::out(&format!(
        "{same} workloads came out as stated, {different} did not; {left} blocks are not made from a seed\n"
    ));
    Ok(match (different, same) {
        (1.., _) => EXIT_DIFFERENT,
        (_, 0) => crate::EXIT_NOTHING,
        _ => 0,
    })
}
