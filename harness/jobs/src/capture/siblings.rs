//! The nodes that a removal collapses onto, rebuilt from the state after the block.
//!
//! A branch of which one child is left merges with that child, and proofs of the state before do not show it
//! where nobody has read it. The proof of the removed key in the state afterwards ends in the merged node: cut by
//! as many nibbles as the branches above it took, it is the child of before. Which cut is the right one its hash
//! tells.

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
        state.add(nodes.iter().flat_map(|node| cuts(node)).collect(), Vec::new());
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
