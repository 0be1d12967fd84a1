//! Blocks of tests that touch no account in common: greedy, first fit.

use alloy_primitives::{Address, map::AddressMap};
use lockstep_judge::pack::{Mode, Recipe, Unit};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::{collections::BTreeSet, sync::Arc};

/// Puts every test, in the order given, into the first block that has room and none of its
/// accounts.
pub(super) fn blocks(units: &[Arc<Unit>], size: usize) -> Vec<Vec<Arc<Unit>>> {
    let mut blocks: Vec<Vec<Arc<Unit>>> = Vec::new();
    // For each account, the blocks that it is in: the rest are the candidates.
    let mut inside: AddressMap<BTreeSet<usize>> = AddressMap::default();
    let mut first_open = 0;
    for unit in units {
        let taken: BTreeSet<usize> = unit
            .touched
            .iter()
            .filter_map(|address| inside.get(address))
            .flatten()
            .copied()
            .collect();
        let fits = |block: &usize| blocks[*block].len() < size && !taken.contains(block);
        let block = (first_open..blocks.len()).find(fits).unwrap_or(blocks.len());
        if block == blocks.len() {
            blocks.push(Vec::new());
        }
        blocks[block].push(unit.clone());
        enter(&mut inside, &unit.touched, block);
        while first_open < blocks.len() && blocks[first_open].len() == size {
            first_open += 1;
        }
    }
    blocks
}

fn enter(inside: &mut AddressMap<BTreeSet<usize>>, touched: &[Address], block: usize) {
    for address in touched {
        inside.entry(*address).or_default().insert(block);
    }
}

/// For each test that must be rejected, a block of others with it at a random place.
pub(super) fn with_rejections(
    must_reject: &[Arc<Unit>],
    blocks: &[Vec<Arc<Unit>>],
    size: usize,
    random: &mut ChaCha8Rng,
) -> Vec<Recipe> {
    let recipe = |rejected: &Arc<Unit>| {
        let touched: BTreeSet<&Address> = rejected.touched.iter().collect();
        let apart =
            |unit: &&Arc<Unit>| unit.touched.iter().all(|address| !touched.contains(address));
        let others = if blocks.is_empty() {
            &[][..]
        } else {
            &blocks[random.random_range(0..blocks.len())][..]
        };
        let mut units: Vec<_> = others.iter().filter(apart).take(size - 1).cloned().collect();
        let place = random.random_range(0..=units.len());
        units.insert(place, rejected.clone());
        Recipe::new(Mode::Invalid, units, Some(place))
    };
    must_reject.iter().map(recipe).collect()
}
