//! Multi-version memory: for every place, who wrote it and what.
//!
//! Positions in the block: 0 is the pre-block phase, `i + 1` is transaction `i`, and the post-block
//! phase reads above all transactions.
//!
//! Three kinds of places:
//! * an *account* (balance, nonce, code hash together, so that no reader can see a mixed pair),
//! * a *clearing*: at this position all storage of the account was cleared,
//! * a *slot*.
//!
//! A write to an account either sets it, or is a *credit*, a sum that was added to its balance
//! whatever that was. A slot read takes the later of "slot written" and "account cleared" below it.
//!
//! No lock is held while the pre-state is read: that may be slow, or make transactions meet.

use super::{
    location::{Location, Place, ReadStamps, Stamp, Stamps, account_hash, any_write, slot_hash},
    reads::{AccountRead, Origin, Seen, SlotRead, is_modest},
    rewards::RewardLedger,
    scheduler::Incarnation,
    table::Table,
    versions::{Cell, Versions},
    writes::{AccountWrites, Base, InfoWrite, WriteSet},
};
use crate::{
    codes::Codes,
    evm::{ReadError, credited},
    sync::{Arc, PoisonError, RwLock, read, write},
};
use alloy_primitives::{Address, U256, map::HashSet};
use lockstep_faults::{
    destruction::{C3, C4, C7},
    fee_recipient::{A1, A2, A4, A8},
    memory::{G1, G4, G5},
    transfers::B3,
};
use lockstep_model::{AccountChange, AccountInfo, StateChanges, StateReader};

/// A position in the block: 0 before the transactions, `i + 1` at transaction `i`.
pub(crate) type Position = u32;

/// Who wrote a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Writer {
    pub(crate) position: Position,
    pub(crate) incarnation: Incarnation,
}

/// An account in one block.
#[derive(Debug)]
pub(super) struct AccountCells {
    pub(super) address: Address,
    pub(super) info: Versions<InfoWrite>,
    /// How many of them are full writes.
    sets: u32,
    /// Rare.
    pub(super) cleared: Option<Box<Versions<()>>>,
}

/// A slot in one block.
#[derive(Debug)]
pub(super) struct SlotCells {
    pub(super) address: Address,
    pub(super) slot: U256,
    pub(super) values: Versions<U256>,
}

impl AccountCells {
    fn below(&self, position: Position) -> Result<AccountVersions, ReadError> {
        let mut found = AccountVersions::default();
        let cells = self.info.below(position);
        let Some(last) = cells.last() else { return Ok(found) };
        let writer = last.writer()?;
        match last.value {
            InfoWrite::Set(info) => found.set = Some((writer, info)),
            InfoWrite::Credit { total, base, .. } => {
                found.credit = total;
                found.base = base.account();
                if B3.is_planted() && base == Base::Absent && cells.len() > 1 {
                    found.credit += total;
                }
                // Most accounts that are credited again and again are never written otherwise.
                if self.sets > 0 {
                    found.set = last_set(cells)?;
                }
            }
        }
        Ok(found)
    }

    fn put(&mut self, writer: Writer, info: InfoWrite) {
        let (at, before) = self.info.put(writer, info);
        self.sets -= u32::from(matches!(before, Some(InfoWrite::Set(_))));
        self.sets += u32::from(matches!(info, InfoWrite::Set(_)));
        self.add_up(at);
    }

    fn edit(&mut self, position: Position, edit: Edit) {
        if let Some((at, removed)) = self.info.edit(position, edit) {
            self.sets -= u32::from(matches!(removed, InfoWrite::Set(_)));
            self.add_up(at);
        }
    }

    /// Renews the totals of credits from this cell on, as far as they may have changed.
    fn add_up(&mut self, from: usize) {
        let (below, rest) = self.info.split_at_mut(from);
        let mut sum = match below.last().map(|cell| cell.value) {
            Some(InfoWrite::Credit { total, .. }) => total,
            _ => U256::ZERO,
        };
        for (nth, cell) in rest.iter_mut().enumerate() {
            match &mut cell.value {
                InfoWrite::Credit { amount, total, .. } => {
                    sum = sum.saturating_add(*amount);
                    *total = sum;
                }
                InfoWrite::Set(_) if nth > 0 => return,
                InfoWrite::Set(_) => sum = U256::ZERO,
            }
        }
    }
}

