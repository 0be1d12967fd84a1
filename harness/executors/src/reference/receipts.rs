//! Receipts without blooms: the judge computes those itself.

use alloy_consensus::{EthereumReceipt, TxEnvelope, TxType};
use alloy_evm::{
    Evm,
    eth::receipt_builder::{ReceiptBuilder, ReceiptBuilderCtx},
};
use lockstep_model::Receipt;

/// Builds plain receipts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlainReceipts;

/// A receipt as alloy-evm's executor keeps it here.
pub(crate) type PlainReceipt = EthereumReceipt;

impl ReceiptBuilder for PlainReceipts {
    type Transaction = TxEnvelope;
    type Receipt = PlainReceipt;

    fn build_receipt<E: Evm>(&self, ctx: ReceiptBuilderCtx<'_, TxType, E>) -> PlainReceipt {
        EthereumReceipt {
            tx_type: ctx.tx_type,
            success: ctx.result.is_success(),
            cumulative_gas_used: ctx.cumulative_gas_used,
            logs: ctx.result.into_logs(),
        }
    }
}

/// The model's receipts.
pub(crate) fn model_receipts(receipts: &[PlainReceipt]) -> Vec<Receipt> {
    let mut before = 0;
    let receipt = |receipt: &PlainReceipt| {
        let gas_used = receipt.cumulative_gas_used - before;
        before = receipt.cumulative_gas_used;
        Receipt {
            transaction_type: receipt.tx_type.into(),
            success: receipt.success,
            gas_used,
            cumulative_gas_used: receipt.cumulative_gas_used,
            logs: receipt.logs.clone(),
        }
    };
    receipts.iter().map(receipt).collect()
}

/// The model's receipts as alloy-evm's executor keeps them.
pub(crate) fn executor_receipts(receipts: &[Receipt]) -> Vec<PlainReceipt> {
    let receipt = |receipt: &Receipt| EthereumReceipt {
        tx_type: TxType::try_from(receipt.transaction_type).expect("made from a transaction type"),
        success: receipt.success,
        cumulative_gas_used: receipt.cumulative_gas_used,
        logs: receipt.logs.clone(),
    };
    receipts.iter().map(receipt).collect()
}
