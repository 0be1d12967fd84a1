//! Receipts without blooms: the judge computes those itself.

use alloy_consensus::{EthereumReceipt, TxEnvelope, TxType};
use alloy_evm::{
    Evm,
    eth::{
        eip6110::DepositEvent,
        receipt_builder::{ReceiptBuilder, ReceiptBuilderCtx},
    },
};
use alloy_primitives::Log;
use alloy_sol_types::SolEvent;
use lockstep_model::{Receipt, Rules};

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

/// The part of receipts that the post-block phase reads: the deposits (EIP-6110), as alloy-evm's executor
/// keeps them. Nearly always nothing; all logs of a block would be a copy that takes longer than the phase.
pub(crate) fn deposit_receipt(rules: &Rules, receipts: &[Receipt]) -> Option<PlainReceipt> {
    let logs = receipts.iter().flat_map(|receipt| &receipt.logs);
    let logs: Vec<Log> = logs.filter(|log| is_deposit(rules, log)).cloned().collect();
    (!logs.is_empty()).then(|| EthereumReceipt {
        tx_type: TxType::Legacy,
        success: true,
        cumulative_gas_used: 0,
        logs,
    })
}

/// Whether a log is a deposit's event (EIP-6110).
pub(super) fn is_deposit(rules: &Rules, log: &Log) -> bool {
    log.address == rules.deposit_contract
        && log.topics().first() == Some(&DepositEvent::SIGNATURE_HASH)
}