/// The last full write among these cells.
fn last_set(cells: &[Cell<InfoWrite>]) -> Result<Option<(Writer, Option<AccountInfo>)>, ReadError> {
    for cell in cells.iter().rev() {
        if let InfoWrite::Set(info) = cell.value
            && !(C4.is_planted() && info.is_none())
        {
            return Ok(Some((cell.writer()?, info)));
        }
    }
    Ok(None)
}

#[derive(Debug, Default)]
pub(super) struct Shard {
    pub(super) accounts: Table<AccountCells>,
    pub(super) slots: Table<SlotCells>,
}

/// On a cache line of its own: neighbours are locked by other cores.
#[repr(align(128))]
#[derive(Debug, Default)]
struct Apart(RwLock<Shard>);

/// The tables of a block, kept for the next one: they have grown to the size that blocks have.
#[derive(Debug)]
pub(crate) struct Shards(Box<[Apart]>);

impl Default for Shards {
    fn default() -> Self {
        Self(std::iter::repeat_with(Apart::default).take(SHARDS).collect())
    }
}

impl Shards {
    /// The same tables without their contents.
    pub(crate) fn emptied(mut self) -> Self {
        for Apart(shard) in &mut self.0 {
            let shard = shard.get_mut().unwrap_or_else(PoisonError::into_inner);
            shard.accounts.clear();
            shard.slots.clear();
        }
        self
    }
}

/// More than there will be cores at any one of them.
const SHARDS: usize = 128;

/// The multi-version memory of one block.
pub(crate) struct MultiVersionMemory {
    shards: Box<[Apart]>,
    stamps: Stamps,
    pub(crate) rewards: RewardLedger,
    pub(crate) codes: Codes,
    pre_state: Arc<dyn StateReader>,
    beneficiary: Address,
    /// EIP-161.
    state_clearing: bool,
}

/// What stands below a reader of an account.
#[derive(Debug, Clone, Copy, Default)]
struct AccountVersions {
    /// The last full write, if any: above it there are only credits.
    set: Option<(Writer, Option<AccountInfo>)>,
    /// Sum of the credits above it.
    credit: U256,
    /// The account in the pre-state, where one who credited it has seen it.
    base: Option<Option<AccountInfo>>,
}

impl MultiVersionMemory {
    pub(crate) fn new(
        transactions: usize,
        shards: Shards,
        pre_state: Arc<dyn StateReader>,
        beneficiary: Address,
        state_clearing: bool,
    ) -> Self {
        Self {
            shards: shards.0,
            stamps: Stamps::new(transactions),
            rewards: RewardLedger::new(transactions),
            codes: Codes::default(),
            pre_state,
            beneficiary,
            state_clearing,
        }
    }

    /// Gives the tables back.
    pub(crate) fn into_shards(self) -> Shards {
        Shards(self.shards)
    }

    pub(crate) fn pre_state(&self) -> &dyn StateReader {
        &*self.pre_state
    }

    pub(super) fn shard_count(&self) -> usize {
        self.shards.len()
    }

    pub(super) fn shard(&self, index: usize) -> &RwLock<Shard> {
        &self.shards[index].0
    }

    fn shard_of(&self, hash: u64) -> &RwLock<Shard> {
        &self.shards[(hash >> 44) as usize & (self.shards.len() - 1)].0
    }

    /// The account as a transaction at `position` must see it.
    pub(crate) fn account(
        &self,
        address: Address,
        position: Position,
    ) -> Result<AccountRead, ReadError> {
        self.account_recording(address, position, Seen::Everything, &mut ReadStamps::default())
    }

