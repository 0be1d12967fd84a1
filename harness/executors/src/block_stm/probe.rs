//! The multi-version memory by itself: for benchmarks, and for nothing else.

use super::{
    memory::{EntryBlocks, MultiVersionMemory, Tables},
    stamps::ReadStamps,
    version::{Position, Writer},
    writes::WriteSet,
};
use crate::sync::Arc;
use alloy_primitives::{Address, U256};
use lockstep_model::StateReader;
use std::fmt;

/// A memory of its own.
pub struct MemoryProbe {
    memory: MultiVersionMemory,
    writes: WriteSet,
    entry_blocks: EntryBlocks,
}

impl fmt::Debug for MemoryProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryProbe").finish_non_exhaustive()
    }
}

impl MemoryProbe {
    /// A probe of a block of this many transactions.
    pub fn new(transactions: usize, pre_state: Arc<dyn StateReader>) -> Self {
        let tables = Tables::default();
        let memory = MultiVersionMemory::new(transactions, tables, pre_state, Address::ZERO, true);
        Self { memory, writes: WriteSet::default(), entry_blocks: EntryBlocks::default() }
    }

    /// Publishes one slot.
    pub fn write(&mut self, position: Position, (address, slot): (Address, U256), value: U256) {
        self.writes.slots.push((address, slot, value));
        let writer = Writer { position, incarnation: 0 };
        let stamps = &mut ReadStamps::default();
        let Self { memory, writes, entry_blocks } = self;
        memory.publish(writer, writes, &mut Vec::new(), stamps, entry_blocks);
    }

    /// Reads a slot as a transaction at the position does; `None` where it must wait.
    pub fn read(&self, position: Position, (address, slot): (Address, U256)) -> Option<U256> {
        self.memory.slot(address, slot, position).ok().map(|read| read.value)
    }
}
