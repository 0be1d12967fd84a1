//! Estimates of work, from the transactions of a block before they run.

use super::scheduler::{Claims, TransactionIndex};
use crate::sync::Arc;
use alloy_consensus::Transaction as _;
use alloy_primitives::map::{AddressMap, AddressSet};
use lockstep_model::Transaction;
use std::cmp::Reverse;

/// Gas limits that one claim may add up to: a claim must be worth a visit to the scheduler, and short
/// enough that no worker waits for it.
const GAS_OF_A_CLAIM: u64 = 400_000;

/// The most transactions in one claim.
const MOST: usize = 16;

/// The most transactions of one sender in a claim. Each needs the nonce that the one before leaves, so
/// nothing is lost by giving them all to one worker.
const MOST_OF_A_SENDER: usize = 4096;

/// A transaction with this limit may take long.
const LONG_GAS: u64 = 500_000;

/// The share of the work that is done, in percent, when the end of the block is near.
const NEAR_THE_END: u64 = 70;

/// Transactions that may begin before their turn. Each is a guess.
const MOST_EARLY: usize = 4;

/// A chain with this share of the work, in percent, leaves a second thread nothing to win.
const CHAIN_SHARE: u64 = 70;

/// Below this much work a second thread would come too late to be worth waking.
const SMALL_BLOCK_NS: u64 = 300_000;

/// How so many workers claim the transactions of a block.
pub(super) fn of(transactions: &[Transaction], workers: usize) -> Claims {
    Claims { workers, most: together(transactions), early: early(transactions), is_fair: true }
}

/// One at a time most of the time: `forced` is there to make transactions meet. Now and then two or three, for claims
/// of several have schedules of their own.
pub(super) fn that_meet(transactions: usize, workers: usize) -> Claims {
    let most = [1, 1, 2, 1, 3].into_iter().cycle().take(transactions).collect();
    Claims { workers, most, is_fair: false, ..Claims::single() }
}

/// Several at a time, which a worker then executes from the last to the first (`Conflicts::are_backwards`).
pub(super) fn that_conflict(transactions: usize, workers: usize) -> Claims {
    let most = [4, 1, 3, 2].into_iter().cycle().take(transactions).collect();
    Claims { workers, most, is_fair: false, ..Claims::single() }
}

/// For each transaction, how many from it on may be claimed together.
fn together(transactions: &[Transaction]) -> Arc<[u16]> {
    let mut most = vec![1_u16; transactions.len()];
    let (mut end, mut gas) = (0, 0_u64);
    for start in 0..transactions.len() {
        if end <= start {
            (end, gas) = (start + 1, transactions[start].envelope.gas_limit());
        }
        while let Some(next) = transactions.get(end) {
            let limit = next.envelope.gas_limit();
            let fits = end - start < MOST && gas.saturating_add(limit) <= GAS_OF_A_CLAIM;
            let is_next_of_sender = next.sender == transactions[end - 1].sender
                && next.sender == transactions[start].sender
                && end - start < MOST_OF_A_SENDER;
            if !fits && !is_next_of_sender {
                break;
            }
            gas = gas.saturating_add(limit);
            end += 1;
        }
        most[start] = (end - start) as u16;
        gas = gas.saturating_sub(transactions[start].envelope.gas_limit());
    }
    most.into()
}

/// Transactions near the end of the block that may take long, the longest first: begun in their turn,
/// one of them would keep one worker busy while all others have nothing left to do. Not those whose
/// sender or recipient stands in the block before them: they would most likely begin with a wrong guess,
/// and then come last after all.
fn early(transactions: &[Transaction]) -> Arc<[TransactionIndex]> {
    let work: u64 = transactions.iter().map(about_ns).sum();
    let (mut before, mut long, mut seen) = (0, Vec::new(), AddressSet::default());
    for (index, transaction) in (0..).zip(transactions) {
        let limit = transaction.envelope.gas_limit();
        let is_sender_new = seen.insert(transaction.sender);
        let is_known =
            transaction.envelope.to().is_some_and(|to| !seen.insert(to)) || !is_sender_new;
        if limit >= LONG_GAS && before * 100 >= work * NEAR_THE_END && !is_known {
            long.push((Reverse(limit), index));
        }
        before += about_ns(transaction);
    }
    long.sort_unstable();
    long.into_iter().map(|(_, index)| index).take(MOST_EARLY).collect()
}

