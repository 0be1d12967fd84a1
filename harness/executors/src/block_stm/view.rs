//! The state as one transaction sees it, and the record of what it looked at.

use super::{
    memory::{MultiVersionMemory, Position},
    reads::{ClearingRead, Origin, ReadSet, Seen},
    writes::Base,
};
use crate::{
    evm::{ReadError, StorageProbe, revm_info, transfer::TransferState},
    sync::Arc,
};
use alloy_primitives::{Address, B256, U256, map::B256Map};
use lockstep_model::AccountInfo;
use revm::{
    Database,
    state::{AccountInfo as RevmInfo, Bytecode},
};
use smallvec::SmallVec;
use std::fmt;

/// The multi-version memory as one position in the block sees it.
pub(crate) struct View {
    memory: Arc<MultiVersionMemory>,
    position: Position,
    reads: ReadSet,
    observes_everything: bool,
    /// Accounts whose balance mattered.
    observed: SmallVec<[Address; 8]>,
    /// Code that this worker has seen, without the shared lock.
    codes: B256Map<Bytecode>,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("position", &self.position).finish_non_exhaustive()
    }
}

impl View {
    pub(crate) fn new(memory: Arc<MultiVersionMemory>, position: Position) -> Self {
        let (reads, observed, codes) = Default::default();
        Self { memory, position, reads, observes_everything: false, observed, codes }
    }

    /// For lists of what was accessed: they hold balances, so every balance counts.
    pub(crate) fn observing_everything(self) -> Self {
        Self { observes_everything: true, ..self }
    }

    /// Starts anew at a position, recording into `reads`, which is empty.
    pub(crate) fn move_to(&mut self, position: Position, reads: ReadSet) {
        self.position = position;
        self.reads = reads;
        self.observed.clear();
    }

    /// Forgets what was read so far.
    pub(crate) fn forget_reads(&mut self) {
        self.reads.clear();
        self.observed.clear();
    }

    /// What was read since the last move.
    pub(crate) fn take_reads(&mut self) -> ReadSet {
        for read in &mut self.reads.accounts {
            let observed = self.observes_everything || self.observed.contains(&read.address);
            if read.seen == Seen::Everything && !observed {
                read.seen = Seen::AllButBalance;
            }
        }
        std::mem::take(&mut self.reads)
    }

    pub(crate) fn observe(&mut self, address: Address) {
        if !self.observed.contains(&address) {
            self.observed.push(address);
        }
    }

    pub(crate) fn has_observed(&self, address: Address) -> bool {
        self.observes_everything || self.observed.contains(&address)
    }

    /// The account in the pre-state, if that is what was read of it.
    pub(crate) fn pre_state_of(&self, address: Address) -> Base {
        match self.reads.accounts.iter().find(|read| read.address == address) {
            Some(read) if read.origin == Origin::PreState => Base::of(read.base),
            _ => Base::Unknown,
        }
    }

    /// Reads an account of which no more than `seen` will matter.
    pub(crate) fn account(
        &mut self,
        address: Address,
        seen: Seen,
    ) -> Result<Option<AccountInfo>, ReadError> {
        let stamps = &mut self.reads.stamps;
        let mut read = self.memory.account_recording(address, self.position, stamps)?;
        read.seen = seen;
        let info = read.info;
        self.reads.accounts.push(read);
        Ok(info)
    }
}

impl TransferState for View {
    fn sender(&mut self, address: Address) -> Result<Option<AccountInfo>, ReadError> {
        self.observe(address);
        self.account(address, Seen::Everything)
    }

    fn can_receive(&mut self, address: Address) -> Result<bool, ReadError> {
        let info = self.account(address, Seen::HasNoCode)?;
        Ok(Seen::HasNoCode.is_same(None, info))
    }
}

impl Database for View {
    type Error = ReadError;

    fn basic(&mut self, address: Address) -> Result<Option<RevmInfo>, ReadError> {
        Ok(self.account(address, Seen::Everything)?.map(revm_info))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, ReadError> {
        if let Some(code) = self.codes.get(&code_hash) {
            return Ok(code.clone());
        }
        let code = self.memory.codes.get(code_hash, self.memory.pre_state())?;
        self.codes.insert(code_hash, code.clone());
        Ok(code)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, ReadError> {
        let stamps = &mut self.reads.stamps;
        let read = self.memory.slot_recording(address, slot, self.position, stamps)?;
        self.reads.slots.push(read);
        Ok(read.value)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, ReadError> {
        Ok(self.memory.pre_state().block_hash(number)?)
    }
}

impl StorageProbe for View {
    /// As the reference: the pre-state has storage, and the account was not destroyed on the way.
    fn has_storage(&mut self, address: Address) -> Result<bool, ReadError> {
        let stamps = &mut self.reads.stamps;
        let last = self.memory.clearing_recording(address, self.position, stamps)?;
        let exists = self.account(address, Seen::Everything)?.is_some();
        self.observe(address);
        self.reads.clearings.push(ClearingRead { address, last });
        if !exists || last.is_some() {
            return Ok(false);
        }
        Ok(self.memory.pre_state().has_storage(address)?)
    }

    fn observe_balance(&mut self, address: Address) {
        self.observe(address);
    }
}
