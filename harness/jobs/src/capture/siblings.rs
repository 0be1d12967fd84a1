//! The nodes that a removal collapses onto, rebuilt from the state after the block.
//!
//! A branch of which one child is left merges with that child, and proofs of the state before do not show it
//! unless it was read. The proof of the removed key in the state afterwards ends in the merged node: cut by
//! as many nibbles as the branches above it took, it is the child of before. Its hash identifies the
//! right cut.

use super::{chain_state::ChainState, rpc::RpcError};
use alloy_primitives::{Address, Bytes, U256};
use alloy_rlp::Decodable;
use alloy_trie::nodes::{ExtensionNodeRef, LeafNodeRef, TrieNode};
use lockstep_judge::state::NormalChanges;

/// Fetches the proofs of removed accounts and slots in the state after the block, and adds what can be cut of them.
///
/// # Errors
/// When the node does not have that state.
pub(super) fn fetch(state: &ChainState, changes: &NormalChanges) -> Result<(), RpcError> {
    for (address, slots) in removed(changes) {
        let nodes = state.nodes_after(address, &slots)?;
        state.add(nodes.iter().flat_map(cuts).collect(), Vec::new());
    }
    Ok(())
}

/// Accounts that are gone, and slots that are zero.
fn removed(changes: &NormalChanges) -> Vec<(Address, Vec<U256>)> {
    let of = |(address, change): (&Address, &lockstep_judge::state::NormalAccount)| {
        let slots = change.storage.iter().filter(|(_, value)| value.is_zero());
        let slots: Vec<U256> = slots.map(|(slot, _)| *slot).collect();
        (change.info.is_none() || !slots.is_empty()).then_some((*address, slots))
    };
    changes.accounts.iter().filter_map(of).collect()
}

/// A leaf or an extension with fewer and fewer nibbles of its key.
fn cuts(node: &Bytes) -> Vec<Bytes> {
    let mut cuts = vec![node.clone()];
    let mut add = |rlp: Vec<u8>| cuts.push(rlp.into());
    let mut rlp: &[u8] = node;
    match TrieNode::decode(&mut rlp) {
        Ok(TrieNode::Leaf(leaf)) => {
            for from in 1..=leaf.key.len() {
                let mut rlp = Vec::new();
                let _ = LeafNodeRef::new(&leaf.key.slice(from..), &leaf.value).rlp(&mut rlp);
                add(rlp);
            }
        }
        Ok(TrieNode::Extension(extension)) => {
            for from in 1..extension.key.len() {
                let mut rlp = Vec::new();
                let key = extension.key.slice(from..);
                let _ = ExtensionNodeRef::new(&key, &extension.child).rlp(&mut rlp);
                add(rlp);
            }
        }
        _ => {}
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{B256, keccak256};
    use alloy_trie::{HashBuilder, Nibbles, proof::ProofRetainer};
    use lockstep_judge::state::{Nodes, SparseTrie};
    use proptest::{collection::btree_map, prelude::*};
    use std::collections::BTreeMap;

    type Leaves = BTreeMap<B256, U256>;

    /// The root, and the nodes on the way to a key, as a node proves it.
    fn proof(leaves: &Leaves, key: B256) -> (B256, Vec<Bytes>) {
        let targets = [Nibbles::unpack(key)].into_iter().collect();
        let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(targets));
        for (key, value) in leaves {
            builder.add_leaf(Nibbles::unpack(key), &alloy_rlp::encode(value));
        }
        let root = builder.root();
        (root, builder.take_proof_nodes().into_inner().into_values().collect())
    }

    /// Keys that part late, so that branches have few children.
    fn key() -> impl Strategy<Value = B256> {
        (0_u8..3, 0_u8..3, 0_u8..3).prop_map(|(first, second, third)| {
            let mut key = keccak256([third]);
            key.0[0] = first;
            key.0[1] = second;
            key
        })
    }

    proptest! {
        #[test]
        fn proofs_of_a_removed_key_before_and_after_are_enough(
            before in btree_map(key(), (1_u64 << 40..1 << 41).prop_map(U256::from), 2..20),
            which in any::<prop::sample::Index>(),
        ) {
            let removed = *which.get(&before.keys().copied().collect::<Vec<_>>());
            let mut after = before.clone();
            after.remove(&removed);
            let (root, known) = proof(&before, removed);
            let (right, merged) = proof(&after, removed);
            let nodes: Nodes = known.into_iter().chain(merged.iter().flat_map(cuts)).collect();
            let mut trie = SparseTrie::new(&nodes, root);
            trie.update([(removed, None)]).unwrap();
            prop_assert_eq!(trie.root(), right);
            // Only a branch may have been taken for one.
            prop_assert!(trie.assumed() <= 1);
        }
    }
}
