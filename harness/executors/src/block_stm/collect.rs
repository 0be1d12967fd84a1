//! The changes of the whole block, gathered by all workers, part by part.

use super::{
    cells::{AccountCells, SlotCells},
    location::{Location, Place},
    memory::MultiVersionMemory,
    version::Position,
};
use crate::{
    evm::ReadError,
    sync::{AtomicU32, Mutex, Ordering, lock},
};
use alloy_primitives::{Address, U256};
use lockstep_faults::{
    destruction::DESTROYED_STORAGE_KEPT_IN_CHANGES,
    fee_recipient::FEE_RECIPIENT_STORAGE_LOST,
    output::{DELEGATIONS_MISSING_FROM_CODES, NEW_CODE_MISSING, ZEROED_SLOTS_MISSING},
};
use lockstep_model::{AccountChange, StateChanges};
use revm::bytecode::eip7702::EIP7702_MAGIC_BYTES;
use std::{collections::BTreeMap, ops::Range};

/// Changes in one part of the tables: written accounts, and accounts with their written slots.
#[derive(Debug, Default)]
struct Part {
    accounts: Vec<(Address, AccountChange)>,
    slots: Vec<(Address, AccountChange)>,
}

/// Entries of each table that one worker gathers at a time.
const ENTRIES_OF_A_PART: u32 = 1024;

/// The gathering of one block's changes. Every worker may take part once all writes are final.
#[derive(Debug, Default)]
pub(crate) struct Collection {
    next_part: AtomicU32,
    parts: Mutex<Vec<Result<Part, ReadError>>>,
}

impl Collection {
    /// Gathers part after part until none is left.
    pub(crate) fn take_part(&self, memory: &MultiVersionMemory, end: Position) {
        let (accounts, slots) = (memory.accounts().reserved(), memory.slots().reserved());
        let mut parts = Vec::new();
        loop {
            let nth = self.next_part.fetch_add(1, Ordering::Relaxed);
            let first = nth.saturating_mul(ENTRIES_OF_A_PART);
            if first >= accounts.max(slots) {
                break;
            }
            let upto = |entries: u32| first.min(entries)..(first + ENTRIES_OF_A_PART).min(entries);
            parts.push(part(memory, (upto(accounts), upto(slots)), end));
        }
        lock(&self.parts).append(&mut parts);
    }

    /// All changes below `end`. All participants must be done.
    pub(crate) fn finish(
        &self,
        memory: &MultiVersionMemory,
        end: Position,
    ) -> Result<StateChanges, ReadError> {
        let parts = std::mem::take(&mut *lock(&self.parts));
        let parts = parts.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut changes = StateChanges::default();
        // Clearings stand with the accounts: the slots that were written since come after them.
        let (accounts, slots): (Vec<_>, Vec<_>) =
            parts.into_iter().map(|part| (part.accounts, part.slots)).unzip();
        accounts.into_iter().chain(slots).for_each(|part| changes.accounts.append(part));
        memory.add_rewards(&mut changes, end)?;
        if !NEW_CODE_MISSING.is_planted() {
            memory.codes.add_to(&mut changes);
        }
        if DELEGATIONS_MISSING_FROM_CODES.is_planted() {
            changes.codes.retain(|_, code| !code.starts_with(EIP7702_MAGIC_BYTES));
        }
        Ok(changes)
    }
}

/// The changes at position `at`, with credits and rewards resolved. Everything up to it is final.
pub(crate) fn changes_at(
    memory: &MultiVersionMemory,
    at: Position,
    locations: &[Location],
) -> Result<StateChanges, ReadError> {
    let mut changes = StateChanges::default();
    let mut addresses: Vec<Address> = locations.iter().map(Location::address).collect();
    addresses.push(memory.beneficiary());
    addresses.sort_unstable();
    addresses.dedup();
    for address in addresses {
        let (before, after) =
            (memory.account(address, at)?.info, memory.account(address, at + 1)?.info);
        let cleared = memory.clearing(address, at + 1)?.is_some_and(|by| by.position == at);
        let slots = locations.iter().filter_map(|location| match location.place {
            Place::Slot(owner, slot) if owner == address => Some(slot),
            _ => None,
        });
        let value = |slot| Ok((slot, memory.slot(address, slot, at + 1)?.value));
        let storage = slots.map(value).collect::<Result<Vec<_>, ReadError>>()?;
        if before == after && !cleared && storage.is_empty() {
            continue;
        }
        if let Some(code) = after.and_then(|info| memory.codes.deployed(info.code_hash)) {
            changes.codes.insert(code.hash_slow(), code.original_bytes());
        }
        // An account can end without a clearing of its own, by a reward of zero.
        let storage_cleared = cleared || after.is_none();
        let change = AccountChange { info: after, storage_cleared, storage };
        changes.accounts.push(address, change);
    }
    Ok(changes)
}

fn part(
    memory: &MultiVersionMemory,
    (accounts, slots): (Range<u32>, Range<u32>),
    end: Position,
) -> Result<Part, ReadError> {
    let mut part = Part::default();
    part.accounts.reserve(accounts.len());
    memory.accounts().visit(accounts, |cells| {
        part.accounts.extend(account_of(memory, cells, end)?);
        Ok::<_, ReadError>(())
    })?;
    let mut written: BTreeMap<Address, Vec<(U256, U256)>> = BTreeMap::new();
    memory.slots().visit(slots, |cells| {
        if let Some(slot) = slot_of(memory, cells, end)? {
            written.entry(cells.address).or_default().push(slot);
        }
        Ok::<_, ReadError>(())
    })?;
    for (address, storage) in written {
        let info = memory.account(address, end)?.info;
        part.slots.push((address, AccountChange { info, storage_cleared: false, storage }));
    }
    Ok(part)
}

/// The change of an account, slots apart.
fn account_of(
    memory: &MultiVersionMemory,
    cells: &AccountCells,
    end: Position,
) -> Result<Option<(Address, AccountChange)>, ReadError> {
    let cleared = cells.cleared.as_deref().and_then(|cleared| cleared.below(end).last());
    if cells.info.below(end).is_empty() && cleared.is_none() {
        return Ok(None);
    }
    let info = memory.info_of(cells, end)?;
    let storage_cleared =
        cleared.is_some() && !DESTROYED_STORAGE_KEPT_IN_CHANGES.is_planted() || info.is_none();
    let change = AccountChange { info, storage_cleared, storage: Vec::new() };
    Ok(Some((cells.address, change)))
}

/// The final value of a slot, unless the account was cleared since.
fn slot_of(
    memory: &MultiVersionMemory,
    cells: &SlotCells,
    end: Position,
) -> Result<Option<(U256, U256)>, ReadError> {
    if FEE_RECIPIENT_STORAGE_LOST.is_planted() && cells.address == memory.beneficiary() {
        return Ok(None);
    }
    let Some(written) = cells.values.below(end).last() else { return Ok(None) };
    let (writer, cleared) = (written.writer()?, memory.clearing(cells.address, end)?);
    let stands = cleared.is_none_or(|at| at.position <= writer.position);
    let is_lost = ZEROED_SLOTS_MISSING.is_planted() && written.value.is_zero();
    Ok((stands && !is_lost).then_some((cells.slot, written.value)))
}
