//! Swaps on constant-product markets.

use super::{
    Scene,
    contracts::{allowance_slot, balance_slot, call, code, word},
    draft::Draft,
};
use alloy_primitives::{Address, U256};
use std::collections::BTreeMap;

const GAS_LIMIT: u64 = 250_000;
const RESERVE: u64 = 1_000_000_000_000;
const HOLDING: u64 = 1_000_000_000;
const HOT_MARKETS: usize = 10;

/// Three tokens, a router, and markets between the first and the second, the second and the third.
struct Exchange {
    router: Address,
    tokens: [Address; 3],
    storage: [BTreeMap<U256, U256>; 3],
}

/// A market for each of the two hops of a swap.
type Markets = [Address; 2];

impl Exchange {
    fn new(draft: &mut Draft) -> Self {
        Self {
            router: draft.address(),
            tokens: [draft.address(), draft.address(), draft.address()],
            storage: Default::default(),
        }
    }

    fn markets(&mut self, draft: &mut Draft) -> Markets {
        [self.market(draft, 0), self.market(draft, 1)]
    }

    /// A market between this token and the next.
    fn market(&mut self, draft: &mut Draft, token: usize) -> Address {
        let pair = draft.address();
        for storage in &mut self.storage[token..=token + 1] {
            storage.insert(balance_slot(pair), U256::from(RESERVE));
        }
        // `reserve0`, `reserve1` and `updatedAt` share slot 2, from the low end.
        let reserves = U256::from(RESERVE) | U256::from(RESERVE) << 112 | U256::from(1) << 224;
        let [token0, token1] = [self.tokens[token], self.tokens[token + 1]].map(word);
        let slots = [token0, token1, reserves, U256::from(1), U256::from(1), U256::from(1)];
        let storage = slots.into_iter().enumerate().map(|(slot, value)| (U256::from(slot), value));
        draft.contract(pair, code("Pair"), storage);
        pair
    }

    fn trader(&mut self, draft: &mut Draft) -> Address {
        let trader = draft.sender();
        for storage in &mut self.storage {
            storage.insert(balance_slot(trader), U256::from(HOLDING));
            storage.insert(allowance_slot(trader, self.router), U256::MAX);
        }
        trader
    }

    /// From the first token to the third, or back.
    fn swap(&self, draft: &mut Draft, trader: Address, [first, second]: Markets) {
        let (pairs, forwards) =
            if draft.below(2) == 0 { ([first, second], 1) } else { ([second, first], 0) };
        let forwards = U256::from(forwards);
        let amount = U256::from(1_000 + draft.below(1_000));
        let [first, second] = pairs.map(word);
        let words = [first, second, forwards, forwards, amount, U256::from(1), U256::MAX];
        let function = "swapExactIn(address[2],bool[2],uint256,uint256,uint256)";
        let input = call("Router", function, &words);
        draft.send(trader, self.router, 0, (input, GAS_LIMIT));
    }

    fn deploy(self, draft: &mut Draft) {
        draft.contract(self.router, code("Router"), []);
        for (token, storage) in self.tokens.into_iter().zip(self.storage) {
            draft.contract(token, code("Token"), storage);
        }
    }
}

/// Every trader and market once.
pub(super) struct Independent(Exchange);

impl Independent {
    pub(super) fn scene(draft: &mut Draft, _: usize) -> Box<dyn Scene> {
        Box::new(Self(Exchange::new(draft)))
    }
}

impl Scene for Independent {
    fn act(&mut self, draft: &mut Draft) {
        let (trader, markets) = (self.0.trader(draft), self.0.markets(draft));
        self.0.swap(draft, trader, markets);
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        self.0.deploy(draft);
    }
}

/// Many traders in few markets.
struct Few {
    exchange: Exchange,
    markets: Vec<Markets>,
}

pub(super) fn hot(draft: &mut Draft, _: usize) -> Box<dyn Scene> {
    few(draft, HOT_MARKETS / 2)
}

/// The same markets, each in so many shards that traders seldom meet.
pub(super) fn sharded(draft: &mut Draft, transactions: usize) -> Box<dyn Scene> {
    few(draft, (HOT_MARKETS / 2).max(transactions / 2))
}

fn few(draft: &mut Draft, markets: usize) -> Box<dyn Scene> {
    let mut exchange = Exchange::new(draft);
    let markets = (0..markets).map(|_| exchange.markets(draft)).collect();
    Box::new(Few { exchange, markets })
}

impl Scene for Few {
    fn act(&mut self, draft: &mut Draft) {
        let trader = self.exchange.trader(draft);
        let [first, second] = [0, 1].map(|hop| self.markets[draft.choose(self.markets.len())][hop]);
        self.exchange.swap(draft, trader, [first, second]);
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        self.exchange.deploy(draft);
    }
}
