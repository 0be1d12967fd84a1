//! Blocks written by hand.

use alloy_consensus::{Signed, TxEip7702, TxEnvelope, TxLegacy};
use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use lockstep_judge::{
    definition::{Body, SourceKind, Test},
    expected::Expectation,
    runnable::Runnable,
    state::PreState,
};
use lockstep_model::{
    Block, Case, Fork, MemoryState, Phases, Rules, Transaction, memory_state::BlockHashes,
};
use std::{collections::BTreeMap, sync::Arc};

pub(crate) const BENEFICIARY: Address = Address::repeat_byte(0xbe);
pub(crate) const GAS_PRICE: u128 = 10;

/// A block in the making. Nonces count up by sender.
pub(crate) struct Scene {
    pub(crate) fork: Fork,
    pub(crate) state: MemoryState,
    pub(crate) block: Block,
    nonces: BTreeMap<Address, u64>,
}

/// A funded account of this number.
pub(crate) fn user(number: u8) -> Address {
    Address::with_last_byte(number).create(7)
}

pub(crate) fn contract(number: u8) -> Address {
    Address::with_last_byte(number).create(8)
}

impl Scene {
    pub(crate) fn new(fork: Fork) -> Self {
        let mut state = MemoryState::new(BlockHashes::OfNumber);
        let ether = U256::from(10).pow(U256::from(18));
        for number in 0..40 {
            state.insert(user(number), ether, 0, Bytes::new(), []);
        }
        let after = |first| fork >= first;
        let block = Block {
            number: 100,
            timestamp: 1_000,
            beneficiary: BENEFICIARY,
            gas_limit: 1_000_000_000,
            difficulty: if after(Fork::Paris) { U256::ZERO } else { U256::from(0x20000) },
            prev_randao: after(Fork::Paris).then(|| B256::repeat_byte(1)),
            excess_blob_gas: after(Fork::Cancun).then_some(0),
            ..Block::default()
        };
        Self { fork, state, block, nonces: BTreeMap::new() }
    }

    /// Puts a contract; storage is given as small numbers.
    pub(crate) fn contract(&mut self, address: Address, code: &[u8], storage: &[(u64, u64)]) {
        let storage = storage.iter().map(|(k, v)| (U256::from(*k), U256::from(*v)));
        let code = Bytes::copy_from_slice(code);
        self.state.insert(address, U256::from(5), 1, code, storage);
    }

    pub(crate) fn call(&mut self, sender: Address, to: Address, value: u64, input: &[u8]) {
        self.legacy(sender, TxKind::Call(to), value, input, 500_000);
    }

    pub(crate) fn create(&mut self, sender: Address, init_code: &[u8]) {
        self.legacy(sender, TxKind::Create, 0, init_code, 1_000_000);
    }

    pub(crate) fn legacy(
        &mut self,
        sender: Address,
        to: TxKind,
        value: u64,
        input: &[u8],
        gas_limit: u64,
    ) {
        let nonce = self.next_nonce(sender);
        let tx = TxLegacy {
            chain_id: None,
            nonce,
            gas_price: GAS_PRICE,
            gas_limit,
            to,
            value: U256::from(value),
            input: Bytes::copy_from_slice(input),
        };
        self.push(sender, TxEnvelope::Legacy(Signed::new_unchecked(tx, placeholder(), B256::ZERO)));
    }

    /// A set-code transaction with these authorisations.
    pub(crate) fn set_code(
        &mut self,
        sender: Address,
        to: Address,
        list: Vec<SignedAuthorization>,
    ) {
        let nonce = self.next_nonce(sender);
        let tx = TxEip7702 {
            chain_id: 1,
            nonce,
            gas_limit: 500_000,
            max_fee_per_gas: GAS_PRICE,
            max_priority_fee_per_gas: GAS_PRICE,
            to,
            value: U256::ZERO,
            access_list: Default::default(),
            authorization_list: list,
            input: Bytes::new(),
        };
        self.push(
            sender,
            TxEnvelope::Eip7702(Signed::new_unchecked(tx, placeholder(), B256::ZERO)),
        );
    }

    /// Skips or repeats nonces of a sender.
    pub(crate) fn set_next_nonce(&mut self, sender: Address, nonce: u64) {
        self.nonces.insert(sender, nonce);
    }

