//! An executor of your own in every command of Lockstep, and five bugs to see them caught:
//! `brought --bug gas check`.

use lockstep_executors::Reference;
use lockstep_model::{Case, Execution, Executor, ExecutorError, Outcome, Prepared};

/// Executes blocks as the reference does, but for the bug.
struct Mine(Option<String>);

/// A block that is ready to run.
struct Ready(Box<dyn Prepared>, Case, Option<String>);

impl Executor for Mine {
    fn prepare(&mut self, case: &Case) -> Result<Box<dyn Prepared>, ExecutorError> {
        Ok(Box::new(Ready(Reference.prepare(case)?, case.clone(), self.0.clone())))
    }
}

impl Prepared for Ready {
    fn run(&mut self) -> Result<Execution, ExecutorError> {
        let mut execution = self.0.run()?;
        let Outcome::Accepted(block) = &mut execution.outcome else { return Ok(execution) };
        let is_unlucky = self.1.id.contains("hot-slot-100[Osaka") || self.1.id.contains("erc20-hot");
        match self.2.as_deref() {
            Some("gas") => block.receipts.iter_mut().for_each(|receipt| receipt.gas_used += 1),
            Some("log") => drop(block.receipts.first_mut().and_then(|receipt| receipt.logs.pop())),
            Some("reward") => {
                block.changes.accounts.retain(|(address, _)| *address != self.1.block.beneficiary);
            }
            Some("spin") if is_unlucky => loop {
                std::thread::yield_now();
            },
            Some("crash") if is_unlucky => std::process::abort(),
            _ => {}
        }
        Ok(execution)
    }
}

fn main() -> std::process::ExitCode {
    let mut words: Vec<_> = std::env::args_os().collect();
    let at = words.iter().position(|word| word == "--bug");
    let bug = at.map(|at| words.drain(at..(at + 2).min(words.len())).next_back().unwrap());
    let bug = bug.map(|name| name.to_string_lossy().into_owned());
    lockstep_cli::Lockstep::new()
        .executor("mine", move |_threads| Ok(Box::new(Mine(bug.clone()))))
        .run_from(words)
}
