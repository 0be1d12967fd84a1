//! What the contracts of a block have hashed: the names of their slots.
//!
//! A contract finds the slot of a mapping's value, or of an array, by hashing the key and the slot of the variable.
//! Whoever has seen what was hashed knows what a slot is called.

use crate::evm::{ReaderDb, evm_env, transaction_env};
use alloy_primitives::{B256, Bytes, keccak256};
use lockstep_model::{Case, ExecutorError};
use revm::{
    Context, InspectCommitEvm, Inspector, MainBuilder, MainContext,
    bytecode::opcode::KECCAK256,
    context::result::EVMError,
    database::State,
    interpreter::{
        Interpreter,
        interpreter_types::{Jumps, MemoryTr as _},
    },
};
use std::collections::BTreeMap;

/// A key and a slot have 32 bytes each; a longer key is a text of its own.
const MOST_BYTES: usize = 128;

/// Everything of up to 128 bytes that the block's transactions hash, by its hash. The phases before and after them
/// are left out, and a transaction that is refused is passed over: more names are known then than not.
///
/// # Errors
/// When the state cannot be read.
pub fn preimages(case: &Case) -> Result<BTreeMap<B256, Bytes>, ExecutorError> {
    let mut hashed = Hashed::default();
    let env = evm_env(case);
    let state = State::builder().with_database(ReaderDb(case.pre_state.clone())).build();
    let context = Context::mainnet().with_db(state).with_cfg(env.cfg_env).with_block(env.block_env);
    let mut evm = context.build_mainnet_with_inspector(&mut hashed);
    for transaction in case.block.transactions.iter() {
        match evm.inspect_tx_commit(transaction_env(transaction)) {
            Ok(_) | Err(EVMError::Transaction(_)) => {}
            Err(error) => return Err(ExecutorError::Broken(error.to_string())),
        }
    }
    drop(evm);
    Ok(hashed.0)
}

#[derive(Default)]
struct Hashed(BTreeMap<B256, Bytes>);

impl<CTX> Inspector<CTX> for Hashed {
    fn step(&mut self, interpreter: &mut Interpreter, _: &mut CTX) {
        if interpreter.bytecode.opcode() != KECCAK256 {
            return;
        }
        let [.., size, offset] = interpreter.stack.data()[..] else { return };
        let (Ok(offset), Ok(size)) = (usize::try_from(offset), usize::try_from(size)) else {
            return;
        };
        let is_there = offset.checked_add(size).is_some_and(|end| end <= interpreter.memory.size());
        if (1..=MOST_BYTES).contains(&size) && is_there {
            let bytes = Bytes::copy_from_slice(&interpreter.memory.slice_len(offset, size));
            self.0.insert(keccak256(&bytes), bytes);
        }
    }
}
