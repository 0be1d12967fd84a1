//! What the transactions of a block say of themselves before they run: how much work they may be.

use crate::sync::Arc;
use alloy_consensus::Transaction as _;
use lockstep_model::Transaction;

/// Gas limits that one claim may add up to: a claim must be worth a visit to the scheduler, and short
/// enough that nobody waits for it.
const GAS_OF_A_CLAIM: u64 = 400_000;

/// The most transactions in one claim.
const MOST: usize = 16;

/// Below this sum of gas limits (some 0.1 ms of work where half of it is used) a second thread would
/// come too late.
const SMALL_BLOCK: u64 = 1_000_000;

/// For each transaction, how many from it on may be claimed together.
pub(super) fn of(transactions: &[Transaction]) -> Arc<[u8]> {
    let limits: Vec<u64> = transactions.iter().map(|tx| tx.envelope.gas_limit()).collect();
    let mut end = 0;
    let mut gas = 0_u64;
    let count = |start: usize| {
        if end < start + 1 {
            (end, gas) = (start + 1, limits[start]);
        }
        while end < limits.len()
            && end - start < MOST
            && gas.saturating_add(limits[end]) <= GAS_OF_A_CLAIM
        {
            gas += limits[end];
            end += 1;
        }
        let count = end - start;
        gas = gas.saturating_sub(limits[start]);
        count as u8
    };
    (0..limits.len()).map(count).collect()
}

/// Whether the block is too small to share.
pub(super) fn is_small(transactions: &[Transaction]) -> bool {
    let limits = transactions.iter().map(|tx| tx.envelope.gas_limit());
    transactions.len() < 2 || limits.fold(0, u64::saturating_add) < SMALL_BLOCK
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_consensus::{Signed, TxEnvelope, TxLegacy};
    use alloy_primitives::{Address, B256, Signature, U256};

    fn transactions(limits: &[u64]) -> Vec<Transaction> {
        let signature = Signature::new(U256::from(1), U256::from(1), false);
        let transaction = |gas_limit: &u64| {
            let tx = TxLegacy { gas_limit: *gas_limit, ..TxLegacy::default() };
            let envelope = TxEnvelope::Legacy(Signed::new_unchecked(tx, signature, B256::ZERO));
            Transaction { sender: Address::ZERO, envelope }
        };
        limits.iter().map(transaction).collect()
    }

    #[test]
    fn claims_add_up_to_the_limit() {
        let most = of(&transactions(&[200_000, 200_000, 1, 5_000_000, 100_000]));
        assert_eq!(most[..], [2, 2, 1, 1, 1]);
        assert_eq!(of(&transactions(&[1; 20]))[..5], [16; 5]);
        assert_eq!(of(&transactions(&[])).len(), 0);
        assert_eq!(of(&transactions(&[u64::MAX, u64::MAX]))[..], [1, 1]);
    }

    #[test]
    fn few_cheap_transactions_are_a_small_block() {
        assert!(is_small(&transactions(&[9_000_000])));
        assert!(is_small(&transactions(&[21_000; 10])));
        assert!(!is_small(&transactions(&[21_000; 100])));
    }
}
