//! Rounds of a game that pays.

use super::{
    Scene,
    contracts::{Contract, word},
    draft::Draft,
};
use alloy_primitives::U256;

const GAS_LIMIT: u64 = 250_000;

/// Each sender plays once, at one of as many tables as there are eights of players.
pub(super) struct Game {
    contract: Contract,
    tables: usize,
}

impl Game {
    pub(super) fn naive(draft: &mut Draft, transactions: usize) -> Box<dyn Scene> {
        let mut game = Self::of(draft, "GameNaive", transactions);
        game.contract.set(2, U256::from(7));
        game.contract.set(3, U256::from(100_000));
        Box::new(game)
    }

    pub(super) fn friendly(draft: &mut Draft, transactions: usize) -> Box<dyn Scene> {
        let mut game = Self::of(draft, "Game", transactions);
        for table in 0..game.tables {
            game.contract.map(3, U256::from(table), U256::from(100_000));
        }
        Box::new(game)
    }

    fn of(draft: &mut Draft, name: &'static str, transactions: usize) -> Self {
        Self { contract: Contract::new(draft, name), tables: transactions.div_ceil(8) }
    }
}

impl Scene for Game {
    fn act(&mut self, draft: &mut Draft) {
        let player = draft.sender();
        self.contract.map(0, word(player), U256::from(10_000));
        self.contract.map(1, word(player), U256::from(500));
        let words = [U256::from(draft.choose(self.tables)), U256::from(100)];
        self.contract.send(draft, player, "play(uint256,uint256)", &words, GAS_LIMIT);
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        self.contract.deploy(draft);
    }
}
