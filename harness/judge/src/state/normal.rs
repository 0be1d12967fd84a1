//! State changes in normal form: the differences from the pre-state, and nothing else.

use crate::state::PreState;
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256};
use lockstep_model::{AccountChange, AccountInfo, StateChanges};
use std::collections::BTreeMap;

/// State changes against a pre-state, with everything that ended as it began left out, and a
/// clearing resolved into the slots that it cleared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NormalChanges {
    /// Changed accounts.
    pub accounts: BTreeMap<Address, NormalAccount>,
    /// Accounts whose new code is missing from the changes, or does not have the hash it is filed
    /// under.
    pub missing_code: BTreeMap<Address, B256>,
}

/// A changed account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NormalAccount {
    /// The account afterwards.
    pub info: Option<AccountInfo>,
    /// Slots with another value afterwards.
    pub storage: BTreeMap<U256, U256>,
    /// Whether storage was cleared of which only a part is listed: see [`PreState::proved`].
    pub storage_cleared: bool,
}

impl NormalChanges {
    /// Brings changes into normal form.
    pub fn new(pre: &PreState, changes: &StateChanges) -> Self {
        let mut normal = Self::default();
        for (address, change) in &changes.by_account() {
            let account = NormalAccount::new(pre, *address, Some(change));
            if change.info != pre.account(*address) || account.changes_storage() {
                normal.accounts.insert(*address, account);
            }
            if let Some(hash) = missing_code(pre, changes, *address, change) {
                normal.missing_code.insert(*address, hash);
            }
        }
        normal
    }

    /// Whether some changed account has this code afterwards.
    pub fn deploys(&self, code_hash: B256) -> bool {
        let mut infos = self.accounts.values().filter_map(|account| account.info);
        infos.any(|info| info.code_hash == code_hash)
    }

    /// The account afterwards, changed or not.
    pub fn account_after(&self, pre: &PreState, address: Address) -> Option<AccountInfo> {
        match self.accounts.get(&address) {
            Some(account) => account.info,
            None => pre.account(address),
        }
    }

    /// The slot afterwards, changed or not.
    pub fn slot_after(&self, pre: &PreState, address: Address, slot: U256) -> U256 {
        let changed = self.accounts.get(&address).and_then(|account| account.storage.get(&slot));
        changed.copied().unwrap_or_else(|| pre.slot(address, slot))
    }

    /// Every slot of the account that is not zero afterwards.
    pub fn storage_after(&self, pre: &PreState, address: Address) -> BTreeMap<U256, U256> {
        let before = pre.state.get(address).into_iter().flat_map(|account| account.storage.iter());
        let mut slots: BTreeMap<_, _> = before.map(|(slot, value)| (*slot, *value)).collect();
        if let Some(account) = self.accounts.get(&address) {
            slots.extend(account.storage.iter().map(|(slot, value)| (*slot, *value)));
        }
        slots.retain(|_, value| !value.is_zero());
        slots
    }
}

impl NormalAccount {
    /// One account in normal form; without a change it is as the pre-state has it.
    pub fn new(pre: &PreState, address: Address, change: Option<&AccountChange>) -> Self {
        match change {
            Some(change) => {
                let is_cleared = change.storage_cleared || change.info.is_none();
                let storage_cleared = is_cleared && pre.has_unlisted_storage(address);
                let mut storage = changed_slots(pre, address, change);
                // Storage that is cleared as a whole is written anew, whatever was there.
                storage.retain(|slot, value| {
                    storage_cleared && !value.is_zero() || *value != pre.slot(address, *slot)
                });
                Self { info: change.info, storage, storage_cleared }
            }
            None => Self { info: pre.account(address), ..Self::default() },
        }
    }

    fn changes_storage(&self) -> bool {
        !self.storage.is_empty() || self.storage_cleared
    }
}

/// Slots that the change sets or clears, to what.
fn changed_slots(pre: &PreState, address: Address, change: &AccountChange) -> BTreeMap<U256, U256> {
    let before = pre.state.get(address);
    let mut slots = BTreeMap::new();
    if change.storage_cleared || change.info.is_none() {
        let old = before.into_iter().flat_map(|account| account.storage.keys());
        slots.extend(old.map(|slot| (*slot, U256::ZERO)));
    }
    if change.info.is_some() {
        slots.extend(change.storage.iter().map(|(slot, value)| (*slot, *value)));
    }
    slots
}

fn missing_code(
    pre: &PreState,
    changes: &StateChanges,
    address: Address,
    change: &AccountChange,
) -> Option<B256> {
    let hash = change.info?.code_hash;
    let had_it = || pre.account(address).is_some_and(|account| account.code_hash == hash);
    if hash == KECCAK256_EMPTY || pre.has_code(hash) || had_it() {
        return None;
    }
    let present = changes.codes.get(&hash).is_some_and(|code| keccak256(code) == hash);
    (!present).then_some(hash)
}
