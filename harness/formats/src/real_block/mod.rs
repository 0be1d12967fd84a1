//! Real blocks with the state that they touch.
//!
//! A folder with the block (`block.rlp`, `block.json` as `eth_getBlockByNumber` gives it with full
//! transactions, or both) and the state before it: `witness.json`, whose tries prove every read and both roots,
//! or `pre_state.json`, which is a part of the state and proves nothing, or both. Perhaps `block_hashes.json` and
//! `post_state.json`. With a partial state alone the header decides only what such a state can decide; what it
//! cannot is listed as undecidable, never as agreed. `docs/formats.md` has the layout.
//!
//! * `group`: which files belong to one block. * `index`: `INDEX.json`. * `block`: the block.
//! * `witness`: the state that tries prove. * `dump`: the state as nodes and tools dump it.
//! * `reader`: the state as executors read it. * `post_state`: expectations about the state afterwards.

mod block;
mod dump;
mod group;
mod index;
mod post_state;
mod reader;
mod witness;

use super::{SourceError, check_blob_price, hex::Ordered, json, networks::Network};
use alloy_consensus::Header;
use alloy_eips::{eip7002, eip7251, eip8282};
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, map::HashMap};
use alloy_rpc_types_eth::Block as RpcBlock;
use block::Contents;
use lockstep_judge::{
    definition::{Body, SourceKind, Test},
    expected::{Expectation, HeaderExpectation},
    runnable::Runnable,
    state::PreState,
};
use lockstep_model::{Block, Case, Fork, Phases, StateReader, memory_state::BlockHashes};
use reader::ProvedReader;
use std::{borrow::Cow, sync::Arc};

pub use group::{BlockFiles, Grouped, Grouper};
pub use index::Index;

/// Reads a real block.
///
/// # Errors
/// When a file is malformed, or when the block contradicts itself: a transactions root, block hash
/// or sender that is not what the content says; or when the witness does not fit it.
pub fn test(files: &BlockFiles) -> Result<Test, SourceError> {
    let block = block::read(files)?;
    let rules = block.network.rules(block.header.number, block.header.timestamp);
    check_blob_price(&rules, block.header.excess_blob_gas)
        .map_err(|problem| SourceError::place(&block.path, "excessBlobGas", problem))?;
    let Before { pre, deployed, mut undecidable } = before(files, &block)?;
    let phases = phases(&block, rules.fork, &pre, &mut undecidable);
    let id = format!("{}::{}", files.folder, block.header.number);
    let expectation = Expectation {
        accepted: true,
        state_root: pre.proof.is_some().then_some(block.header.state_root),
        header: Some(header_expectation(&block, rules.fork, phases)),
        deployed,
        accounts: post_state::accounts(files, &block, &pre, phases, &mut undecidable)?,
        undecidable,
        ..Expectation::default()
    };
    let pre_state: Arc<dyn StateReader> = match &pre.proof {
        Some(proof) => Arc::new(ProvedReader::new(pre.state.clone(), proof.clone())),
        None => pre.state.clone(),
    };
    let case = Case {
        id: id.as_str().into(),
        rules,
        phases,
        block: Arc::new(model_block(block, rules.fork)),
        pre_state,
    };
    let fork = rules.fork.to_string();
    let body = Body::Run(Box::new(Runnable { case, pre, expectation }));
    Ok(Test { id, source: SourceKind::RealBlock, fork, body })
}

/// A block by itself.
#[derive(Debug, Clone)]
pub struct BlockAlone {
    /// Its header.
    pub header: Header,
    /// The block.
    pub block: Block,
    /// Its network.
    pub network: Arc<Network>,
    /// Its RLP; without ommers, of which JSON has the hashes alone.
    pub rlp: Vec<u8>,
}

/// Reads a block without a state.
///
/// # Errors
/// As [`test()`].
pub fn block_alone(files: &BlockFiles) -> Result<BlockAlone, SourceError> {
    let contents = block::read(files)?;
    let (header, network) = (contents.header.clone(), contents.network.clone());
    let rlp = contents.rlp();
    let fork = network.fork(header.number, header.timestamp);
    Ok(BlockAlone { header, block: model_block(contents, fork), network, rlp })
}

/// The state before a block.
struct Before {
    pre: Arc<PreState>,
    /// Hashes of codes that the block must deploy.
    deployed: Vec<B256>,
    /// The parts of it that are not proved.
    undecidable: Vec<Cow<'static, str>>,
}

