//! Tokens that are minted, and sold on with a royalty.

use super::{
    Scene,
    contracts::{Contract, word},
    draft::Draft,
};
use alloy_primitives::U256;

const GAS_LIMIT: u64 = 300_000;

/// Half of all mint, half buy one of those that were there.
pub(super) struct Nft {
    collection: Contract,
    for_sale: usize,
    sold: usize,
}

impl Nft {
    pub(super) fn naive(draft: &mut Draft, transactions: usize) -> Box<dyn Scene> {
        let mut nft = Self::of(draft, "CollectionNaive", transactions);
        nft.collection.set(3, U256::from(transactions));
        Box::new(nft)
    }

    pub(super) fn friendly(draft: &mut Draft, transactions: usize) -> Box<dyn Scene> {
        Box::new(Self::of(draft, "Collection", transactions))
    }

    fn of(draft: &mut Draft, name: &'static str, transactions: usize) -> Self {
        let mut collection = Contract::new(draft, name);
        collection.set(0, word(draft.recipient()));
        for id in 0..transactions {
            let owner = draft.recipient();
            collection.map(1, U256::from(id), word(owner));
            collection.map(2, word(owner), U256::from(1));
        }
        Self { collection, for_sale: transactions, sold: 0 }
    }
}

impl Scene for Nft {
    fn act(&mut self, draft: &mut Draft) {
        let who = draft.sender();
        if draft.below(2) == 0 {
            self.collection.send(draft, who, "mint()", &[], GAS_LIMIT);
            return;
        }
        let id = draft.choose_or(self.sold, self.for_sale);
        self.sold += 1;
        let buy = ("buy(uint256)", &[U256::from(id)][..]);
        self.collection.pay(draft, who, 100_000, buy, GAS_LIMIT);
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        self.collection.deploy(draft);
    }
}
