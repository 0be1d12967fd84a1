//! A set of blocks generated from a seed, without any file: a real job on a fresh machine.
//!
//! Native transfers and contract calls over independent, chained, star, hot-slot and same-sender
//! shapes, for every fork that changes how state is written. The state expected after a block is
//! computed by plain arithmetic, so the reference has an oracle here too.

mod block;
mod contracts;
mod shapes;

use block::BlockBuilder;
use lockstep_judge::{
    definition::{Body, SourceKind, Test},
    runnable::Runnable,
};
use lockstep_model::{Case, Fork};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Forks with different rules for writing state: no state clearing, state clearing, status
/// receipts, net gas metering, burnt fees, withdrawals, transient rules, delegations, the newest.
const FORKS: [Fork; 9] = [
    Fork::Frontier,
    Fork::SpuriousDragon,
    Fork::Byzantium,
    Fork::Istanbul,
    Fork::London,
    Fork::Shanghai,
    Fork::Cancun,
    Fork::Prague,
    Fork::Osaka,
];

/// Transactions in a block.
const SIZES: [usize; 4] = [1, 2, 16, 100];

/// The whole set.
pub fn tests(seed: u64) -> Vec<Test> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut tests = Vec::new();
    for fork in FORKS {
        for (kind, shape) in shapes::ALL {
            for size in SIZES {
                let id = format!(
                    "built-in::{}-{}-{size}[{fork},seed={seed}]",
                    kind.name(),
                    shape.name()
                );
                let mut block = BlockBuilder::new(fork, &mut random);
                shapes::fill(&mut block, kind, shape, size, &mut random);
                let body = Body::Run(Box::new(block.finish(&id)));
                tests.push(Test { id, source: SourceKind::BuiltIn, fork: fork.to_string(), body });
            }
        }
    }
    tests
}

/// One block of independent transfers, every transaction with a sender of its own, whose key is known.
pub fn independent_transfers(fork: Fork, transactions: usize) -> Case {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut block = BlockBuilder::new(fork, &mut random);
    shapes::fill_by_known_senders(&mut block, transactions, &mut random);
    block.finish("built-in::independent-transfers").case
}

/// One transaction of 21,000 gas in a block that has room for no more. The key of its sender is known.
pub fn smallest(fork: Fork) -> Runnable {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut block = BlockBuilder::new(fork, &mut random);
    shapes::fill_with_nothing(&mut block);
    block.finish("built-in::smallest")
}

/// One block of a seed: any kind, shape and fork, of up to `most` transactions.
pub fn any_block(seed: u64, most: usize) -> Test {
    use rand::RngExt;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let fork = FORKS[random.random_range(0..FORKS.len())];
    let (kind, shape) = shapes::ALL[random.random_range(0..shapes::ALL.len())];
    let size = random.random_range(1..=most);
    let id = format!("built-in::any-{}-{}-{size}[{fork},seed={seed}]", kind.name(), shape.name());
    let mut block = BlockBuilder::new(fork, &mut random);
    shapes::fill(&mut block, kind, shape, size, &mut random);
    let body = Body::Run(Box::new(block.finish(&id)));
    Test { id, source: SourceKind::BuiltIn, fork: fork.to_string(), body }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_blocks() {
        let describe = |tests: Vec<Test>| {
            let describe = |test: Test| match test.body {
                Body::Run(run) => format!("{} {:?}", test.id, run.case.block),
                other => panic!("{other:?}"),
            };
            tests.into_iter().map(describe).collect::<Vec<_>>()
        };
        let (one, again, other) = (describe(tests(1)), describe(tests(1)), describe(tests(2)));
        assert_eq!(one.len(), FORKS.len() * shapes::ALL.len() * SIZES.len());
        assert_eq!(one, again);
        assert_ne!(one, other);
    }
}
