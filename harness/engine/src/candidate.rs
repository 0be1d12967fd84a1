//! An executor under test, before it is made.

use lockstep_model::Executor;
use std::{fmt, sync::Arc};

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
}

impl Candidate {
    /// The reference, made by this factory.
    pub fn reference(factory: &Factory) -> Self {
        Self { label: "reference".to_owned(), threads: 1, factory: factory.clone() }
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate").field("label", &self.label).finish_non_exhaustive()
    }
}