fn before(files: &BlockFiles, block: &Contents) -> Result<Before, SourceError> {
    let hashes = block_hashes(files, block)?;
    let known = BlockHashes::Known(Arc::new(hashes.clone()));
    let listed = files.pre_state.as_ref().map(dump::accounts).transpose()?;
    let flat = listed.as_ref().map(|accounts| accounts.state(known));
    match (&files.witness, flat) {
        (Some(file), flat) => {
            let flat = flat.zip(listed.as_ref());
            let proved = witness::read(file, files, block, flat, &hashes)?;
            Ok(Before {
                pre: PreState::proved(proved.state, proved.proof),
                deployed: proved.deployed,
                undecidable: proved.unproved,
            })
        }
        (None, Some(flat)) => {
            let undecidable = vec!["state root: the pre-state is partial".into()];
            Ok(Before { pre: PreState::new(flat), deployed: Vec::new(), undecidable })
        }
        (None, None) => {
            let problem = "expected `witness.json` or `pre_state.json` beside the block";
            Err(SourceError::file(&files.folder, problem))
        }
    }
}

/// `block_hashes.json`; the parent's must be the one that the header names.
fn block_hashes(files: &BlockFiles, block: &Contents) -> Result<HashMap<u64, B256>, SourceError> {
    let mut hashes = HashMap::default();
    if let Some(parent) = block.header.number.checked_sub(1) {
        hashes.insert(parent, block.header.parent_hash);
    }
    let Some(file) = &files.block_hashes else { return Ok(hashes) };
    let known: Ordered<String, B256> = json::read(file)?;
    for (number, hash) in known.0 {
        let parsed: u64 = number.parse().map_err(|_| {
            SourceError::place(&file.path, &number, "expected a decimal block number")
        })?;
        if parsed.checked_add(1) == Some(block.header.number) && hash != block.header.parent_hash {
            let problem = format!("the block names {} as its parent", block.header.parent_hash);
            return Err(SourceError::place(&file.path, &number, problem));
        }
        hashes.insert(parsed, hash);
    }
    Ok(hashes)
}

/// The phases that the state at hand can carry; adds what therefore cannot be decided.
fn phases(
    block: &Contents,
    fork: Fork,
    pre: &PreState,
    undecidable: &mut Vec<Cow<'static, str>>,
) -> Phases {
    if fork < Fork::Byzantium {
        undecidable.push("receipts root: its intermediate roots need the whole state".into());
    }
    if block.ommers.is_none() {
        undecidable.push("ommer rewards: the block names its ommers by hash alone".into());
    }
    let absent = |address: Address| {
        pre.account(address).is_none_or(|account| account.code_hash == KECCAK256_EMPTY)
    };
    // From Prague on a block without these contracts is invalid, and in a partial state they were just not
    // captured.
    let of_prague = [
        eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
        eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
    ];
    let of_amsterdam =
        [eip8282::BUILDER_DEPOSIT_CONTRACT_ADDRESS, eip8282::BUILDER_EXIT_CONTRACT_ADDRESS];
    let is_incomplete = fork >= Fork::Prague && of_prague.into_iter().any(absent)
        || fork >= Fork::Amsterdam && of_amsterdam.into_iter().any(absent);
    if pre.proof.is_none() && is_incomplete {
        undecidable
            .push("system calls and requests: their contracts are not in the pre-state".into());
        return Phases::TransactionsOnly;
    }
    Phases::Full
}

fn header_expectation(block: &Contents, fork: Fork, phases: Phases) -> HeaderExpectation {
    let header = &block.header;
    HeaderExpectation {
        gas_used: header.gas_used,
        logs_bloom: Box::new(header.logs_bloom),
        receipts_root: (fork >= Fork::Byzantium).then_some(header.receipts_root),
        blob_gas_used: header.blob_gas_used,
        // Without the request contracts, requests were not collected: listed as undecidable.
        requests_hash: header.requests_hash.filter(|_| phases == Phases::Full),
        block_access_list_hash: header.block_access_list_hash.filter(|_| phases == Phases::Full),
    }
}

fn model_block(block: Contents, fork: Fork) -> Block {
    let Contents { header, transactions, withdrawals, ommers, .. } = block;
    let after_merge = fork >= Fork::Paris;
    Block {
        number: header.number,
        timestamp: header.timestamp,
        beneficiary: header.beneficiary,
        gas_limit: header.gas_limit,
        difficulty: header.difficulty,
        prev_randao: after_merge.then_some(header.mix_hash),
        base_fee: header.base_fee_per_gas.unwrap_or_default(),
        excess_blob_gas: header.excess_blob_gas,
        parent_hash: header.parent_hash,
        parent_beacon_block_root: header.parent_beacon_block_root,
        slot_number: header.slot_number,
        transactions,
        ommers: ommers.unwrap_or_default(),
        withdrawals,
        access_list: None,
    }
}
