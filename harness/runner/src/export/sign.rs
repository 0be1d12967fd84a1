//! Signs transactions whose senders' keys are known.

use crate::generate::keys;
use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEnvelope};
use alloy_primitives::{Address, Signature};
use lockstep_model::Transaction;

/// A transaction that cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the key of {sender}, who sends transaction {index}, is not known: only generated blocks can be \
     signed anew"
)]
pub struct UnknownKey {
    /// Its index in the block.
    pub index: usize,
    /// Its sender.
    pub sender: Address,
}

/// The same transactions, signed by their senders. One that its sender has signed already stays as it
/// is.
///
/// # Errors
/// The first transaction whose sender's key is not known.
pub fn sign(transactions: &[Transaction]) -> Result<Vec<TxEnvelope>, UnknownKey> {
    transactions.iter().enumerate().map(|(index, transaction)| one(index, transaction)).collect()
}

fn one(index: usize, transaction: &Transaction) -> Result<TxEnvelope, UnknownKey> {
    use alloy_consensus::transaction::SignerRecoverable as _;
    let Transaction { sender, envelope } = transaction;
    if let Some(key) = keys::index_of(*sender) {
        return Ok(signed_by(key, envelope));
    }
    let is_signed = envelope.recover_signer_unchecked().is_ok_and(|signer| signer == *sender);
    if is_signed { Ok(envelope.clone()) } else { Err(UnknownKey { index, sender: *sender }) }
}

fn signed_by(key: usize, envelope: &TxEnvelope) -> TxEnvelope {
    match envelope {
        TxEnvelope::Legacy(known) => anew(key, known.tx()).into(),
        TxEnvelope::Eip2930(known) => anew(key, known.tx()).into(),
        TxEnvelope::Eip1559(known) => anew(key, known.tx()).into(),
        TxEnvelope::Eip4844(known) => EthereumTxEnvelope::Eip4844(anew(key, known.tx())),
        TxEnvelope::Eip7702(known) => anew(key, known.tx()).into(),
    }
}

fn anew<T: SignableTransaction<Signature> + Clone>(
    key: usize,
    tx: &T,
) -> alloy_consensus::Signed<T> {
    let signature = keys::sign(key, tx.signature_hash());
    tx.clone().into_signed(signature)
}
