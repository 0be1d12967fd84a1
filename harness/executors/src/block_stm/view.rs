//! The state as one transaction sees it, and the record of what it looked at.

use super::{
    driver::{Turn, Waits},
    location::{account_hash, slot_hash},
    memory::MultiVersionMemory,
    planted,
    reads::{ClearingRead, Origin, ReadSet, Seen, SlotRead},
    remote::{Answer, Place, Remote},
    stamps::ReadStamps,
    version::{Position, told},
    writes::Base,
};
use crate::{
    codes::WorkerCodes,
    evm::{ReadError, StorageProbe, revm_info, transfer::TransferState},
    planted::cached_block_hash,
    sync::Arc,
};
use alloy_primitives::{Address, B256, U256};
use lockstep_faults::{
    caches::CODE_OF_BLOCK_NOT_FOUND,
    destruction::CREATED_IN_BLOCK_COUNTS_AS_IN_TRANSACTION,
    memory::{
        ACCOUNT_READ_IN_TWO, PRE_STATE_SLOT_UNRECORDED, READER_WAITS_FOR_OWN_CLAIM,
        STAMP_TAKEN_AFTER_VALUE, STORAGE_READ_REPLACES_RECORD,
    },
    transfers::RECIPIENT_READ_UNRECORDED,
};
use lockstep_model::{AccountInfo, Incarnation};
use revm::{
    Database,
    state::{AccountInfo as RevmInfo, Bytecode},
};
use smallvec::SmallVec;
use std::fmt;

/// Reads of one execution between two looks at those before.
const READS_BETWEEN_LOOKS: u32 = 8;

/// The multi-version memory as one position in the block sees it.
pub(crate) struct View<'a> {
    memory: Arc<MultiVersionMemory>,
    position: Position,
    reads: Box<ReadSet>,
    observes_everything: bool,
    /// Accounts whose balance mattered.
    observed: SmallVec<[Address; 8]>,
    codes: WorkerCodes,
    /// Publications at the last look back, and reads since.
    publications: u64,
    reads_since: u32,
    /// Whether the operations of the transaction are written down.
    is_recorded: bool,
    /// The driver that blocks a read until its writer has ended; `None` outside of transactions.
    waits: Option<&'a dyn Waits>,
    /// The first position of the worker's claim.
    claim: Position,
    /// Where a schedule decides.
    turn: Option<&'a dyn Turn>,
    /// Where others own the state.
    remote: Option<&'a dyn Remote>,
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("position", &self.position).finish_non_exhaustive()
    }
}

impl<'a> View<'a> {
    pub(crate) fn new(memory: Arc<MultiVersionMemory>, position: Position) -> Self {
        let (reads, observed, codes) = Default::default();
        Self {
            memory,
            position,
            reads,
            observes_everything: false,
            observed,
            codes,
            publications: 0,
            reads_since: 0,
            is_recorded: false,
            waits: None,
            claim: 0,
            turn: None,
            remote: None,
        }
    }

    /// Whatever is read is asked for.
    pub(crate) fn asking(self, remote: &'a dyn Remote) -> Self {
        Self { remote: Some(remote), ..self }
    }

    /// Each read waits for its turn, if there are turns.
    pub(crate) fn in_turns(self, turn: Option<&'a dyn Turn>) -> Self {
        Self { turn, ..self }
    }

    /// A read of a value that is about to be written again may wait for it.
    pub(crate) fn waiting(self, waits: &'a dyn Waits) -> Self {
        Self { waits: Some(waits), ..self }
    }

    /// Reads, and reads again where waiting for the writer has helped.
    fn read<T>(
        &mut self,
        read: impl Fn(&MultiVersionMemory, Position, &mut ReadStamps) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        loop {
            let before = self.reads.stamps.len();
            let found = read(&self.memory, self.position, &mut self.reads.stamps);
            let (Err(ReadError::Blocked(writer)), Some(waits)) = (&found, self.waits) else {
                return found;
            };
            // This worker itself has to end what it has claimed. And the pre-block phase has ended before the first
            // transaction begins: no one waits for position 0.
            let is_own = *writer >= self.claim && !READER_WAITS_FOR_OWN_CLAIM.is_planted();
            if is_own || !waits.wait_for(self.position - 1, writer - 1) {
                return found;
            }
            self.reads.stamps.truncate(before);
            // What was read before is older than what was waited for.
            self.reads_since = READS_BETWEEN_LOOKS;
            self.look_back()?;
        }
    }

