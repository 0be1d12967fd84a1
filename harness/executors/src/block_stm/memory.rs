//! Multi-version memory: for every location, who wrote it and what.
//!
//! Positions in the block: 0 is the pre-block phase, `i + 1` is transaction `i`, and the post-block
//! phase reads above all transactions.
//!
//! Three kinds of locations:
//! * an *account* (balance, nonce, code hash together, so that no reader can see a mixed pair),
//! * a *clearing*: at this position all storage of the account was cleared,
//! * a *slot*.
//!
//! A slot read takes the later of "slot written" and "account cleared" below it. Code is stored by
//! its hash and needs no versions: what a given hash means never changes.
//!
//! No lock is held while the pre-state is read: that may be slow, or make transactions meet.

use super::{
    reads::{AccountRead, Credited, Origin, SlotRead},
    scheduler::Incarnation,
    writes::{AccountWrites, InfoWrite, WriteSet},
};
use crate::{
    evm::{ReadError, credited},
    sync::{Arc, RwLock, read, write},
};
use alloy_primitives::{
    Address, B256, U256,
    map::{AddressMap, B256Map, HashMap, HashSet},
};
use lockstep_model::{AccountChange, AccountInfo, StateChanges, StateReader};
use revm::state::Bytecode;

/// A position in the block: 0 before the transactions, `i + 1` at transaction `i`.
pub(crate) type Position = u32;

/// Who wrote a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Writer {
    pub(crate) position: Position,
    pub(crate) incarnation: Incarnation,
}

/// A location that one incarnation wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Location {
    Account(Address),
    Clearing(Address),
    Slot(Address, U256),
}

/// Every value that one location has in this block, in the order of positions.
#[derive(Debug)]
struct Versions<T>(Vec<Cell<T>>);

#[derive(Debug)]
struct Cell<T> {
    writer: Writer,
    /// The writer was found invalid and will run again: readers wait for it.
    estimate: bool,
    value: T,
}

impl<T> Default for Versions<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Versions<T> {
    fn find(&self, position: Position) -> Result<usize, usize> {
        self.0.binary_search_by_key(&position, |cell| cell.writer.position)
    }

    fn put(&mut self, writer: Writer, value: T) {
        let cell = Cell { writer, estimate: false, value };
        match self.find(writer.position) {
            Ok(at) => self.0[at] = cell,
            Err(at) => self.0.insert(at, cell),
        }
    }

    fn remove(&mut self, position: Position) {
        if let Ok(at) = self.find(position) {
            self.0.remove(at);
        }
    }

    fn mark_estimate(&mut self, position: Position) {
        if let Ok(at) = self.find(position) {
            self.0[at].estimate = true;
        }
    }

    /// All cells below the position.
    fn below(&self, position: Position) -> &[Cell<T>] {
        let (Ok(end) | Err(end)) = self.find(position);
        &self.0[..end]
    }
}

/// The last cell below a position, unless its value is about to change.
fn last_below<T>(
    versions: Option<&Versions<T>>,
    position: Position,
) -> Result<Option<&Cell<T>>, ReadError> {
    let Some(cell) = versions.and_then(|versions| versions.below(position).last()) else {
        return Ok(None);
    };
    if cell.estimate { Err(ReadError::Blocked(cell.writer.position)) } else { Ok(Some(cell)) }
}

#[derive(Debug, Default)]
struct Shard {
    accounts: AddressMap<Versions<InfoWrite>>,
    clearings: AddressMap<Versions<()>>,
    slots: HashMap<(Address, U256), Versions<U256>>,
}

/// The multi-version memory of one block.
pub(crate) struct MultiVersionMemory {
    shards: Box<[RwLock<Shard>]>,
    codes: RwLock<B256Map<Bytecode>>,
    pre_state: Arc<dyn StateReader>,
    /// EIP-161.
    state_clearing: bool,
}

/// What stands below a reader of an account, gathered under the lock.
struct AccountVersions {
    /// The last full write, if any: above it there are only credits.
    set: Option<(Writer, Option<AccountInfo>)>,
    /// Credits above it, lowest first.
    credits: Vec<U256>,
}

