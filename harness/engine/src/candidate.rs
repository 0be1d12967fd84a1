//! An executor under test, before it is made.

use lockstep_model::Executor;
use std::{fmt, sync::Arc, time::Duration};

/// Makes an executor for a number of threads.
pub type Factory = Arc<dyn Fn(usize) -> Result<Box<dyn Executor>, String> + Send + Sync>;

/// An executor under test.
#[derive(Clone)]
pub struct Candidate {
    /// Its name in reports, with its threads: `block_stm@2`.
    pub label: String,
    /// How many threads it is given.
    pub threads: usize,
    /// Makes it.
    pub factory: Factory,
    /// Time that a run may take besides: a program that has to be started, and watches over its own time.
    pub patience: Duration,
}

impl Candidate {
    /// The reference, made by this factory.
    pub fn reference(factory: &Factory) -> Self {
        Self::new("reference", 1, factory.clone())
    }

    /// An executor without any patience.
    pub fn new(label: impl Into<String>, threads: usize, factory: Factory) -> Self {
        Self { label: label.into(), threads, factory, patience: Duration::ZERO }
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate").field("label", &self.label).finish_non_exhaustive()
    }
}