/// Whether one thread alone is the better choice: the block is too small to share, or most of it is one
/// chain.
pub(crate) fn is_for_one(transactions: &[Transaction]) -> bool {
    let work: u64 = transactions.iter().map(about_ns).sum();
    transactions.len() < 2
        || work < SMALL_BLOCK_NS
        || longest_chain_ns(transactions) * 100 >= work * CHAIN_SHARE
}

/// The longest chain that can be seen beforehand: a sender's next transaction needs the nonce, and one
/// who was sent value in a plain transfer needs the balance.
fn longest_chain_ns(transactions: &[Transaction]) -> u64 {
    let mut ends = AddressMap::<u64>::default();
    for transaction in transactions {
        let start = ends.get(&transaction.sender).copied().unwrap_or_default();
        let end = start + about_ns(transaction);
        ends.insert(transaction.sender, end);
        if let (Some(to), true) = (transaction.envelope.to(), is_plain(transaction)) {
            let known = ends.entry(to).or_default();
            *known = end.max(*known);
        }
    }
    ends.values().max().copied().unwrap_or_default()
}

fn is_plain(transaction: &Transaction) -> bool {
    transaction.envelope.input().is_empty()
}

/// About how long one thread will need, from what can be seen: a plain transfer runs no code, and of
/// other transactions most use far less than a limit that is high.
fn about_ns(transaction: &Transaction) -> u64 {
    if is_plain(transaction) {
        800
    } else {
        4_000 + transaction.envelope.gas_limit().min(200_000) / 10
    }
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
            Transaction::new(Address::ZERO, envelope)
        };
        let mut transactions: Vec<_> = limits.iter().map(transaction).collect();
        for (sender, transaction) in transactions.iter_mut().enumerate() {
            transaction.sender = Address::with_last_byte((sender % 200) as u8);
        }
        transactions
    }

    #[test]
    fn claims_add_up_to_the_limit() {
        let most = together(&transactions(&[200_000, 200_000, 1, 5_000_000, 100_000]));
        assert_eq!(most[..], [2, 2, 1, 1, 1]);
        assert_eq!(together(&transactions(&[1; 20]))[..5], [16; 5]);
        assert_eq!(together(&transactions(&[])).len(), 0);
        assert_eq!(together(&transactions(&[u64::MAX, u64::MAX]))[..], [1, 1]);
    }

    #[test]
    fn the_next_of_a_sender_goes_to_the_same_worker() {
        let mut chain = transactions(&[5_000_000; 40]);
        chain[3..30].iter_mut().for_each(|tx| tx.sender = Address::repeat_byte(1));
        let most = together(&chain);
        assert_eq!((most[2], most[3], most[29], most[30]), (1, 27, 1, 1));
    }

    #[test]
    fn long_ones_near_the_end_come_early_unless_they_would_guess_wrong() {
        let mut block = transactions(&[100_000; 20]);
        for (index, limit) in [(2, 9_000_000), (15, 600_000), (16, 700_000), (17, 800_000)] {
            block[index] = transactions(&[limit]).remove(0);
            block[index].sender = Address::with_last_byte(100 + index as u8);
        }
        assert_eq!(early(&block)[..], [17, 16, 15], "the longest first, and none of the beginning");
        block[17].sender = block[3].sender;
        assert_eq!(early(&block)[..], [16, 15], "it needs the nonce of another");
        assert_eq!(early(&transactions(&[600_000; 40])).len(), 4);
    }

    #[test]
    fn few_cheap_transactions_and_chains_are_for_one() {
        assert!(is_for_one(&transactions(&[9_000_000])));
        assert!(is_for_one(&transactions(&[21_000; 300])));
        let mut many = transactions(&[21_000; 1_000]);
        assert!(!is_for_one(&many));
        many[..800].iter_mut().for_each(|tx| tx.sender = Address::repeat_byte(1));
        assert!(is_for_one(&many));

        // Each sends on what the one before has sent.
        let mut passed_on = transactions(&[21_000; 1_000]);
        for (index, transaction) in passed_on.iter_mut().enumerate() {
            let account = |index: usize| Address::left_padding_from(&(index + 1).to_be_bytes());
            let tx = TxLegacy { to: account(index + 1).into(), ..TxLegacy::default() };
            let signature = Signature::new(U256::from(1), U256::from(1), false);
            let signed = Signed::new_unchecked(tx, signature, B256::ZERO);
            *transaction = Transaction::new(account(index), signed.into());
        }
        assert!(is_for_one(&passed_on));
        passed_on.reverse();
        assert!(!is_for_one(&passed_on), "no transaction waits for a later one");
    }
}
