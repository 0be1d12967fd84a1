//! Receipts as a source states them against those of the reference.

use crate::{
    chain::StatedReceipt,
    difference::{Difference, Scope, ShouldBe},
    state::roots,
};
use alloy_consensus::TxEnvelope;
use alloy_eips::Encodable2718;
use alloy_primitives::{B256, Bytes};
use lockstep_model::Receipt;
use std::fmt::Debug;

/// Why a stated status may not be compared.
pub const STATUS_FILLED_IN: &str = "receipt status: the file states success where its own header's receipts root commits to failure";

/// Everything in which the reference's receipts are not as stated. The header's receipts root must
/// have been met: it settles what the file contradicts itself about. `states` are the roots of the state
/// after each transaction, before Byzantium.
pub fn compare_receipts(
    stated: &[StatedReceipt],
    transactions: &[TxEnvelope],
    receipts: &[Receipt],
    states: &[B256],
) -> Vec<Difference> {
    let mut found = Vec::new();
    check(&mut found, Scope::Block, "receipts", &stated.len(), &receipts.len());
    for (index, (stated, receipt)) in stated.iter().zip(receipts).enumerate() {
        let first = found.len();
        compare_receipt(&mut found, stated, receipt, states.get(index).copied());
        if let (Some(hash), Some(envelope)) = (stated.transaction_hash, transactions.get(index)) {
            check(&mut found, Scope::Receipt, "transactionHash", &hash, envelope.tx_hash());
        }
        found[first..].iter_mut().for_each(|difference| difference.tx = Some(index));
    }
    found
}

fn compare_receipt(
    found: &mut Vec<Difference>,
    stated: &StatedReceipt,
    receipt: &Receipt,
    state: Option<B256>,
) {
    let s = Scope::Receipt;
    check(found, s, "type", &stated.transaction_type, &receipt.transaction_type);
    if let Some(success) = stated.success
        && !is_filled_in(stated, receipt)
    {
        check(found, s, "status", &success, &receipt.success);
    }
    if let Some(root) = stated.post_state.filter(|_| state.is_some()) {
        check(found, s, "postState", &Some(root), &state);
    }
    let (gas, used) = (stated.cumulative_gas_used, receipt.cumulative_gas_used);
    check(found, s, "cumulativeGasUsed", &gas, &used);
    check(found, s, "logs", &stated.logs, &receipt.logs);
    let bloom = roots::logs_bloom(std::slice::from_ref(receipt));
    check(found, s, "bloom", &stated.bloom, &bloom);
    if let Some(encoded) = &stated.encoded
        && !is_filled_in(stated, receipt)
    {
        let bytes = Bytes::from(roots::receipt_envelope(receipt, state).encoded_2718());
        check(found, s, "rlp", encoded, &bytes);
    }
}

/// Benchmark releases write success into every receipt, whatever became of the transaction.
pub fn is_filled_in(stated: &StatedReceipt, receipt: &Receipt) -> bool {
    stated.post_state.is_none() && stated.success == Some(true) && !receipt.success
}

fn check<T: PartialEq + Debug>(
    found: &mut Vec<Difference>,
    scope: Scope,
    field: &'static str,
    stated: &T,
    reference: &T,
) {
    if stated != reference {
        let should_be = ShouldBe::Expected(format!("{stated:?}"));
        let difference =
            Difference::new(scope, field, should_be, format!("{reference:?}"), "reference");
        found.push(difference);
    }
}
