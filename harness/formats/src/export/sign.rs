//! Signs transactions whose senders' keys are known.

use crate::keys;
use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEnvelope};
use alloy_primitives::{Address, B256, Signature};
use k256::ecdsa::SigningKey;
use lockstep_model::Transaction;

/// Said of a block that cannot be signed, whichever sender it is: such blocks are counted by their reasons.
pub(crate) const UNKNOWN_KEY: &str = "the key of a sender is not known";

/// A transaction that cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the key of {sender}, who sends transaction {index}, is not known: only generated blocks, and tests \
     that state their senders' keys, can be signed anew"
)]
pub struct UnknownKey {
    /// Its index in the block.
    pub index: usize,
    /// Its sender.
    pub sender: Address,
}

/// The same transactions, signed by their senders, whose keys are those of generated blocks or stated
/// beside them. One that its sender has signed already stays as it is.
///
/// # Errors
/// The first transaction whose sender's key is not known.
pub fn sign(transactions: &[Transaction]) -> Result<Vec<TxEnvelope>, UnknownKey> {
    let signed = transactions.iter().enumerate().map(|(index, tx)| one(index, tx));
    signed.collect()
}

fn one(index: usize, transaction: &Transaction) -> Result<TxEnvelope, UnknownKey> {
    use alloy_consensus::transaction::SignerRecoverable as _;
    let Transaction { sender, envelope, key } = transaction;
    if let Some(key) = keys::index_of(*sender) {
        return Ok(signed_by(&|hash| keys::sign(key, hash), envelope));
    }
    let stated = key.and_then(|key| SigningKey::from_slice(key.as_slice()).ok());
    if let Some(key) = stated.filter(|key| Address::from_private_key(key) == *sender) {
        return Ok(signed_by(&|hash| keys::sign_with(&key, hash), envelope));
    }
    let is_signed = envelope.recover_signer_unchecked().is_ok_and(|signer| signer == *sender);
    if is_signed { Ok(envelope.clone()) } else { Err(UnknownKey { index, sender: *sender }) }
}

/// Signs a hash.
type Signer<'a> = &'a dyn Fn(B256) -> Signature;

fn signed_by(signer: Signer<'_>, envelope: &TxEnvelope) -> TxEnvelope {
    match envelope {
        TxEnvelope::Legacy(known) => anew(signer, known.tx()).into(),
        TxEnvelope::Eip2930(known) => anew(signer, known.tx()).into(),
        TxEnvelope::Eip1559(known) => anew(signer, known.tx()).into(),
        TxEnvelope::Eip4844(known) => EthereumTxEnvelope::Eip4844(anew(signer, known.tx())),
        TxEnvelope::Eip7702(known) => anew(signer, known.tx()).into(),
    }
}

fn anew<T: SignableTransaction<Signature> + Clone>(
    signer: Signer<'_>,
    tx: &T,
) -> alloy_consensus::Signed<T> {
    tx.clone().into_signed(signer(tx.signature_hash()))
}