    /// As [`Self::account`], with a stamp of every place that was looked at. No more than `seen` of it
    /// is right.
    pub(crate) fn account_recording(
        &self,
        address: Address,
        position: Position,
        seen: Seen,
        stamps: &mut ReadStamps,
    ) -> Result<AccountRead, ReadError> {
        let hash = account_hash(address);
        // What it is owed has no stamps.
        let is_paid = address == self.beneficiary;
        if seen == Seen::HasNoCode
            && !is_paid
            && let Some(read) = self.account_below_credits(address, hash, stamps)?
        {
            return Ok(read);
        }
        stamps.push(if is_paid { Stamp::LOOK_CLOSER } else { self.stamps.look(any_write(hash)) });
        let versions = self.account_versions(address, hash, position)?;
        let (origin, base) = self.base(address, &versions)?;
        let info = self.resolve(address, origin, base, versions.credit, position)?;
        Ok(AccountRead { address, hash, origin, base, info, seen })
    }

    /// The account as the pre-state has it, where all that the block did to it so far is to add modest
    /// sums to a modest balance.
    fn account_below_credits(
        &self,
        address: Address,
        hash: u64,
        stamps: &mut ReadStamps,
    ) -> Result<Option<AccountRead>, ReadError> {
        let stamp = self.stamps.look(hash);
        if !stamp.is_unwritten() {
            return Ok(None);
        }
        let base = self.pre_state.account(address)?;
        if base.is_some_and(|info| !is_modest(info.balance)) {
            return Ok(None);
        }
        stamps.push(stamp);
        let (origin, seen) = (Origin::PreState, Seen::HasNoCode);
        Ok(Some(AccountRead { address, hash, origin, base, info: base, seen }))
    }

    /// What an account read before would be now; `None` where that cannot be said without another
    /// look at the pre-state, or is about to change.
    pub(crate) fn account_now(
        &self,
        read: &AccountRead,
        position: Position,
    ) -> Option<Option<AccountInfo>> {
        let versions = self.account_versions(read.address, read.hash, position).ok()?;
        let (origin, base) = match versions.set {
            Some((writer, info)) => (Origin::Written(writer), info),
            None if read.origin == Origin::PreState => (Origin::PreState, read.base),
            None => return None,
        };
        self.resolve(read.address, origin, base, versions.credit, position).ok()
    }

    /// The account below credits and rewards.
    fn base(
        &self,
        address: Address,
        versions: &AccountVersions,
    ) -> Result<(Origin, Option<AccountInfo>), ReadError> {
        Ok(match (versions.set, versions.base) {
            (Some((writer, info)), _) => (Origin::Written(writer), info),
            (None, Some(base)) => (Origin::PreState, base),
            (None, None) => (Origin::PreState, self.pre_state.account(address)?),
        })
    }

    /// Adds credits and rewards.
    fn resolve(
        &self,
        address: Address,
        origin: Origin,
        base: Option<AccountInfo>,
        credit: U256,
        position: Position,
    ) -> Result<Option<AccountInfo>, ReadError> {
        let mut info = base;
        if C3.is_planted() && base.is_none() && origin != Origin::PreState && !credit.is_zero() {
            info = self.pre_state.account(address)?;
        }
        if !credit.is_zero() {
            info = credited(info, credit, self.state_clearing);
        }
        if address == self.beneficiary {
            let after = match origin {
                Origin::Written(writer) => writer.position,
                Origin::PreState | Origin::Cleared(_) => 0,
            };
            let rewards = self.rewards.between(after, position)?;
            let is_lost = A1.is_planted() && (position as usize) <= self.rewards.transactions()
                || A8.is_planted() && base.is_none() && origin != Origin::PreState;
            if rewards.payments > 0 && !is_lost {
                info = credited(info, U256::from(rewards.sum), self.state_clearing);
            }
        }
        Ok(info)
    }

    fn account_versions(
        &self,
        address: Address,
        hash: u64,
        position: Position,
    ) -> Result<AccountVersions, ReadError> {
        if self.stamps.look(any_write(hash)).is_unwritten() {
            return Ok(AccountVersions::default());
        }
        let shard = read(self.shard_of(hash));
        match shard.accounts.find(hash, |cells| cells.address == address) {
            Some(cells) => cells.below(position),
            None => Ok(AccountVersions::default()),
        }
    }

