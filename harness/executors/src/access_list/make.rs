//! The list of a block, made by the reference.

use crate::{
    evm::{bundle_changes, evm_env, transaction_env},
    reference::{
        Session, Stop, corrections, ommer_headers,
        orphans::{self, OrphanReader},
        session_with, stop, take_changes,
    },
};
use alloy_consensus::transaction::Recovered;
use alloy_eip7928::{
    AccountChanges, BlockAccessIndex, BlockAccessList, SlotChanges, StorageChange,
};
use alloy_evm::block::BlockExecutor;
use alloy_primitives::{Address, U256};
use lockstep_model::{
    AccountChange, At, Case, ExecutorError, Fork, Phases, StateChanges, StateError,
};
use revm::database::states::bundle_state::BundleRetention;
use std::collections::{BTreeMap, BTreeSet};

/// A list, and what lists before Amsterdam cannot say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MadeList {
    /// The list.
    pub list: BlockAccessList,
    /// What stands beside it.
    pub beside: Beside,
}

/// What a list cannot say, by account and index in the block.
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

/// Runs the block in the reference. Of a block that is rejected, the list goes as far as the block did.
pub(super) fn make(case: &Case) -> Result<MadeList, ExecutorError> {
    match made(case, case.phases == Phases::Full) {
        Ok(list) => Ok(list),
        // The list is lost with the phase that failed: what comes before it is made again.
        Err(Stop::Rejected(_)) => made(case, false).map_err(|stop| match stop {
            Stop::Broken(error) => error,
            Stop::Rejected(rejection) => ExecutorError::Broken(rejection.to_string()),
        }),
        Err(Stop::Broken(error)) => Err(error),
    }
}

type Changes = BTreeMap<Address, AccountChange>;

/// What the reference does, as far as it has come.
#[derive(Default)]
struct Making {
    beside: Beside,
    /// The changes at each index.
    changes: Vec<Changes>,
}

impl Making {
    fn add(&mut self, changes: &StateChanges) {
        let changes = changes.by_account();
        self.beside.add(self.changes.len() as u64, &changes);
        self.changes.push(changes);
    }

    fn finish(self, list: Option<BlockAccessList>, case: &Case) -> Result<MadeList, Stop> {
        let mut list = list.unwrap_or_default();
        // From Cancun on nothing but what the same transaction has created is destroyed (EIP-6780).
        if case.rules.fork < Fork::Cancun {
            let cleared = list.iter_mut().filter(|account| {
                !account.storage_changes.is_empty()
                    && self.beside.cleared.contains_key(&account.address)
            });
            for account in cleared {
                self.restate(account, case).map_err(|error| Stop::Broken(error.into()))?;
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

fn made(case: &Case, with_end: bool) -> Result<MadeList, Stop> {
    let ommers = ommer_headers(case);
    let reader = OrphanReader::new(case.pre_state.clone());
    let mut session = session_with(case, &evm_env(case), &ommers, reader, true);
    let mut making = Making::default();
    if case.phases == Phases::Full {
        match corrections::pre_block(&mut session, case) {
            Err(Stop::Rejected(_)) => return finish(session, making, case),
            other => other?,
        }
    }
    making.add(&take_changes(&mut session));
    for (nth, transaction) in case.block.transactions.iter().enumerate() {
        let index = nth as u64 + 1;
        let recovered = Recovered::new_unchecked(transaction.envelope.clone(), transaction.sender);
        corrections::set_access_index(&mut session, index);
        let executed = session.execute_transaction((transaction_env(transaction), recovered));
        match executed.map_err(|error| stop(error, At::Transaction(nth))) {
            Ok(_) => {}
            Err(Stop::Rejected(_)) => return finish(session, making, case),
            Err(broken) => return Err(broken),
        }
        orphans::keep_storage(&mut session);
        making.add(&take_changes(&mut session));
    }
    if !with_end {
        return finish(session, making, case);
    }
    let (mut state, _) = corrections::post_block(session, case)?;
    state.merge_transitions(BundleRetention::PlainState);
    making.add(&bundle_changes(state.take_bundle()));
    making.finish(state.take_built_alloy_bal(), case)
}

fn finish(
    mut session: Session<'_, OrphanReader>,
    making: Making,
    case: &Case,
) -> Result<MadeList, Stop> {
    let list = session.evm.db_mut().take_built_alloy_bal();
    making.finish(list, case)
}
