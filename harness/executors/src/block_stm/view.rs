//! The state as one position in the block sees it, for revm.

use super::{
    memory::{MultiVersionMemory, Position},
    reads::{ClearingRead, ReadSet},
};
use crate::{
    evm::{ReadError, StorageProbe, bytecode_of, revm_info},
    sync::Arc,
};
use alloy_primitives::{Address, B256, U256};
use revm::{
    Database,
    state::{AccountInfo, Bytecode},
};
use std::{fmt, mem};

/// A window on the multi-version memory that remembers what was read through it.
pub(crate) struct View {
    memory: Arc<MultiVersionMemory>,
    position: Position,
    reads: ReadSet,
}

impl View {
    pub(crate) fn new(memory: Arc<MultiVersionMemory>, position: Position) -> Self {
        Self { memory, position, reads: ReadSet::default() }
    }

    /// Moves the window and forgets all reads.
    pub(crate) fn move_to(&mut self, position: Position) {
        self.position = position;
        self.take_reads();
    }

    pub(crate) fn take_reads(&mut self) -> ReadSet {
        mem::take(&mut self.reads)
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("position", &self.position).finish_non_exhaustive()
    }
}

impl Database for View {
    type Error = ReadError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, ReadError> {
        let read = self.memory.account(address, self.position)?;
        let info = read.info();
        self.reads.accounts.push(read);
        Ok(info.map(revm_info))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, ReadError> {
        if let Some(code) = self.memory.code(code_hash) {
            return Ok(code);
        }
        Ok(bytecode_of(self.memory.pre_state().code(code_hash)?))
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, ReadError> {
        let (read, value) = self.memory.slot(address, slot, self.position)?;
        self.reads.slots.push(read);
        Ok(value)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, ReadError> {
        Ok(self.memory.pre_state().block_hash(number)?)
    }
}

impl StorageProbe for View {
    /// As the reference: the pre-state has storage, and the account was not destroyed on the way.
    fn has_storage(&mut self, address: Address) -> Result<bool, ReadError> {
        let account = self.memory.account(address, self.position)?;
        let last = self.memory.clearing(address, self.position)?;
        let exists = account.info().is_some();
        let died = account.credited.as_ref().is_some_and(|credited| credited.died);
        self.reads.accounts.push(account);
        self.reads.clearings.push(ClearingRead { address, last });
        if !exists || died || last.is_some() {
            return Ok(false);
        }
        Ok(self.memory.pre_state().has_storage(address)?)
    }
}
