//! An executor of your own in every command of Lockstep, six bugs to see them caught, and a slowness to see
//! it found: `brought --bug gas check`, `brought --slower 10 gate`.

use lockstep_executors::Reference;
use lockstep_model::{Case, Execution, Executor, ExecutorError, Outcome, Prepared, RunOptions};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

/// The deliberate faults.
#[derive(Debug, Clone, Default)]
struct Wrong {
    bug: Option<String>,
    /// Percent of a run's time that are wasted after it.
    slower: u32,
}

/// Executes blocks as the reference does, but for the deliberate faults. The second is its threads.
struct Mine(Wrong, usize);

/// A block that is ready to run.
struct Ready(Box<dyn Prepared>, Case, Wrong, usize);

impl Executor for Mine {
    fn prepare(
        &mut self,
        case: &Case,
        options: &RunOptions,
    ) -> Result<Box<dyn Prepared>, ExecutorError> {
        Ok(Box::new(Ready(Reference.prepare(case, options)?, case.clone(), self.0.clone(), self.1)))
    }
}

/// Blocks on which the example spins or crashes: some of its own, and those that drivers show it.
const UNLUCKY: [&str; 4] = ["hot-slot-100[Osaka", "erc20-hot", "t8n block", "::lockstep#0"];

impl Prepared for Ready {
    fn run(&mut self) -> Result<Execution, ExecutorError> {
        let start = Instant::now();
        let overtaken = self.2.bug.as_deref() == Some("order") && is_overtaken(&self.1, self.3);
        let mut execution = self.0.run()?;
        let until = start + start.elapsed() * (100 + self.2.slower) / 100;
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        let Outcome::Accepted(block) = &mut execution.outcome else { return Ok(execution) };
        let is_unlucky = UNLUCKY.iter().any(|id| self.1.id.contains(id))
            && !self.1.block.transactions.is_empty();
        match self.2.bug.as_deref() {
            Some("order") if overtaken => {
                block.receipts.iter_mut().for_each(|receipt| receipt.gas_used += 1);
            }
            Some("gas") => block.receipts.iter_mut().for_each(|receipt| receipt.gas_used += 1),
            Some("log") => drop(block.receipts.first_mut().and_then(|receipt| receipt.logs.pop())),
            Some("reward") => {
                block.changes.accounts.retain(|address, _| address != self.1.block.beneficiary);
            }
            Some("spin") if is_unlucky => loop {
                std::thread::yield_now();
            },
            Some("crash") if is_unlucky => std::process::abort(),
            Some("fragile") => break_down(&self.1.id),
            _ => {}
        }
        Ok(execution)
    }
}

/// Reads the senders beforehand, on two threads. True where a later one was read before the first: the threads
/// left alone seldom do that, for the second one has to be started.
fn is_overtaken(case: &Case, threads: usize) -> bool {
    let senders: Vec<_> = case.block.transactions.iter().map(|one| one.sender).collect();
    let (Some((first, later)), true) = (senders.split_first(), threads > 1) else { return false };
    let is_first_read = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let overtakes = scope.spawn(|| {
            let read = |sender: &_| drop(case.pre_state.account(*sender));
            later.iter().filter(|sender| *sender != first).any(|sender| {
                read(sender);
                !is_first_read.load(Ordering::SeqCst)
            })
        });
        let _ = case.pre_state.account(*first);
        is_first_read.store(true, Ordering::SeqCst);
        overtakes.join().is_ok_and(|overtakes| overtakes)
    })
}

/// One seed of `fuzz` in a hundred overflows the stack, one hangs and one aborts.
fn break_down(id: &str) {
    let seed = id.strip_prefix("generated::seed=").and_then(|rest| {
        let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
        digits.parse::<u64>().ok()
    });
    match seed.map(|seed| seed % 100) {
        Some(10) => drop(overflow(0)),
        Some(20) => loop {
            std::thread::yield_now();
        },
        Some(30) => std::process::abort(),
        _ => {}
    }
}

/// Uses up the stack.
fn overflow(depth: u64) -> u64 {
    let room = std::hint::black_box([depth; 512]);
    if depth == u64::MAX { room[0] } else { overflow(depth + 1) + room[1] }
}

/// Takes an option of the program's own out of the words.
fn take(words: &mut Vec<std::ffi::OsString>, option: &str) -> Option<String> {
    let at = words.iter().position(|word| word == option)?;
    let taken = words.drain(at..(at + 2).min(words.len())).next_back()?;
    Some(taken.to_string_lossy().into_owned())
}

fn main() -> std::process::ExitCode {
    let mut words: Vec<_> = std::env::args_os().collect();
    let bug = take(&mut words, "--bug");
    let slower = take(&mut words, "--slower").and_then(|percent| percent.parse().ok());
    let wrong = Wrong { bug, slower: slower.unwrap_or_default() };
    lockstep_cli::Lockstep::new()
        .executor("mine", move |threads| Ok(Box::new(Mine(wrong.clone(), threads))))
        .run_from(words)
}
