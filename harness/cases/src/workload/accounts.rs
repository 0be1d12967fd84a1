//! Account abstraction: bundles of signed operations (ERC-4337), batches of delegated accounts (EIP-7702).

use super::{
    Scene,
    contracts::{Contract, call, code, word},
    draft::{Draft, sign},
};
use alloy_primitives::{Address, B256, U256, keccak256};

const GAS_LIMIT: u64 = 1_000_000;
/// Operations of a bundle, payments of a batch.
const TOGETHER: usize = 4;
/// Bundlers of the naive variant: each sends one bundle after the other.
const BUNDLERS: usize = 4;
const HOLDING: u64 = 1_000_000;

/// A token that accounts pay each other with.
fn token(draft: &mut Draft) -> Contract {
    Contract::new(draft, "Token")
}

/// Sends a part of the tokens.
fn give(token: &mut Contract, to: Address) {
    token.map(1, word(to), U256::from(HOLDING));
}

/// An entry point, whose bundles are of four accounts that no bundle has used before.
pub(super) struct Bundles {
    entry_point: Contract,
    token: Contract,
    accounts: Vec<Contract>,
    /// The sender of bundles; `None` where each has a bundler of its own.
    bundlers: Option<Vec<Address>>,
}

impl Bundles {
    pub(super) fn naive(draft: &mut Draft, _: usize) -> Box<dyn Scene> {
        let mut bundles = Self::of(draft, "EntryPointNaive");
        bundles.bundlers = Some((0..BUNDLERS).map(|_| draft.sender()).collect());
        bundles.entry_point.set(1, U256::from(1));
        bundles.entry_point.set(2, U256::from(1));
        Box::new(bundles)
    }

    pub(super) fn friendly(draft: &mut Draft, _: usize) -> Box<dyn Scene> {
        Box::new(Self::of(draft, "EntryPoint"))
    }

    fn of(draft: &mut Draft, name: &'static str) -> Self {
        let (entry_point, token) = (Contract::new(draft, name), token(draft));
        Self { entry_point, token, accounts: Vec::new(), bundlers: None }
    }

    /// The words of a signed operation of a new account.
    fn operation(&mut self, draft: &mut Draft) -> [U256; 7] {
        let (owner, key) = draft.owner();
        let mut account = Contract::new(draft, "SmartAccount");
        account.set(0, word(owner));
        account.set(1, U256::from(1));
        account.set(2, word(self.entry_point.address));
        self.entry_point.map(0, word(account.address), U256::from(HOLDING));
        let (token, to, amount) = (word(self.token.address), word(draft.address()), U256::from(7));
        give(&mut self.token, account.address);
        let what = hash_of(&[token, to, amount]);
        let signed = hash_of(&[word(account.address), U256::from(1), what.into()]);
        let signature = sign(&key, signed);
        let v = U256::from(27 + u64::from(signature.v()));
        let words = [word(account.address), token, to, amount, v, signature.r(), signature.s()];
        self.accounts.push(account);
        words
    }
}

/// keccak-256 of `abi.encode` of these words.
fn hash_of(words: &[U256]) -> B256 {
    keccak256(words.iter().flat_map(U256::to_be_bytes::<32>).collect::<Vec<u8>>())
}

impl Scene for Bundles {
    fn act(&mut self, draft: &mut Draft) {
        let bundler = match &self.bundlers {
            Some(bundlers) => bundlers[draft.choose(bundlers.len())],
            None => draft.sender(),
        };
        let words: Vec<U256> = (0..TOGETHER).flat_map(|_| self.operation(draft)).collect();
        let function = "handle((address,address,address,uint256,uint256,bytes32,bytes32)[4])";
        self.entry_point.send(draft, bundler, function, &words, GAS_LIMIT);
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        self.entry_point.deploy(draft);
        self.token.deploy(draft);
        self.accounts.into_iter().for_each(|account| account.deploy(draft));
    }
}

/// Accounts that have delegated to a contract for batches, and call themselves.
pub(super) struct Batches {
    batch: Address,
    token: Contract,
}

impl Batches {
    pub(super) fn scene(draft: &mut Draft, _: usize) -> Box<dyn Scene> {
        draft.needs_prague();
        Box::new(Self { batch: draft.address(), token: token(draft) })
    }
}

impl Scene for Batches {
    fn act(&mut self, draft: &mut Draft) {
        let account = draft.delegated_sender(self.batch);
        give(&mut self.token, account);
        let mut words = vec![word(self.token.address)];
        words.extend((0..TOGETHER).map(|_| word(draft.address())));
        words.extend([U256::from(3); TOGETHER]);
        let input = call("Batch", "pay(address,address[4],uint256[4])", &words);
        draft.send(account, account, 0, (input, GAS_LIMIT));
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        draft.contract(self.batch, code("Batch"), []);
        self.token.deploy(draft);
    }
}
