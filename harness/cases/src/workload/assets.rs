//! Fractions of an asset, with rules about who may have them.

use super::{
    Scene,
    contracts::{Contract, word},
    draft::Draft,
};
use alloy_primitives::{Address, U256};

const GAS_LIMIT: u64 = 200_000;
/// The end of time, for all that this block knows.
const LATER: u64 = 2_000_000;

/// Each sender sells some shares once, to one of as many holders.
pub(super) struct Assets {
    register: Contract,
    holders: Vec<Address>,
    sold: usize,
}

impl Assets {
    pub(super) fn naive(draft: &mut Draft, transactions: usize) -> Box<dyn Scene> {
        let mut assets = Self::of(draft, "RegistryNaive", transactions);
        for count in 3..=5 {
            assets.register.set(count, U256::from(transactions));
        }
        Box::new(assets)
    }

    pub(super) fn friendly(draft: &mut Draft, transactions: usize) -> Box<dyn Scene> {
        Box::new(Self::of(draft, "Registry", transactions))
    }

    fn of(draft: &mut Draft, name: &'static str, transactions: usize) -> Self {
        let register = Contract::new(draft, name);
        let mut assets = Self { register, holders: Vec::new(), sold: 0 };
        for _ in 0..transactions {
            let holder = draft.address();
            assets.verify(holder);
            assets.holders.push(holder);
        }
        assets
    }

    fn verify(&mut self, holder: Address) {
        self.register.map(0, word(holder), U256::from(1_000));
        self.register.map(1, word(holder), U256::from(LATER));
    }
}

impl Scene for Assets {
    fn act(&mut self, draft: &mut Draft) {
        let seller = draft.sender();
        self.verify(seller);
        let buyer = self.holders[draft.choose_or(self.sold, self.holders.len())];
        self.sold += 1;
        let words = [word(buyer), U256::from(10)];
        self.register.send(draft, seller, "move(address,uint256)", &words, GAS_LIMIT);
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        self.register.deploy(draft);
    }
}
