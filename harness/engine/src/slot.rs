//! An executor slot: one executor, kept from case to case.

use crate::{Candidate, Factory, panic_text};
use lockstep_model::{Case, Execution, Executor, ExecutorError, RunOptions};
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

/// An executor with its factory: after a panic it is made anew.
pub struct Slot {
    /// The executor's name in reports.
    pub label: String,
    /// Time that a run may take besides.
    pub patience: Duration,
    threads: usize,
    factory: Factory,
    executor: Option<Box<dyn Executor>>,
}

/// Why a run gave nothing to compare. A closed list: `reason` in JSON.
#[derive(Debug)]
pub enum NoExecution {
    /// The executor returned an error.
    Broke(ExecutorError),
    /// The executor panicked with this text.
    Panicked(String),
}

impl NoExecution {
    /// The failure as one sentence.
    pub fn reason(&self, executor: &str) -> String {
        match self {
            Self::Broke(error) => format!("executor broke: {executor}: {error}"),
            Self::Panicked(text) => format!("executor panicked: {executor}: {text}"),
        }
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("label", &self.label).finish_non_exhaustive()
    }
}

impl Slot {
    /// A slot without an executor: the first case makes it.
    pub fn new(candidate: &Candidate) -> Self {
        let Candidate { label, threads, factory, patience } = candidate.clone();
        Self { label, patience, threads, factory, executor: None }
    }

    /// Forgets the executor: the next case makes it anew.
    pub fn renew(&mut self) {
        self.executor = None;
    }

    /// Runs one case.
    ///
    /// # Errors
    /// When the executor cannot be made, returns an error, or panics.
    pub fn execute(&mut self, case: &Case, options: &RunOptions) -> Result<Execution, NoExecution> {
        let run = || {
            let executor = match &mut self.executor {
                Some(executor) => executor,
                none => {
                    let made = (self.factory)(self.threads).map_err(ExecutorError::Broken)?;
                    none.insert(made)
                }
            };
            executor.prepare(case, options)?.run()
        };
        let outcome = catch_unwind(AssertUnwindSafe(run));
        match outcome {
            Ok(outcome) => outcome.map_err(NoExecution::Broke),
            Err(panic) => {
                // Whatever it was doing, it is not to be trusted with another case.
                self.executor = None;
                Err(NoExecution::Panicked(panic_text(&*panic)))
            }
        }
    }
}