    /// Where below `position` the account that was read was written, ascending, and whether as a whole.
    pub(super) fn account_writes(
        &self,
        account: &AccountRead,
        position: Position,
    ) -> Vec<(Position, bool)> {
        let shard = read(self.shard_of(account.hash));
        let cells = shard.accounts.find(account.hash, |cells| cells.address == account.address);
        let written = cells.map_or(&[][..], |cells| cells.info.below(position));
        let is_full = |cell: &Cell<InfoWrite>| matches!(cell.value, InfoWrite::Set(_));
        written.iter().map(|cell| (cell.position(), is_full(cell))).collect()
    }

    /// The account in these cells at the end, when nothing changes any more.
    pub(super) fn info_of(
        &self,
        cells: &AccountCells,
        end: Position,
    ) -> Result<Option<AccountInfo>, ReadError> {
        let mut versions = cells.below(end)?;
        if A2.is_planted() && cells.address == self.beneficiary {
            versions.set = None;
        }
        let (origin, base) = self.base(cells.address, &versions)?;
        self.resolve(cells.address, origin, base, versions.credit, end)
    }

    pub(crate) const fn beneficiary(&self) -> Address {
        self.beneficiary
    }

    /// Adds the fee recipient where rewards are all that changed it.
    pub(super) fn add_rewards(
        &self,
        changes: &mut StateChanges,
        end: Position,
    ) -> Result<(), ReadError> {
        let is_lost = A4.is_planted() && self.pre_state.account(self.beneficiary)?.is_none();
        if self.rewards.between(0, end)?.payments > 0 && !is_lost {
            let info = self.account(self.beneficiary, end)?.info;
            let change =
                AccountChange { info, storage_cleared: info.is_none(), storage: Vec::new() };
            changes.accounts.push((self.beneficiary, change));
        }
        Ok(())
    }

    /// The slot as a transaction at `position` must see it.
    pub(crate) fn slot(
        &self,
        address: Address,
        slot: U256,
        position: Position,
    ) -> Result<SlotRead, ReadError> {
        self.slot_recording(address, slot, position, &mut ReadStamps::default())
    }

    /// As [`Self::slot`], with a stamp of every place that was looked at.
    pub(crate) fn slot_recording(
        &self,
        address: Address,
        slot: U256,
        position: Position,
        stamps: &mut ReadStamps,
    ) -> Result<SlotRead, ReadError> {
        let hashes = (account_hash(address), slot_hash(address, slot));
        stamps.note_clearings(&self.stamps);
        stamps.push(self.stamps.look(hashes.1));
        let (origin, value) = self.slot_version(address, slot, hashes, position)?;
        let value = match origin {
            Origin::PreState => self.pre_state.storage(address, slot)?,
            _ => value,
        };
        Ok(SlotRead { address, slot, hashes, origin, value })
    }

    /// Whether a read would give the same again.
    pub(crate) fn slot_is_current(&self, read: &SlotRead, position: Position) -> bool {
        let now = self.slot_version(read.address, read.slot, read.hashes, position);
        now.is_ok_and(|(origin, value)| {
            G1.is_planted() && read.origin == Origin::PreState
                || origin == read.origin
                || origin != Origin::PreState && value == read.value
        })
    }

    fn slot_version(
        &self,
        address: Address,
        slot: U256,
        (account, hash): (u64, u64),
        position: Position,
    ) -> Result<(Origin, U256), ReadError> {
        let cleared = self.clearing_of(address, account, position)?;
        let written = self.last_write(address, slot, hash, position)?;
        Ok(match written {
            // Within one transaction the clearing comes first.
            Some((writer, value))
                if cleared.is_none_or(|at| at.position <= writer.position)
                    || C7.is_planted() && self.is_revived(address, account, position) =>
            {
                (Origin::Written(writer), value)
            }
            _ => (cleared.map_or(Origin::PreState, Origin::Cleared), U256::ZERO),
        })
    }

