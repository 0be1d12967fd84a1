//! State changes of a block or of one transaction.

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
    pub accounts: AccountLog,
    /// New code, by its keccak-256 hash.
    pub codes: BTreeMap<B256, Bytes>,
}

/// Changed accounts, one after the other.
///
/// In pieces: the parts that several workers have gathered are handed over without a copy.
/// Piece boundaries carry no meaning.
#[derive(Debug, Clone, Default)]
pub struct AccountLog(Vec<Piece>);

type Piece = Vec<(Address, AccountChange)>;

impl AccountLog {
    /// Adds a change that happened after all others.
    pub fn push(&mut self, address: Address, change: AccountChange) {
        match self.0.last_mut() {
            Some(piece) if piece.len() < piece.capacity() => piece.push((address, change)),
            // A piece that grew would be copied.
            full => {
                let mut piece = Vec::with_capacity(full.map_or(1, |full| full.len().clamp(1, 256)));
                piece.push((address, change));
                self.0.push(piece);
            }
        }
    }

    /// Adds changes that happened after all others, as they are.
    pub fn append(&mut self, later: impl Into<Self>) {
        self.0.extend(later.into().0);
    }

    /// How many there are; an account that stands there twice counts twice.
    pub fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Address, &AccountChange)> {
        self.0.iter().flatten().map(|(address, change)| (*address, change))
    }

    /// All of them, in order.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (Address, &mut AccountChange)> {
        self.0.iter_mut().flatten().map(|(address, change)| (*address, change))
    }

    /// Leaves out the changes of which `keep` is false.
    pub fn retain(&mut self, mut keep: impl FnMut(Address, &AccountChange) -> bool) {
        self.0
            .iter_mut()
            .for_each(|piece| piece.retain(|(address, change)| keep(*address, change)));
    }
}

impl From<Piece> for AccountLog {
    fn from(piece: Piece) -> Self {
        Self(vec![piece])
    }
}

impl FromIterator<(Address, AccountChange)> for AccountLog {
    fn from_iter<I: IntoIterator<Item = (Address, AccountChange)>>(changes: I) -> Self {
        Piece::from_iter(changes).into()
    }
}

impl PartialEq for AccountLog {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for AccountLog {}

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
        self.accounts.append(later.accounts);
    }

    /// Every changed account once, with all that happened to it.
    pub fn by_account(&self) -> BTreeMap<Address, AccountChange> {
        let mut accounts: BTreeMap<Address, AccountChange> = BTreeMap::new();
        for (address, change) in self.accounts.iter() {
            accounts.entry(address).or_default().extend(change);
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
        StateChanges { accounts: vec![(Address::ZERO, change)].into(), codes: BTreeMap::new() }
    }

    #[test]
    fn clearing_forgets_earlier_writes() {
        let info = Some(AccountInfo::default());
        let mut changes = change(info, false, &[(1, 1), (2, 2)]);
        changes.extend(change(None, true, &[]));
        changes.extend(change(info, false, &[(2, 3)]));
        assert_eq!(changes.by_account(), change(info, true, &[(2, 3)]).by_account());
    }

    #[test]
    fn where_pieces_end_means_nothing() {
        let [first, second] = [1, 2].map(|nonce| {
            let info = Some(AccountInfo { nonce, ..AccountInfo::default() });
            (Address::with_last_byte(nonce as u8), AccountChange { info, ..Default::default() })
        });
        let whole = AccountLog::from(vec![first.clone(), second.clone()]);
        let mut pieces = AccountLog::from(vec![first.clone()]);
        assert_ne!(pieces, whole);
        pieces.append(vec![second.clone()]);
        assert_eq!(pieces, whole);
        pieces.push(first.0, first.1);
        assert_eq!((pieces.len(), whole.len()), (3, 2));
        pieces.retain(|address, _| address != second.0);
        assert_eq!(pieces.iter().map(|(address, _)| address).collect::<Vec<_>>(), [first.0; 2]);
    }
}
