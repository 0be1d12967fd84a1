//! Recovery of senders.

use alloy_consensus::transaction::SignerRecoverable;
use alloy_primitives::Address;
use lockstep_model::Transaction;
use rayon::prelude::*;

/// Transactions that one thread takes at a time: a signature is about 30 µs of work.
const AT_ONCE: usize = 8;

pub(super) fn recover(transactions: &[Transaction]) -> Result<Vec<Address>, usize> {
    let signed = transactions.par_iter().enumerate().with_min_len(AT_ONCE);
    // Before Homestead the second of the two equivalent signatures was valid too: whether this one is
    // allowed is a rule of the block (`consensus::senders`), not of recovery.
    let sender = |(index, transaction): (usize, &Transaction)| {
        transaction.envelope.recover_signer_unchecked().map_err(|_| index)
    };
    signed.map(sender).collect()
}

#[cfg(test)]
mod tests {
    use crate::import::Importer;
    use alloy_primitives::Address;
    use lockstep_cases::workload::{Signatures, Workload};

    #[test]
    fn senders_are_who_signed() {
        let importer = Importer::new(3).unwrap();
        let transfers = Workload::named("transfers").unwrap();
        let block = transfers.block(1, 2_000_000, Signatures::Real);
        let transactions = &block.case.block.transactions;
        assert!(transactions.len() > 90);
        let senders: Vec<Address> = transactions.iter().map(|signed| signed.sender).collect();
        assert_eq!(importer.senders(transactions), Ok(senders.clone()));

        // A placeholder signs nothing.
        let block = transfers.block(1, 2_000_000, Signatures::Placeholder);
        assert_ne!(importer.senders(&block.case.block.transactions), Ok(senders));
    }
}