    /// Only where a fault takes the stamp of a read after its value: the value, and then a moment for others.
    fn slot_before_its_stamp(
        &self,
        address: Address,
        slot: U256,
    ) -> Result<Option<SlotRead>, ReadError> {
        if !STAMP_TAKEN_AFTER_VALUE.is_planted() {
            return Ok(None);
        }
        let read = self.memory.slot(address, slot, self.position)?;
        if let Some(turn) = self.turn {
            turn.before_read(read.hash);
        }
        Ok(Some(read))
    }

    /// Only where a fault reads an account in two pieces: the first of them, and then a moment for others.
    fn account_before(&self, address: Address) -> Result<Option<AccountInfo>, ReadError> {
        if !ACCOUNT_READ_IN_TWO.is_planted() {
            return Ok(None);
        }
        let read = self.memory.account(address, self.position)?;
        if let Some(turn) = self.turn {
            turn.before_read(read.hash);
        }
        Ok(read.info)
    }

    /// Told after a read.
    fn has_read(&self, place: u64, origin: Origin) {
        let Some(turn) = self.turn else { return };
        let writer = match origin {
            Origin::PreState => None,
            Origin::Written(writer) | Origin::Cleared(writer) => Some(writer),
        };
        // Position 0 is before the transactions.
        turn.has_read(
            place,
            writer.and_then(|writer| {
                let transaction = writer.position.checked_sub(1)?;
                Some(Incarnation { transaction, number: told(writer.incarnation) })
            }),
        );
    }

    /// For lists of what was accessed: they hold balances, so every balance counts.
    pub(crate) fn observing_everything(self) -> Self {
        Self { observes_everything: true, ..self }
    }

    /// Starts anew at a position, in a claim that begins at another.
    pub(crate) fn move_to(&mut self, position: Position, claim: Position) {
        (self.position, self.claim) = (position, claim);
        self.forget_reads();
    }

    /// The operations of the next execution are written down, or not.
    pub(crate) const fn record(&mut self, is_recorded: bool) {
        self.is_recorded = is_recorded;
    }

    /// Forgets what was read so far.
    pub(crate) fn forget_reads(&mut self) {
        if let Some(remote) = self.remote {
            remote.forget(self.position);
        }
        self.reads.clear();
        self.observed.clear();
        self.publications = self.memory.publications();
        self.reads_since = 0;
    }

    /// Looks now and then whether what was read so far still stands: an execution whose reads are stale is for
    /// nothing, and the sooner it begins again, the sooner those that wait for it go on.
    fn look_back(&mut self) -> Result<(), ReadError> {
        self.reads_since += 1;
        // What is recorded may be mended at its end.
        if self.reads_since < READS_BETWEEN_LOOKS || self.is_recorded {
            return Ok(());
        }
        self.reads_since = 0;
        let publications = self.memory.publications();
        if publications == self.publications {
            return Ok(());
        }
        self.publications = publications;
        let (memory, position) = (&self.memory, self.position);
        let observed = |address| self.has_observed(address);
        if self.reads.is_current_so_far(memory, position, observed) {
            Ok(())
        } else {
            Err(ReadError::Stale)
        }
    }

    /// Takes the reads since the last move. The next reads go into `spare`.
    pub(crate) fn take_reads(&mut self, spare: Box<ReadSet>) -> Box<ReadSet> {
        let (all, observed) = (self.observes_everything, &self.observed);
        self.reads.downgrade(|address| all || observed.contains(&address));
        std::mem::replace(&mut self.reads, spare)
    }

    /// Takes the accounts of which the balance was looked at; with a list of accesses all that were read.
    pub(crate) fn take_observed(&mut self) -> Vec<Address> {
        self.observed.drain(..).collect()
    }

    pub(crate) fn observe(&mut self, address: Address) {
        if !self.observed.contains(&address) {
            self.observed.push(address);
        }
    }