impl MultiVersionMemory {
    pub(crate) fn new(
        transactions: usize,
        pre_state: Arc<dyn StateReader>,
        state_clearing: bool,
    ) -> Self {
        let shards = transactions.next_power_of_two().clamp(1, 64);
        let shards = std::iter::repeat_with(RwLock::default).take(shards).collect();
        Self { shards, codes: RwLock::default(), pre_state, state_clearing }
    }

    pub(crate) fn pre_state(&self) -> &dyn StateReader {
        &*self.pre_state
    }

    /// All locations of one account are in one shard.
    fn shard(&self, address: Address) -> &RwLock<Shard> {
        let hash = rustc_hash::FxBuildHasher;
        let hash = std::hash::BuildHasher::hash_one(&hash, address);
        &self.shards[(hash >> 32) as usize & (self.shards.len() - 1)]
    }

    /// The account as a transaction at `position` must see it.
    pub(crate) fn account(
        &self,
        address: Address,
        position: Position,
    ) -> Result<AccountRead, ReadError> {
        let versions = self.account_versions(address, position)?;
        let (origin, base) = match versions.set {
            Some((writer, info)) => (Origin::Written(writer), info),
            None => (Origin::PreState, self.pre_state.account(address)?),
        };
        let credited = (!versions.credits.is_empty())
            .then(|| Box::new(self.credit_all(base, &versions.credits)));
        Ok(AccountRead { address, origin, base, credited })
    }

    /// Whether a read would give the same again.
    pub(crate) fn account_is_current(&self, read: &AccountRead, position: Position) -> bool {
        let Ok(versions) = self.account_versions(read.address, position) else { return false };
        let origin = versions.set.map_or(Origin::PreState, |(writer, _)| Origin::Written(writer));
        if origin != read.origin {
            return false;
        }
        match &read.credited {
            None => versions.credits.is_empty(),
            // With the same account below them, credits matter by what they add up to alone.
            Some(before) => **before == self.credit_all(read.base, &versions.credits),
        }
    }

    fn account_versions(
        &self,
        address: Address,
        position: Position,
    ) -> Result<AccountVersions, ReadError> {
        let shard = read(self.shard(address));
        let cells = shard.accounts.get(&address).map(|versions| versions.below(position));
        let mut found = AccountVersions { set: None, credits: Vec::new() };
        for cell in cells.unwrap_or_default().iter().rev() {
            if cell.estimate {
                return Err(ReadError::Blocked(cell.writer.position));
            }
            match cell.value {
                InfoWrite::Credit(amount) => found.credits.push(amount),
                InfoWrite::Set(info) => {
                    found.set = Some((cell.writer, info));
                    break;
                }
            }
        }
        found.credits.reverse();
        Ok(found)
    }

    fn credit_all(&self, base: Option<AccountInfo>, credits: &[U256]) -> Credited {
        let mut after = Credited { info: base, died: false };
        for amount in credits {
            let next = credited(after.info, *amount, self.state_clearing);
            after.died |= after.info.is_some() && next.is_none();
            after.info = next;
        }
        after
    }

    /// The slot as a transaction at `position` must see it.
    pub(crate) fn slot(
        &self,
        address: Address,
        slot: U256,
        position: Position,
    ) -> Result<(SlotRead, U256), ReadError> {
        let (origin, value) = self.slot_version(address, slot, position)?;
        let value = match (origin, value) {
            (Origin::PreState, _) => self.pre_state.storage(address, slot)?,
            (_, value) => value,
        };
        Ok((SlotRead { address, slot, origin }, value))
    }

    /// Whether a read would give the same again.
    pub(crate) fn slot_is_current(&self, read: &SlotRead, position: Position) -> bool {
        let now = self.slot_version(read.address, read.slot, position);
        now.is_ok_and(|(origin, _)| origin == read.origin)
    }

