//! The state root after a block.
//!
//! Storage roots of accounts whose storage did not change are known, as they are to a node; all else is
//! built anew from the accounts that the source holds.

use super::{
    proved,
    trie::{self, Leaf},
};
use alloy_primitives::{Address, B256, U256, keccak256, map::U256Map};
use alloy_trie::TrieAccount;
use lockstep_judge::state::PreState;
use lockstep_model::{AccountChange, StateChanges};
use rayon::prelude::*;

/// Hashes that one thread takes at a time.
const AT_ONCE: usize = 64;

pub(super) fn root(pre: &PreState, changes: &StateChanges) -> B256 {
    if let Some(proof) = &pre.proof
        && let Ok(root) = proved::root(pre, proof, changes)
    {
        return root;
    }
    let changes = changes.by_account();
    let unchanged: Vec<Address> = {
        let accounts = pre.state.accounts().map(|(address, _)| *address);
        accounts.filter(|address| !changes.contains_key(address)).collect()
    };
    let before = |address: &Address| leaf(pre, *address, None);
    let after = |(address, change): (&Address, &AccountChange)| leaf(pre, *address, Some(change));
    let changed: Vec<(&Address, &AccountChange)> = changes.iter().collect();
    let before = unchanged.par_iter().with_min_len(AT_ONCE).filter_map(before);
    let after = changed.into_par_iter().with_min_len(AT_ONCE).filter_map(after);
    trie::root(before.chain(after).collect())
}

/// One account of the state after the block, if it exists then.
fn leaf(pre: &PreState, address: Address, change: Option<&AccountChange>) -> Option<Leaf> {
    let info = match change {
        Some(change) => change.info?,
        None => pre.state.get(address)?.info,
    };
    let storage_root = match change {
        Some(change) if change.storage_cleared || !change.storage.is_empty() => {
            storage_root(pre, address, change)
        }
        _ => pre.storage_root(address),
    };
    let account = TrieAccount {
        nonce: info.nonce,
        balance: info.balance,
        storage_root,
        code_hash: info.code_hash,
    };
    Some((keccak256(address), alloy_rlp::encode(account)))
}

fn storage_root(pre: &PreState, address: Address, change: &AccountChange) -> B256 {
    let mut slots = U256Map::default();
    if let (Some(account), false) = (pre.state.get(address), change.storage_cleared) {
        slots.extend(account.storage.iter().map(|(slot, value)| (*slot, *value)));
    }
    slots.extend(change.storage.iter().copied());
    let slots: Vec<(U256, U256)> =
        slots.into_iter().filter(|(_, value)| !value.is_zero()).collect();
    let hashed = slots
        .par_iter()
        .with_min_len(AT_ONCE)
        .map(|(slot, value)| (keccak256(slot.to_be_bytes::<32>()), alloy_rlp::encode(value)));
    trie::root(hashed.collect())
}

#[cfg(test)]
mod tests {
    use crate::import::Importer;
    use alloy_primitives::{Address, Bytes, U256, keccak256};
    use lockstep_judge::state::{NormalChanges, PreState, roots::state_root};
    use lockstep_model::{AccountChange, AccountInfo, MemoryState, StateChanges};

    fn address(index: u64) -> Address {
        Address::from_word(keccak256(index.to_be_bytes()))
    }

    fn slots(count: u64, times: u64) -> Vec<(U256, U256)> {
        (0..count).map(|slot| (U256::from(slot), U256::from((slot + 1) * times))).collect()
    }

    /// Accounts changed, cleared, destroyed and created; slots changed, removed and added.
    #[test]
    fn the_root_is_the_one_of_the_judge() {
        let mut state = MemoryState::default();
        for index in 0..1_000 {
            let storage = if index % 100 == 0 { slots(700, 1) } else { Vec::new() };
            state.insert(address(index), U256::from(index + 1), index, Bytes::new(), storage);
        }
        let pre = PreState::new(state);
        let mut changes = StateChanges::default();
        let mut change = |index: u64, exists: bool, storage_cleared, storage| {
            let info = AccountInfo { nonce: 7, ..AccountInfo::default() };
            let change = AccountChange { info: exists.then_some(info), storage_cleared, storage };
            changes.accounts.push(address(index), change);
        };
        change(0, true, false, vec![(U256::from(3), U256::ZERO), (U256::from(9_999), U256::ONE)]);
        change(100, true, true, slots(5, 3));
        change(200, false, true, Vec::new());
        change(300, true, true, Vec::new());
        change(1, true, false, Vec::new());
        change(2, false, false, Vec::new());
        change(5_000, true, false, slots(600, 2));
        // A log: the later entry stands.
        change(1, true, false, slots(1, 1));

        let right = state_root(&pre, &NormalChanges::new(&pre, &changes));
        for threads in [1, 2, 4] {
            assert_eq!(Importer::new(threads).unwrap().state_root(&pre, &changes), right);
        }
        let nothing = StateChanges::default();
        let before = state_root(&pre, &NormalChanges::new(&pre, &nothing));
        assert_eq!(Importer::new(2).unwrap().state_root(&pre, &nothing), before);
    }
}
