//! The access list of a block, made while the reference runs it.

use alloy_eip7928::{
    AccountChanges, BlockAccessIndex, BlockAccessList, SlotChanges, StorageChange,
};
use alloy_primitives::{Address, U256};
use lockstep_model::{AccountChange, Case, Fork, StateChanges, StateError};
use std::collections::{BTreeMap, BTreeSet};

/// A list, and what lists before Amsterdam cannot say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MadeList {
    /// The list.
    pub list: BlockAccessList,
    /// The facts that it cannot state.
    pub beside: Beside,
}

/// Facts that a list cannot state, by account and index in the block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// All storage of the account was cleared, before slots were written.
    pub cleared: BTreeMap<Address, Vec<u64>>,
    /// The account is empty afterwards, and exists or does not.
    pub exists: BTreeMap<Address, Vec<(u64, bool)>>,
}

impl Beside {
    fn add(&mut self, index: u64, changes: &Changes) {
        for (&address, change) in changes {
            // An account that is created anew has lost its storage when it ended. revm's own flag stays up
            // for the rest of the block.
            if change.info.is_none() {
                self.cleared.entry(address).or_default().push(index);
            }
            if change.info.is_none_or(|info| info.is_empty()) {
                let exists = change.info.is_some();
                self.exists.entry(address).or_default().push((index, exists));
            }
        }
    }
}

type Changes = BTreeMap<Address, AccountChange>;

/// A list in the making: the reference's changes so far.
#[derive(Debug, Default)]
pub(super) struct Making {
    beside: Beside,
    /// The changes at each index.
    changes: Vec<Changes>,
}

impl Making {
    /// Adds the changes at the next index.
    pub(super) fn add(&mut self, changes: &StateChanges) {
        let changes = changes.by_account();
        self.beside.add(self.changes.len() as u64, &changes);
        self.changes.push(changes);
    }

    /// The list, from what revm has built.
    pub(super) fn finish(
        self,
        list: Option<BlockAccessList>,
        case: &Case,
    ) -> Result<MadeList, StateError> {
        let mut list = list.unwrap_or_default();
        // From Cancun on nothing but what the same transaction has created is destroyed (EIP-6780).
        if case.rules.fork < Fork::Cancun {
            let cleared = list.iter_mut().filter(|account| {
                !account.storage_changes.is_empty()
                    && self.beside.cleared.contains_key(&account.address)
            });
            for account in cleared {
                self.restate(account, case)?;
            }
        }
        Ok(MadeList { list, beside: self.beside })
    }

    /// States the slots of an account that was cleared anew: revm's builder compares a value with the
    /// one that it has stated last, and knows of no clearing in between.
    fn restate(&self, account: &mut AccountChanges, case: &Case) -> Result<(), StateError> {
        let mut slots: BTreeMap<U256, (U256, Vec<StorageChange>)> = BTreeMap::new();
        // A transaction that destroys an account states the end of the slots that it has looked at.
        let ended: BTreeSet<(U256, u64)> = account
            .storage_changes
            .iter()
            .flat_map(|slot| slot.changes.iter().map(|change| (slot.slot, change)))
            .filter(|(_, change)| change.new_value.is_zero())
            .map(|(slot, change)| (slot, change.block_access_index.get()))
            .collect();
        let written = account.storage_changes.iter().map(|slot| slot.slot);
        for slot in written.chain(account.storage_reads.iter().copied()) {
            slots.insert(slot, (case.pre_state.storage(account.address, slot)?, Vec::new()));
        }
        for (index, changes) in self.changes.iter().enumerate() {
            let Some(change) = changes.get(&account.address) else { continue };
            let at = BlockAccessIndex::new(index as u64);
            if change.info.is_none() {
                for (slot, (value, stated)) in &mut slots {
                    if !value.is_zero() && ended.contains(&(*slot, at.get())) {
                        stated.push(StorageChange::new(at, U256::ZERO));
                    }
                    *value = U256::ZERO;
                }
                continue;
            }
            for (slot, value) in &change.storage {
                if let Some((before, stated)) = slots.get_mut(slot)
                    && before != value
                {
                    *before = *value;
                    stated.push(StorageChange::new(at, *value));
                }
            }
        }
        account.storage_changes.clear();
        account.storage_reads.clear();
        for (slot, (_, stated)) in slots {
            if stated.is_empty() {
                account.storage_reads.push(slot);
            } else {
                account.storage_changes.push(SlotChanges::new(slot, stated));
            }
        }
        Ok(())
    }
}
