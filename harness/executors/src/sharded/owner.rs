//! The part of the state that one member owns, and what others have read of it.

use super::mailbox::Published;
use crate::{
    block_stm::{
        location::Location,
        memory::{EntryBlocks, MultiVersionMemory},
        reads::{ClearingRead, ReadSet, Seen},
        remote::{Answer, Place},
        stamps::ReadStamps,
        version::Position,
    },
    evm::ReadError,
    sync::Arc,
};
use alloy_primitives::{Address, map::HashMap};

/// Versions and readers of the places of one member. Nobody else touches them while the block runs.
pub(super) struct Owner {
    pub(super) memory: Arc<MultiVersionMemory>,
    /// By the position of the reader.
    pub(super) reads: HashMap<Position, ReadSet>,
    /// By the position of the writer.
    pub(super) locations: HashMap<Position, Vec<Location>>,
    entry_blocks: EntryBlocks,
}

impl Owner {
    pub(super) fn of(memory: Arc<MultiVersionMemory>) -> Self {
        Self {
            memory,
            reads: HashMap::default(),
            locations: HashMap::default(),
            entry_blocks: EntryBlocks::default(),
        }
    }

    /// The value that a transaction at the position has to see: the highest version below it.
    pub(super) fn read(&mut self, position: Position, place: Place) -> Result<Answer, ReadError> {
        let memory = &self.memory;
        let reads = self.reads.entry(position).or_default();
        Ok(match place {
            Place::Account(address) | Place::CanReceive(address) => {
                let seen = match place {
                    Place::CanReceive(_) => Seen::HasNoCode,
                    _ => Seen::Everything,
                };
                let read = memory.account_recording(address, position, seen, &mut reads.stamps)?;
                let info = read.info;
                reads.accounts.push(read);
                Answer::Account(info, info.and_then(|info| memory.codes.deployed(info.code_hash)))
            }
            Place::Slot(address, slot) => {
                let read = memory.slot_recording(address, slot, position, &mut reads.stamps)?;
                reads.slots.push(read);
                Answer::Slot(read.value)
            }
            Place::HasStorage(address) => {
                let last = memory.clearing_recording(address, position, &mut reads.stamps)?;
                reads.clearings.push(ClearingRead { address, last });
                Answer::HasStorage(last.is_none() && memory.pre_state().has_storage(address)?)
            }
        })
    }

    /// A transaction begins, perhaps anew: what it read before does not count.
    pub(super) fn forget(&mut self, position: Position) {
        self.reads.remove(&position);
    }

    pub(super) fn publish(&mut self, published: Published) {
        let Published { writer, mut writes, observed, owed } = published;
        if let Some(reads) = self.reads.get_mut(&writer.position) {
            reads.downgrade(|address: Address| observed.contains(&address));
        }
        if let Some(owed) = owed {
            self.memory.rewards().set(writer.position, owed);
        }
        let locations = self.locations.entry(writer.position).or_default();
        let (stamps, blocks) = (&mut ReadStamps::default(), &mut self.entry_blocks);
        self.memory.publish(writer, &mut writes, locations, stamps, blocks);
    }

    /// Whether all that the transaction has read here would be read again.
    pub(super) fn confirms(&self, position: Position) -> bool {
        self.reads.get(&position).is_none_or(|reads| reads.is_current(&self.memory, position))
    }
}
