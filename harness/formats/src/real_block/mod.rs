//! Real blocks with the part of the state that they touch.
//!
//! A folder with `block.json` (`eth_getBlockByNumber` with full transactions) and `pre_state.json`,
//! perhaps `block_hashes.json` and `post_state.json`. The state is partial, so the header decides
//! only what such a state can decide; what it cannot is listed as undecidable, never as agreed.

mod dump;
mod group;
mod post_state;

use super::{SourceError, check_blob_price, hex::Ordered, json};
use crate::File;
use alloy_consensus::{
    TxEnvelope,
    proofs::{calculate_transaction_root, calculate_withdrawals_root},
};
use alloy_eips::{eip7002, eip7251};
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, map::HashMap};
use alloy_rpc_types_eth::Block as RpcBlock;
use lockstep_judge::{
    definition::{Body, SourceKind, Test},
    expected::{Expectation, HeaderExpectation},
    runnable::{Keys, Runnable},
    state::PreState,
};
use lockstep_model::{
    BlobParams, Block, Case, Fork, MemoryState, Phases, Rules, StateReader, Transaction,
    memory_state::BlockHashes,
};
use std::{borrow::Cow, sync::Arc};

pub use group::{BlockFiles, Grouped, Grouper};

/// The mainnet block of the DAO fork (EIP-779).
const DAO_FORK_BLOCK: u64 = 1_920_000;

/// Reads a real block.
///
/// # Errors
/// When a file is malformed, or when the block contradicts itself: a transactions root, block hash
/// or sender that is not what the content says.
pub fn test(files: &BlockFiles) -> Result<Test, SourceError> {
    let block: RpcBlock = json::read_answer(&files.block)?;
    let fork = mainnet_fork(block.header.number, block.header.timestamp);
    let transactions = transactions(&files.block, &block)?;
    check_header(&files.block, &block, &transactions)?;
    let pre = PreState::new(pre_state(files)?);

    let id = format!("{}::{}", files.folder, block.header.number);
    let rules = Rules {
        dao_drain: block.header.number == DAO_FORK_BLOCK,
        blobs: blob_params(block.header.timestamp),
        ..Rules::mainnet(fork)
    };
    check_blob_price(&rules, block.header.excess_blob_gas)
        .map_err(|problem| SourceError::place(&files.block.path, "excessBlobGas", problem))?;
    let (phases, mut undecidable) = phases(&block, fork, &pre);
    let expectation = Expectation {
        accepted: true,
        header: Some(header_expectation(&block, fork, phases)),
        accounts: post_state::accounts(files, &block, &pre, phases, &mut undecidable)?,
        undecidable,
        ..Expectation::default()
    };
    let case = Case {
        id: id.as_str().into(),
        rules,
        phases,
        block: Arc::new(model_block(&block, fork, transactions)),
        pre_state: pre.state.clone(),
    };
    let body = Body::Run(Box::new(Runnable { case, pre, expectation, keys: Keys::new() }));
    Ok(Test { id, source: SourceKind::RealBlock, fork: fork.to_string(), body })
}

/// Mainnet's schedule: block numbers up to Paris, timestamps from Shanghai on.
fn mainnet_fork(number: u64, timestamp: u64) -> Fork {
    const BY_TIMESTAMP: [(u64, Fork); 4] = [
        (1_764_798_551, Fork::Osaka),
        (1_746_612_311, Fork::Prague),
        (1_710_338_135, Fork::Cancun),
        (1_681_338_455, Fork::Shanghai),
    ];
    const BY_NUMBER: [(u64, Fork); 9] = [
        (15_537_394, Fork::Paris),
        (12_965_000, Fork::London),
        (12_244_000, Fork::Berlin),
        (9_069_000, Fork::Istanbul),
        (7_280_000, Fork::Petersburg),
        (4_370_000, Fork::Byzantium),
        (2_675_000, Fork::SpuriousDragon),
        (2_463_000, Fork::Tangerine),
        (1_150_000, Fork::Homestead),
    ];
    let reached = |position: u64| move |(from, _): &&(u64, Fork)| position >= *from;
    BY_TIMESTAMP
        .iter()
        .find(reached(timestamp))
        .or_else(|| BY_NUMBER.iter().find(reached(number)))
        .map_or(Fork::Frontier, |(_, fork)| *fork)
}

/// EIP-7892: the blob parameters of mainnet's blob-parameter-only forks, the latest first.
fn blob_params(timestamp: u64) -> Option<BlobParams> {
    const BY_TIMESTAMP: [(u64, BlobParams); 2] = [
        (1_767_747_671, BlobParams { max: 21, update_fraction: 11_684_671 }),
        (1_765_290_071, BlobParams { max: 15, update_fraction: 8_346_193 }),
    ];
    BY_TIMESTAMP.iter().find(|(from, _)| timestamp >= *from).map(|(_, params)| *params)
}

