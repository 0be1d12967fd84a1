//! Payments in a stablecoin.

use super::{
    Scene,
    contracts::{Contract, word},
    draft::Draft,
};
use alloy_primitives::{Address, U256};

const GAS_LIMIT: u64 = 150_000;
const HOLDING: u64 = 1_000_000;

/// Each sender pays once, to one of as many recipients.
pub(super) struct Payments {
    contract: Contract,
    recipients: Vec<Address>,
    paid: usize,
}

impl Payments {
    pub(super) fn naive(draft: &mut Draft, transactions: usize) -> Box<dyn Scene> {
        Self::of(draft, "PaymentsNaive", transactions)
    }

    pub(super) fn friendly(draft: &mut Draft, transactions: usize) -> Box<dyn Scene> {
        Self::of(draft, "Payments", transactions)
    }

    fn of(draft: &mut Draft, name: &'static str, transactions: usize) -> Box<dyn Scene> {
        let mut contract = Contract::new(draft, name);
        let recipients: Vec<Address> = (0..transactions).map(|_| draft.address()).collect();
        for recipient in &recipients {
            contract.map(0, word(*recipient), U256::from(HOLDING));
        }
        Box::new(Self { contract, recipients, paid: 0 })
    }
}

impl Scene for Payments {
    fn act(&mut self, draft: &mut Draft) {
        let from = draft.sender();
        self.contract.map(0, word(from), U256::from(HOLDING));
        let to = self.recipients[draft.choose_or(self.paid, self.recipients.len())];
        self.paid += 1;
        let words = [word(to), U256::from(5_000)];
        self.contract.send(draft, from, "pay(address,uint256)", &words, GAS_LIMIT);
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        self.contract.deploy(draft);
    }
}
