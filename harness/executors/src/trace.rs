//! One transaction, alone on a state, step by step: the EIP-3155 steps of an explanation.

use crate::{
    evm::{ReaderDb, broken_evm, evm_env, rule_of_invalid_transaction, transaction_env},
    sequential::changes_of,
    sync::Arc,
};
use alloy_primitives::Bytes;
use lockstep_model::{Case, ExecutorError, Receipt, StateChanges, StateReader, Step, Traced};
use revm::{
    Context, InspectEvm, Inspector, MainBuilder, MainContext,
    bytecode::opcode::OpCode,
    context::{ContextTr, JournalTr, result::EVMError},
    interpreter::{
        Interpreter,
        interpreter_types::{Jumps, MemoryTr as _},
    },
};

/// More steps than this are not kept: a report shows a few.
const MOST_STEPS: usize = 100_000;

/// Executes the transaction at `index` of the case on `state`, whatever else the block holds.
///
/// # Errors
/// When the state cannot be read.
///
/// # Panics
/// When the block has no such transaction.
pub fn trace(
    case: &Case,
    index: usize,
    state: Arc<dyn StateReader>,
) -> Result<Traced, ExecutorError> {
    let mut steps = Vec::new();
    let traced = trace_into(case, index, state, &mut |step| {
        if steps.len() < MOST_STEPS {
            steps.push(step);
        }
    })?;
    Ok(Traced { steps, ..traced })
}

/// As [`trace`], with a function that takes each step.
///
/// # Errors
/// When the state cannot be read.
///
/// # Panics
/// When the block has no such transaction.
pub fn trace_into(
    case: &Case,
    index: usize,
    state: Arc<dyn StateReader>,
    take: &mut dyn FnMut(Step),
) -> Result<Traced, ExecutorError> {
    let transaction = &case.block.transactions[index];
    let env = evm_env(case);
    let context =
        Context::mainnet().with_db(ReaderDb(state)).with_cfg(env.cfg_env).with_block(env.block_env);
    let mut recorder = Recorder { take, step: None };
    let mut evm = context.build_mainnet_with_inspector(&mut recorder);
    let outcome = evm.inspect_tx(transaction_env(transaction));
    let (result, changes, output) = match outcome {
        Ok(done) => {
            let gas_used = done.result.gas().tx_gas_used();
            let output = done.result.output().cloned().unwrap_or_default();
            let receipt = Receipt {
                transaction_type: alloy_consensus::Typed2718::ty(&transaction.envelope),
                success: done.result.is_success(),
                gas_used,
                cumulative_gas_used: gas_used,
                logs: done.result.into_logs(),
            };
            (Ok(receipt), changes_of(done.state), output)
        }
        Err(EVMError::Transaction(invalid)) => {
            (Err(rule_of_invalid_transaction(&invalid)), StateChanges::default(), Bytes::new())
        }
        Err(error) => return Err(broken_evm(error)),
    };
    Ok(Traced { steps: Vec::new(), output, result, changes })
}

/// Tells every step, once its cost is known.
struct Recorder<'a> {
    take: &'a mut dyn FnMut(Step),
    step: Option<Step>,
}

impl<CTX: ContextTr> Inspector<CTX> for Recorder<'_> {
    fn step(&mut self, interpreter: &mut Interpreter, context: &mut CTX) {
        let opcode = interpreter.bytecode.opcode();
        self.step = Some(Step {
            depth: context.journal().depth(),
            pc: interpreter.bytecode.pc(),
            opcode,
            op: OpCode::new(opcode).map_or("INVALID", OpCode::as_str),
            gas: interpreter.gas.remaining(),
            gas_cost: 0,
            memory_size: interpreter.memory.size(),
            refund: interpreter.gas.refunded(),
            stack: interpreter.stack.data().to_vec(),
        });
    }

    fn step_end(&mut self, interpreter: &mut Interpreter, _: &mut CTX) {
        if let Some(mut step) = self.step.take() {
            step.gas_cost = step.gas.saturating_sub(interpreter.gas.remaining());
            (self.take)(step);
        }
    }
}