fn transactions(file: &File, block: &RpcBlock) -> Result<Vec<Transaction>, SourceError> {
    let Some(transactions) = block.transactions.as_transactions() else {
        return Err(SourceError::place(
            &file.path,
            "transactions",
            "expected full transaction objects, found hashes",
        ));
    };
    let transaction = |(index, transaction): (usize, &alloy_rpc_types_eth::Transaction)| {
        let (envelope, declared) = transaction.inner.clone().into_parts();
        let recovered =
            recover(&envelope, mainnet_fork(block.header.number, block.header.timestamp));
        match recovered {
            Some(sender) if sender == declared => Ok(Transaction { sender, envelope }),
            recovered => Err(SourceError::place(
                &file.path,
                format!("transactions[{index}]"),
                format!(
                    "expected a signature by `from` {declared}, found {}",
                    recovered.map_or("none that recovers".to_owned(), |other| other.to_string())
                ),
            )),
        }
    };
    transactions.iter().enumerate().map(transaction).collect()
}

/// Frontier still took the second of the two equivalent signatures (EIP-2).
fn recover(envelope: &TxEnvelope, fork: Fork) -> Option<Address> {
    use alloy_consensus::transaction::SignerRecoverable;
    if fork == Fork::Frontier {
        envelope.recover_signer_unchecked().ok()
    } else {
        envelope.recover_signer().ok()
    }
}

fn check_header(
    file: &File,
    block: &RpcBlock,
    transactions: &[Transaction],
) -> Result<(), SourceError> {
    let wrong = |field: &str, stated: B256, found: B256| {
        let problem = format!("the block states {stated}, its content gives {found}");
        Err(SourceError::place(&file.path, field, problem))
    };
    let envelopes: Vec<&TxEnvelope> = transactions.iter().map(|tx| &tx.envelope).collect();
    let root = calculate_transaction_root(&envelopes);
    if root != block.header.transactions_root {
        return wrong("transactionsRoot", block.header.transactions_root, root);
    }
    if let (Some(stated), Some(withdrawals)) = (block.header.withdrawals_root, &block.withdrawals) {
        let root = calculate_withdrawals_root(withdrawals);
        if root != stated {
            return wrong("withdrawalsRoot", stated, root);
        }
    }
    let hash = block.header.inner.hash_slow();
    if hash != block.header.hash {
        return wrong("hash", block.header.hash, hash);
    }
    Ok(())
}

fn pre_state(files: &BlockFiles) -> Result<MemoryState, SourceError> {
    let mut hashes = HashMap::default();
    if let Some(file) = &files.block_hashes {
        let known: Ordered<String, B256> = json::read(file)?;
        for (number, hash) in known.0 {
            let number = number.parse().map_err(|_| {
                SourceError::place(&file.path, &number, "expected a decimal block number")
            })?;
            hashes.insert(number, hash);
        }
    }
    Ok(dump::accounts(&files.pre_state)?.state(BlockHashes::Known(Arc::new(hashes))))
}

/// The phases that the state at hand can carry, and what therefore cannot be decided.
fn phases(block: &RpcBlock, fork: Fork, pre: &PreState) -> (Phases, Vec<Cow<'static, str>>) {
    let mut undecidable = vec![Cow::Borrowed("state root: the pre-state is partial")];
    if fork < Fork::Byzantium {
        undecidable.push("receipts root: its intermediate roots need the whole state".into());
    }
    if !block.uncles.is_empty() {
        undecidable.push("ommer rewards: the block names its ommers by hash alone".into());
    }
    let absent = |address| {
        let account = pre.state.account(address).ok().flatten();
        account.is_none_or(|account| account.code_hash == KECCAK256_EMPTY)
    };
    // From Prague on a block without these contracts is invalid, and here they are just not part
    // of what was captured.
    let requests = [
        eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
        eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
    ];
    if fork >= Fork::Prague && requests.into_iter().any(absent) {
        undecidable
            .push("system calls and requests: their contracts are not in the pre-state".into());
        return (Phases::TransactionsOnly, undecidable);
    }
    (Phases::Full, undecidable)
}

fn header_expectation(block: &RpcBlock, fork: Fork, phases: Phases) -> HeaderExpectation {
    let header = &block.header.inner;
    HeaderExpectation {
        gas_used: header.gas_used,
        logs_bloom: Box::new(header.logs_bloom),
        receipts_root: (fork >= Fork::Byzantium).then_some(header.receipts_root),
        blob_gas_used: header.blob_gas_used,
        // Without the request contracts, requests were not collected: listed as undecidable.
        requests_hash: header.requests_hash.filter(|_| phases == Phases::Full),
    }
}

fn model_block(block: &RpcBlock, fork: Fork, transactions: Vec<Transaction>) -> Block {
    let header = &block.header.inner;
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
        slot_number: None,
        transactions,
        ommers: Vec::new(),
        withdrawals: block.withdrawals.clone().map(|withdrawals| withdrawals.into_inner()),
    }
}
