//! The block itself: `block.rlp`, `block.json`, or both, which must then be the same.

use super::{BlockFiles, RpcBlock};
use crate::{File, SourceError, json, networks::Network};
use alloy_consensus::{
    Block as ConsensusBlock, BlockBody, Header, TxEnvelope,
    proofs::{calculate_ommers_root, calculate_transaction_root, calculate_withdrawals_root},
};
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, U256, hex};
use alloy_rlp::{Decodable, Encodable};
use lockstep_model::{Fork, Ommer, Transaction};
use std::sync::Arc;

/// A block whose parts fit together.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) header: Header,
    pub(super) transactions: Vec<Transaction>,
    pub(super) withdrawals: Option<Vec<Withdrawal>>,
    /// Its ommers; `None` where only their hashes are known.
    pub(super) ommers: Option<Vec<Ommer>>,
    pub(super) network: Arc<Network>,
    /// The file that the block was read from, for errors.
    pub(super) path: String,
}

/// A block as one of its files has it.
struct Stated {
    path: String,
    header: Header,
    envelopes: Vec<TxEnvelope>,
    withdrawals: Option<Vec<Withdrawal>>,
    ommers: Option<Vec<Header>>,
    has_ommers: bool,
}

/// Reads the block.
///
/// # Errors
/// When a file is malformed, when the block contradicts itself, or its files one another.
pub(super) fn read(files: &BlockFiles) -> Result<Contents, SourceError> {
    let from_json = files.block_json.as_ref().map(of_json).transpose()?;
    let from_rlp = files.block_rlp.as_ref().map(of_rlp).transpose()?;
    if let (Some((from_json, rpc)), Some(from_rlp)) = (&from_json, &from_rlp) {
        same_block(from_json, from_rlp)?;
        let length = rlp_length(from_rlp);
        if let Some(size) = rpc.header.size.filter(|size| *size != U256::from(length)) {
            let problem = format!("expected the length of the block's RLP, {length}, found {size}");
            return Err(SourceError::place(&from_json.path, "size", problem));
        }
    }
    let (declared, stated) = match (from_json, from_rlp) {
        (json, Some(rlp)) => (json.map(|(_, rpc)| rpc), rlp),
        (Some((json, rpc)), None) => (Some(rpc), json),
        (None, None) => {
            let problem = "expected `block.rlp` or `block.json`";
            return Err(SourceError::file(&files.folder, problem));
        }
    };
    check_roots(&stated)?;
    let network = network(files, &stated)?;
    let fork = network.fork(stated.header.number, stated.header.timestamp);
    let transactions = with_senders(&stated, fork)?;
    let hash = stated.header.hash_slow();
    if let Some(rpc) = &declared {
        let path = files.block_json.as_ref().map_or("", |file| &file.path);
        check_stated(path, rpc, hash, &transactions)?;
    }
    if let Some(row) = files.index.as_ref().and_then(|index| index.row_of(&files.folder))
        && let Some(indexed) = row.hash
        && indexed != hash
    {
        let problem = format!("the index states the hash {indexed}, the block has {hash}");
        return Err(SourceError::place(&stated.path, "hash", problem));
    }
    let ommer = |ommer: &Header| Ommer { beneficiary: ommer.beneficiary, number: ommer.number };
    let ommers = match &stated.ommers {
        Some(ommers) => Some(ommers.iter().map(ommer).collect()),
        None => (!stated.has_ommers).then(Vec::new),
    };
    Ok(Contents {
        header: stated.header,
        transactions,
        withdrawals: stated.withdrawals,
        ommers,
        network,
        path: stated.path,
    })
}

