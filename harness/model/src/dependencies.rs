//! Which transactions of a block wait for which others.

use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// The dependencies of a block: what limits every executor that does not know values beforehand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependencies {
    /// In block order.
    pub transactions: Vec<Dependent>,
}

/// One transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependent {
    /// Transactions before it, by index, that changed what it read; ascending.
    pub after: Vec<u32>,
    /// How long it took on one thread, in ns.
    pub time_ns: u64,
}

impl Dependencies {
    /// Time of all transactions, one after the other, in ns.
    pub fn work_ns(&self) -> u64 {
        self.transactions.iter().map(|transaction| transaction.time_ns).sum()
    }

    /// When each transaction ends if it begins as soon as all that it waits for have ended, in ns.
    fn ends_ns(&self) -> Vec<u64> {
        let mut ends: Vec<u64> = Vec::with_capacity(self.transactions.len());
        for transaction in &self.transactions {
            let start = transaction.after.iter().map(|before| ends[*before as usize]).max();
            ends.push(start.unwrap_or_default() + transaction.time_ns);
        }
        ends
    }

    /// Time of the longest chain of transactions that wait for each other, in ns: no number of threads
    /// is faster.
    pub fn critical_path_ns(&self) -> u64 {
        self.ends_ns().into_iter().max().unwrap_or_default()
    }

    /// The transactions of the longest chain, by index, in order.
    pub fn critical_path(&self) -> Vec<u32> {
        let ends = self.ends_ns();
        let latest = |index: &u32| (ends[*index as usize], Reverse(*index));
        let before = |index: &u32| {
            let after = self.transactions[*index as usize].after.iter().copied();
            after.max_by_key(latest)
        };
        let last = (0..ends.len() as u32).max_by_key(latest);
        let mut chain: Vec<u32> = std::iter::successors(last, before).collect();
        chain.reverse();
        chain
    }

    /// Time of the longest transaction, in ns: the limit where every value is known beforehand.
    pub fn longest_ns(&self) -> u64 {
        let times = self.transactions.iter().map(|transaction| transaction.time_ns);
        times.max().unwrap_or_default()
    }

    /// The same transactions, if none had to wait.
    #[must_use]
    pub fn without_waits(&self) -> Self {
        let free = |one: &Dependent| Dependent { after: Vec::new(), time_ns: one.time_ns };
        Self { transactions: self.transactions.iter().map(free).collect() }
    }

    /// The shorter of two times for each transaction: what it took where nothing interrupted it.
    /// Both are of the same block.
    #[must_use]
    pub fn fastest(mut self, other: &Self) -> Self {
        for (mine, other) in self.transactions.iter_mut().zip(&other.transactions) {
            mine.time_ns = mine.time_ns.min(other.time_ns);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(transactions: &[(&[u32], u64)]) -> Dependencies {
        let dependent = |(after, time_ns): &(&[u32], u64)| Dependent {
            after: after.to_vec(),
            time_ns: *time_ns,
        };
        Dependencies { transactions: transactions.iter().map(dependent).collect() }
    }

    #[test]
    fn the_critical_path_is_the_longest_chain() {
        assert_eq!(block(&[]).critical_path_ns(), 0);
        let independent = block(&[(&[], 3), (&[], 5), (&[], 2)]);
        assert_eq!((independent.work_ns(), independent.critical_path_ns()), (10, 5));
        let diamond = block(&[(&[], 1), (&[0], 2), (&[0], 7), (&[1, 2], 1)]);
        assert_eq!((diamond.critical_path_ns(), diamond.longest_ns()), (9, 7));
        assert_eq!((diamond.critical_path(), block(&[]).critical_path()), (vec![0, 2, 3], vec![]));
    }

    #[test]
    fn the_fastest_of_two_runs() {
        let (first, second) = (block(&[(&[], 3), (&[0], 5)]), block(&[(&[], 4), (&[0], 1)]));
        assert_eq!(first.fastest(&second), block(&[(&[], 3), (&[0], 1)]));
    }
}
