//! One transaction, alone on a state, step by step: the EIP-3155 steps of an explanation.

use crate::{
    evm::{ReaderDb, broken_evm, evm_env, rule_of_invalid_transaction, transaction_env},
    sequential::changes_of,
    sync::Arc,
};
use lockstep_model::{Case, ExecutorError, Receipt, StateChanges, StateReader, Step, Traced};
use revm::{
    Context, InspectEvm, Inspector, MainBuilder, MainContext,
    bytecode::opcode::OpCode,
    context::{ContextTr, JournalTr, result::EVMError},
    interpreter::{Interpreter, interpreter_types::Jumps},
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
    let transaction = &case.block.transactions[index];
    let env = evm_env(case);
    let context =
        Context::mainnet().with_db(ReaderDb(state)).with_cfg(env.cfg_env).with_block(env.block_env);
    let mut recorder = Recorder::default();
    let mut evm = context.build_mainnet_with_inspector(&mut recorder);
    let outcome = evm.inspect_tx(transaction_env(transaction));
    let (result, changes) = match outcome {
        Ok(done) => {
            let gas_used = done.result.gas().tx_gas_used();
            let receipt = Receipt {
                transaction_type: alloy_consensus::Typed2718::ty(&transaction.envelope),
                success: done.result.is_success(),
                gas_used,
                cumulative_gas_used: gas_used,
                logs: done.result.into_logs(),
            };
            (Ok(receipt), changes_of(done.state))
        }
        Err(EVMError::Transaction(invalid)) => {
            (Err(rule_of_invalid_transaction(&invalid)), StateChanges::default())
        }
        Err(error) => return Err(broken_evm(error)),
    };
    Ok(Traced { steps: recorder.steps, result, changes })
}

/// Writes down every step.
#[derive(Debug, Default)]
struct Recorder {
    steps: Vec<Step>,
}

impl<CTX: ContextTr> Inspector<CTX> for Recorder {
    fn step(&mut self, interpreter: &mut Interpreter, context: &mut CTX) {
        if self.steps.len() < MOST_STEPS {
            let op = OpCode::new(interpreter.bytecode.opcode());
            self.steps.push(Step {
                depth: context.journal().depth(),
                pc: interpreter.bytecode.pc(),
                op: op.map_or("INVALID", OpCode::as_str),
                gas: interpreter.gas.remaining(),
                stack: interpreter.stack.data().to_vec(),
            });
        }
    }
}
