//! The words between the job and its workers.

use crate::AtWork;
use lockstep_cases::pack::Packing;
use lockstep_engine::isolation::Outbox;
use lockstep_formats::{OtherFile, SourceError};
use lockstep_report::record::{Overlap, TestResult};
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, HashSet},
    io,
    sync::{Arc, Mutex, PoisonError},
};

/// A task for a worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Assignment {
    /// Run the tests that are left.
    Tests(Rest),
    /// Prove that the candidate with this number is parallel.
    Proof(usize),
}

/// The rest of a run, for a worker that takes over from another one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Rest {
    /// How often each id was reported: ids may occur in several inputs.
    pub(super) done: HashMap<String, usize>,
    /// Ids of tests one of which ended a worker: each runs alone.
    pub(super) suspects: HashSet<String>,
    /// Labels of candidates that are not run any more, and why.
    pub(super) given_up: HashMap<String, String>,
}

/// Something happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    /// A test has a result; `trial` is its number in the beats of the worker.
    Test {
        /// The number.
        trial: u64,
        /// The result.
        result: Box<TestResult>,
    },
    /// The partial result of a lane's test, before the next executor runs.
    SoFar {
        /// The lane.
        lane: usize,
        /// The partial result.
        result: Box<TestResult>,
    },
    /// An input could not be read.
    Unreadable(SourceError),
    /// A file has no tests for us.
    Other(OtherFile),
    /// The packer is done.
    Packed(Packing),
    /// Whether a candidate is parallel.
    Overlap {
        /// The candidate's label.
        executor: String,
        /// The result.
        overlap: Overlap,
    },
    /// What each thread of the worker is at: the job's own, no worker sends it.
    AtWork(Vec<AtWork>),
    /// The run is not what it should be, and why.
    Complaint(String),
    /// Everything that was assigned is done.
    Finished,
}

/// The outbox that the threads of a worker share. Events go out in the order in which they happen, and are
/// out when sent.
#[derive(Debug, Clone)]
pub(super) struct Events(Arc<Mutex<Outbox<Event>>>);

impl Events {
    pub(super) fn new(outbox: Outbox<Event>) -> Self {
        Self(Arc::new(Mutex::new(outbox)))
    }

    /// # Errors
    /// When the job has gone away, or has given this worker up: nothing is left to do.
    pub(super) fn send(&self, event: &Event) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).send(event)
    }

    /// Reports the unreadable sources of a batch, and its files without tests.
    pub(super) fn report(
        &self,
        unreadable: Vec<SourceError>,
        others: Vec<OtherFile>,
    ) -> io::Result<()> {
        let unreadable = unreadable.into_iter().map(Event::Unreadable);
        unreadable
            .chain(others.into_iter().map(Event::Other))
            .try_for_each(|event| self.send(&event))
    }
}