    /// Only a fault asks.
    fn is_revived(&self, address: Address, hash: u64, position: Position) -> bool {
        let versions = self.account_versions(address, hash, position);
        versions.is_ok_and(|versions| versions.set.is_some_and(|(_, info)| info.is_some()))
    }

    fn last_write(
        &self,
        address: Address,
        slot: U256,
        hash: u64,
        position: Position,
    ) -> Result<Option<(Writer, U256)>, ReadError> {
        if self.stamps.look(hash).is_unwritten() {
            return Ok(None);
        }
        let shard = read(self.shard_of(hash));
        let cells = shard.slots.find(hash, |cells| cells.slot == slot && cells.address == address);
        match cells.and_then(|cells| cells.values.below(position).last()) {
            Some(cell) => Ok(Some((cell.writer()?, cell.value))),
            None => Ok(None),
        }
    }

    /// Who cleared the account's storage last, below `position`.
    pub(crate) fn clearing(
        &self,
        address: Address,
        position: Position,
    ) -> Result<Option<Writer>, ReadError> {
        self.clearing_recording(address, position, &mut ReadStamps::default())
    }

    /// As [`Self::clearing`], with a stamp of what was looked at.
    pub(crate) fn clearing_recording(
        &self,
        address: Address,
        position: Position,
        stamps: &mut ReadStamps,
    ) -> Result<Option<Writer>, ReadError> {
        stamps.note_clearings(&self.stamps);
        self.clearing_of(address, account_hash(address), position)
    }

    fn clearing_of(
        &self,
        address: Address,
        hash: u64,
        position: Position,
    ) -> Result<Option<Writer>, ReadError> {
        // Most blocks clear nothing.
        if !self.stamps.has_clearings() {
            return Ok(None);
        }
        let shard = read(self.shard_of(hash));
        let cells = shard.accounts.find(hash, |cells| cells.address == address);
        let cleared = cells.and_then(|cells| cells.cleared.as_deref());
        cleared.and_then(|cleared| cleared.below(position).last()).map(Cell::writer).transpose()
    }

    /// Whether nothing was published since these stamps were taken.
    pub(crate) fn are_current(&self, stamps: &ReadStamps) -> bool {
        stamps.are_current(&self.stamps)
    }

    /// Publishes the writes of an incarnation and takes back those of the one before that it did
    /// not repeat. Returns whether the set of places changed.
    pub(crate) fn publish(
        &self,
        writer: Writer,
        writes: &mut WriteSet,
        locations: &mut Vec<Location>,
        stamps: &mut ReadStamps,
    ) -> bool {
        self.codes.add(std::mem::take(&mut writes.codes));
        // The room stays where it is, unless there is something in it.
        let before = if locations.is_empty() { Vec::new() } else { std::mem::take(locations) };
        for account in writes.accounts.drain(..) {
            self.publish_account(writer, account, locations, stamps);
        }
        for (address, slot, value) in writes.slots.drain(..) {
            let hash = slot_hash(address, slot);
            stamps.allow(self.write_slot(writer, (address, slot, hash), value));
            locations.push(Location { hash, place: Place::Slot(address, slot) });
        }
        if before.is_empty() {
            return !locations.is_empty();
        }
        let now: HashSet<&Location> = locations.iter().collect();
        let gone = before.iter().filter(|location| !G5.is_planted() && !now.contains(location));
        let gone = gone.map(|location| self.edit(*location, writer.position, Edit::Remove)).count();
        gone > 0 || locations.len() != before.len()
    }

