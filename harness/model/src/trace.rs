//! One transaction, step by step.

use crate::{Receipt, Rule, StateChanges};
use alloy_primitives::{Bytes, U256};

/// A step of the interpreter, as in EIP-3155: before the instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Depth of the call, from 1.
    pub depth: usize,
    /// Program counter.
    pub pc: usize,
    /// The instruction's byte.
    pub opcode: u8,
    /// The instruction's name.
    pub op: &'static str,
    /// Gas left.
    pub gas: u64,
    /// Gas that the instruction takes, with what it gives to a call.
    pub gas_cost: u64,
    /// Bytes of memory.
    pub memory_size: usize,
    /// Gas to be refunded, so far.
    pub refund: i64,
    /// The stack, its top last.
    pub stack: Vec<U256>,
}

/// A transaction that was executed alone on a state.
#[derive(Debug, Clone)]
pub struct Traced {
    /// Its steps, where they were kept.
    pub steps: Vec<Step>,
    /// What the transaction's call returned.
    pub output: Bytes,
    /// The receipt, with a cumulative gas of its own gas alone; or the rule that the transaction breaks.
    pub result: Result<Receipt, Rule>,
    /// Its state changes, including the fee recipient's reward.
    pub changes: StateChanges,
}
