//! The changes of the whole block, gathered by all workers, shard by shard.

use super::{
    location::{Location, Place},
    memory::{MultiVersionMemory, Position},
};
use crate::{
    evm::ReadError,
    sync::{AtomicUsize, Mutex, Ordering, lock, read},
};
use alloy_primitives::{Address, U256};
use lockstep_faults::{destruction::C12, fee_recipient::A3, output::M5};
use lockstep_model::{AccountChange, StateChanges};
use std::collections::BTreeMap;

/// What one shard holds: accounts that were written, and slots by account.
#[derive(Debug, Default)]
struct Part {
    accounts: Vec<(Address, AccountChange)>,
    slots: BTreeMap<Address, Vec<(U256, U256)>>,
}

/// Accounts that are added to what the shards hold.
const ROOM_FOR_MORE: usize = 64;

/// The gathering of one block's changes. Every worker may take part once all writes are final.
#[derive(Debug, Default)]
pub(crate) struct Collection {
    next_shard: AtomicUsize,
    parts: Mutex<Vec<Result<Part, ReadError>>>,
}

impl Collection {
    /// Gathers shards until none is left.
    pub(crate) fn take_part(&self, memory: &MultiVersionMemory, end: Position) {
        let mut parts = Vec::new();
        loop {
            let shard = self.next_shard.fetch_add(1, Ordering::Relaxed);
            if shard >= memory.shard_count() {
                break;
            }
            parts.push(part(memory, shard, end));
        }
        lock(&self.parts).append(&mut parts);
    }

    /// All changes below `end`. Everybody who has taken part is done.
    pub(crate) fn finish(
        &self,
        memory: &MultiVersionMemory,
        end: Position,
    ) -> Result<StateChanges, ReadError> {
        let parts = std::mem::take(&mut *lock(&self.parts));
        let parts = parts.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut changes = StateChanges::default();
        let accounts: usize = parts.iter().map(|part| part.accounts.len() + part.slots.len()).sum();
        // And the fee recipient, and what the post-block phase adds: growing would copy everything.
        changes.accounts.reserve(accounts + ROOM_FOR_MORE);
        let mut slots: BTreeMap<Address, Vec<(U256, U256)>> = BTreeMap::new();
        for part in parts {
            changes.accounts.extend(part.accounts);
            for (address, mut written) in part.slots {
                slots.entry(address).or_default().append(&mut written);
            }
        }
        for (address, storage) in slots {
            let info = memory.account(address, end)?.info;
            let change = AccountChange { info, storage_cleared: false, storage };
            changes.accounts.push((address, change));
        }
        memory.add_rewards(&mut changes, end)?;
        if !M5.is_planted() {
            memory.codes.add_to(&mut changes);
        }
        Ok(changes)
    }
}

/// What the position `at` changed, with credits and rewards resolved. Everything up to it is final.
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
        changes.accounts.push((address, AccountChange { info: after, storage_cleared, storage }));
    }
    Ok(changes)
}

fn part(memory: &MultiVersionMemory, shard: usize, end: Position) -> Result<Part, ReadError> {
    let shard = read(memory.shard(shard));
    let mut part = Part::default();
    part.accounts.reserve(shard.accounts.entries().len());
    for cells in shard.accounts.entries() {
        let cleared = cells.cleared.as_deref().and_then(|cleared| cleared.below(end).last());
        if cells.info.below(end).is_empty() && cleared.is_none() {
            continue;
        }
        let info = memory.info_of(cells, end)?;
        let change = AccountChange {
            info,
            storage_cleared: cleared.is_some() && !C12.is_planted() || info.is_none(),
            storage: Vec::new(),
        };
        part.accounts.push((cells.address, change));
    }
    for cells in shard.slots.entries() {
        if A3.is_planted() && cells.address == memory.beneficiary() {
            continue;
        }
        let Some(written) = cells.values.below(end).last() else { continue };
        let (writer, cleared) = (written.writer()?, memory.clearing(cells.address, end)?);
        if cleared.is_none_or(|at| at.position <= writer.position) {
            part.slots.entry(cells.address).or_default().push((cells.slot, written.value));
        }
    }
    Ok(part)
}
