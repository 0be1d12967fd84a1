//! One block in the making: accounts, contracts, transactions.

use super::{Contention, Signatures, islands::ISLANDS};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, map::AddressMap};
use k256::ecdsa::SigningKey;
use lockstep_formats::{placeholder, system_contracts};
use lockstep_judge::{expected::Expectation, runnable::Runnable, state::PreState};
use lockstep_model::{
    Block, Case, Fork, MemoryState, Phases, Rules, Transaction, memory_state::BlockHashes,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

const BASE_FEE: u64 = 1_000_000_000;
const TIP: u128 = 1_000_000_000;
/// Enough for many transactions.
const FUNDS: u128 = 100_000_000_000_000_000_000;

/// A block in the making.
pub(super) struct Draft {
    random: ChaCha8Rng,
    fork: Fork,
    contention: Option<Contention>,
    signatures: Signatures,
    state: MemoryState,
    senders: AddressMap<Sender>,
    transactions: Vec<Transaction>,
    gas_limit: u64,
}

struct Sender {
    key: Option<SigningKey>,
    nonce: u64,
}

impl Draft {
    pub(super) fn new(seed: u64, signatures: Signatures, contention: Option<Contention>) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            fork: Fork::Cancun,
            contention,
            signatures,
            state: MemoryState::new(BlockHashes::OfNumber),
            senders: AddressMap::default(),
            transactions: Vec::new(),
            gas_limit: 0,
        }
    }

    /// The block needs Prague's rules.
    pub(super) fn needs_prague(&mut self) {
        self.fork = Fork::Prague;
    }

    /// One of `count`, as the contention says; all alike where it says nothing.
    pub(super) fn choose(&mut self, count: usize) -> usize {
        self.contention.unwrap_or(Contention::Uniform).choose(count, &mut self.random)
    }

    /// One of `count`, as the contention says; this one where it says nothing.
    pub(super) fn choose_or(&mut self, own: usize, count: usize) -> usize {
        match self.contention {
            Some(Contention::Foreign(part)) => {
                let is_foreign = self.random.random_bool(part);
                (own + usize::from(is_foreign)) % count
            }
            Some(contention) => contention.choose(count, &mut self.random),
            None => own,
        }
    }

    /// An unused address of a group of [`islands`](super::islands).
    pub(super) fn address_of(&mut self, island: usize) -> Address {
        let mut address = self.address();
        address.0[19] = address.0[19] & !(ISLANDS as u8 - 1) | island as u8;
        address
    }

    /// An account of such a group, with funds, which can send.
    pub(super) fn sender_of(&mut self, island: usize) -> Address {
        let (address, key) = match self.signatures {
            Signatures::Placeholder => (self.address_of(island), None),
            Signatures::Real => loop {
                let (address, key) = self.owner();
                if usize::from(address.0[19]) % ISLANDS == island {
                    break (address, Some(key));
                }
            },
        };
        self.can_send(address, key)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.random.random_range(0..end)
    }

    /// An unused address.
    pub(super) fn address(&mut self) -> Address {
        Address::from(self.random.random::<[u8; 20]>())
    }

    /// An account that exists, and sends nothing.
    pub(super) fn recipient(&mut self) -> Address {
        let address = self.address();
        self.state.insert(address, U256::from(1), 0, Bytes::new(), []);
        address
    }

    /// An account with funds, which can send.
    pub(super) fn sender(&mut self) -> Address {
        let (address, key) = match self.signatures {
            Signatures::Placeholder => (self.address(), None),
            Signatures::Real => {
                let (address, key) = self.owner();
                (address, Some(key))
            }
        };
        self.can_send(address, key)
    }

    fn can_send(&mut self, address: Address, key: Option<SigningKey>) -> Address {
        self.state.insert(address, U256::from(FUNDS), 0, Bytes::new(), []);
        self.senders.insert(address, Sender { key, nonce: 0 });
        address
    }

    /// An account with funds, which can send, and whose code is another one's (EIP-7702).
    pub(super) fn delegated_sender(&mut self, to: Address) -> Address {
        let address = self.sender();
        let code = Bytes::from([&[0xef, 0x01, 0x00], to.as_slice()].concat());
        self.state.insert(address, U256::from(FUNDS), 0, code, []);
        address
    }

    /// An account that signs and sends nothing.
    pub(super) fn owner(&mut self) -> (Address, SigningKey) {
        let secret = self.random.random::<[u8; 32]>();
        let key = SigningKey::from_slice(&secret).expect("nearly every number is a key");
        (Address::from_public_key(key.verifying_key()), key)
    }

    /// A contract with storage.
    pub(super) fn contract(
        &mut self,
        address: Address,
        code: Bytes,
        storage: impl IntoIterator<Item = (U256, U256)>,
    ) {
        self.state.insert(address, U256::ZERO, 1, code, storage);
    }

    /// Adds a transaction of a [`Self::sender`].
    pub(super) fn send(&mut self, from: Address, to: Address, value: u64, call: (Bytes, u64)) {
        let (input, gas_limit) = call;
        let sender = self.senders.get_mut(&from).expect("a sender of this draft");
        let transaction = TxEip1559 {
            chain_id: 1,
            nonce: sender.nonce,
            gas_limit,
            max_fee_per_gas: u128::from(BASE_FEE) + TIP,
            max_priority_fee_per_gas: TIP,
            to: TxKind::Call(to),
            value: U256::from(value),
            access_list: Default::default(),
            input,
        };
        sender.nonce += 1;
        let signature = match &sender.key {
            Some(key) => sign(key, transaction.signature_hash()),
            None => placeholder::signature(),
        };
        let envelope = TxEnvelope::Eip1559(transaction.into_signed(signature));
        self.gas_limit += gas_limit;
        self.transactions.push(Transaction::new(from, envelope));
    }

    pub(super) fn finish(mut self, id: &str) -> Runnable {
        let block = Block {
            number: 1_000,
            timestamp: 1_000_000,
            beneficiary: self.address(),
            gas_limit: self.gas_limit,
            prev_randao: Some(B256::from(self.random.random::<[u8; 32]>())),
            base_fee: BASE_FEE,
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(B256::ZERO),
            transactions: self.transactions,
            withdrawals: Some(Vec::new()),
            ..Block::default()
        };
        for (address, code) in system_contracts::of(self.fork) {
            self.state.insert(address, U256::ZERO, 1, code, []);
        }
        let pre = PreState::new(self.state);
        let case = Case {
            id: id.into(),
            rules: Rules::mainnet(self.fork),
            phases: Phases::Full,
            block: Arc::new(block),
            pre_state: pre.state.clone(),
        };
        let expectation = Expectation { accepted: true, ..Expectation::default() };
        Runnable { case, pre, expectation }
    }
}

/// Signs a hash.
pub(super) fn sign(key: &SigningKey, hash: B256) -> Signature {
    let signature = key.sign_prehash_recoverable(hash.as_slice()).expect("a hash can be signed");
    signature.into()
}