fn of_json(file: &File) -> Result<(Stated, RpcBlock), SourceError> {
    let block: RpcBlock = json::read_answer(file)?;
    let Some(transactions) = block.transactions.as_transactions() else {
        let problem = "expected full transaction objects, found hashes";
        return Err(SourceError::place(&file.path, "transactions", problem));
    };
    let stated = Stated {
        path: file.path.clone(),
        header: block.header.inner.clone(),
        envelopes: transactions
            .iter()
            .map(|transaction| transaction.inner.inner().clone())
            .collect(),
        withdrawals: block.withdrawals.clone().map(|withdrawals| withdrawals.into_inner()),
        ommers: None,
        has_ommers: !block.uncles.is_empty(),
    };
    Ok((stated, block))
}

fn of_rlp(file: &File) -> Result<Stated, SourceError> {
    let wrong = |problem: String| SourceError::file(&file.path, problem);
    let bytes = file.content.bytes();
    let text = std::str::from_utf8(&bytes).unwrap_or_default().trim();
    let rlp = hex::decode(text)
        .map_err(|error| wrong(format!("expected the block's RLP as one line of hex: {error}")))?;
    let mut rest = rlp.as_slice();
    let block = ConsensusBlock::<TxEnvelope>::decode(&mut rest)
        .map_err(|error| wrong(format!("expected the RLP of a block: {error}")))?;
    if !rest.is_empty() {
        return Err(wrong(format!("expected one block, found {} bytes behind it", rest.len())));
    }
    Ok(Stated {
        path: file.path.clone(),
        header: block.header,
        envelopes: block.body.transactions,
        withdrawals: block.body.withdrawals.map(|withdrawals| withdrawals.into_inner()),
        has_ommers: !block.body.ommers.is_empty(),
        ommers: Some(block.body.ommers),
    })
}

fn rlp_length(stated: &Stated) -> usize {
    let body = BlockBody {
        transactions: stated.envelopes.clone(),
        ommers: stated.ommers.clone().unwrap_or_default(),
        withdrawals: stated.withdrawals.clone().map(Into::into),
    };
    ConsensusBlock::<TxEnvelope>::new(stated.header.clone(), body).length()
}

impl Contents {
    /// The RLP of a block without ommers.
    pub(super) fn rlp(&self) -> Vec<u8> {
        let transactions = self.transactions.iter();
        let body = BlockBody {
            transactions: transactions.map(|transaction| transaction.envelope.clone()).collect(),
            ommers: Vec::new(),
            withdrawals: self.withdrawals.clone().map(Into::into),
        };
        alloy_rlp::encode(ConsensusBlock::<TxEnvelope>::new(self.header.clone(), body))
    }
}

fn same_block(json: &Stated, rlp: &Stated) -> Result<(), SourceError> {
    let differs = |place: String| {
        let problem = format!("not what {} has there", rlp.path);
        Err(SourceError::place(&json.path, place, problem))
    };
    if json.header != rlp.header {
        return differs("the header".to_owned());
    }
    if json.envelopes.len() != rlp.envelopes.len() {
        return differs("transactions".to_owned());
    }
    let mut pairs = json.envelopes.iter().zip(&rlp.envelopes);
    if let Some(index) = pairs.position(|(json, rlp)| json != rlp) {
        return differs(format!("transactions[{index}]"));
    }
    if json.withdrawals != rlp.withdrawals {
        return differs("withdrawals".to_owned());
    }
    Ok(())
}

fn check_roots(stated: &Stated) -> Result<(), SourceError> {
    let header = &stated.header;
    let check = |field: &str, stated_root: B256, found: B256| {
        if stated_root == found {
            return Ok(());
        }
        let problem = format!("the header states {stated_root}, the body gives {found}");
        Err(SourceError::place(&stated.path, field, problem))
    };
    let transactions = calculate_transaction_root(&stated.envelopes);
    check("transactionsRoot", header.transactions_root, transactions)?;
    if let Some(ommers) = &stated.ommers {
        check("sha3Uncles", header.ommers_hash, calculate_ommers_root(ommers))?;
    }
    match (header.withdrawals_root, &stated.withdrawals) {
        (Some(root), Some(withdrawals)) => {
            check("withdrawalsRoot", root, calculate_withdrawals_root(withdrawals))
        }
        (None, None) => Ok(()),
        (root, _) => {
            let (has, lacks) = if root.is_some() { ("header", "body") } else { ("body", "header") };
            let problem = format!("the {has} has withdrawals, the {lacks} has none");
            Err(SourceError::place(&stated.path, "withdrawals", problem))
        }
    }
}

