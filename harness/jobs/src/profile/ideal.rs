//! The block on an ideal machine: every dependency is known beforehand, and nothing but transactions takes time.

use lockstep_model::Dependencies;
use std::{cmp::Reverse, collections::BinaryHeap};

/// Time of the block on so many cores, in ns: whenever a core is free it takes the first transaction, in block
/// order, that waits for no other (list scheduling; Graham, 1969: at most twice the shortest time).
pub(crate) fn time_ns(dependencies: &Dependencies, cores: usize) -> u64 {
    let transactions = &dependencies.transactions;
    let mut left: Vec<usize> = transactions.iter().map(|one| one.after.len()).collect();
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); transactions.len()];
    for (index, transaction) in transactions.iter().enumerate() {
        for before in &transaction.after {
            followers[*before as usize].push(index);
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..transactions.len()).filter(|index| left[*index] == 0).map(Reverse).collect();
    let mut running: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    let mut now = 0;
    loop {
        while running.len() < cores.max(1) {
            let Some(Reverse(index)) = ready.pop() else { break };
            running.push(Reverse((now + transactions[index].time_ns, index)));
        }
        let Some(Reverse((end, done))) = running.pop() else { return now };
        now = end;
        for follower in &followers[done] {
            left[*follower] -= 1;
            if left[*follower] == 0 {
                ready.push(Reverse(*follower));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_model::Dependent;

    fn block(transactions: &[(&[u32], u64)]) -> Dependencies {
        let dependent = |(after, time_ns): &(&[u32], u64)| Dependent {
            after: after.to_vec(),
            time_ns: *time_ns,
        };
        Dependencies { transactions: transactions.iter().map(dependent).collect() }
    }

    #[test]
    fn cores_and_dependencies_limit_the_time() {
        let block = block(&[(&[], 3), (&[], 5), (&[0], 4), (&[], 2)]);
        assert_eq!([1, 2, 3, 9].map(|cores| time_ns(&block, cores)), [14, 7, 7, 7]);
        assert_eq!(block.critical_path(), [0, 2]);
        assert_eq!(time_ns(&Dependencies::default(), 4), 0);
        assert_eq!(Dependencies::default().critical_path(), [0_u32; 0]);
    }
}
