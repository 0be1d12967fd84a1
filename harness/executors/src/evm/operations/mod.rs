//! What a transaction computed out of the slots that it read, so that it can be computed again with other values
//! (ParallelEVM, EuroSys '25: operation-level repair).
//!
//! * [`log`]: the operations, and the guards under which another run would take the same steps.
//! * [`recorder`]: follows an execution and writes them down.
//! * [`shadows`]: which words of stacks, memories and call data are results of recorded operations.
//! * [`arithmetic`]: instructions that are functions of their operands.
//!
//! # Why a mended result is the one of an execution
//!
//! Every word of an execution is either *known*, the same in each execution that takes the same steps, or a *node*: a
//! slot that was read, or a pure instruction of words. Take an execution with other values for some of the slots
//! that are nodes, and suppose that all guards hold. By induction over the steps it takes the same ones:
//!
//! 1. A pure instruction costs the same gas whatever its operands are (`EXP` is charged for its exponent, which is
//!    guarded), and its result is computed again.
//! 2. A jump is guarded by whether its condition is zero.
//! 3. `SSTORE` costs what it does by which of original, present and new value are equal to one another and to
//!    zero (EIP-2200, EIP-3529, EIP-8037): these six comparisons are guarded, also where the
//!    gas does not suffice. They
//!    tell whether the slot ends with another value than it began with.
//! 4. A word moves through stack, memory, call data and return data as a node, as long as it moves whole. The data of
//!    a log that are nodes are computed again.
//! 5. Whatever else looks at a node (an address, a slot, an offset, a length, a hash, a call's value, a word of which
//!    a part moves) is guarded: the node must have the value that it had.
//! 6. What a frame did that failed is taken back: its stores and its logs.
//!
//! So gas, refund, status, the places read and written, and all other results are the same, and the words that are
//! nodes are computed again. Anything that the recorder does not know falls under 5.

mod arithmetic;
mod log;
mod recorder;
mod shadows;

pub(crate) use log::{Mended, OperationLog, Sites};
pub(crate) use recorder::Recorder;