    fn slot_version(
        &self,
        address: Address,
        slot: U256,
        position: Position,
    ) -> Result<(Origin, U256), ReadError> {
        let shard = read(self.shard(address));
        let cleared = last_below(shard.clearings.get(&address), position)?;
        let written = last_below(shard.slots.get(&(address, slot)), position)?;
        let cleared_at = cleared.map(|cell| cell.writer);
        Ok(match written {
            // Within one transaction the clearing comes first.
            Some(cell) if cleared_at.is_none_or(|at| at.position <= cell.writer.position) => {
                (Origin::Written(cell.writer), cell.value)
            }
            _ => (cleared_at.map_or(Origin::PreState, Origin::Cleared), U256::ZERO),
        })
    }

    /// Who cleared the account's storage last, below `position`.
    pub(crate) fn clearing(
        &self,
        address: Address,
        position: Position,
    ) -> Result<Option<Writer>, ReadError> {
        let shard = read(self.shard(address));
        let cleared = last_below(shard.clearings.get(&address), position)?;
        Ok(cleared.map(|cell| cell.writer))
    }

    /// Code deployed in this block.
    pub(crate) fn code(&self, hash: B256) -> Option<Bytecode> {
        read(&self.codes).get(&hash).cloned()
    }

    /// Publishes the writes of an incarnation and takes back those of the one before that it did
    /// not repeat. Returns whether the set of locations changed.
    pub(crate) fn publish(
        &self,
        writer: Writer,
        writes: WriteSet,
        locations: &mut Vec<Location>,
    ) -> bool {
        if !writes.codes.is_empty() {
            write(&self.codes).extend(writes.codes);
        }
        let before: HashSet<Location> = locations.drain(..).collect();
        for account in writes.accounts {
            self.publish_account(writer, account, locations);
        }
        let now: HashSet<&Location> = locations.iter().collect();
        for location in before.iter().filter(|location| !now.contains(location)) {
            self.remove(*location, writer.position);
        }
        before.len() != now.len() || now.iter().any(|location| !before.contains(*location))
    }

    fn publish_account(
        &self,
        writer: Writer,
        account: AccountWrites,
        locations: &mut Vec<Location>,
    ) {
        let address = account.address;
        let mut shard = write(self.shard(address));
        if let Some(info) = account.info {
            shard.accounts.entry(address).or_default().put(writer, info);
            locations.push(Location::Account(address));
        }
        if account.cleared {
            shard.clearings.entry(address).or_default().put(writer, ());
            locations.push(Location::Clearing(address));
        }
        for (slot, value) in account.slots {
            shard.slots.entry((address, slot)).or_default().put(writer, value);
            locations.push(Location::Slot(address, slot));
        }
    }

    fn remove(&self, location: Location, position: Position) {
        self.edit(location, |versions| match versions {
            AnyVersions::Info(versions) => versions.remove(position),
            AnyVersions::Clearing(versions) => versions.remove(position),
            AnyVersions::Slot(versions) => versions.remove(position),
        });
    }

    /// Makes readers of these locations wait for the next incarnation.
    pub(crate) fn mark_estimates(&self, locations: &[Location], position: Position) {
        for location in locations {
            self.edit(*location, |versions| match versions {
                AnyVersions::Info(versions) => versions.mark_estimate(position),
                AnyVersions::Clearing(versions) => versions.mark_estimate(position),
                AnyVersions::Slot(versions) => versions.mark_estimate(position),
            });
        }
    }

