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
    cells::{AccountCells, AccountVersions, SlotCells},
    location::{Location, Place, account_hash, slot_hash},
    reads::{AccountRead, Origin, Seen, SlotRead, is_modest},
    rewards::RewardLedger,
    scheduler::Incarnation,
    stamps::{Counter, Raise, ReadStamps, Stamp},
    table::{Look, Room, Table},
    versions::Cell,
    writes::{AccountWrites, InfoWrite, WriteSet},
};
use crate::{
    codes::Codes,
    evm::{ReadError, credited},
    sync::{Arc, AtomicU64, LEAST_BUCKETS, Ordering},
};
use alloy_primitives::{Address, U256, map::HashSet};
use lockstep_faults::{
    caches::L3,
    destruction::{C3, C7},
    fee_recipient::{A1, A2, A4, A8},
    memory::{G1, G4, G5},
};
use lockstep_model::{AccountChange, AccountInfo, StateChanges, StateReader};

/// A position in the block: 0 before the transactions, `i + 1` at transaction `i`.
pub(crate) type Position = u32;

/// The writer of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Writer {
    pub(crate) position: Position,
    pub(crate) incarnation: Incarnation,
}

/// The tables of a block, kept for the next one: they have grown to the size that blocks have.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    accounts: Table<AccountCells>,
    slots: Table<SlotCells>,
    rewards: RewardLedger,
}

/// Where one worker puts what it publishes.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    accounts: Room,
    slots: Room,
}

impl Tables {
    /// The same tables without their contents, for a block of this many transactions.
    fn renewed(mut self, transactions: usize) -> Self {
        let buckets = (transactions * 2).next_power_of_two().clamp(LEAST_BUCKETS, 1 << 20);
        if !L3.is_planted() || self.accounts.has_no_buckets() {
            self.accounts.renew(buckets);
            self.slots.renew(buckets);
        }
        self.rewards.renew(transactions);
        self
    }
}

/// The multi-version memory of one block.
pub(crate) struct MultiVersionMemory {
    tables: Tables,
    /// How often storage was cleared, anywhere: rare enough for one count.
    clearings: AtomicU64,
    pub(crate) codes: Codes,
    pre_state: Arc<dyn StateReader>,
    beneficiary: Address,
    /// EIP-161.
    state_clearing: bool,
}

impl MultiVersionMemory {
    pub(crate) fn new(
        transactions: usize,
        tables: Tables,
        pre_state: Arc<dyn StateReader>,
        beneficiary: Address,
        state_clearing: bool,
    ) -> Self {
        Self {
            tables: tables.renewed(transactions),
            clearings: AtomicU64::new(0),
            codes: Codes::default(),
            pre_state,
            beneficiary,
            state_clearing,
        }
    }

    /// Gives the tables back.
    pub(crate) fn into_tables(self) -> Tables {
        self.tables
    }

    /// What the fee recipient is owed.
    pub(crate) const fn rewards(&self) -> &RewardLedger {
        &self.tables.rewards
    }

    pub(crate) fn pre_state(&self) -> &dyn StateReader {
        &*self.pre_state
    }

    pub(super) const fn accounts(&self) -> &Table<AccountCells> {
        &self.tables.accounts
    }

    pub(super) const fn slots(&self) -> &Table<SlotCells> {
        &self.tables.slots
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
        let look = self.tables.accounts.look(hash);
        // What it is owed has no stamps.
        let is_paid = address == self.beneficiary;
        if seen == Seen::HasNoCode
            && !is_paid
            && let Some(read) = self.account_below_credits(address, hash, look, stamps)?
        {
            return Ok(read);
        }
        stamps.push(if is_paid { Stamp::LOOK_CLOSER } else { Stamp::new(Counter::Account, look) });
        if !look.word.may_hold(hash) && !is_paid {
            let (base, origin) = (self.pre_state.account(address)?, Origin::PreState);
            return Ok(AccountRead { address, hash, origin, base, info: base, seen });
        }
        let versions = self.account_versions(address, hash, look, position)?;
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
        look: Look,
        stamps: &mut ReadStamps,
    ) -> Result<Option<AccountRead>, ReadError> {
        if look.word.firm() > 0 {
            return Ok(None);
        }
        let base = self.pre_state.account(address)?;
        if base.is_some_and(|info| !is_modest(info.balance)) {
            return Ok(None);
        }
        stamps.push(Stamp::new(Counter::FirmAccount, look));
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
        let look = self.tables.accounts.look(read.hash);
        let versions = self.account_versions(read.address, read.hash, look, position).ok()?;
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
            let rewards = self.rewards().between(after, position)?;
            let is_lost = A1.is_planted() && (position as usize) <= self.rewards().transactions()
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
        look: Look,
        position: Position,
    ) -> Result<AccountVersions, ReadError> {
        let below = |cells: &AccountCells| cells.below(position);
        let found = self.tables.accounts.read(look.word, hash, address, below);
        found.unwrap_or_else(|| Ok(AccountVersions::default()))
    }

