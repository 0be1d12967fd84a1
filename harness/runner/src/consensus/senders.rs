//! Who signed the transactions of a block.

use super::{Broken, Era};
use alloy_consensus::{TxEnvelope, transaction::SignerRecoverable};
use lockstep_model::{Fork, Rule, Transaction};

/// Recovers the senders of all transactions.
///
/// # Errors
/// The first transaction whose signature is not valid under the rules of the block.
pub fn recover(era: &Era, transactions: Vec<TxEnvelope>) -> Result<Vec<Transaction>, Broken> {
    let transactions = transactions.into_iter().enumerate();
    let recovered = transactions.map(|(index, envelope)| {
        let sender = sender(era.fork, &envelope);
        let sender = sender.map_err(|rule| Broken::transaction(index, rule))?;
        Ok(Transaction { sender, envelope })
    });
    recovered.collect()
}

fn sender(fork: Fork, envelope: &TxEnvelope) -> Result<alloy_primitives::Address, Rule> {
    has_a_type_of_its_fork(fork, envelope)?;
    has_no_chain_id_before_spurious_dragon(fork, envelope)?;
    // EIP-2: Frontier still took the second of the two equivalent signatures.
    let recovered = if fork < Fork::Homestead {
        envelope.recover_signer_unchecked()
    } else {
        envelope.recover_signer()
    };
    recovered.map_err(|_| Rule::InvalidSignature)
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
    let replay_protected = matches!(envelope, TxEnvelope::Legacy(legacy) if legacy.tx().chain_id.is_some());
    if fork < Fork::SpuriousDragon && replay_protected {
        return Err(Rule::InvalidSignature);
    }
    Ok(())
}
