//! The root of a trie with hashed keys, in parts (Yellow Paper, appendix D).
//!
//! Keys are hashes, so the tries below each first nibble are alike in size: each is built by itself,
//! and the root is the branch above them. A node refers to a child by its hash where the child's RLP
//! has 32 bytes or more. Children of the root always have: a leaf there holds 63 nibbles of its key,
//! which alone are 32 bytes.

use alloy_primitives::B256;
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles};
use rayon::prelude::*;

/// Fewer leaves than this are not worth several threads.
const WORTH_SPLITTING: usize = 512;

/// One leaf: the hash of its key, and the RLP of its value.
pub(super) type Leaf = (B256, Vec<u8>);

/// The root of a trie of these leaves, which come in any order.
pub(super) fn root(mut leaves: Vec<Leaf>) -> B256 {
    if leaves.len() < WORTH_SPLITTING {
        leaves.sort_unstable_by_key(|(key, _)| *key);
        return root_below(&leaves, 0);
    }
    leaves.par_sort_unstable_by_key(|(key, _)| *key);
    let parts: Vec<(u8, &[Leaf])> =
        leaves.chunk_by(|a, b| first_nibble(a) == first_nibble(b)).map(with_first_nibble).collect();
    if parts.len() == 1 {
        return root_below(&leaves, 0);
    }
    let hashes: Vec<(u8, B256)> =
        parts.into_par_iter().map(|(nibble, part)| (nibble, root_below(part, 1))).collect();
    let mut top = HashBuilder::default();
    for (nibble, hash) in hashes {
        top.add_branch(Nibbles::from_nibbles([nibble]), hash, false);
    }
    top.root()
}

fn with_first_nibble(part: &[Leaf]) -> (u8, &[Leaf]) {
    (first_nibble(&part[0]), part)
}

const fn first_nibble(leaf: &Leaf) -> u8 {
    leaf.0.0[0] >> 4
}

/// The hash of the node that holds these sorted leaves, below as many nibbles of their keys.
fn root_below(leaves: &[Leaf], nibbles: usize) -> B256 {
    if leaves.is_empty() {
        return EMPTY_ROOT_HASH;
    }
    let mut builder = HashBuilder::default();
    for (key, value) in leaves {
        builder.add_leaf_unchecked(Nibbles::unpack(key).slice(nibbles..), value);
    }
    builder.root()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{U256, keccak256};
    use alloy_trie::root::storage_root_unsorted;

    fn leaves(count: u64, key: impl Fn(u64) -> B256) -> Vec<(B256, U256)> {
        (0..count).map(|index| (key(index), U256::from(index * index + 1))).collect()
    }

    fn check(slots: &[(B256, U256)]) {
        let ours = slots.iter().map(|(key, value)| (*key, alloy_rlp::encode(value))).collect();
        assert_eq!(root(ours), storage_root_unsorted(slots.iter().copied()), "{}", slots.len());
    }

    #[test]
    fn parts_make_the_root_of_the_whole() {
        let hash = |index: u64| keccak256(index.to_be_bytes());
        for count in [0, 1, 2, 17, 511, 512, 513, 5_000] {
            check(&leaves(count, hash));
        }
    }

    /// Crowded below a few nibbles: parts with an extension on top, parts with one leaf, a single part.
    #[test]
    fn parts_of_any_shape() {
        let crowded = |nibbles: &'static [u8], prefix: u8| {
            move |index: u64| {
                let mut key = keccak256(index.to_be_bytes());
                let nibble = nibbles[index as usize % nibbles.len()];
                key.0[0] = nibble << 4 | prefix;
                key
            }
        };
        check(&leaves(2_000, crowded(&[3], 1)));
        check(&leaves(2_000, crowded(&[3, 9], 1)));
        check(&leaves(2_000, crowded(&[0, 15, 7], 0)));
        let mut lonely = leaves(1_000, crowded(&[4], 2));
        lonely.push((B256::repeat_byte(0xe1), U256::from(5)));
        check(&lonely);
    }
}
