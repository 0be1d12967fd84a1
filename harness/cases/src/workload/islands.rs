//! Groups of users, each with an ERC-20 token of its own.
//!
//! The low four bits of an address are the number of its group. An executor that gives accounts to threads by those bits, and
//! whose threads are a power of two, has each group on one thread; `--contention foreign:PART` then is the share of
//! transactions that need two.

use super::{
    Scene,
    contracts::{Contract, call, word},
    draft::Draft,
};
use alloy_primitives::U256;

/// How many groups there are; a power of two.
pub(super) const ISLANDS: usize = 16;

const GAS_LIMIT: u64 = 60_000;
const HOLDING: u64 = 1_000_000;

pub(super) struct Islands {
    tokens: Vec<Contract>,
    sent: usize,
}

impl Islands {
    pub(super) fn scene(draft: &mut Draft, _: usize) -> Box<dyn Scene> {
        let token = |island| {
            let mut token = Contract::new(draft, "Token");
            token.address = draft.address_of(island);
            token
        };
        Box::new(Self { tokens: (0..ISLANDS).map(token).collect(), sent: 0 })
    }
}

impl Scene for Islands {
    /// A new user of the next group sends some of the group's token, or of the next group's, to another user.
    fn act(&mut self, draft: &mut Draft) {
        let island = self.sent % ISLANDS;
        self.sent += 1;
        let from = draft.sender_of(island);
        let token = &mut self.tokens[draft.choose_or(island, ISLANDS)];
        token.map(1, word(from), U256::from(HOLDING));
        let to = draft.address();
        token.map(1, word(to), U256::from(HOLDING));
        let input = call("Token", "transfer(address,uint256)", &[word(to), U256::from(10)]);
        draft.send(from, token.address, 0, (input, GAS_LIMIT));
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        self.tokens.into_iter().for_each(|token| token.deploy(draft));
    }
}
