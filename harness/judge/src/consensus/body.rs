//! The body of a block, against the commitments of its header.

use super::{BlockRule, Broken, DecodedBlock, Era, header::require as require_rule};
use alloy_consensus::{
    Transaction as _,
    proofs::{calculate_ommers_root, calculate_transaction_root, calculate_withdrawals_root},
};
use alloy_eips::eip4844::DATA_GAS_PER_BLOB;
use lockstep_model::{Fork, Rule};

/// EIP-7934: 10 MiB, less 2 MiB for the beacon block around it.
const MAXIMUM_SIZE: usize = (10 << 20) - (2 << 20);

/// Checks what must hold before a block can be executed.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(era: &Era, block: &DecodedBlock) -> Result<(), Broken> {
    is_not_too_long(era, block)?;
    has_withdrawals_from_shanghai_on(era, block)?;
    has_its_ommers_hash(block)?;
    has_no_more_blobs_than_its_limit(era, block)
}

/// Every commitment of the header to the body that the body does not bear out. As in the execution
/// specs they count beside what execution finds: a block with an invalid transaction is invalid for
/// that, whatever its roots.
pub fn broken_commitments(block: &DecodedBlock) -> Vec<BlockRule> {
    let rules = [
        has_its_transactions_root(block),
        has_its_withdrawals_root(block),
        has_its_blob_gas(block),
    ];
    rules.into_iter().filter_map(Result::err).collect()
}

fn require(holds: bool, rule: BlockRule) -> Result<(), Broken> {
    require_rule(holds, rule).map_err(Broken::Block)
}

/// EIP-7934.
fn is_not_too_long(era: &Era, block: &DecodedBlock) -> Result<(), Broken> {
    require(era.fork < Fork::Osaka || block.size <= MAXIMUM_SIZE, BlockRule::BlockSize)
}

/// EIP-4895.
fn has_withdrawals_from_shanghai_on(era: &Era, block: &DecodedBlock) -> Result<(), Broken> {
    let has_list = block.withdrawals.is_some();
    if era.fork >= Fork::Shanghai {
        require(has_list, BlockRule::WithdrawalsInBody)
    } else {
        require(!has_list, BlockRule::NoWithdrawalsInBody)
    }
}

/// Yellow Paper (33).
fn has_its_ommers_hash(block: &DecodedBlock) -> Result<(), Broken> {
    let hash = calculate_ommers_root(&block.ommers);
    require(block.header.ommers_hash == hash, BlockRule::OmmersHash)
}

/// Yellow Paper (33).
fn has_its_transactions_root(block: &DecodedBlock) -> Result<(), BlockRule> {
    let root = calculate_transaction_root(&block.transactions);
    require_rule(block.header.transactions_root == root, BlockRule::TransactionsRoot)
}

/// EIP-4895.
fn has_its_withdrawals_root(block: &DecodedBlock) -> Result<(), BlockRule> {
    let root = block.withdrawals.as_deref().map(calculate_withdrawals_root);
    require_rule(block.header.withdrawals_root == root, BlockRule::WithdrawalsRoot)
}

/// EIP-4844: the transaction whose blobs no longer fit is the one that breaks the rule; a header may
/// break it on its own.
fn has_no_more_blobs_than_its_limit(era: &Era, block: &DecodedBlock) -> Result<(), Broken> {
    let Some(params) = era.blobs else { return Ok(()) };
    let mut blobs = 0;
    for (index, transaction) in block.transactions.iter().enumerate() {
        blobs += transaction.blob_count().unwrap_or_default();
        if blobs > params.max_blob_count {
            return Err(Broken::transaction(index, Rule::BlobGasAllowanceExceeded));
        }
    }
    let stated = block.header.blob_gas_used.unwrap_or_default();
    require(stated <= params.max_blob_gas_per_block(), BlockRule::BlobGasWithinLimit)
}

/// EIP-4844.
fn has_its_blob_gas(block: &DecodedBlock) -> Result<(), BlockRule> {
    let Some(stated) = block.header.blob_gas_used else { return Ok(()) };
    let blobs = block.transactions.iter().filter_map(|transaction| transaction.blob_count());
    require_rule(blobs.sum::<u64>() * DATA_GAS_PER_BLOB == stated, BlockRule::BlobGasUsed)
}