    fn edit(&self, location: Location, edit: impl FnOnce(AnyVersions<'_>)) {
        let (Location::Account(address) | Location::Clearing(address) | Location::Slot(address, _)) =
            location;
        let mut shard = write(self.shard(address));
        let versions = match location {
            Location::Account(address) => shard.accounts.get_mut(&address).map(AnyVersions::Info),
            Location::Clearing(address) => {
                shard.clearings.get_mut(&address).map(AnyVersions::Clearing)
            }
            Location::Slot(address, slot) => {
                shard.slots.get_mut(&(address, slot)).map(AnyVersions::Slot)
            }
        };
        if let Some(versions) = versions {
            edit(versions);
        }
    }

    /// What the position `at` changed, with credits resolved. Everything up to it is final.
    pub(crate) fn changes_at(
        &self,
        at: Position,
        locations: &[Location],
    ) -> Result<StateChanges, ReadError> {
        let mut changes = StateChanges::default();
        let mut addresses: Vec<_> = locations.iter().map(|location| location.address()).collect();
        addresses.sort_unstable();
        addresses.dedup();
        for address in addresses {
            let change = self.change_at(address, at, locations)?;
            self.add_code(change.info, &mut changes);
            changes.accounts.push((address, change));
        }
        Ok(changes)
    }

    fn change_at(
        &self,
        address: Address,
        at: Position,
        locations: &[Location],
    ) -> Result<AccountChange, ReadError> {
        let (before, after) = (self.account(address, at)?, self.account(address, at + 1)?);
        // Only a credit can end an account without a clearing of its own.
        let died = before.info().is_some() && after.info().is_none();
        let mut change = AccountChange {
            info: after.info(),
            storage_cleared: died || locations.contains(&Location::Clearing(address)),
            storage: Default::default(),
        };
        for location in locations {
            if let Location::Slot(owner, slot) = location
                && *owner == address
            {
                change.storage.push((*slot, self.slot(address, *slot, at + 1)?.1));
            }
        }
        Ok(change)
    }

    fn add_code(&self, info: Option<AccountInfo>, changes: &mut StateChanges) {
        if let Some(info) = info
            && let Some(code) = self.code(info.code_hash)
        {
            changes.codes.insert(info.code_hash, code.original_bytes());
        }
    }

    /// All changes below `end`. Everything below it is final.
    pub(crate) fn all_changes(&self, end: Position) -> Result<StateChanges, ReadError> {
        let mut changes = StateChanges::default();
        for shard in &self.shards {
            let mut accounts: std::collections::BTreeMap<Address, AccountChange> =
                Default::default();
            for address in touched_accounts(&read(shard)) {
                let account = self.account(address, end)?;
                let cleared = self.clearing(address, end)?.is_some();
                let died = account.credited.as_ref().is_some_and(|credited| credited.died);
                self.add_code(account.info(), &mut changes);
                let change = AccountChange {
                    info: account.info(),
                    storage_cleared: cleared || died,
                    storage: Default::default(),
                };
                accounts.insert(address, change);
            }
            let written: Vec<_> = read(shard).slots.keys().copied().collect();
            for (address, slot) in written {
                let (read, value) = self.slot(address, slot, end)?;
                if let (Origin::Written(_), Some(account)) =
                    (read.origin, accounts.get_mut(&address))
                {
                    account.storage.push((slot, value));
                }
            }
            changes.accounts.extend(accounts);
        }
        Ok(changes)
    }
}

enum AnyVersions<'a> {
    Info(&'a mut Versions<InfoWrite>),
    Clearing(&'a mut Versions<()>),
    Slot(&'a mut Versions<U256>),
}

impl Location {
    const fn address(&self) -> Address {
        match self {
            Self::Account(address) | Self::Clearing(address) | Self::Slot(address, _) => *address,
        }
    }
}

fn touched_accounts(shard: &Shard) -> Vec<Address> {
    let accounts = shard.accounts.keys().chain(shard.clearings.keys()).copied();
    let mut addresses: Vec<_> =
        accounts.chain(shard.slots.keys().map(|(address, _)| *address)).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_model::MemoryState;

    const A: Address = Address::repeat_byte(0xaa);

    fn memory() -> MultiVersionMemory {
        let mut state = MemoryState::default();
        state.insert(A, U256::from(10), 1, Default::default(), [(U256::from(1), U256::from(7))]);
        MultiVersionMemory::new(4, Arc::new(state), true)
    }

    fn writer(position: Position, incarnation: Incarnation) -> Writer {
        Writer { position, incarnation }
    }

    fn set(balance: u64) -> InfoWrite {
        let balance = U256::from(balance);
        InfoWrite::Set(Some(AccountInfo { balance, ..AccountInfo::default() }))
    }

    fn writes(info: Option<InfoWrite>, cleared: bool, slots: &[(u64, u64)]) -> WriteSet {
        let slots = slots.iter().map(|(k, v)| (U256::from(*k), U256::from(*v))).collect();
        let account = AccountWrites { address: A, info, cleared, slots };
        WriteSet { accounts: vec![account], codes: Vec::new() }
    }

    fn slot(memory: &MultiVersionMemory, position: Position) -> u64 {
        memory.slot(A, U256::from(1), position).unwrap().1.to()
    }

    #[test]
    fn a_read_sees_the_last_write_below_it() {
        let memory = memory();
        memory.publish(writer(2, 0), writes(None, false, &[(1, 20)]), &mut Vec::new());
        memory.publish(writer(4, 0), writes(None, false, &[(1, 40)]), &mut Vec::new());
        assert_eq!([1, 2, 3, 4, 5].map(|at| slot(&memory, at)), [7, 7, 20, 20, 40]);
    }

    #[test]
    fn a_clearing_hides_the_writes_below_it_and_not_those_beside_it() {
        let memory = memory();
        memory.publish(writer(1, 0), writes(None, false, &[(1, 20)]), &mut Vec::new());
        memory.publish(writer(2, 0), writes(None, true, &[]), &mut Vec::new());
        memory.publish(writer(3, 0), writes(None, true, &[(1, 30)]), &mut Vec::new());
        assert_eq!([2, 3, 4].map(|at| slot(&memory, at)), [20, 0, 30]);
    }

    #[test]
    fn credits_add_up_and_are_validated_by_their_sum() {
        let memory = memory();
        let credit = |amount| writes(Some(InfoWrite::Credit(U256::from(amount))), false, &[]);
        memory.publish(writer(1, 0), credit(3), &mut Vec::new());
        let read = memory.account(A, 3).unwrap();
        assert_eq!(read.info().unwrap().balance, U256::from(13));
        let mut locations = vec![Location::Account(A)];
        memory.publish(writer(1, 1), credit(3), &mut locations);
        assert!(memory.account_is_current(&read, 3), "the same sum by another incarnation");
        memory.publish(writer(2, 0), credit(1), &mut Vec::new());
        assert!(!memory.account_is_current(&read, 3));
        assert!(memory.account_is_current(&read, 2));
    }

    #[test]
    fn a_moved_writer_invalidates_even_with_an_equal_value() {
        let memory = memory();
        let mut locations = Vec::new();
        memory.publish(writer(1, 0), writes(Some(set(5)), false, &[(1, 1)]), &mut locations);
        let account = memory.account(A, 2).unwrap();
        let (slot, _) = memory.slot(A, U256::from(1), 2).unwrap();
        let same = writes(Some(set(5)), false, &[(1, 1)]);
        assert!(!memory.publish(writer(1, 1), same, &mut locations), "no new location");
        assert!(!memory.account_is_current(&account, 2));
        assert!(!memory.slot_is_current(&slot, 2));
    }

    #[test]
    fn locations_that_are_no_longer_written_disappear() {
        let memory = memory();
        let mut locations = Vec::new();
        memory.publish(writer(1, 0), writes(None, true, &[(1, 1)]), &mut locations);
        assert!(memory.publish(writer(1, 1), writes(None, false, &[]), &mut locations));
        assert_eq!(slot(&memory, 2), 7);
        assert_eq!(locations, []);
    }

    #[test]
    fn estimates_block_readers_above_alone() {
        let memory = memory();
        let mut locations = Vec::new();
        memory.publish(writer(2, 0), writes(Some(set(5)), true, &[(1, 1)]), &mut locations);
        memory.mark_estimates(&locations, 2);
        assert_eq!(memory.account(A, 3).unwrap_err(), ReadError::Blocked(2));
        assert_eq!(memory.slot(A, U256::from(9), 3).unwrap_err(), ReadError::Blocked(2));
        assert!(memory.account(A, 2).is_ok());
    }

    #[test]
    fn an_account_that_dies_of_a_zero_credit_loses_its_storage() {
        let mut state = MemoryState::default();
        let slots = [(U256::from(1), U256::from(7))];
        state.insert(A, U256::ZERO, 0, Default::default(), slots);
        let memory = MultiVersionMemory::new(1, Arc::new(state), true);
        let zero = writes(Some(InfoWrite::Credit(U256::ZERO)), false, &[]);
        memory.publish(writer(1, 0), zero, &mut Vec::new());
        let change = &memory.all_changes(2).unwrap().by_account()[&A];
        assert_eq!((change.info, change.storage_cleared), (None, true));
    }
}
