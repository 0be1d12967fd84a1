//! Subscriptions of many readers to some creators.

use super::{
    Scene,
    contracts::{Contract, word},
    draft::Draft,
};
use alloy_primitives::{Address, U256};

const GAS_LIMIT: u64 = 200_000;
const CREATORS: usize = 512;

/// Each sender renews once.
pub(super) struct Subscriptions {
    contract: Contract,
    creators: Vec<Address>,
}

impl Subscriptions {
    pub(super) fn naive(draft: &mut Draft, _: usize) -> Box<dyn Scene> {
        let mut subscriptions = Self::of(draft, "SubscriptionsNaive");
        for creator in subscriptions.creators.clone() {
            subscriptions.contract.map(2, word(creator), U256::from(1));
        }
        subscriptions.contract.set(3, U256::from(1));
        subscriptions.contract.set(4, U256::from(1));
        Box::new(subscriptions)
    }

    pub(super) fn friendly(draft: &mut Draft, _: usize) -> Box<dyn Scene> {
        Box::new(Self::of(draft, "Subscriptions"))
    }

    fn of(draft: &mut Draft, name: &'static str) -> Self {
        let contract = Contract::new(draft, name);
        Self { contract, creators: (0..CREATORS).map(|_| draft.address()).collect() }
    }
}

impl Scene for Subscriptions {
    fn act(&mut self, draft: &mut Draft) {
        let reader = draft.sender();
        self.contract.map(0, word(reader), U256::from(10_000));
        let creator = self.creators[draft.choose(CREATORS)];
        let words = [word(creator), U256::from(500)];
        self.contract.send(draft, reader, "renew(address,uint256)", &words, GAS_LIMIT);
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        self.contract.deploy(draft);
    }
}