    /// Where below `position` the account that was read was written, ascending, and whether as a whole.
    pub(super) fn account_writes(
        &self,
        account: &AccountRead,
        position: Position,
    ) -> Vec<(Position, bool)> {
        let AccountRead { address, hash, .. } = *account;
        let is_full = |cell: &Cell<InfoWrite>| matches!(cell.value, InfoWrite::Set(_));
        let writes = |cells: &AccountCells| {
            let written = cells.info.below(position).iter();
            written.map(|cell| (cell.position(), is_full(cell))).collect()
        };
        let word = self.tables.accounts.look(hash).word;
        self.tables.accounts.read(word, hash, address, writes).unwrap_or_default()
    }

    /// The account in these cells at the end, when nothing changes any more.
    pub(super) fn info_of(
        &self,
        cells: &AccountCells,
        end: Position,
    ) -> Result<Option<AccountInfo>, ReadError> {
        let last = cells.info.below(end).last();
        if let Some(Cell { value: InfoWrite::Set(info), .. }) = last
            && cells.address != self.beneficiary
        {
            return Ok(*info);
        }
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
        if self.rewards().between(0, end)?.payments > 0 && !is_lost {
            let info = self.account(self.beneficiary, end)?.info;
            let change =
                AccountChange { info, storage_cleared: info.is_none(), storage: Vec::new() };
            changes.accounts.push(self.beneficiary, change);
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
        let hash = slot_hash(address, slot);
        let clearings = self.clearings();
        stamps.note_clearings(clearings);
        let look = self.tables.slots.look(hash);
        stamps.push(Stamp::new(Counter::Slot, look));
        let (origin, value) = if clearings == 0 && !look.word.may_hold(hash) {
            (Origin::PreState, U256::ZERO)
        } else {
            self.slot_version(address, slot, hash, look, position)?
        };
        let value = match origin {
            Origin::PreState => self.pre_state.storage(address, slot)?,
            _ => value,
        };
        Ok(SlotRead { address, slot, hash, origin, value })
    }

    /// Whether a read would give the same again.
    pub(crate) fn slot_is_current(&self, read: &SlotRead, position: Position) -> bool {
        let look = self.tables.slots.look(read.hash);
        let now = self.slot_version(read.address, read.slot, read.hash, look, position);
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
        hash: u64,
        look: Look,
        position: Position,
    ) -> Result<(Origin, U256), ReadError> {
        let cleared = self.clearing(address, position)?;
        let written = self.last_write(address, slot, hash, look, position)?;
        Ok(match written {
            // Within one transaction the clearing comes first.
            Some((writer, value))
                if cleared.is_none_or(|at| at.position <= writer.position)
                    || C7.is_planted() && self.is_revived(address, position) =>
            {
                (Origin::Written(writer), value)
            }
            _ => (cleared.map_or(Origin::PreState, Origin::Cleared), U256::ZERO),
        })
    }

    /// Only a fault asks.
    fn is_revived(&self, address: Address, position: Position) -> bool {
        let hash = account_hash(address);
        let look = self.tables.accounts.look(hash);
        let versions = self.account_versions(address, hash, look, position);
        versions.is_ok_and(|versions| versions.set.is_some_and(|(_, info)| info.is_some()))
    }

    fn last_write(
        &self,
        address: Address,
        slot: U256,
        hash: u64,
        look: Look,
        position: Position,
    ) -> Result<Option<(Writer, U256)>, ReadError> {
        let last = |cells: &SlotCells| {
            let cell = cells.values.below(position).last()?;
            Some(cell.writer().map(|writer| (writer, cell.value)))
        };
        self.tables.slots.read(look.word, hash, (address, slot), last).flatten().transpose()
    }

    /// The last writer below `position` that cleared the account's storage.
    pub(crate) fn clearing(
        &self,
        address: Address,
        position: Position,
    ) -> Result<Option<Writer>, ReadError> {
        // Most blocks clear nothing.
        if self.clearings() == 0 {
            return Ok(None);
        }
        let hash = account_hash(address);
        let last = |cells: &AccountCells| {
            let cleared = cells.cleared.as_deref()?;
            cleared.below(position).last().map(Cell::writer)
        };
        let word = self.tables.accounts.look(hash).word;
        self.tables.accounts.read(word, hash, address, last).flatten().transpose()
    }

    /// As [`Self::clearing`], with a stamp of what was looked at.
    pub(crate) fn clearing_recording(
        &self,
        address: Address,
        position: Position,
        stamps: &mut ReadStamps,
    ) -> Result<Option<Writer>, ReadError> {
        stamps.note_clearings(self.clearings());
        self.clearing(address, position)
    }

    fn clearings(&self) -> u64 {
        // Acquire, with the Release of the count: see there.
        self.clearings.load(Ordering::Acquire)
    }

    /// Storage was cleared somewhere, or that was taken back.
    fn raise_clearings(&self) {
        // Release: a reader that sees the count must find the clearing.
        self.clearings.fetch_add(1, Ordering::Release);
    }

    /// Whether nothing was published since these stamps were taken.
    pub(crate) fn are_current(&self, stamps: &ReadStamps) -> bool {
        stamps.are_current(
            || self.clearings(),
            |counter, bucket| match counter {
                Counter::Account | Counter::FirmAccount => self.tables.accounts.word(bucket),
                Counter::Slot => self.tables.slots.word(bucket),
            },
        )
    }

    /// Publishes the writes of an incarnation and takes back those of the one before that it did
    /// not repeat. Returns whether the set of places changed.
    pub(crate) fn publish(
        &self,
        writer: Writer,
        writes: &mut WriteSet,
        locations: &mut Vec<Location>,
        stamps: &mut ReadStamps,
        rooms: &mut Rooms,
    ) -> bool {
        self.codes.add(std::mem::take(&mut writes.codes));
        // The room stays where it is, unless there is something in it.
        let before = if locations.is_empty() { Vec::new() } else { std::mem::take(locations) };
        for account in writes.accounts.drain(..) {
            self.publish_account(writer, account, locations, stamps, &mut rooms.accounts);
        }
        for (address, slot, value) in writes.slots.drain(..) {
            let hash = slot_hash(address, slot);
            let look = self.tables.slots.put(
                &mut rooms.slots,
                hash,
                (address, slot),
                |cells| {
                    cells.values.put(writer, value);
                },
                raise_by(writer, Raise::Firm),
            );
            stamps.allow(&[Counter::Slot], look);
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
        AccountWrites { address, info, cleared }: AccountWrites,
        locations: &mut Vec<Location>,
        stamps: &mut ReadStamps,
        room: &mut Room,
    ) {
        let hash = account_hash(address);
        let is_modest_credit =
            !cleared && matches!(info, Some(InfoWrite::Credit { amount, .. }) if is_modest(amount));
        let raise = raise_by(writer, if is_modest_credit { Raise::Any } else { Raise::Firm });
        let put = |cells: &mut AccountCells| {
            if let Some(info) = info {
                cells.put(writer, info);
            }
            if cleared {
                cells.cleared.get_or_insert_default().put(writer, ());
            }
        };
        let look = self.tables.accounts.put(room, hash, address, put, raise);
        match raise {
            Raise::Nothing => {}
            Raise::Any => stamps.allow(&[Counter::Account], look),
            Raise::Firm => stamps.allow(&[Counter::Account, Counter::FirmAccount], look),
        }
        if info.is_some() {
            locations.push(Location { hash, place: Place::Account(address) });
        }
        if cleared {
            locations.push(Location { hash, place: Place::Clearing(address) });
            if raise != Raise::Nothing {
                self.raise_clearings();
            }
        }
    }

    /// Makes readers of these places wait for the next incarnation.
    pub(crate) fn mark_estimates(&self, locations: &[Location], position: Position) {
        for location in locations {
            self.edit(*location, position, Edit::MarkEstimate);
        }
    }

    fn edit(&self, location: Location, position: Position, edit: Edit) {
        let Location { hash, place } = location;
        match place {
            Place::Account(address) => self.edit_account(hash, address, position, edit),
            Place::Clearing(address) => self.edit_clearing(hash, address, position, edit),
            Place::Slot(address, slot) => {
                self.tables.slots.edit(hash, (address, slot), |cells| {
                    cells.values.edit(position, edit);
                    Raise::Firm
                });
            }
        }
    }

    fn edit_account(&self, hash: u64, address: Address, position: Position, edit: Edit) {
        self.tables.accounts.edit(hash, address, |cells| {
            // Where there are only credits, one of them comes or goes.
            let raise = if cells.sets > 0 { Raise::Firm } else { Raise::Any };
            cells.edit(position, edit);
            raise
        });
    }

    fn edit_clearing(&self, hash: u64, address: Address, position: Position, edit: Edit) {
        self.tables.accounts.edit(hash, address, |cells| {
            if let Some(cleared) = &mut cells.cleared {
                cleared.edit(position, edit);
            }
            Raise::Firm
        });
        self.raise_clearings();
    }
}

/// Which counts a publication raises.
fn raise_by(writer: Writer, raise: Raise) -> Raise {
    if G4.is_planted() && writer.incarnation > 0 { Raise::Nothing } else { raise }
}

/// What happens to one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edit {
    Remove,
    MarkEstimate,
}

#[cfg(test)]
mod tests {
    use super::{super::writes::Base, *};
    use lockstep_model::MemoryState;

    const A: Address = Address::repeat_byte(0xaa);

    fn memory() -> MultiVersionMemory {
        let mut state = MemoryState::default();
        state.insert(A, U256::from(10), 1, Default::default(), [(U256::from(1), U256::from(7))]);
        memory_over(state)
    }

    fn memory_over(state: MemoryState) -> MultiVersionMemory {
        let beneficiary = Address::repeat_byte(0xbe);
        MultiVersionMemory::new(4, Tables::default(), Arc::new(state), beneficiary, true)
    }

    fn publish(
        memory: &MultiVersionMemory,
        writer: Writer,
        mut writes: WriteSet,
        locations: &mut Vec<Location>,
    ) -> bool {
        memory.publish(
            writer,
            &mut writes,
            locations,
            &mut ReadStamps::default(),
            &mut Rooms::default(),
        )
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
