//! Reads that the result of a transaction rests on.

use crate::AccountInfo;
use alloy_primitives::{Address, U256};

/// Something of the state that a transaction has read, and what it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// Balance, nonce and code of an account; `None` where there is none.
    Account(Address, Option<AccountInfo>),
    /// The same, where of the balance no more mattered than whether the account is empty.
    AllButBalance(Address, Option<AccountInfo>),
    /// No more than that the account has no code.
    NoCode(Address),
    /// The value of one slot.
    Slot(Address, U256, U256),
}

/// Is told what the result of each transaction rests on. An executor that reads ahead of the order of
/// the block must have read, in the end, what the order gives: each read is the last write below it.
pub trait ReadObserver: Send + Sync {
    /// The result of the transaction with this index is final, and this is one of the values that it
    /// rests on. Called from whichever thread knows it.
    fn rests_on(&self, transaction: usize, read: Read);
}
