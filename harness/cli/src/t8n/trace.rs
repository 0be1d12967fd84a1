//! Steps of each transaction, as geth writes them.

use super::{create, in_base, named, pretty, write_file};
use crate::{args::T8nArgs, steps};
use lockstep_executors::trace_into;
use lockstep_formats::t8n::{Failure, Transition};
use lockstep_jobs::t8n::Made;
use lockstep_model::{MemoryState, Step, Traced, memory_state::BlockHashes};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Write as _},
    path::Path,
    sync::Arc,
};

/// Executes each transaction once more, step by step, on the state that the executor's own changes give.
pub(super) fn trace(args: &T8nArgs, transition: &Transition, made: &Made) -> Result<(), Failure> {
    let Some(changes) = &made.outcome.changes_by_transaction else {
        let name = &args.executor;
        let problem = format!("--trace: {name} gives no changes of each transaction");
        return Err(Failure::configuration(problem));
    };
    let mut state = state_before_transactions(transition, made);
    let mut counts = BTreeMap::new();
    for (index, transaction) in made.case.block.transactions.iter().enumerate() {
        let mut file = None;
        if args.trace {
            let name = format!("trace-{index}-{:#x}.jsonl", transaction.envelope.tx_hash());
            let path = in_base(args, Path::new(&name));
            file = Some((Lines::new(create(&path)?, !args.trace_no_stack), path));
        }
        let traced = trace_into(&made.case, index, Arc::new(state.clone()), &mut |step| {
            *counts.entry(step.op).or_insert(0_u64) += 1;
            if let Some((lines, _)) = &mut file {
                lines.step(&step);
            }
        });
        let traced = traced.map_err(Failure::evm)?;
        if let Some((lines, path)) = file {
            lines.finish(&traced).map_err(|error| named(&path, &error))?;
        }
        if let Some(own) = changes.get(index) {
            state.apply(own);
        }
    }
    match &args.opcode_count {
        Some(path) => write_file(&in_base(args, path), pretty(&counts).as_bytes()),
        None => Ok(()),
    }
}

fn state_before_transactions(transition: &Transition, made: &Made) -> MemoryState {
    let hashes = transition.hashes.iter().map(|(number, hash)| (*number, *hash)).collect();
    let hashes = BlockHashes::Known(Arc::new(hashes));
    let mut state = MemoryState::clone(&transition.pre.state).with_block_hashes(hashes);
    if let Some(before) = &made.outcome.changes_before_transactions {
        state.apply(before);
    }
    state
}

/// The file of one transaction.
struct Lines {
    file: BufWriter<File>,
    with_stack: bool,
    problem: Option<io::Error>,
}

impl Lines {
    fn new(file: File, with_stack: bool) -> Self {
        Self { file: BufWriter::new(file), with_stack, problem: None }
    }

    /// After a problem nothing more is written.
    fn write(&mut self, line: &Value) {
        if self.problem.is_none() {
            self.problem = writeln!(self.file, "{line}").err();
        }
    }

    fn step(&mut self, step: &Step) {
        self.write(&steps::line(step, self.with_stack));
    }

    fn finish(mut self, traced: &Traced) -> io::Result<()> {
        self.write(&steps::end(traced));
        match self.problem {
            Some(error) => Err(error),
            None => self.file.flush(),
        }
    }
}
