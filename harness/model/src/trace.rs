//! One transaction, step by step.

use crate::{Receipt, Rule, StateChanges};
use alloy_primitives::U256;

/// A step of the interpreter, as in EIP-3155: before the instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Depth of the call, from 1.
    pub depth: usize,
    /// Program counter.
    pub pc: usize,
    /// The instruction's name.
    pub op: &'static str,
    /// Gas left.
    pub gas: u64,
    /// The stack, its top last.
    pub stack: Vec<U256>,
}

/// A transaction that was executed alone on a state.
#[derive(Debug, Clone)]
pub struct Traced {
    /// Every step.
    pub steps: Vec<Step>,
    /// The receipt, with a cumulative gas of its own gas alone; or the rule that the transaction breaks.
    pub result: Result<Receipt, Rule>,
    /// Its state changes, including the fee recipient's reward.
    pub changes: StateChanges,
}
