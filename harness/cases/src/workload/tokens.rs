//! Transfers of one ERC-20 token.

use super::{
    Scene,
    contracts::{Contract, call, word},
    draft::Draft,
};
use alloy_primitives::{Address, U256};

const GAS_LIMIT: u64 = 60_000;
const HOLDING: u64 = 1_000_000;

/// The token, whose holders hold some already.
struct Token(Contract);

impl Token {
    fn new(draft: &mut Draft) -> Self {
        Self(Contract::new(draft, "Token"))
    }

    fn holder(&mut self, address: Address) -> Address {
        self.0.map(1, word(address), U256::from(HOLDING));
        address
    }

    fn transfer(&self, draft: &mut Draft, from: Address, to: Address) {
        let input = call("Token", "transfer(address,uint256)", &[word(to), U256::from(10)]);
        draft.send(from, self.0.address, 0, (input, GAS_LIMIT));
    }
}

/// Each sender sends once, to one of as many recipients.
pub(super) struct Tokens {
    token: Token,
    recipients: Vec<Address>,
    sent: usize,
}

impl Tokens {
    pub(super) fn scene(draft: &mut Draft, transactions: usize) -> Box<dyn Scene> {
        let mut token = Token::new(draft);
        let recipients = (0..transactions).map(|_| token.holder(draft.recipient())).collect();
        Box::new(Self { token, recipients, sent: 0 })
    }
}

impl Scene for Tokens {
    fn act(&mut self, draft: &mut Draft) {
        let from = self.token.holder(draft.sender());
        let to = self.recipients[draft.choose_or(self.sent, self.recipients.len())];
        self.sent += 1;
        self.token.transfer(draft, from, to);
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        self.token.0.deploy(draft);
    }
}

/// Each sender sends once; three in ten send to one of the hot accounts, a tenth of all.
struct Hot {
    token: Token,
    accounts: Vec<Address>,
    sent: usize,
}

pub(super) fn hot(draft: &mut Draft, transactions: usize) -> Box<dyn Scene> {
    let mut token = Token::new(draft);
    let accounts = (0..transactions).map(|_| token.holder(draft.sender())).collect();
    Box::new(Hot { token, accounts, sent: 0 })
}

impl Scene for Hot {
    fn act(&mut self, draft: &mut Draft) {
        let from = self.accounts[self.sent % self.accounts.len()];
        self.sent += 1;
        let hot = self.accounts.len().div_ceil(10);
        let to = if draft.below(10) < 3 {
            self.accounts[draft.choose(hot)]
        } else {
            self.token.holder(draft.recipient())
        };
        self.token.transfer(draft, from, to);
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        self.token.0.deploy(draft);
    }
}

/// Each sends on what the one before has sent.
pub(super) struct Chain {
    token: Token,
    last: Address,
}

impl Chain {
    pub(super) fn scene(draft: &mut Draft, _: usize) -> Box<dyn Scene> {
        let mut token = Token::new(draft);
        let last = token.holder(draft.sender());
        Box::new(Self { token, last })
    }
}

impl Scene for Chain {
    fn act(&mut self, draft: &mut Draft) {
        let to = self.token.holder(draft.sender());
        self.token.transfer(draft, self.last, to);
        self.last = to;
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        self.token.0.deploy(draft);
    }
}