    fn publish_account(
        &self,
        writer: Writer,
        account: AccountWrites,
        locations: &mut Vec<Location>,
        stamps: &mut ReadStamps,
    ) {
        let (address, hash) = (account.address, account_hash(account.address));
        let is_modest_credit = !account.cleared
            && matches!(account.info, Some(InfoWrite::Credit { amount, .. }) if is_modest(amount));
        let mut shard = write(self.shard_of(hash));
        let cells = shard.accounts.find_or_insert(
            hash,
            |cells| cells.address == address,
            || AccountCells { address, info: Versions::default(), sets: 0, cleared: None },
        );
        if let Some(info) = account.info {
            cells.put(writer, info);
            locations.push(Location { hash, place: Place::Account(address) });
        }
        if account.cleared {
            cells.cleared.get_or_insert_default().put(writer, ());
            locations.push(Location { hash, place: Place::Clearing(address) });
        }
        drop(shard);
        if G4.is_planted() && writer.incarnation > 0 {
            return;
        }
        stamps.allow(self.stamps.raise(any_write(hash)));
        if !is_modest_credit {
            stamps.allow(self.stamps.raise(hash));
        }
        if account.cleared {
            self.stamps.raise_clearings();
        }
    }

    fn write_slot(
        &self,
        writer: Writer,
        (address, slot, hash): (Address, U256, u64),
        value: U256,
    ) -> Stamp {
        let mut shard = write(self.shard_of(hash));
        let cells = shard.slots.find_or_insert(
            hash,
            |cells| cells.slot == slot && cells.address == address,
            || SlotCells { address, slot, values: Versions::default() },
        );
        cells.values.put(writer, value);
        drop(shard);
        if G4.is_planted() && writer.incarnation > 0 {
            return self.stamps.look(hash);
        }
        self.stamps.raise(hash)
    }

    /// Makes readers of these places wait for the next incarnation.
    pub(crate) fn mark_estimates(&self, locations: &[Location], position: Position) {
        for location in locations {
            self.edit(*location, position, Edit::MarkEstimate);
        }
    }

    fn edit(&self, location: Location, position: Position, edit: Edit) {
        let Location { hash, place } = location;
        let is_more_than_credits = match place {
            Place::Account(address) | Place::Clearing(address) => {
                self.edit_account(location, address, position, edit)
            }
            Place::Slot(address, slot) => {
                let mut shard = write(self.shard_of(hash));
                let cells = shard
                    .slots
                    .find_mut(hash, |cells| cells.slot == slot && cells.address == address);
                if let Some(cells) = cells {
                    cells.values.edit(position, edit);
                }
                true
            }
        };
        if is_more_than_credits {
            self.stamps.raise(hash);
        }
        if !matches!(place, Place::Slot(..)) {
            self.stamps.raise(any_write(hash));
        }
    }

    /// Gives whether there may be more to it than that a credit comes or goes.
    fn edit_account(
        &self,
        Location { hash, place }: Location,
        address: Address,
        position: Position,
        edit: Edit,
    ) -> bool {
        let mut shard = write(self.shard_of(hash));
        let cells = shard.accounts.find_mut(hash, |cells| cells.address == address);
        let Some(cells) = cells else { return true };
        let is_more = cells.sets > 0 || !matches!(place, Place::Account(_));
        if matches!(place, Place::Account(_)) {
            cells.edit(position, edit);
        } else if let Some(cleared) = &mut cells.cleared {
            cleared.edit(position, edit);
            self.stamps.raise_clearings();
        }
        is_more
    }
}