    /// Only a fault asks.
    pub(crate) fn is_fee_recipient(&self, address: Address) -> bool {
        address == self.memory.beneficiary()
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
        if let Some(remote) = self.remote {
            if self.observes_everything {
                self.observe(address);
            }
            let place = match seen {
                Seen::HasNoCode => Place::CanReceive(address),
                Seen::Everything | Seen::AllButBalance => Place::Account(address),
            };
            return remote.read(self.position, place).map(Answer::account);
        }
        if let Some(turn) = self.turn {
            turn.before_read(account_hash(address));
        }
        self.look_back()?;
        let before = self.account_before(address)?;
        let read = self.read(|memory, position, stamps| {
            memory.account_recording(address, position, seen, stamps)
        })?;
        self.has_read(read.hash, read.origin);
        let info = planted::mixed(before, read.info);
        if !planted::is_unrecorded(&read) {
            self.reads.accounts.push(read);
        }
        planted::misread(&self.memory, self.position, address, info)
    }
}

impl TransferState for View<'_> {
    fn sender(&mut self, address: Address) -> Result<Option<AccountInfo>, ReadError> {
        self.observe(address);
        self.account(address, Seen::Everything)
    }

    fn can_receive(&mut self, address: Address) -> Result<bool, ReadError> {
        let info = match planted::stale_recipient(&self.memory, address)? {
            Some(stale) => stale,
            None if RECIPIENT_READ_UNRECORDED.is_planted() => {
                self.memory.account(address, self.position)?.info
            }
            None => self.account(address, Seen::HasNoCode)?,
        };
        Ok(Seen::HasNoCode.is_same(None, info))
    }
}

impl Database for View<'_> {
    type Error = ReadError;

    fn basic(&mut self, address: Address) -> Result<Option<RevmInfo>, ReadError> {
        Ok(self.account(address, Seen::Everything)?.map(revm_info))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, ReadError> {
        if CODE_OF_BLOCK_NOT_FOUND.is_planted() && self.memory.codes.deployed(code_hash).is_some() {
            return Ok(Bytecode::default());
        }
        if let Some(code) = self.remote.and_then(|remote| remote.code(code_hash)) {
            return Ok(code);
        }
        self.codes.get(code_hash, &self.memory.codes, self.memory.pre_state())
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, ReadError> {
        if let Some(remote) = self.remote {
            return remote.read(self.position, Place::Slot(address, slot)).map(Answer::slot);
        }
        if let Some(wrong) = planted::wrong_slot(&self.memory, self.position, address, slot)? {
            return Ok(wrong);
        }
        if let Some(turn) = self.turn {
            turn.before_read(slot_hash(address, slot));
        }
        self.look_back()?;
        let before = self.slot_before_its_stamp(address, slot)?;
        let read = self.read(|memory, position, stamps| {
            memory.slot_recording(address, slot, position, stamps)
        })?;
        let read = before.unwrap_or(read);
        self.has_read(read.hash, read.origin);
        if STORAGE_READ_REPLACES_RECORD.is_planted() {
            self.reads.slots.clear();
        }
        if !PRE_STATE_SLOT_UNRECORDED.is_planted() || read.origin != Origin::PreState {
            self.reads.slots.push(read);
        }
        Ok(read.value)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, ReadError> {
        cached_block_hash(number, || {
            if let Some(turn) = self.turn {
                turn.before_read(number);
            }
            Ok(self.memory.pre_state().block_hash(number)?)
        })
    }
}

impl StorageProbe for View<'_> {
    /// As the reference: the pre-state has storage, and the account was not destroyed on the way.
    fn has_storage(&mut self, address: Address) -> Result<bool, ReadError> {
        if let Some(remote) = self.remote {
            let exists = remote.read(self.position, Place::Account(address))?.account().is_some();
            self.observe(address);
            let answer = remote.read(self.position, Place::HasStorage(address))?;
            return Ok(exists && answer.has_storage());
        }
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

    fn slot_reads(&self) -> usize {
        self.reads.slots.len()
    }

    fn slot_read(&self, read: usize) -> Option<U256> {
        self.reads.slots.get(read).map(|read| read.value)
    }

    fn is_of_this_transaction(&mut self, address: Address) -> bool {
        CREATED_IN_BLOCK_COUNTS_AS_IN_TRANSACTION.is_planted()
            && matches!(self.memory.pre_state().account(address), Ok(None))
    }
}
