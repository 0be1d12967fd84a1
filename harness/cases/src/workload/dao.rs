//! Votes of many on few proposals, and payments out of a treasury.

use super::{
    Scene,
    contracts::{Contract, word},
    draft::Draft,
};
use alloy_primitives::{Address, U256};

const GAS_LIMIT: u64 = 200_000;
const PROPOSALS: usize = 4;
const PAYEES: usize = 256;

/// Nine senders in ten vote, the tenth makes a payment.
pub(super) struct Dao {
    contract: Contract,
    payees: Vec<Address>,
}

impl Dao {
    pub(super) fn naive(draft: &mut Draft, _: usize) -> Box<dyn Scene> {
        let mut dao = Self::of(draft, "DaoNaive");
        for proposal in 0..PROPOSALS {
            dao.contract.map(2, U256::from(proposal), U256::from(1));
            dao.contract.map(3, U256::from(proposal), U256::from(1));
        }
        dao.contract.set(4, U256::from(1));
        Box::new(dao)
    }

    pub(super) fn friendly(draft: &mut Draft, _: usize) -> Box<dyn Scene> {
        Box::new(Self::of(draft, "Dao"))
    }

    fn of(draft: &mut Draft, name: &'static str) -> Self {
        let contract = Contract::new(draft, name);
        Self { contract, payees: (0..PAYEES).map(|_| draft.address()).collect() }
    }
}

impl Scene for Dao {
    fn act(&mut self, draft: &mut Draft) {
        let who = draft.sender();
        self.contract.map(0, word(who), U256::from(1 + draft.below(1_000)));
        let proposal = U256::from(draft.choose(PROPOSALS));
        let (function, words) = if draft.below(10) == 0 {
            let payee = self.payees[draft.choose(PAYEES)];
            ("spend(uint256,address,uint256)", vec![proposal, word(payee), U256::from(10)])
        } else {
            ("vote(uint256,bool)", vec![proposal, U256::from(draft.below(2))])
        };
        self.contract.send(draft, who, function, &words, GAS_LIMIT);
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        self.contract.deploy(draft);
    }
}