/// What happens to one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edit {
    Remove,
    MarkEstimate,
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_model::MemoryState;

    const A: Address = Address::repeat_byte(0xaa);

    fn memory() -> MultiVersionMemory {
        let mut state = MemoryState::default();
        state.insert(A, U256::from(10), 1, Default::default(), [(U256::from(1), U256::from(7))]);
        memory_over(state)
    }

    fn memory_over(state: MemoryState) -> MultiVersionMemory {
        let beneficiary = Address::repeat_byte(0xbe);
        MultiVersionMemory::new(4, Shards::default(), Arc::new(state), beneficiary, true)
    }

    fn publish(
        memory: &MultiVersionMemory,
        writer: Writer,
        mut writes: WriteSet,
        locations: &mut Vec<Location>,
    ) -> bool {
        memory.publish(writer, &mut writes, locations, &mut ReadStamps::default())
    }

    fn credit(amount: u64) -> WriteSet {
        let mut writes = WriteSet::default();
        writes.credit(A, U256::from(amount), Base::Unknown);
        writes
    }

    fn writer(position: Position, incarnation: Incarnation) -> Writer {
        Writer { position, incarnation }
    }

    fn set(balance: u64) -> InfoWrite {
        let balance = U256::from(balance);
        InfoWrite::Set(Some(AccountInfo { balance, ..AccountInfo::default() }))
    }

    fn writes(info: Option<InfoWrite>, cleared: bool, slots: &[(u64, u64)]) -> WriteSet {
        let slots = slots.iter().map(|(k, v)| (A, U256::from(*k), U256::from(*v))).collect();
        let account = AccountWrites { address: A, info, cleared };
        WriteSet { accounts: vec![account], slots, codes: Vec::new() }
    }

    fn slot(memory: &MultiVersionMemory, position: Position) -> u64 {
        memory.slot(A, U256::from(1), position).unwrap().value.to()
    }

    #[test]
    fn a_read_sees_the_last_write_below_it() {
        let memory = memory();
        publish(&memory, writer(2, 0), writes(None, false, &[(1, 20)]), &mut Vec::new());
        publish(&memory, writer(4, 0), writes(None, false, &[(1, 40)]), &mut Vec::new());
        assert_eq!([1, 2, 3, 4, 5].map(|at| slot(&memory, at)), [7, 7, 20, 20, 40]);
    }

    #[test]
    fn a_clearing_hides_the_writes_below_it_and_not_those_beside_it() {
        let memory = memory();
        publish(&memory, writer(1, 0), writes(None, false, &[(1, 20)]), &mut Vec::new());
        publish(&memory, writer(2, 0), writes(None, true, &[]), &mut Vec::new());
        publish(&memory, writer(3, 0), writes(None, true, &[(1, 30)]), &mut Vec::new());
        assert_eq!([2, 3, 4].map(|at| slot(&memory, at)), [20, 0, 30]);
    }

    #[test]
    fn credits_add_up_and_are_validated_by_their_sum() {
        let memory = memory();
        publish(&memory, writer(1, 0), credit(3), &mut Vec::new());
        let read = memory.account(A, 3).unwrap();
        assert_eq!(read.info.unwrap().balance, U256::from(13));
        let mut locations = vec![Location { hash: account_hash(A), place: Place::Account(A) }];
        publish(&memory, writer(1, 1), credit(3), &mut locations);
        assert!(read.is_current(&memory, 3), "the same sum by another incarnation");
        publish(&memory, writer(2, 0), credit(1), &mut Vec::new());
        assert!(!read.is_current(&memory, 3));
        assert!(read.is_current(&memory, 2));
    }

    /// A transaction that would read the same would do the same.
    #[test]
    fn another_writer_of_the_same_value_invalidates_nothing() {
        let memory = memory();
        let mut locations = Vec::new();
        publish(&memory, writer(1, 0), writes(Some(set(5)), false, &[(1, 1)]), &mut locations);
        let account = memory.account(A, 2).unwrap();
        let slot = memory.slot(A, U256::from(1), 2).unwrap();
        let same = writes(Some(set(5)), false, &[(1, 1)]);
        assert!(!publish(&memory, writer(1, 1), same, &mut locations), "no new location");
        assert!(account.is_current(&memory, 2) && memory.slot_is_current(&slot, 2));
        let other = writes(Some(set(6)), false, &[(1, 2)]);
        assert!(!publish(&memory, writer(1, 2), other, &mut locations), "no new location");
        assert!(!account.is_current(&memory, 2) && !memory.slot_is_current(&slot, 2));
    }

    #[test]
    fn credits_add_up_across_full_writes() {
        let memory = memory();
        let balance =
            |position| -> u64 { memory.account(A, position).unwrap().info.unwrap().balance.to() };
        for (position, amount) in [(1, 1), (2, 2), (4, 4)] {
            publish(&memory, writer(position, 0), credit(amount), &mut Vec::new());
        }
        assert_eq!([1, 2, 3, 4, 5].map(balance), [10, 11, 13, 13, 17]);
        // A full write in between, later than those above it.
        publish(&memory, writer(3, 0), writes(Some(set(100)), false, &[]), &mut Vec::new());
        assert_eq!([3, 4, 5].map(balance), [13, 100, 104]);
        let mut locations = vec![Location { hash: account_hash(A), place: Place::Account(A) }];
        publish(&memory, writer(3, 1), WriteSet::default(), &mut locations);
        assert_eq!([4, 5].map(balance), [13, 17]);
    }

    #[test]
    fn locations_that_are_no_longer_written_disappear() {
        let memory = memory();
        let mut locations = Vec::new();
        publish(&memory, writer(1, 0), writes(None, true, &[(1, 1)]), &mut locations);
        assert!(publish(&memory, writer(1, 1), writes(None, false, &[]), &mut locations));
        assert_eq!(slot(&memory, 2), 7);
        assert_eq!(locations, []);
    }

    #[test]
    fn estimates_block_readers_above_alone() {
        let memory = memory();
        let mut locations = Vec::new();
        publish(&memory, writer(2, 0), writes(Some(set(5)), true, &[(1, 1)]), &mut locations);
        memory.mark_estimates(&locations, 2);
        assert_eq!(memory.account(A, 3).unwrap_err(), ReadError::Blocked(2));
        assert_eq!(memory.slot(A, U256::from(9), 3).unwrap_err(), ReadError::Blocked(2));
        assert!(memory.account(A, 2).is_ok());
    }

    #[test]
    fn who_needs_no_code_does_not_mind_modest_credits() {
        let memory = memory();
        let look = |seen| {
            let mut stamps = ReadStamps::default();
            let read = memory.account_recording(A, 4, seen, &mut stamps).unwrap();
            (read, stamps)
        };
        let mut locations = Vec::new();
        let [no_code, everything] = [Seen::HasNoCode, Seen::Everything].map(look);
        publish(&memory, writer(1, 0), credit(3), &mut locations);
        assert!(memory.are_current(&no_code.1) && !memory.are_current(&everything.1));
        assert!(no_code.0.is_current(&memory, 4) && !everything.0.is_current(&memory, 4));

        // That it comes and goes changes nothing either.
        memory.mark_estimates(&locations, 1);
        assert!(memory.are_current(&no_code.1) && memory.are_current(&look(Seen::HasNoCode).1));
        assert_eq!(memory.account(A, 4).unwrap_err(), ReadError::Blocked(1));
        publish(&memory, writer(1, 1), WriteSet::default(), &mut locations);
        assert!(memory.are_current(&no_code.1) && everything.0.is_current(&memory, 4));

        // An enormous one, and a full write, do.
        let mut enormous = WriteSet::default();
        enormous.credit(A, U256::MAX >> 1, Base::Unknown);
        publish(&memory, writer(2, 0), enormous, &mut locations);
        assert!(!memory.are_current(&no_code.1) && !no_code.0.is_current(&memory, 4));
        let (_, stamps) = look(Seen::HasNoCode);
        publish(&memory, writer(3, 0), writes(Some(set(5)), false, &[]), &mut Vec::new());
        assert!(!memory.are_current(&stamps));
    }

    /// A mark that is not set where it should be would let a stale read through.
    #[test]
    fn stamps_see_every_publication() {
        let memory = memory();
        let mut stamps = ReadStamps::default();
        memory.account_recording(A, 3, Seen::Everything, &mut stamps).unwrap();
        memory.slot_recording(A, U256::from(9), 3, &mut stamps).unwrap();
        assert!(memory.are_current(&stamps));
        let elsewhere = writes(None, false, &[(1, 1)]);
        publish(&memory, writer(1, 0), elsewhere, &mut Vec::new());
        let mut locations = Vec::new();
        publish(&memory, writer(2, 0), writes(None, true, &[]), &mut locations);
        assert!(!memory.are_current(&stamps), "the account was cleared");
        let mut again = ReadStamps::default();
        memory.slot_recording(A, U256::from(9), 3, &mut again).unwrap();
        memory.mark_estimates(&locations, 2);
        assert!(!memory.are_current(&again), "the clearing became an estimate");
    }
}
