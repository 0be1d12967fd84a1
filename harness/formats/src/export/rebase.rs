//! A block as the first one of a chain: its claims about the parent become true.

use crate::system_contracts;
use alloy_consensus::{
    Header, Transaction as _,
    constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH},
};
use alloy_eips::{
    eip4844::{DATA_GAS_PER_BLOB, MAX_BLOBS_PER_BLOCK_DENCUN},
    eip7685::Requests,
    eip7840::BlobParams,
};
use alloy_primitives::{B256, U256};
use lockstep_judge::{
    consensus::{Schedule, difficulty},
    expected::Expectation,
    runnable::Runnable,
    state::{NormalChanges, PreState, roots},
};
use lockstep_model::{
    Block, Case, Fork, MemoryState, Phases, Transaction, memory_state::BlockHashes,
};
use std::sync::Arc;

/// Seconds from the genesis to the block.
const SLOT: u64 = 12;

/// The same transactions on the same state, in a block of number 1 whose parent is a genesis of that
/// state. Block number, parent hash and earlier block hashes are different there: a caller that
/// needs the same outcome has to compare it.
pub fn rebased(block: &Runnable) -> Runnable {
    let state = with_contracts(block);
    let genesis = genesis(&block.case, &PreState::new(state.clone()));
    let hash = genesis.hash_slow();
    let hashes = BlockHashes::Known(Arc::new([(0, hash)].into_iter().collect()));
    let pre = PreState::new(state.with_block_hashes(hashes));
    let Block { timestamp, .. } = *block.case.block;
    let since = |fork| block.case.rules.fork >= fork;
    let case = Case {
        phases: Phases::Full,
        block: Arc::new(Block {
            number: 1,
            parent_hash: hash,
            difficulty: difficulty_after(&block.case, &genesis, timestamp),
            ommers: Vec::new(),
            withdrawals: since(Fork::Shanghai)
                .then(|| block.case.block.withdrawals.clone().unwrap_or_default()),
            parent_beacon_block_root: since(Fork::Cancun)
                .then(|| block.case.block.parent_beacon_block_root.unwrap_or_default()),
            ..Block::clone(&block.case.block)
        }),
        pre_state: pre.state.clone(),
        ..block.case.clone()
    };
    Runnable { case, pre, expectation: Expectation::default() }
}

/// The whole state before a block that can be written down for other programs.
///
/// # Errors
/// Why it cannot.
pub fn showable(case: &Case) -> Result<&MemoryState, String> {
    let state = case.pre_state.whole().ok_or("the whole state before the block is not known")?;
    if has_own_blob_parameters(case) {
        return Err(
            "blob parameters other than the fork's: no option of a tool states them".to_owned()
        );
    }
    if has_too_many_blobs(case) {
        return Err("more blobs than a header may have".to_owned());
    }
    if may_overflow(case) {
        return Err("rewards may overflow the fee recipient's balance".to_owned());
    }
    Ok(state)
}

/// Whether the network has blob parameters that are not those of the fork (EIP-7840).
fn has_own_blob_parameters(case: &Case) -> bool {
    let known = blob_parameters(case.rules.fork);
    case.rules.blobs.is_some_and(|own| {
        own.max != known.max_blob_count || u128::from(own.update_fraction) != known.update_fraction
    })
}

/// Whether rewards may be more than the fee recipient's balance can hold: the protocol says nothing of
/// that, and the execution specs stop.
pub fn may_overflow(case: &Case) -> bool {
    let account = case.pre_state.account(case.block.beneficiary);
    let balance = account.ok().flatten().unwrap_or_default().balance;
    let mut fees = case.block.transactions.iter().map(|tx| {
        U256::from(tx.envelope.gas_limit())
            .saturating_mul(U256::from(tx.envelope.max_fee_per_gas()))
    });
    fees.try_fold(balance, |sum: U256, fee| sum.checked_add(fee)).is_none()
}

/// Whether the block has more blobs than one may have (EIP-4844). That is a rule of the header: no executor
/// minds it, but a transition tool does.
pub fn has_too_many_blobs(case: &Case) -> bool {
    let hashes = |transaction: &Transaction| {
        transaction.envelope.blob_versioned_hashes().map_or(0, |hashes| hashes.len() as u64)
    };
    let blobs: u64 = case.block.transactions.iter().map(hashes).sum();
    blobs > case.rules.blobs.map_or(MAX_BLOBS_PER_BLOCK_DENCUN as u64, |params| params.max)
}

/// A test of transactions alone has nothing that the system calls of a whole block need.
fn with_contracts(block: &Runnable) -> MemoryState {
    let mut state = MemoryState::clone(&block.pre.state);
    if block.case.phases == Phases::TransactionsOnly {
        for (address, code) in system_contracts::of(block.case.rules.fork) {
            if state.get(address).is_none() {
                state.insert(address, U256::ZERO, 1, code, []);
            }
        }
    }
    state
}

fn difficulty_after(case: &Case, genesis: &Header, timestamp: u64) -> U256 {
    if case.rules.fork >= Fork::Paris {
        return U256::ZERO;
    }
    let name = case.rules.fork.fixture_name();
    let schedule = Schedule::of_network(name, case.rules.chain_id, &|_| None);
    let schedule = schedule.expect("every fork is a network");
    difficulty::expected(schedule.era(1, timestamp, genesis.difficulty), genesis, timestamp)
}

/// EIP-4844: a parent that has used its target of blobs leaves the excess as it is.
fn blob_gas_before(case: &Case) -> u64 {
    let target = blob_parameters(case.rules.fork).target_blob_count * DATA_GAS_PER_BLOB;
    if case.block.excess_blob_gas.unwrap_or_default() > 0 { target } else { 0 }
}

/// EIP-7840: the parameters of a fork.
pub(super) fn blob_parameters(fork: Fork) -> BlobParams {
    match fork {
        Fork::Cancun => BlobParams::cancun(),
        Fork::Prague => BlobParams::prague(),
        _ => BlobParams::osaka(),
    }
}

/// A genesis that the block can stand on: its fees and limits are those that make the block's own what
/// they are.
pub(super) fn genesis(case: &Case, pre: &PreState) -> Header {
    let block = &case.block;
    let since = |fork| case.rules.fork >= fork;
    Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        state_root: roots::state_root(pre, &NormalChanges::default()),
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        difficulty: if since(Fork::Paris) { U256::ZERO } else { U256::from(0x20000) },
        gas_limit: block.gas_limit,
        // EIP-1559: a parent that has used its target leaves the base fee as it is.
        gas_used: if since(Fork::London) { block.gas_limit / 2 } else { 0 },
        timestamp: block.timestamp.saturating_sub(SLOT),
        base_fee_per_gas: since(Fork::London).then_some(block.base_fee),
        withdrawals_root: since(Fork::Shanghai).then_some(EMPTY_ROOT_HASH),
        blob_gas_used: since(Fork::Cancun).then(|| blob_gas_before(case)),
        excess_blob_gas: block.excess_blob_gas.filter(|_| since(Fork::Cancun)),
        parent_beacon_block_root: since(Fork::Cancun).then_some(B256::ZERO),
        requests_hash: since(Fork::Prague).then(|| Requests::default().requests_hash()),
        block_access_list_hash: since(Fork::Amsterdam)
            .then(|| alloy_eip7928::compute_block_access_list_hash(&[])),
        slot_number: since(Fork::Amsterdam)
            .then(|| block.slot_number.unwrap_or_default().saturating_sub(1)),
        ..Header::default()
    }
}
