//! Generated blocks: transactions that get in each other's way, from bytes.
//!
//! One generator for every source of bytes: a seed, libFuzzer, proptest. The same bytes give the same
//! block. Code is not random bytes but statements that mean something: storage, calls of every kind,
//! creation and destruction, and questions about the balances and codes of the other participants.
//!
//! * `chooser`: bytes to decisions.
//! * `features`: what a block may have; each block has only some of it (swarm testing: Groce et al.,
//!   ISSTA 2012).
//! * `world`: who takes part.
//! * `code`, `assembler`: contracts.
//! * `transactions`: what happens, and in which shape it conflicts.

mod assembler;
mod chooser;
mod code;
mod features;
mod invalid;
mod transactions;
mod world;

use chooser::Chooser;
pub use features::{Feature, Features};
use lockstep_judge::{
    definition::{Body, SourceKind, Test},
    expected::Expectation,
    runnable::Runnable,
    state::PreState,
};
use lockstep_model::{Case, Fork, Phases, Rules, StateChanges};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
pub use transactions::Shape;
use world::{Cast, World};

/// Bytes that a seed is stretched to: enough for the largest block.
const BYTES: usize = 24 << 10;

/// Limits on generated blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Forks to choose from; not empty.
    pub forks: Vec<Fork>,
    /// Features that a block may have at all.
    pub features: Features,
    /// The most transactions of a block.
    pub transactions: usize,
}

impl Limits {
    /// Whether blocks may be whatever the generator can make.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Limits {
    fn default() -> Self {
        // Constantinople proper is not supported by any executor here.
        let forks = Fork::ALL.into_iter().filter(|fork| *fork != Fork::Constantinople);
        Self { forks: forks.collect(), features: Features::all(), transactions: 200 }
    }
}

/// How a generated block is made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// The seed of its chain.
    pub seed: u64,
    /// Its number in the chain: 0 is the block of the seed itself.
    #[serde(default)]
    pub link: u64,
    /// The limits of the campaign.
    #[serde(default, skip_serializing_if = "Limits::is_default")]
    pub limits: Limits,
}

/// A generated block, and what is in it.
#[derive(Debug, Clone)]
pub struct Generated {
    /// The block.
    pub block: Runnable,
    /// Features that it may have, out of those that its fork knows.
    pub features: Features,
    /// How its transactions conflict.
    pub shape: Shape,
    /// Whether a transaction is meant to be invalid, or not to fit into the block.
    pub is_meant_to_fail: bool,
    cast: Cast,
}

impl Generated {
    /// As a test.
    pub fn into_test(self) -> Test {
        Test {
            id: self.block.case.id.to_string(),
            source: SourceKind::Generated,
            fork: self.block.case.rules.fork.to_string(),
            body: Body::Run(Box::new(self.block)),
        }
    }
}

/// The block of a seed.
pub fn from_seed(seed: u64, limits: &Limits) -> Generated {
    let mut bytes = vec![0; BYTES];
    ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
    from_bytes(&bytes, &format!("generated::seed={seed}"), limits)
}

/// The block of these bytes. Few bytes give a small block.
pub fn from_bytes(bytes: &[u8], id: &str, limits: &Limits) -> Generated {
    let mut chooser = Chooser::new(bytes);
    let fork = *chooser.pick(&limits.forks);
    let features = Features::choose(&mut chooser, fork, limits.features);
    let shape = Shape::choose(&mut chooser);
    let size = chooser.size(limits.transactions);
    let world = World::new(&mut chooser, fork, features);
    filled(world, &mut chooser, (shape, size), id)
}

