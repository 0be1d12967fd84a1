//! What a block, or one transaction, did to the state.

use crate::AccountInfo;
use alloy_primitives::{Address, B256, Bytes, U256};
use std::collections::BTreeMap;

/// State changes with their final values.
///
/// An executor may list accounts and slots that ended as they began; the judge drops them before
/// it compares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateChanges {
    /// Changed accounts.
    pub accounts: BTreeMap<Address, AccountChange>,
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
    /// Values of written slots.
    pub storage: BTreeMap<U256, U256>,
}

impl StateChanges {
    /// Adds changes that happened after these.
    pub fn extend(&mut self, later: Self) {
        self.codes.extend(later.codes);
        for (address, change) in later.accounts {
            let account = self.accounts.entry(address).or_default();
            account.info = change.info;
            if change.storage_cleared {
                account.storage_cleared = true;
                account.storage.clear();
            }
            account.storage.extend(change.storage);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(info: Option<AccountInfo>, cleared: bool, slots: &[(u64, u64)]) -> StateChanges {
        let storage = slots.iter().map(|(k, v)| (U256::from(*k), U256::from(*v))).collect();
        let change = AccountChange { info, storage_cleared: cleared, storage };
        StateChanges { accounts: [(Address::ZERO, change)].into(), codes: BTreeMap::new() }
    }

    #[test]
    fn clearing_forgets_earlier_writes() {
        let info = Some(AccountInfo::default());
        let mut changes = change(info, false, &[(1, 1), (2, 2)]);
        changes.extend(change(None, true, &[]));
        changes.extend(change(info, false, &[(2, 3)]));
        assert_eq!(changes, change(info, true, &[(2, 3)]));
    }
}
