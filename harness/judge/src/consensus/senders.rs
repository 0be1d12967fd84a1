//! Senders of the transactions of a block.

use super::{Broken, DecodedBlock, Era};
use alloy_consensus::{Signed, TxEnvelope};
use alloy_primitives::Address;
use lockstep_faults::output::STORAGE_KEYS_DROPPED;
use lockstep_model::{Fork, Rule, Transaction};

/// The transactions of a block with their senders.
///
/// # Errors
/// The first transaction whose signature is not valid under the rules of the block.
pub fn recover(era: &Era, block: &DecodedBlock) -> Result<Vec<Transaction>, Broken> {
    let signed = block.transactions.iter().zip(&block.signers).enumerate();
    let recovered = signed.map(|(index, (envelope, signer))| {
        let sender = sender(era.fork, envelope, *signer);
        let sender = sender.map_err(|rule| Broken::transaction(index, rule))?;
        Ok(Transaction::new(sender, decoded(envelope)))
    });
    recovered.collect()
}

/// The transaction as it was decoded.
fn decoded(envelope: &TxEnvelope) -> TxEnvelope {
    match envelope {
        TxEnvelope::Eip2930(signed) if STORAGE_KEYS_DROPPED.is_planted() => {
            let mut tx = signed.tx().clone();
            tx.access_list.0.iter_mut().for_each(|item| item.storage_keys.clear());
            Signed::new_unchecked(tx, *signed.signature(), *signed.hash()).into()
        }
        _ => envelope.clone(),
    }
}

fn sender(fork: Fork, envelope: &TxEnvelope, signer: Option<Address>) -> Result<Address, Rule> {
    has_a_type_of_its_fork(fork, envelope)?;
    has_no_chain_id_before_spurious_dragon(fork, envelope)?;
    has_the_lower_of_two_signatures_from_homestead_on(fork, envelope)?;
    signer.ok_or(Rule::InvalidSignature)
}

/// EIP-2718 and the EIP of each type: before its fork a typed transaction is just bytes.
fn has_a_type_of_its_fork(fork: Fork, envelope: &TxEnvelope) -> Result<(), Rule> {
    let (first, rule) = match envelope {
        TxEnvelope::Legacy(_) => return Ok(()),
        TxEnvelope::Eip2930(_) => (Fork::Berlin, Rule::Type1PreFork),
        TxEnvelope::Eip1559(_) => (Fork::London, Rule::Type2PreFork),
        TxEnvelope::Eip4844(_) => (Fork::Cancun, Rule::Type3PreFork),
        TxEnvelope::Eip7702(_) => (Fork::Prague, Rule::Type4PreFork),
    };
    if fork < first { Err(rule) } else { Ok(()) }
}

/// EIP-155: before it, `v` is 27 or 28.
fn has_no_chain_id_before_spurious_dragon(fork: Fork, envelope: &TxEnvelope) -> Result<(), Rule> {
    let has_one = matches!(envelope, TxEnvelope::Legacy(legacy) if legacy.tx().chain_id.is_some());
    if fork < Fork::SpuriousDragon && has_one { Err(Rule::InvalidSignature) } else { Ok(()) }
}

/// EIP-2: Frontier still took the second of the two equivalent signatures.
fn has_the_lower_of_two_signatures_from_homestead_on(
    fork: Fork,
    envelope: &TxEnvelope,
) -> Result<(), Rule> {
    let is_higher = envelope.signature().normalize_s().is_some();
    if fork >= Fork::Homestead && is_higher { Err(Rule::InvalidSignature) } else { Ok(()) }
}
