//! The form of an EIP-7928 block access list: what can be checked before anything is executed.

use super::BlockRule;
use alloy_eip7928::{
    AccountChanges, BlockAccessList, ITEM_COST, compute_block_access_list_hash, total_bal_items,
    validate_block_access_list,
};
use alloy_primitives::B256;
use alloy_rlp::Decodable;
use lockstep_faults::access_lists::{
    LIST_HASH_UNCHECKED, LIST_LENGTH_UNBOUNDED, LIST_ORDER_UNCHECKED,
};

/// Checks the list that came with a block: the hash that the header states, canonical order, each
/// thing once, indices of the block, and the bound on its size.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(
    list: &[AccountChanges],
    stated_hash: B256,
    transactions: usize,
    gas_limit: u64,
) -> Result<(), BlockRule> {
    has_the_hash(list, stated_hash)?;
    is_canonical(list, transactions)?;
    is_not_too_long(list, gas_limit)
}

/// Decodes the RLP of a list.
///
/// # Errors
/// [`BlockRule::AccessListForm`] where the bytes are not exactly one list.
pub fn decode(mut bytes: &[u8]) -> Result<BlockAccessList, BlockRule> {
    let list = BlockAccessList::decode(&mut bytes).map_err(|_| BlockRule::AccessListForm)?;
    if bytes.is_empty() { Ok(list) } else { Err(BlockRule::AccessListForm) }
}

fn has_the_hash(list: &[AccountChanges], stated: B256) -> Result<(), BlockRule> {
    let hash = compute_block_access_list_hash(list);
    if hash == stated || LIST_HASH_UNCHECKED.is_planted() {
        Ok(())
    } else {
        Err(BlockRule::AccessListHash)
    }
}

/// The most items that the list of a block may have.
pub(super) const fn most_items(gas_limit: u64) -> u64 {
    gas_limit / ITEM_COST as u64
}

fn is_canonical(list: &[AccountChanges], transactions: usize) -> Result<(), BlockRule> {
    let form = validate_block_access_list(list, transactions);
    if LIST_ORDER_UNCHECKED.is_planted() {
        Ok(())
    } else {
        form.map_err(|_| BlockRule::AccessListForm)
    }
}

/// EIP-7928: a list has at most `gas_limit / 2000` items, whoever made it.
///
/// # Errors
/// [`BlockRule::AccessListSize`] where it has more.
pub fn is_not_too_long(list: &[AccountChanges], gas_limit: u64) -> Result<(), BlockRule> {
    let most = most_items(gas_limit);
    if total_bal_items(list) <= most || LIST_LENGTH_UNBOUNDED.is_planted() {
        Ok(())
    } else {
        Err(BlockRule::AccessListSize)
    }
}