    fn next_nonce(&mut self, sender: Address) -> u64 {
        let nonce = self.nonces.entry(sender).or_default();
        *nonce += 1;
        *nonce - 1
    }

    fn push(&mut self, sender: Address, envelope: TxEnvelope) {
        self.block.transactions.push(Transaction::new(sender, envelope));
    }

    /// A test without expectations: the reference is the oracle.
    pub(crate) fn test(self, id: &str) -> Test {
        let fork = self.fork.to_string();
        let body = Body::Run(Box::new(self.runnable(id)));
        Test { id: id.to_owned(), source: SourceKind::BuiltIn, fork, body }
    }

    pub(crate) fn runnable(self, id: &str) -> Runnable {
        let pre = PreState::new(self.state);
        let case = Case {
            id: id.into(),
            rules: Rules::mainnet(self.fork),
            phases: Phases::TransactionsOnly,
            block: Arc::new(self.block),
            pre_state: pre.state.clone(),
        };
        Runnable { case, pre, expectation: Expectation::default() }
    }
}

fn placeholder() -> Signature {
    Signature::new(U256::from(1), U256::from(1), false)
}

/// An authorisation whose signature is made up: the recovered address is the authority.
pub(crate) fn authorization(seed: u8, to: Address, nonce: u64) -> (Address, SignedAuthorization) {
    let tuple = Authorization { chain_id: U256::ZERO, address: to, nonce };
    for attempt in 0..=u8::MAX {
        // The same (r, v) for every nonce and target would give another authority each time; so
        // the caller asks for the authority, and does not choose it.
        let r = U256::from_be_bytes(keccak256([seed, attempt]).0) >> 1;
        let signed = SignedAuthorization::new_unchecked(tuple.clone(), 0, r, U256::from(3));
        if let Ok(authority) = signed.recover_authority() {
            return (authority, signed);
        }
    }
    panic!("half of all r are on the curve");
}

/// Small programs.
pub(crate) mod code {
    use alloy_primitives::Address;

    /// `storage[0] += 1`
    pub(crate) const COUNT: &[u8] = &[0x60, 0x00, 0x54, 0x60, 0x01, 0x01, 0x60, 0x00, 0x55, 0x00];

    /// `selfdestruct(caller)`
    pub(crate) const DESTROY: &[u8] = &[0x33, 0xff];

    /// `storage[1] = balance(coinbase)`
    pub(crate) const BALANCE_OF_COINBASE: &[u8] = &[0x41, 0x31, 0x60, 0x01, 0x55, 0x00];

    /// `storage[2] = extcodesize(target)`, `storage[3] = balance(target)`
    pub(crate) fn observe(target: Address) -> Vec<u8> {
        let mut code = vec![0x73];
        code.extend(target);
        code.extend([0x80, 0x3b, 0x60, 0x02, 0x55, 0x31, 0x60, 0x03, 0x55, 0x00]);
        code
    }

    /// Calls `target` with no value and all gas, and stores whether it worked in slot 4.
    pub(crate) fn call(target: Address) -> Vec<u8> {
        let mut code = vec![0x60, 0x00, 0x60, 0x00, 0x60, 0x00, 0x60, 0x00, 0x60, 0x00, 0x73];
        code.extend(target);
        code.extend([0x5a, 0xf1, 0x60, 0x04, 0x55, 0x00]);
        code
    }

    /// Init code that deploys `code`, at most 32 bytes of it.
    pub(crate) fn deploy(code: &[u8]) -> Vec<u8> {
        assert!(code.len() <= 32);
        let size = code.len() as u8;
        let mut init = vec![0x60 + size - 1];
        init.extend(code);
        init.extend([0x60, 0x00, 0x52, 0x60, size, 0x60, 32 - size, 0xf3]);
        init
    }

    /// A factory: CREATE2, salt 0, of whatever init code it is called with.
    pub(crate) const FACTORY: &[u8] = &[
        0x36, 0x60, 0x00, 0x60, 0x00, 0x37, // calldatacopy(0, 0, calldatasize)
        0x60, 0x00, 0x36, 0x60, 0x00, 0x60, 0x00, 0xf5, // create2(0, 0, calldatasize, 0)
        0x60, 0x05, 0x55, 0x00, // storage[5] = address
    ];
}
