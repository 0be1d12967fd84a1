//! The RLP of a block's transactions.

use alloy_consensus::TxEnvelope;
use alloy_eips::Encodable2718 as _;
use alloy_primitives::Bytes;
use alloy_rlp::Header;

/// `body`: the RLP of the list of transactions.
pub fn body<'a>(transactions: impl Iterator<Item = &'a TxEnvelope>) -> Bytes {
    let mut payload = Vec::new();
    transactions.for_each(|transaction| transaction.network_encode(&mut payload));
    let mut list = Vec::new();
    Header { list: true, payload_length: payload.len() }.encode(&mut list);
    list.extend(payload);
    list.into()
}
