//! Trials of a candidate on variants of one block, in a worker process that may die.
//!
//! `minimise` and `explain` are functions of a block and of the answers of their trials. A trial may hang, or end
//! the process. So the worker tells every answer, and the job keeps them; after a crash or a hang the next
//! worker begins anew, takes the known answers instead of running those trials, and so comes to where the one
//! before it ended.
//!
//! * `log`: the worker's side. * `watch`: the job's side.

mod log;
mod watch;

pub use log::Trials;
pub use watch::{Job, watch};

use crate::finding::Failure;
use lockstep_engine::isolation::{Cause, ThreadState};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// The result of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The candidate agrees with the reference.
    Agrees,
    /// It does not.
    Fails(Failure),
    /// It did not end in time; what its threads were at.
    Hung(Vec<StuckThread>),
    /// It ended the process.
    Crashed(Cause),
}

/// A thread of a run that did not end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StuckThread {
    /// Its state, as the system reports it.
    pub state: ThreadState,
    /// Its reads of the pre-state, and the last of them, where reads were watched.
    pub reads: Option<(u64, String)>,
}

/// Everything that earlier workers of the same job have found out.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Past {
    /// By the number of the trial. A trial without an answer is run.
    pub answers: BTreeMap<u64, Answer>,
    /// Time that the job has taken.
    pub spent: Duration,
    /// Whether the job should end with what there is.
    pub is_stopped: bool,
}

/// An event from a worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The answer of a trial.
    Answered(u64, Answer),
    /// How far it is.
    Progress(String),
    /// It is done.
    Done(Report),
}

/// The result of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The exit status.
    pub status: u8,
    /// The result.
    pub text: String,
    /// Remarks for a person.
    pub remarks: String,
}
