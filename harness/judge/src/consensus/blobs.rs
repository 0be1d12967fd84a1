//! EIP-4844's header fields, with EIP-7691, EIP-7892 and EIP-7918.

use super::{BlockRule, Era, header::require};
use alloy_consensus::Header;
use alloy_eips::{eip4844::DATA_GAS_PER_BLOB, eip7840::BlobParams};

/// EIP-4844: blob gas comes in whole blobs.
pub(super) fn has_whole_blobs(_: &Era, header: &Header, _: &Header) -> Result<(), BlockRule> {
    let used = header.blob_gas_used.unwrap_or_default();
    require(used.is_multiple_of(DATA_GAS_PER_BLOB), BlockRule::BlobGasMultiple)
}

/// EIP-4844, EIP-7918: the excess follows from the parent's. The parent of a fork's first block
/// counts by the rules of the fork, and one before Cancun as without blobs.
pub(super) fn has_its_excess(era: &Era, header: &Header, parent: &Header) -> Result<(), BlockRule> {
    let Some(params) = era.blobs else { return Ok(()) };
    require(header.excess_blob_gas == expected_excess(&params, parent), BlockRule::ExcessBlobGas)
}

/// `None` where the parent's own numbers have no successor.
fn expected_excess(params: &BlobParams, parent: &Header) -> Option<u64> {
    let excess = parent.excess_blob_gas.unwrap_or_default();
    let used = parent.blob_gas_used.unwrap_or_default();
    excess.checked_add(used)?;
    used.checked_mul(params.max_blob_count)?;
    let base_fee = parent.base_fee_per_gas.unwrap_or_default();
    Some(params.next_block_excess_blob_gas_osaka(excess, used, base_fee))
}
