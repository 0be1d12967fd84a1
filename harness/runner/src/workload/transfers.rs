//! Native transfers.

use super::draft::Draft;
use alloy_primitives::Bytes;

const GAS_LIMIT: u64 = 21_000;

pub(super) fn independent(draft: &mut Draft, transactions: usize) {
    for _ in 0..transactions {
        let (from, to) = (draft.sender(), draft.recipient());
        draft.send(from, to, 1_000, (Bytes::new(), GAS_LIMIT));
    }
}

pub(super) fn chain(draft: &mut Draft, transactions: usize) {
    let mut from = draft.sender();
    for _ in 0..transactions {
        let to = draft.sender();
        draft.send(from, to, 1_000, (Bytes::new(), GAS_LIMIT));
        from = to;
    }
}
