//! Builds one block: accounts, transactions, and what must be left behind.

use alloy_consensus::{TxEip1559, TxEip2930, TxEnvelope, TxLegacy};
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use lockstep_formats::{placeholder, system_contracts};
use lockstep_judge::{
    expected::{Expectation, ExpectedAccount},
    runnable::Runnable,
    state::PreState,
};
use lockstep_model::{
    Block, Case, Fork, MemoryState, Phases, Rules, Transaction, memory_state::BlockHashes,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::{collections::BTreeMap, sync::Arc};

/// Wei for each gas, over the base fee.
const TIP: u128 = 2;
const BASE_FEE: u64 = 7;

/// The price of one unit of gas for a sender, in wei.
pub(super) const GAS_PRICE: u128 = TIP + BASE_FEE as u128;

/// A block in the making.
pub(super) struct BlockBuilder {
    fork: Fork,
    state: MemoryState,
    block: Block,
    nonces: BTreeMap<Address, u64>,
    expected: BTreeMap<Address, ExpectedAccount>,
}

/// The fields of one requested transaction.
pub(super) struct Request {
    pub(super) sender: Address,
    pub(super) to: Address,
    pub(super) value: U256,
    pub(super) input: Bytes,
    pub(super) gas_limit: u64,
}

impl BlockBuilder {
    pub(super) fn new(fork: Fork, random: &mut ChaCha8Rng) -> Self {
        let after = |first| fork >= first;
        let block = Block {
            number: 1_000,
            timestamp: 1_000_000,
            beneficiary: address(random),
            difficulty: if after(Fork::Paris) { U256::ZERO } else { U256::from(0x20000) },
            prev_randao: after(Fork::Paris).then(|| B256::from(random.random::<[u8; 32]>())),
            base_fee: if after(Fork::London) { BASE_FEE } else { 0 },
            excess_blob_gas: after(Fork::Cancun).then_some(0),
            parent_hash: B256::from(random.random::<[u8; 32]>()),
            parent_beacon_block_root: after(Fork::Cancun)
                .then(|| B256::from(random.random::<[u8; 32]>())),
            withdrawals: after(Fork::Shanghai).then(|| withdrawals(random)),
            slot_number: after(Fork::Amsterdam).then_some(1),
            ..Block::default()
        };
        let mut state = MemoryState::new(BlockHashes::OfNumber);
        for (address, code) in system_contracts::of(fork) {
            state.insert(address, U256::ZERO, 1, code, []);
        }
        Self { fork, state, block, nonces: BTreeMap::new(), expected: BTreeMap::new() }
    }

    /// An account with this balance.
    pub(super) fn account(&mut self, balance: U256, random: &mut ChaCha8Rng) -> Address {
        let address = address(random);
        self.state.insert(address, balance, 0, Bytes::new(), []);
        address
    }

    /// Gives an account a balance before the block.
    pub(super) fn fund(&mut self, address: Address, balance: U256) {
        self.state.insert(address, balance, 0, Bytes::new(), []);
    }

    /// An address where nothing is yet.
    pub(super) fn unused(&self, random: &mut ChaCha8Rng) -> Address {
        address(random)
    }

    /// A contract.
    pub(super) fn contract(&mut self, code: &'static [u8], random: &mut ChaCha8Rng) -> Address {
        let address = address(random);
        self.state.insert(address, U256::ZERO, 1, Bytes::from_static(code), []);
        address
    }

    /// The fee recipient.
    pub(super) const fn beneficiary(&self) -> Address {
        self.block.beneficiary
    }

    /// Gives the fee recipient a balance before the block.
    pub(super) fn fund_beneficiary(&mut self, balance: U256) {
        self.state.insert(self.block.beneficiary, balance, 0, Bytes::new(), []);
    }

    /// Adds a transaction. Types change along the block, as far as the fork has them.
    pub(super) fn send(&mut self, request: Request) {
        let nonce = self.nonces.entry(request.sender).or_default();
        let sender = request.sender;
        let kind = self.block.transactions.len() % 3;
        let envelope = envelope(self.fork, kind, *nonce, request);
        *nonce += 1;
        self.block.transactions.push(Transaction::new(sender, envelope));
    }

    /// The account's balance after the block must be this.
    pub(super) fn expect_balance(&mut self, address: Address, balance: U256) {
        self.expected_account(address).balance = Some(balance);
    }

    /// The slot's value after the block must be this.
    pub(super) fn expect_slot(&mut self, address: Address, slot: U256, value: U256) {
        self.expected_account(address).storage.push((slot, value));
    }

    fn expected_account(&mut self, address: Address) -> &mut ExpectedAccount {
        self.expected.entry(address).or_insert_with(|| ExpectedAccount {
            address,
            exists: true,
            balance: None,
            nonce: None,
            code_hash: None,
            storage: Vec::new(),
            storage_is_complete: false,
        })
    }

    pub(super) fn finish(mut self, id: &str) -> Runnable {
        use alloy_consensus::Transaction as _;
        // Room for exactly these: the block is full, as far as admission can see.
        let limits = self.block.transactions.iter().map(|tx| tx.envelope.gas_limit());
        self.block.gas_limit = limits.sum();
        let pre = PreState::new(self.state);
        let case = Case {
            id: id.into(),
            rules: Rules::mainnet(self.fork),
            phases: Phases::Full,
            block: Arc::new(self.block),
            pre_state: pre.state.clone(),
        };
        let accounts = self.expected.into_values().collect();
        let expectation = Expectation { accepted: true, accounts, ..Expectation::default() };
        Runnable { case, pre, expectation }
    }
}

fn address(random: &mut ChaCha8Rng) -> Address {
    Address::from(random.random::<[u8; 20]>())
}

fn withdrawals(random: &mut ChaCha8Rng) -> Vec<Withdrawal> {
    let withdrawal = |index| Withdrawal {
        index,
        validator_index: index,
        address: address(random),
        // The first is of nothing: it must not create its recipient.
        amount: index * 1_000,
    };
    (0..4).map(withdrawal).collect()
}

fn envelope(fork: Fork, kind: usize, nonce: u64, request: Request) -> TxEnvelope {
    let Request { to, value, input, gas_limit, sender: _ } = request;
    let to = TxKind::Call(to);
    if kind == 1 && fork >= Fork::Berlin {
        let (access_list, gas_price) = Default::default();
        let tx =
            TxEip2930 { chain_id: 1, nonce, gas_price, gas_limit, to, value, access_list, input };
        let tx = TxEip2930 { gas_price: GAS_PRICE, ..tx };
        return TxEnvelope::Eip2930(placeholder::signed(tx));
    }
    if kind == 2 && fork >= Fork::London {
        let tx = TxEip1559 {
            chain_id: 1,
            nonce,
            gas_limit,
            max_fee_per_gas: GAS_PRICE,
            max_priority_fee_per_gas: TIP,
            to,
            value,
            access_list: Default::default(),
            input,
        };
        return TxEnvelope::Eip1559(placeholder::signed(tx));
    }
    let tx = TxLegacy { chain_id: None, nonce, gas_price: GAS_PRICE, gas_limit, to, value, input };
    TxEnvelope::Legacy(placeholder::signed(tx))
}