/// The network: as the user says, else as the folder and the signatures say, which must not contradict.
fn network(files: &BlockFiles, stated: &Stated) -> Result<Arc<Network>, SourceError> {
    use alloy_consensus::Transaction as _;
    let signed = stated.envelopes.iter().find_map(|envelope| envelope.chain_id());
    let known = match &files.network {
        Some(network) => Some(network.clone()),
        None => {
            let indexed = files.index.as_ref().and_then(|index| index.row_of(&files.folder));
            let indexed = indexed.and_then(|row| Network::with_chain_id(row.chain_id?));
            let by_folder = files.folder.rsplit(['/', ':']).find_map(Network::named);
            indexed.or(by_folder)
        }
    };
    let network = match (known, signed) {
        (Some(network), _) => network,
        (None, Some(chain_id)) => Network::with_chain_id(chain_id).ok_or_else(|| {
            let problem = format!(
                "its transactions are signed for chain {chain_id}, which is no public network: name it with --network"
            );
            SourceError::place(&stated.path, "chainId", problem)
        })?,
        (None, None) => Network::mainnet(),
    };
    match signed {
        Some(chain_id) if chain_id != network.chain_id => {
            let problem = format!(
                "its transactions are signed for chain {chain_id}, {} has {}: name the network with --network",
                network.name, network.chain_id
            );
            Err(SourceError::place(&stated.path, "chainId", problem))
        }
        _ => Ok(network),
    }
}

fn with_senders(stated: &Stated, fork: Fork) -> Result<Vec<Transaction>, SourceError> {
    let transaction = |(index, envelope): (usize, &TxEnvelope)| {
        let sender = recover(envelope, fork).ok_or_else(|| {
            let problem = "expected a signature that recovers to a sender";
            SourceError::place(&stated.path, format!("transactions[{index}]"), problem)
        })?;
        Ok(Transaction::new(sender, envelope.clone()))
    };
    stated.envelopes.iter().enumerate().map(transaction).collect()
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

/// Members of the JSON that follow from the block.
fn check_stated(
    path: &str,
    block: &RpcBlock,
    hash: B256,
    transactions: &[Transaction],
) -> Result<(), SourceError> {
    if hash != block.header.hash {
        let problem = format!("the block states {}, its content gives {hash}", block.header.hash);
        return Err(SourceError::place(path, "hash", problem));
    }
    let stated = block.transactions.as_transactions().unwrap_or_default();
    for (index, (stated, transaction)) in stated.iter().zip(transactions).enumerate() {
        let place = |member: &str| format!("transactions[{index}].{member}");
        let wrong = |member: &str, right: String, found: String| {
            let problem = format!("expected {right}, found {found}");
            Err(SourceError::place(path, place(member), problem))
        };
        let (from, right) = (stated.inner.signer(), transaction.sender);
        if from != right {
            let problem = format!("expected a signature by `from` {from}, found {right}");
            return Err(SourceError::place(path, place("from"), problem));
        }
        if let Some(found) = stated.block_hash.filter(|found| *found != hash) {
            return wrong("blockHash", hash.to_string(), found.to_string());
        }
        let number = block.header.number;
        if let Some(found) = stated.block_number.filter(|found| *found != number) {
            return wrong("blockNumber", number.to_string(), found.to_string());
        }
        if let Some(found) = stated.transaction_index.filter(|found| *found != index as u64) {
            return wrong("transactionIndex", index.to_string(), found.to_string());
        }
    }
    Ok(())
}
