//! What a block, or one transaction, did to the state.

use crate::AccountInfo;
use alloy_primitives::{Address, B256, Bytes, U256};
use std::collections::BTreeMap;

/// State changes with their final values.
///
/// A log, cheap to write: what stands later happened later, and an account may stand there again.
/// An executor may also list accounts and slots that ended as they began. The judge brings it into
/// normal form before it compares, off the clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateChanges {
    /// Changed accounts. Between different accounts the order means nothing.
    pub accounts: Vec<(Address, AccountChange)>,
    /// New code, by its keccak-256 hash.
    pub codes: BTreeMap<B256, Bytes>,
}

/// How one account ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// The account after the changes, `None` where it does not exist.
    pub info: Option<AccountInfo>,
    /// Whether all storage was cleared before [`AccountChange::storage`] was written: the account
    /// was destroyed or created on the way.
    pub storage_cleared: bool,
    /// Values of written slots, the later of two counts.
    pub storage: Vec<(U256, U256)>,
}

impl StateChanges {
    /// Adds changes that happened after these.
    pub fn extend(&mut self, later: Self) {
        self.codes.extend(later.codes);
        self.accounts.extend(later.accounts);
    }

    /// Every changed account once, with all that happened to it.
    pub fn by_account(&self) -> BTreeMap<Address, AccountChange> {
        let mut accounts: BTreeMap<Address, AccountChange> = BTreeMap::new();
        for (address, change) in &self.accounts {
            accounts.entry(*address).or_default().extend(change);
        }
        accounts
    }
}

impl AccountChange {
    /// Adds a change that happened after this one.
    pub fn extend(&mut self, later: &Self) {
        self.info = later.info;
        if later.storage_cleared {
            self.storage_cleared = true;
            self.storage.clear();
        }
        self.storage.extend_from_slice(&later.storage);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(info: Option<AccountInfo>, cleared: bool, slots: &[(u64, u64)]) -> StateChanges {
        let storage = slots.iter().map(|(k, v)| (U256::from(*k), U256::from(*v))).collect();
        let change = AccountChange { info, storage_cleared: cleared, storage };
        StateChanges { accounts: vec![(Address::ZERO, change)], codes: BTreeMap::new() }
    }

    #[test]
    fn clearing_forgets_earlier_writes() {
        let info = Some(AccountInfo::default());
        let mut changes = change(info, false, &[(1, 1), (2, 2)]);
        changes.extend(change(None, true, &[]));
        changes.extend(change(info, false, &[(2, 3)]));
        assert_eq!(changes.by_account(), change(info, true, &[(2, 3)]).by_account());
    }
}
