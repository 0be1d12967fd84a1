//! A bit of everything, weighted about as mainnet is.

use super::{
    Scene, accounts::Bundles, compute::Compute, draft::Draft, game::Game, lending::Lending,
    nft::Nft, swaps, tokens, transfers,
};

/// Shares of the scenes, in percent of transactions: on mainnet about a third are plain transfers, a third
/// move tokens, and swaps are the largest part of the rest.
const WEIGHTS: [usize; 8] = [34, 32, 16, 6, 4, 4, 2, 2];

/// Several scenes in one block.
pub(super) struct Mix(Vec<Box<dyn Scene>>);

impl Mix {
    pub(super) fn scene(draft: &mut Draft, transactions: usize) -> Box<dyn Scene> {
        // Some more than will come, by chance.
        let share = |percent: usize| transactions * percent / 80 + 64;
        let [transfers, tokens, swaps, nft, lending, game, compute, bundles] = WEIGHTS.map(share);
        Box::new(Self(vec![
            transfers::Transfers::scene(draft, transfers),
            tokens::hot(draft, tokens),
            swaps::hot(draft, swaps),
            Nft::naive(draft, nft),
            Lending::naive(draft, lending),
            Game::naive(draft, game),
            Compute::scene(draft, compute),
            Bundles::naive(draft, bundles),
        ]))
    }
}

impl Scene for Mix {
    fn act(&mut self, draft: &mut Draft) {
        let mut drawn = draft.below(100);
        let scenes = self.0.iter_mut().zip(WEIGHTS);
        for (scene, weight) in scenes {
            if drawn < weight {
                return scene.act(draft);
            }
            drawn -= weight;
        }
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        self.0.into_iter().for_each(|scene| scene.deploy(draft));
    }
}
