//! Root and bloom of receipts.
//!
//! The key of a receipt is the RLP of its index (EIP-2718; Yellow Paper 4.3.1): 128 and more have a byte
//! of length before the index itself. So all receipts from 256 on whose indices share their high byte
//! share the first four nibbles of their keys with no other receipt: each such group is a trie of its
//! own. Receipts hold a bloom of 256 bytes, so every node above them is referred to by its hash.

use super::ReceiptsCommitment;
use alloy_eips::Encodable2718;
use alloy_primitives::{B256, Bloom};
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles};
use lockstep_judge::state::roots::receipt_envelope;
use lockstep_model::Receipt;
use rayon::prelude::*;

/// Receipts that one thread encodes at a time.
const AT_ONCE: usize = 16;

/// Receipts in a group.
const GROUP: usize = 256;

/// So many receipts that a group's trie has a branch on top: two of its children at least.
const HAS_A_BRANCH: usize = 17;

/// The end of the two-byte indices.
const TWO_BYTES_END: usize = 1 << 16;

pub(super) fn commitment(receipts: &[Receipt]) -> ReceiptsCommitment {
    let receipts = receipts.par_iter().with_min_len(AT_ONCE);
    let (encoded, blooms): (Vec<Vec<u8>>, Vec<Bloom>) = receipts.map(encode).unzip();
    let bloom = blooms.into_iter().fold(Bloom::default(), |one, other| one | other);
    ReceiptsCommitment { root: root(&encoded), bloom }
}

fn encode(receipt: &Receipt) -> (Vec<u8>, Bloom) {
    let envelope = receipt_envelope(receipt, None);
    (envelope.encoded_2718(), *envelope.logs_bloom())
}

fn root(encoded: &[Vec<u8>]) -> B256 {
    if encoded.is_empty() {
        return EMPTY_ROOT_HASH;
    }
    let (below, rest) = encoded.split_at(encoded.len().min(GROUP));
    let (grouped, above) = rest.split_at(rest.len().min(TWO_BYTES_END - GROUP));
    let hashes: Vec<Option<B256>> = grouped
        .par_chunks(GROUP)
        .map(|group| (group.len() >= HAS_A_BRANCH).then(|| top_of(group)))
        .collect();

    let mut builder = HashBuilder::default();
    // In the order of keys: 1 to 127 are one byte, 0 is 0x80, the rest has its length in front.
    let first = below.len().min(128);
    for index in (1..first).chain([0]).chain(first..below.len()) {
        builder.add_leaf(key(index), &below[index]);
    }
    for (number, (group, hash)) in grouped.chunks(GROUP).zip(hashes).enumerate() {
        let start = (number + 1) * GROUP;
        match hash {
            Some(hash) => builder.add_branch(key(start).slice(..4), hash, false),
            None => add_leaves(&mut builder, start, group),
        }
    }
    add_leaves(&mut builder, TWO_BYTES_END, above);
    builder.root()
}

fn add_leaves(builder: &mut HashBuilder, start: usize, receipts: &[Vec<u8>]) {
    for (index, receipt) in receipts.iter().enumerate() {
        builder.add_leaf(key(start + index), receipt);
    }
}

fn key(index: usize) -> Nibbles {
    Nibbles::unpack(alloy_rlp::encode_fixed_size(&index))
}

/// The node that holds a group: its keys are the low bytes of the indices.
fn top_of(group: &[Vec<u8>]) -> B256 {
    let mut builder = HashBuilder::default();
    for (low, receipt) in group.iter().enumerate() {
        builder.add_leaf_unchecked(Nibbles::unpack([low as u8]), receipt);
    }
    builder.root()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Address, Bytes, Log};
    use lockstep_judge::state::roots::{logs_bloom, receipts_root};

    fn receipts(count: usize) -> Vec<Receipt> {
        let receipt = |index: usize| {
            let log = Log::new_unchecked(
                Address::left_padding_from(&index.to_be_bytes()),
                vec![B256::with_last_byte(index as u8)],
                Bytes::new(),
            );
            Receipt {
                transaction_type: (index % 4) as u8,
                success: !index.is_multiple_of(7),
                cumulative_gas_used: index as u64,
                logs: if index.is_multiple_of(3) { vec![log] } else { Vec::new() },
                gas_used: 1,
            }
        };
        (0..count).map(receipt).collect()
    }

    #[test]
    fn groups_make_the_root_of_the_whole() {
        let mut counts = vec![0, 1, 2, 100, 127, 128, 129, 200, 255, 256, 257];
        counts.extend([272, 273, 274, 511, 512, 513, 600, 2_048, 4_368, 5_000]);
        for count in counts {
            let receipts = receipts(count);
            let expected =
                ReceiptsCommitment { root: receipts_root(&receipts), bloom: logs_bloom(&receipts) };
            assert_eq!(commitment(&receipts), expected, "{count} receipts");
        }
    }

    /// Indices of three bytes.
    #[test]
    fn more_receipts_than_two_bytes_count() {
        let receipts = receipts((1 << 16) + 20);
        assert_eq!(commitment(&receipts).root, receipts_root(&receipts));
    }
}
