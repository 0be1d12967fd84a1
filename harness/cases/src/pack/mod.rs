//! Packs single-transaction state tests into blocks that really run in parallel.
//!
//! *Class*: tests with the same rules and the same environment, the gas limit aside. *Packable*: no
//! expected exception. The block's gas limit is the sum of its tests'; header rules do not apply.
//!
//! * `disjoint`: tests whose touched accounts do not intersect, greedily and by seed. Nothing is
//!   rewritten, so each test's own logs hash and post accounts are still expected.
//! * `shared`: the union of the pre-states (the first account wins, balances are added), nonces
//!   renumbered by sender. The oracle is the reference alone.
//! * `invalid`: as `disjoint`, with one test that must be rejected at a random place.

mod disjoint;

use crate::batch::read_all;
use lockstep_formats::{SourceError, Walk};
use lockstep_judge::{
    definition::{Body, SkipReason, SourceKind, Test},
    pack::{Class, Mode, Recipe, Unit},
    runnable::Runnable,
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Counts of the packer's input and result, before anything has run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packing {
    /// Tests that can be packed.
    pub packable: usize,
    /// Tests that cannot: a rejection is expected, or there is no transaction.
    pub not_packable: usize,
    /// Classes.
    pub classes: usize,
    /// Packable tests in a class of fewer than 32, which no block of 32 can hold.
    pub in_small_classes: usize,
    /// Packable tests that are in no block of two or more, by mode `disjoint`.
    pub alone: usize,
}

/// Collects tests and packs them.
#[derive(Debug, Default)]
pub struct Packer {
    classes: BTreeMap<Class, Members>,
    /// Tests that no packed block can hold, with the reason.
    left: Vec<Test>,
    not_packable: usize,
}

#[derive(Debug, Default)]
struct Members {
    packable: Vec<Arc<Unit>>,
    must_reject: Vec<Arc<Unit>>,
}

impl Packer {
    /// Takes a state test.
    pub fn add(&mut self, test: Test) {
        let Test { id, source, fork, body } = test;
        match body {
            Body::Run(runnable) => self.add_runnable(id, *runnable),
            Body::Skip(reason) => self.leave(Test { id, source, fork, body: Body::Skip(reason) }),
            _ => {
                let body = Body::Skip(SkipReason::NotPackable);
                self.leave(Test { id, source, fork, body });
            }
        }
    }

    fn leave(&mut self, test: Test) {
        self.not_packable += 1;
        self.left.push(test);
    }

    fn add_runnable(&mut self, id: String, runnable: Runnable) {
        let rejects = runnable.expectation.rejection.is_some();
        self.not_packable += usize::from(rejects);
        let class = self.classes.entry(Class::of(&runnable.case)).or_default();
        let unit = Arc::new(Unit::new(id, runnable));
        if rejects { class.must_reject.push(unit) } else { class.packable.push(unit) }
    }

    /// Makes the blocks: tests whose body is a [`Recipe`].
    pub fn pack(self, size: usize, modes: &[Mode], seed: u64) -> (Vec<Test>, Packing) {
        let mut packing = Packing {
            not_packable: self.not_packable,
            classes: self.classes.len(),
            ..Packing::default()
        };
        let mut tests = self.left;
        for (class, mut members) in self.classes {
            packing.packable += members.packable.len();
            if members.packable.len() < 32 {
                packing.in_small_classes += members.packable.len();
            }
            // One stream for each class: a class more or less does not change the others.
            let mut random = ChaCha8Rng::seed_from_u64(seed ^ class.stream());
            members.packable.shuffle(&mut random);
            let blocks = disjoint::blocks(&members.packable, size);
            packing.alone +=
                blocks.iter().filter(|block| block.len() == 1).map(Vec::len).sum::<usize>();
            let mut make = |mode, recipes: Vec<Recipe>| {
                let recipes = recipes.into_iter().enumerate();
                tests.extend(recipes.map(|(n, recipe)| recipe_test(&class, mode, n, recipe)));
            };
            let mut packed = BTreeSet::new();
            for mode in modes {
                let recipes = recipes(*mode, &blocks, &members, size, &mut random);
                packed.extend(recipes.iter().flat_map(Recipe::ids).map(ToOwned::to_owned));
                make(*mode, recipes);
            }
            tests.extend(unpacked(&class, &members, &packed));
        }
        (tests, packing)
    }
}

fn recipes(
    mode: Mode,
    blocks: &[Vec<Arc<Unit>>],
    members: &Members,
    size: usize,
    random: &mut ChaCha8Rng,
) -> Vec<Recipe> {
    let recipe = |units: &[Arc<Unit>]| Recipe::new(mode, units.to_vec(), None);
    match mode {
        Mode::Disjoint => {
            blocks.iter().filter(|block| block.len() > 1).map(|block| recipe(block)).collect()
        }
        Mode::Shared => {
            let chunks = members.packable.chunks(size);
            chunks.filter(|chunk| chunk.len() > 1).map(recipe).collect()
        }
        Mode::Invalid => disjoint::with_rejections(&members.must_reject, blocks, size, random),
    }
}

/// The tests of a class that are in none of the blocks.
fn unpacked(class: &Class, members: &Members, packed: &BTreeSet<String>) -> Vec<Test> {
    let skip = |unit: &Arc<Unit>, reason| Test {
        id: unit.id.clone(),
        source: SourceKind::StateTest,
        fork: class.fork().to_string(),
        body: Body::Skip(reason),
    };
    let alone = members.packable.iter().map(|unit| skip(unit, SkipReason::NoPartner));
    let rejecting = members.must_reject.iter().map(|unit| skip(unit, SkipReason::NotPackable));
    alone.chain(rejecting).filter(|test| !packed.contains(&test.id)).collect()
}

/// State tests that were packed, in an order of their own.
#[derive(Debug)]
pub struct Sampled {
    /// The blocks, and the tests that no block can hold.
    pub tests: Vec<Test>,
    /// What was packed.
    pub packing: Packing,
    /// Tests that may use more than [`MOST_GAS`].
    pub left_out: usize,
}

/// Tests of more gas take the Python specs seconds each.
pub const MOST_GAS: u64 = 1_000_000;

/// The small state tests of these files, packed in every way.
///
/// # Errors
/// The first file that cannot be read.
pub fn sampled(walk: &Walk, size: usize, seed: u64) -> Result<Sampled, SourceError> {
    let (mut packer, mut left_out, mut problem) = (Packer::default(), 0, None);
    read_all(walk, &mut |found| {
        problem = problem.take().or_else(|| found.unreadable.into_iter().next());
        for test in found.tests.into_iter().filter(|test| test.source == SourceKind::StateTest) {
            if test.gas_limit() > MOST_GAS { left_out += 1 } else { packer.add(test) }
        }
        problem.is_none()
    });
    if let Some(error) = problem {
        return Err(error);
    }
    let (tests, packing) = packer.pack(size, &Mode::ALL, seed);
    Ok(Sampled { tests: sample(tests, seed), packing, left_out })
}

/// The tests in an order that the seed decides, so that the first of them are of many classes.
fn sample(mut tests: Vec<Test>, seed: u64) -> Vec<Test> {
    tests.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    tests
}

fn recipe_test(class: &Class, mode: Mode, number: usize, recipe: Recipe) -> Test {
    Test {
        id: format!("packed::{}::{}#{number}", mode.name(), class.name()),
        source: SourceKind::Packed,
        fork: class.fork().to_string(),
        body: Body::Pack(Box::new(recipe)),
    }
}
