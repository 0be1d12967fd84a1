//! Transfers of one ERC-20 token.

use super::{
    contracts::{balance_slot, call, code, word},
    draft::Draft,
};
use alloy_primitives::{Address, U256};

/// Gas of a transfer between accounts that hold some already.
pub(super) const GAS: u64 = 33_000;
const GAS_LIMIT: u64 = 60_000;
const HOLDING: u64 = 1_000_000;

/// The token, and who holds some of it.
struct Token {
    address: Address,
    holders: Vec<Address>,
}

impl Token {
    fn new(draft: &mut Draft) -> Self {
        Self { address: draft.address(), holders: Vec::new() }
    }

    fn sender(&mut self, draft: &mut Draft) -> Address {
        let holder = draft.sender();
        self.holders.push(holder);
        holder
    }

    fn recipient(&mut self, draft: &mut Draft) -> Address {
        let holder = draft.recipient();
        self.holders.push(holder);
        holder
    }

    fn transfer(&self, draft: &mut Draft, from: Address, to: Address) {
        let input = call("Token", "transfer(address,uint256)", &[word(to), U256::from(10)]);
        draft.send(from, self.address, 0, (input, GAS_LIMIT));
    }

    fn deploy(self, draft: &mut Draft) {
        let balances =
            self.holders.iter().map(|holder| (balance_slot(*holder), U256::from(HOLDING)));
        draft.contract(self.address, code("Token"), balances);
    }
}

pub(super) fn independent(draft: &mut Draft, transactions: usize) {
    let mut token = Token::new(draft);
    for _ in 0..transactions {
        let (from, to) = (token.sender(draft), token.recipient(draft));
        token.transfer(draft, from, to);
    }
    token.deploy(draft);
}

/// Every sender once; three in ten send to one of the hot accounts, a tenth of all.
pub(super) fn hot(draft: &mut Draft, transactions: usize) {
    let mut token = Token::new(draft);
    let accounts: Vec<Address> = (0..transactions).map(|_| token.sender(draft)).collect();
    let others: Vec<Address> = (0..transactions).map(|_| token.recipient(draft)).collect();
    let hot = &accounts[..transactions.div_ceil(10)];
    for (from, other) in accounts.iter().zip(&others) {
        let to = if draft.below(10) < 3 { hot[draft.below(hot.len())] } else { *other };
        token.transfer(draft, *from, to);
    }
    token.deploy(draft);
}

pub(super) fn chain(draft: &mut Draft, transactions: usize) {
    let mut token = Token::new(draft);
    let mut from = token.sender(draft);
    for _ in 0..transactions {
        let to = token.sender(draft);
        token.transfer(draft, from, to);
        from = to;
    }
    token.deploy(draft);
}
