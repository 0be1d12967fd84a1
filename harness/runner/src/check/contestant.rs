//! An executor that is kept from case to case.

use super::{
    plan::{Candidate, Factory},
    run::panic_text,
};
use lockstep_model::{Case, Execution, Executor, ExecutorError};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// An executor with its factory: after a panic it is made anew.
pub(crate) struct Contestant {
    pub(crate) label: String,
    threads: usize,
    factory: Factory,
    executor: Option<Box<dyn Executor>>,
}

/// Why a run gave nothing to compare. A closed list: `reason` in JSON.
pub(crate) enum NoExecution {
    Broke(ExecutorError),
    Panicked(String),
}

impl NoExecution {
    pub(crate) fn reason(&self, executor: &str) -> String {
        match self {
            Self::Broke(error) => format!("executor broke: {executor}: {error}"),
            Self::Panicked(text) => format!("executor panicked: {executor}: {text}"),
        }
    }
}

impl Contestant {
    pub(crate) fn new(candidate: &Candidate) -> Self {
        let Candidate { label, threads, factory } = candidate.clone();
        Self { label, threads, factory, executor: None }
    }

    /// Runs one case.
    pub(crate) fn execute(&mut self, case: &Case) -> Result<Execution, NoExecution> {
        let run = || {
            let executor = match &mut self.executor {
                Some(executor) => executor,
                none => {
                    let made = (self.factory)(self.threads).map_err(ExecutorError::Broken)?;
                    none.insert(made)
                }
            };
            executor.prepare(case)?.run()
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
