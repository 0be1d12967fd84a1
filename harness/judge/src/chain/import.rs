//! From a block's bytes to a case, through every rule that holds before execution.

use super::{
    Chain, ChainBlock, engine,
    tree::{Node, Tree},
};
use crate::consensus::{
    BlockRule, Broken, DecodedBlock, Era, access_list, body, header, ommers, senders,
};
use alloy_primitives::B256;
use lockstep_model::{Block, Case, Fork, Ommer, Phases};
use std::sync::Arc;

/// A block that is ready to be executed.
#[derive(Debug)]
pub struct Imported<'a> {
    /// The case for the executors.
    pub case: Case,
    /// The block.
    pub block: Arc<DecodedBlock>,
    /// The block before it.
    pub parent: &'a Node,
    /// The rules of execution.
    pub fork: Fork,
    /// Rules that the block breaks and that do not keep it from being executed: commitments of the
    /// header, the access list that came with the block.
    pub broken: Vec<BlockRule>,
}

/// Checks a block against everything but its own execution.
///
/// # Errors
/// Every rule that it breaks, as far as it can be looked into.
pub fn import<'a>(
    chain: &Chain,
    tree: &'a Tree,
    id: &str,
    arrived: &ChainBlock,
) -> Result<Imported<'a>, Vec<Broken>> {
    let called =
        arrived.call.as_ref().map(|call| engine::broken(call, arrived)).unwrap_or_default();
    let parent = known_parent(tree, arrived).map_err(|broken| and(called.clone(), broken))?;
    let block = arrived.decoded.clone().map_err(|broken| and(called.clone(), broken))?;
    let (number, timestamp) = (block.header.number, block.header.timestamp);
    let era = chain.schedule.era(number, timestamp, parent.total_difficulty);
    let mut broken = called;
    broken.extend(arrived.call.as_ref().and_then(|call| engine::wrong_fork(call, era.fork)));
    broken
        .extend(header::broken(era, &block.header, &parent.header).into_iter().map(Broken::Block));
    broken.extend(body::check(era, &block).err());
    if !block.ommers.is_empty() {
        let ommers = ommers::broken(&chain.schedule, &block.ommers, &tree.ancestors(parent));
        broken.extend(ommers.into_iter().map(Broken::Block));
    }
    if !broken.is_empty() {
        return Err(broken);
    }
    let transactions = senders::recover(era, &block).map_err(|broken| vec![broken])?;
    let case = Case {
        id: id.into(),
        rules: chain.schedule.rules(era, number),
        phases: Phases::Full,
        block: Arc::new(Block { transactions, ..environment(era, &block) }),
        pre_state: parent.state.state.clone(),
    };
    let mut broken = body::broken_commitments(&block);
    broken.extend(check_access_list(&block, arrived).err());
    Ok(Imported { case, block, parent, fork: era.fork, broken })
}

fn and(mut broken: Vec<Broken>, more: Broken) -> Vec<Broken> {
    broken.push(more);
    broken
}

/// The fields that the header of a block lacks or has too early, for a message.
pub fn misplaced_fields(chain: &Chain, tree: &Tree, arrived: &ChainBlock) -> Vec<String> {
    let (Ok(block), Ok(parent)) = (&arrived.decoded, known_parent(tree, arrived)) else {
        return Vec::new();
    };
    let header = &block.header;
    let era = chain.schedule.era(header.number, header.timestamp, parent.total_difficulty);
    header::misplaced_fields(era, header).collect()
}

/// A block on top of nothing is refused before anybody looks into it.
fn known_parent<'a>(tree: &'a Tree, arrived: &ChainBlock) -> Result<&'a Node, Broken> {
    match arrived.parent {
        Some(hash) => tree.get(hash).ok_or_else(|| BlockRule::ParentKnown.into()),
        None => Err(arrived.decoded.as_ref().err().cloned().unwrap_or(BlockRule::Encoding.into())),
    }
}

/// The header fields visible to the EVM, and the body without its transactions.
fn environment(era: &Era, block: &DecodedBlock) -> Block {
    let header = &block.header;
    let ommer = |ommer: &alloy_consensus::Header| Ommer {
        beneficiary: ommer.beneficiary,
        number: ommer.number,
    };
    Block {
        number: header.number,
        timestamp: header.timestamp,
        beneficiary: header.beneficiary,
        gas_limit: header.gas_limit,
        difficulty: header.difficulty,
        prev_randao: (era.fork >= Fork::Paris).then_some(header.mix_hash),
        base_fee: header.base_fee_per_gas.unwrap_or_default(),
        excess_blob_gas: header.excess_blob_gas,
        parent_hash: header.parent_hash,
        parent_beacon_block_root: header.parent_beacon_block_root,
        slot_number: header.slot_number,
        transactions: Vec::new(),
        ommers: block.ommers.iter().map(ommer).collect(),
        withdrawals: block.withdrawals.clone(),
        access_list: None,
    }
}

fn check_access_list(block: &DecodedBlock, arrived: &ChainBlock) -> Result<(), BlockRule> {
    let (Some(stated), Some(list)) = (block.header.block_access_list_hash, &arrived.access_list)
    else {
        return Ok(());
    };
    access_list::check(list, stated, block.transactions.len(), block.header.gas_limit)
}

/// The hashes of a block's ommers.
pub fn ommer_hashes(block: &DecodedBlock) -> Vec<B256> {
    block.ommers.iter().map(alloy_consensus::Header::hash_slow).collect()
}
