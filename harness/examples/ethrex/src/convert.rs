//! From our types to ethrex's and back. Both write the protocol's RLP: blocks and lists go that way.

use alloy_consensus::{BlockBody, Header, TxEnvelope, constants::EMPTY_OMMER_ROOT_HASH, proofs};
use alloy_eips::eip4895::Withdrawals;
use alloy_primitives::{Address, B256, Log, LogData, U256};
use alloy_rlp::Encodable as _;
use ethrex_common::{
    H160, H256, U256 as TheirU256,
    types::{Block, ChainConfig, ForkBlobSchedule, Receipt as TheirReceipt},
};
use ethrex_rlp::decode::RLPDecode as _;
use lockstep_formats::export;
use lockstep_model::{Block as OurBlock, Case, Fork, Receipt};

pub(crate) fn address(address: Address) -> H160 {
    H160(address.into_array())
}

pub(crate) fn our_address(address: H160) -> Address {
    address.0.into()
}

pub(crate) fn hash(hash: B256) -> H256 {
    H256(hash.0)
}

pub(crate) fn word(value: U256) -> TheirU256 {
    TheirU256::from_big_endian(&value.to_be_bytes::<32>())
}

pub(crate) fn our_word(value: TheirU256) -> U256 {
    U256::from_be_bytes(value.to_big_endian())
}

/// The block of a case with its first transactions alone, signed.
pub(crate) fn block(case: &Case, transactions: usize) -> Result<Block, String> {
    let signed = export::sign(&case.block.transactions[..transactions])
        .map_err(|_| "the key of a sender is not known")?;
    let header = header(case, &signed);
    let withdrawals = (case.rules.fork >= Fork::Shanghai)
        .then(|| Withdrawals(case.block.withdrawals.clone().unwrap_or_default()));
    let body = BlockBody { transactions: signed, ommers: Vec::new(), withdrawals };
    let mut rlp = Vec::new();
    alloy_consensus::Block::<TxEnvelope>::new(header, body).encode(&mut rlp);
    Block::decode(&rlp).map_err(|error| format!("ethrex cannot decode the block: {error}"))
}

/// The header as execution sees it: what it states of the result is left open.
fn header(case: &Case, transactions: &[TxEnvelope]) -> Header {
    let known: &OurBlock = &case.block;
    let since = |fork| case.rules.fork >= fork;
    Header {
        parent_hash: known.parent_hash,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: known.beneficiary,
        transactions_root: proofs::calculate_transaction_root(transactions),
        number: known.number,
        timestamp: known.timestamp,
        gas_limit: known.gas_limit,
        difficulty: known.difficulty,
        mix_hash: known.prev_randao.unwrap_or_default(),
        base_fee_per_gas: Some(known.base_fee),
        withdrawals_root: since(Fork::Shanghai).then(|| {
            proofs::calculate_withdrawals_root(known.withdrawals.as_deref().unwrap_or_default())
        }),
        blob_gas_used: since(Fork::Cancun).then_some(0),
        excess_blob_gas: since(Fork::Cancun).then(|| known.excess_blob_gas.unwrap_or_default()),
        parent_beacon_block_root: since(Fork::Cancun)
            .then(|| known.parent_beacon_block_root.unwrap_or_default()),
        requests_hash: since(Fork::Prague).then_some(B256::ZERO),
        block_access_list_hash: since(Fork::Amsterdam).then_some(B256::ZERO),
        slot_number: since(Fork::Amsterdam).then(|| known.slot_number.unwrap_or_default()),
        ..Header::default()
    }
}

/// The rules of the case: every fork up to its own from the beginning.
pub(crate) fn config(case: &Case) -> ChainConfig {
    let rules = &case.rules;
    let from = |fork| (rules.fork >= fork).then_some(0);
    let mut config = ChainConfig {
        chain_id: rules.chain_id,
        homestead_block: Some(0),
        eip150_block: Some(0),
        eip155_block: Some(0),
        eip158_block: Some(0),
        byzantium_block: Some(0),
        constantinople_block: Some(0),
        petersburg_block: Some(0),
        istanbul_block: Some(0),
        muir_glacier_block: Some(0),
        berlin_block: Some(0),
        london_block: Some(0),
        arrow_glacier_block: Some(0),
        gray_glacier_block: Some(0),
        merge_netsplit_block: Some(0),
        terminal_total_difficulty: Some(0),
        terminal_total_difficulty_passed: true,
        shanghai_time: from(Fork::Shanghai),
        cancun_time: from(Fork::Cancun),
        prague_time: from(Fork::Prague),
        osaka_time: from(Fork::Osaka),
        amsterdam_time: from(Fork::Amsterdam),
        deposit_contract_address: address(rules.deposit_contract),
        ..ChainConfig::default()
    };
    // revm's Amsterdam has the blobs of the second blob fork.
    config.blob_schedule.amsterdam = Some(config.blob_schedule.bpo2);
    if let Some(blobs) = rules.blobs {
        let max = u32::try_from(blobs.max).unwrap_or(u32::MAX);
        let target = max / 2;
        let base_fee_update_fraction = blobs.update_fraction;
        let own = ForkBlobSchedule { base_fee_update_fraction, max, target };
        let schedule = &mut config.blob_schedule;
        (schedule.cancun, schedule.prague, schedule.osaka) = (own, own, own);
        schedule.amsterdam = Some(own);
    }
    config
}

/// Receipts; ethrex keeps the gas of all of them so far.
pub(crate) fn receipts(case: &Case, theirs: &[TheirReceipt]) -> Vec<Receipt> {
    let mut before = 0;
    let one = |(receipt, transaction): (&TheirReceipt, &lockstep_model::Transaction)| {
        let gas_used = receipt.cumulative_gas_used.saturating_sub(before);
        before = receipt.cumulative_gas_used;
        Receipt {
            transaction_type: alloy_consensus::Typed2718::ty(&transaction.envelope),
            success: receipt.succeeded,
            gas_used,
            cumulative_gas_used: receipt.cumulative_gas_used,
            logs: receipt.logs.iter().map(log).collect(),
        }
    };
    theirs.iter().zip(&case.block.transactions).map(one).collect()
}

fn log(log: &ethrex_common::types::Log) -> Log {
    let topics = log.topics.iter().map(|topic| topic.0.into()).collect();
    Log {
        address: our_address(log.address),
        data: LogData::new_unchecked(topics, log.data.clone().into()),
    }
}
