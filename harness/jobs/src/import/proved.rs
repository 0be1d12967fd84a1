//! The state root after a block whose state before it is proved by tries: only what changed is computed.
//!
//! Storage tries are updated side by side, and so are the sixteen parts of the account trie.

use alloy_primitives::{Address, B256, keccak256};
use alloy_trie::TrieAccount;
use lockstep_judge::state::{
    NormalAccount, NormalChanges, PreState, ProvedState, SparseTrie, TrieError,
};
use lockstep_model::StateChanges;
use rayon::prelude::*;

/// A changed account: its hashed key, and its RLP afterwards; `None` where it is gone.
type Leaf = (B256, Option<Vec<u8>>);

pub(super) fn root(
    pre: &PreState,
    proof: &ProvedState,
    changes: &StateChanges,
) -> Result<B256, TrieError> {
    let changes = NormalChanges::new(pre, changes);
    let changed: Vec<(&Address, &NormalAccount)> = changes.accounts.iter().collect();
    let leaf = |(address, change): (&Address, &NormalAccount)| leaf(proof, *address, change);
    let leaves: Vec<Leaf> = changed.into_par_iter().map(leaf).collect::<Result<_, _>>()?;
    let trie = proof.accounts_trie();
    match trie.split()? {
        Some(parts) => in_parts(&trie, parts, &leaves),
        None => whole(trie, leaves),
    }
}

fn leaf(proof: &ProvedState, address: Address, change: &NormalAccount) -> Result<Leaf, TrieError> {
    let Some(info) = change.info else { return Ok((keccak256(address), None)) };
    let storage = proof.storage_root_after(address, change.storage_cleared, &change.storage)?;
    let account = TrieAccount {
        nonce: info.nonce,
        balance: info.balance,
        storage_root: storage.root,
        code_hash: info.code_hash,
    };
    Ok((keccak256(address), Some(alloy_rlp::encode(account))))
}

fn in_parts(
    trie: &SparseTrie<'_>,
    parts: [SparseTrie<'_>; 16],
    leaves: &[Leaf],
) -> Result<B256, TrieError> {
    let mut parts = parts.into_iter().collect::<Vec<_>>();
    parts.par_iter_mut().enumerate().try_for_each(|(nibble, part)| {
        let own = leaves.iter().filter(|(key, _)| usize::from(key.0[0] >> 4) == nibble);
        part.update(own.cloned())?;
        part.seal();
        Ok(())
    })?;
    if parts.iter().filter(|part| !part.is_empty()).count() < 2 {
        // The root is a branch no more: a small state, and no time to save.
        let whole_again = SparseTrie::clone(trie);
        return whole(whole_again, leaves.to_vec());
    }
    let parts = parts.try_into().expect("as many as there were");
    Ok(trie.join(parts).root())
}

fn whole(mut trie: SparseTrie<'_>, leaves: Vec<Leaf>) -> Result<B256, TrieError> {
    trie.update(leaves)?;
    Ok(trie.root())
}