/// The next block of a chain, on the state that a block has left. `link` counts from one: the chain of a
/// seed is the same whenever its blocks are.
pub fn next_of_chain(
    seed: u64,
    link: u64,
    before: &Generated,
    changes: &StateChanges,
    limits: &Limits,
) -> Generated {
    let mut bytes = vec![0; BYTES];
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(link);
    random.fill_bytes(&mut bytes);
    let mut chooser = Chooser::new(&bytes);
    let block = &before.block;
    let fork = block.case.rules.fork;
    let features = Features::choose(&mut chooser, fork, limits.features);
    // Features that only an earlier state can bring are kept only if the previous block had them.
    let features = features.only(before.features, &[Feature::Edges, Feature::Revival]);
    let shape = Shape::choose(&mut chooser);
    let size = chooser.size(limits.transactions.min(LONGEST_LINK));
    let state = block.pre.state_after(changes);
    let parent = (&*block.case.block, fork);
    let world = World::after(&mut chooser, features, parent, &before.cast, state);
    filled(world, &mut chooser, (shape, size), &format!("generated::seed={seed}#{link}"))
}

/// Most transactions of a later block of a chain.
const LONGEST_LINK: usize = 16;

fn filled(
    mut world: World,
    chooser: &mut Chooser<'_>,
    (shape, size): (Shape, usize),
    id: &str,
) -> Generated {
    let is_meant_to_fail = transactions::fill(&mut world, chooser, shape, size);
    let cast = world.cast();
    let World { fork, features, state, block, .. } = world;
    let pre = PreState::new(state);
    let case = Case {
        id: format!("{id}[{fork}]").into(),
        rules: Rules::mainnet(fork),
        phases: Phases::Full,
        block: Arc::new(block),
        pre_state: pre.state.clone(),
    };
    let block = Runnable { case, pre, expectation: Expectation::default() };
    Generated { block, features, shape, is_meant_to_fail, cast }
}

#[cfg(test)]
mod unit {
    use super::*;
    use alloy_primitives::{Address, U256};
    use lockstep_model::memory_state::StoredAccount;
    use std::collections::BTreeMap;

    #[test]
    fn the_same_bytes_give_the_same_block() {
        let limits = Limits::default();
        let describe = |seed| {
            let generated = from_seed(seed, &limits);
            let account = |(address, account): (&Address, &StoredAccount)| {
                let storage: BTreeMap<U256, U256> =
                    account.storage.iter().map(|(slot, value)| (*slot, *value)).collect();
                (*address, (account.info, storage))
            };
            let accounts: BTreeMap<_, _> =
                generated.block.pre.state.accounts().map(account).collect();
            format!("{:?} {accounts:?} {:?}", generated.block.case.block, generated.features)
        };
        for seed in 0..50 {
            assert!(describe(seed) == describe(seed), "seed {seed}");
            assert!(describe(seed) != describe(seed + 1), "seed {seed}");
        }
    }

    #[test]
    fn any_bytes_give_a_block_within_its_limits() {
        let limits = Limits { transactions: 7, ..Limits::default() };
        let mut sizes = [0; 8];
        for length in 0..600 {
            let bytes: Vec<u8> = (0..length).map(|index| (index * 37 + length) as u8).collect();
            let generated = from_bytes(&bytes, "bytes", &limits);
            sizes[generated.block.case.block.transactions.len()] += 1;
        }
        assert_eq!(sizes[0], 0, "an empty block has nothing to get wrong in parallel");
        assert!(sizes[1] > 0 && sizes[5..].iter().sum::<usize>() > 0, "{sizes:?}");
    }

    #[test]
    fn every_feature_shape_and_fork_is_reached() {
        let limits = Limits::default();
        let (mut features, mut shapes, mut forks) = (Features::none(), Vec::new(), Vec::new());
        for seed in 0..1_000 {
            let generated = from_seed(seed, &limits);
            features = features.with(generated.features);
            shapes.push(generated.shape);
            forks.push(generated.block.case.rules.fork);
        }
        assert_eq!(features, Features::all());
        assert!(Shape::ALL.iter().all(|shape| shapes.contains(shape)));
        assert!(limits.forks.iter().all(|fork| forks.contains(fork)));
    }
}
