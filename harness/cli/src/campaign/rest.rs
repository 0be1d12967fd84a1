//! The seeds that a campaign has not done, for nodes that are to do them.

use super::{Part, Whole};
use std::ops::Range;

/// The seeds of `all` that no part has done, cut so that about as many nodes as `nodes` have as much to do. They are
/// disjoint, and with what is done they are all, whatever the number of nodes was before.
pub(super) fn rest(all: Range<u64>, whole: &Whole, nodes: u64) -> Vec<Range<u64>> {
    let left = not_done(all, &whole.parts);
    let count: u64 = left.iter().map(|seeds| seeds.end - seeds.start).sum();
    let most = count.div_ceil(nodes.max(1)).max(1);
    left.into_iter().flat_map(|seeds| cut(seeds, most)).collect()
}

/// The seeds of `all` that no part has done.
pub(super) fn not_done(all: Range<u64>, parts: &[Part]) -> Vec<Range<u64>> {
    let done = parts.iter().map(|part| part.campaign.first_seed..part.campaign.next_seed);
    without(all, done.collect())
}

fn without(all: Range<u64>, mut done: Vec<Range<u64>>) -> Vec<Range<u64>> {
    done.sort_by_key(|seeds| seeds.start);
    let (mut left, mut from) = (Vec::new(), all.start);
    for seeds in done {
        if seeds.start > from {
            left.push(from..seeds.start.min(all.end));
        }
        from = from.max(seeds.end);
    }
    left.push(from..all.end);
    left.retain(|seeds| seeds.start < seeds.end);
    left
}

/// In pieces of at most so many, as equal as can be.
fn cut(seeds: Range<u64>, most: u64) -> impl Iterator<Item = Range<u64>> {
    let count = seeds.end - seeds.start;
    let pieces = count.div_ceil(most);
    let at = move |piece: u64| {
        seeds.start + (u128::from(count) * u128::from(piece) / u128::from(pieces)) as u64
    };
    (0..pieces).map(move |piece| at(piece)..at(piece + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::Campaign;
    use proptest::prelude::*;

    fn part(first_seed: u64, next_seed: u64) -> Part {
        let campaign = Campaign { first_seed, next_seed, ..Campaign::default() };
        Part { folder: "part".into(), campaign, complete: None }
    }

    proptest! {
        #[test]
        fn what_is_done_and_the_rest_are_all_seeds_each_once(
            first in 0..50_u64,
            count in 0..200_u64,
            done in prop::collection::vec((0..300_u64, 0..60_u64), 0..8),
            nodes in 1..9_u64,
        ) {
            let all = first..first + count;
            let parts = done.iter().map(|(from, count)| part(*from, from + count)).collect();
            let whole = Whole { parts, ..Whole::default() };
            let rest = rest(all.clone(), &whole, nodes);
            let is_done = |seed: u64| done.iter().any(|(from, count)| (*from..from + count).contains(&seed));
            for seed in all.clone() {
                let times = rest.iter().filter(|seeds| seeds.contains(&seed)).count();
                prop_assert_eq!(times, usize::from(!is_done(seed)), "seed {}", seed);
            }
            prop_assert!(rest.iter().all(|seeds| all.start <= seeds.start && seeds.end <= all.end));
            let most = rest.iter().map(|seeds| seeds.end - seeds.start).max().unwrap_or_default();
            let left: u64 = rest.iter().map(|seeds| seeds.end - seeds.start).sum();
            prop_assert!(most <= left.div_ceil(nodes));
        }
    }
}
