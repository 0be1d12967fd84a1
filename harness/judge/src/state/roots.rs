//! Roots, blooms and hashes. Only the judge computes them, the same way for all.

use super::{
    normal::NormalChanges,
    proved::{ProvedState, RootAfter},
    trie::TrieError,
};
use crate::state::{PreState, storage_root};
use alloy_consensus::{Eip658Value, ReceiptEnvelope, TxType};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bloom, Log, keccak256};
use alloy_trie::{
    TrieAccount,
    root::{ordered_trie_root_with_encoder, state_root_unsorted},
};
use lockstep_faults::output::{
    BLOOM_OF_LAST_RECEIPT, BLOOM_WITHOUT_TOPICS, ROOT_WITHOUT_NONCES, TYPED_RECEIPTS_AS_LEGACY,
};
use lockstep_model::{AccountInfo, BlockOutcome, Receipt, StateChanges};
use std::collections::BTreeSet;

/// The root of the whole state after the changes (Yellow Paper 4.1). If the state is proved and its proof
/// does not reach so far, the root of the part that is known.
pub fn state_root(pre: &PreState, changes: &NormalChanges) -> B256 {
    if let Some(proof) = &pre.proof
        && let Ok(after) = proved_state_root(proof, changes)
    {
        return after.root;
    }
    let untouched = pre.state.accounts().map(|(address, _)| *address);
    let addresses: BTreeSet<Address> = untouched.chain(changes.accounts.keys().copied()).collect();
    let leaves = addresses.into_iter().filter_map(|address| {
        let info = changes.account_after(pre, address)?;
        let root = storage_root_after(pre, changes, address);
        Some((keccak256(address), trie_account(info, root)))
    });
    state_root_unsorted(leaves)
}

/// The root of a proved state after the changes.
///
/// # Errors
/// When the proof lacks a node that the changes need.
pub fn proved_state_root(
    proof: &ProvedState,
    changes: &NormalChanges,
) -> Result<RootAfter, TrieError> {
    let (mut assumed, mut accounts) = (0, Vec::new());
    for (address, change) in &changes.accounts {
        let leaf = match change.info {
            Some(info) => {
                let storage =
                    proof.storage_root_after(*address, change.storage_cleared, &change.storage)?;
                assumed += storage.assumed;
                Some(trie_account(info, storage.root))
            }
            None => None,
        };
        accounts.push((*address, leaf));
    }
    let after = proof.root_after(accounts)?;
    Ok(RootAfter { assumed: assumed + after.assumed, ..after })
}

fn storage_root_after(pre: &PreState, changes: &NormalChanges, address: Address) -> B256 {
    let changed = changes.accounts.get(&address).is_some_and(|account| !account.storage.is_empty());
    if changed {
        storage_root(&changes.storage_after(pre, address))
    } else {
        pre.storage_root(address)
    }
}

fn trie_account(info: AccountInfo, storage_root: B256) -> TrieAccount {
    TrieAccount {
        nonce: if ROOT_WITHOUT_NONCES.is_planted() { 0 } else { info.nonce },
        balance: info.balance,
        storage_root,
        code_hash: info.code_hash,
    }
}

/// The root of the receipts (Yellow Paper 4.3.1, EIP-658, EIP-2718).
pub fn receipts_root(receipts: &[Receipt]) -> B256 {
    ordered_trie_root_with_encoder(receipts, |receipt, buffer| {
        receipt_envelope(receipt, None).encode_2718(buffer);
    })
}

/// The root of receipts before Byzantium: each holds the root of the state after its transaction
/// (Yellow Paper 4.3.1 before EIP-658).
pub fn receipts_root_with_states(receipts: &[Receipt], states: &[B256]) -> B256 {
    let receipts: Vec<(&Receipt, &B256)> = receipts.iter().zip(states).collect();
    ordered_trie_root_with_encoder(&receipts, |(receipt, state), buffer| {
        receipt_envelope(receipt, Some(**state)).encode_2718(buffer);
    })
}

/// The root of the state after each transaction. The outcome must hold the changes of each.
pub fn intermediate_roots(pre: &PreState, outcome: &BlockOutcome) -> Vec<B256> {
    let mut changes = outcome.changes_before_transactions.clone().unwrap_or_default();
    let by_transaction = outcome.changes_by_transaction.iter().flatten();
    let root_after = |later: &StateChanges| {
        changes.extend(later.clone());
        state_root(pre, &NormalChanges::new(pre, &changes))
    };
    by_transaction.map(root_after).collect()
}

/// A receipt with its bloom: before Byzantium it has the root of the state after the transaction, since
/// then a status (EIP-658).
pub fn receipt_envelope(receipt: &Receipt, state: Option<B256>) -> ReceiptEnvelope {
    let status = state.map_or(Eip658Value::Eip658(receipt.success), Eip658Value::PostState);
    envelope(receipt, status)
}

fn envelope(receipt: &Receipt, status: Eip658Value) -> ReceiptEnvelope {
    let kind = match TxType::try_from(receipt.transaction_type) {
        Ok(kind) if !TYPED_RECEIPTS_AS_LEGACY.is_planted() => kind,
        _ => TxType::Legacy,
    };
    let receipt = alloy_consensus::Receipt {
        status,
        cumulative_gas_used: receipt.cumulative_gas_used,
        logs: receipt.logs.clone(),
    }
    .with_bloom();
    match kind {
        TxType::Legacy => ReceiptEnvelope::Legacy(receipt),
        TxType::Eip2930 => ReceiptEnvelope::Eip2930(receipt),
        TxType::Eip1559 => ReceiptEnvelope::Eip1559(receipt),
        TxType::Eip4844 => ReceiptEnvelope::Eip4844(receipt),
        TxType::Eip7702 => ReceiptEnvelope::Eip7702(receipt),
    }
}

/// The bloom of all logs of the block (Yellow Paper 4.3.1).
pub fn logs_bloom(receipts: &[Receipt]) -> Bloom {
    let first =
        if BLOOM_OF_LAST_RECEIPT.is_planted() { receipts.len().saturating_sub(1) } else { 0 };
    let receipts = &receipts[first..];
    let mut bloom = receipts.iter().flat_map(|receipt| &receipt.logs).collect();
    if BLOOM_WITHOUT_TOPICS.is_planted() {
        bloom = Bloom::ZERO;
        let logs = receipts.iter().flat_map(|receipt| &receipt.logs);
        logs.for_each(|log| bloom.accrue_raw_log(log.address, &[]));
    }
    bloom
}

/// The hash that state tests state: keccak-256 of the RLP list of logs.
pub fn logs_hash<'a>(logs: impl IntoIterator<Item = &'a Log>) -> B256 {
    let logs: Vec<&Log> = logs.into_iter().collect();
    let mut encoded = Vec::new();
    alloy_rlp::encode_list::<&Log, Log>(&logs, &mut encoded);
    keccak256(encoded)
}
