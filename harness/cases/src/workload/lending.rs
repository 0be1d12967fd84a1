//! A lending market: deposits, loans, repayments, liquidations.

use super::{
    Scene,
    contracts::{Contract, word},
    draft::Draft,
};
use alloy_primitives::{Address, U256};

const GAS_LIMIT: u64 = 300_000;

/// Each sender does one of four things, once.
pub(super) struct Lending {
    market: Contract,
    oracle: Contract,
}

impl Lending {
    pub(super) fn naive(draft: &mut Draft, _: usize) -> Box<dyn Scene> {
        let mut lending = Self::of(draft, "LendingNaive");
        // `interest` and `updatedAt`, as the constructor and the block before have left them.
        lending.market.set(5, U256::from(1_000_000_000_000_000_000_u64));
        lending.market.set(6, U256::from(999_988));
        for total in 2..=4 {
            lending.market.set(total, U256::from(1_000_000_000));
        }
        Box::new(lending)
    }

    pub(super) fn friendly(draft: &mut Draft, _: usize) -> Box<dyn Scene> {
        Box::new(Self::of(draft, "Lending"))
    }

    fn of(draft: &mut Draft, name: &'static str) -> Self {
        let (mut market, mut oracle) = (Contract::new(draft, name), Contract::new(draft, "Oracle"));
        market.set(1, word(oracle.address));
        oracle.set(0, U256::from(3));
        Self { market, oracle }
    }

    fn account(&mut self, whose: Address, cash: u64, collateral: u64, debt: u64) {
        let packed = U256::from(cash) | U256::from(collateral) << 128;
        self.market.map_field(0, word(whose), 0, packed);
        self.market.map_field(0, word(whose), 1, U256::from(debt));
    }
}

impl Scene for Lending {
    fn act(&mut self, draft: &mut Draft) {
        let who = draft.sender();
        self.account(who, 1_000, 1_000, 100);
        let (function, word) = match draft.below(10) {
            0..4 => ("deposit(uint128)", U256::from(50)),
            4..7 => ("borrow(uint128)", U256::from(50)),
            7..9 => ("repay(uint128)", U256::from(50)),
            _ => {
                let ruined = draft.address();
                self.account(ruined, 10, 1, 100);
                ("liquidate(address)", word(ruined))
            }
        };
        self.market.send(draft, who, function, &[word], GAS_LIMIT);
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        self.market.deploy(draft);
        self.oracle.deploy(draft);
    }
}
