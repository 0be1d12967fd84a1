//! Chains of blocks that we fill ourselves: a valid block for every fork, to be broken in one place.

use alloy_consensus::{
    Header, SignableTransaction, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxEnvelope, TxLegacy,
};
use alloy_eips::{
    eip4895::Withdrawal,
    eip7002, eip7251,
    eip7685::Requests,
    eip7702::{Authorization, SignedAuthorization},
    eip8282,
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use alloy_rlp::Encodable;
use k256::ecdsa::SigningKey;
use lockstep_cli::testing::factory;
use lockstep_judge::{
    chain::{Chain, ChainBlock, ExpectedEnd, Genesis, import::import, tree::Tree},
    consensus::{Schedule, decode, difficulty},
    definition::{Body, SourceKind, Test},
    state::{NormalChanges, PreState, roots},
};
use lockstep_model::{MemoryState, Outcome, RunOptions, memory_state::BlockHashes};
use std::sync::Arc;

pub(crate) const CONTRACT: Address = Address::repeat_byte(0xcc);
pub(crate) const RICH: U256 = U256::from_limbs([0, 1 << 20, 0, 0]);
const BENEFICIARY: Address = Address::repeat_byte(0xbe);
const GAS_LIMIT: u64 = 30_000_000;

/// A signer of its own for each number.
pub(crate) fn key(number: u8) -> SigningKey {
    SigningKey::from_slice(&[number; 32]).unwrap()
}

pub(crate) fn address(number: u8) -> Address {
    Address::from_private_key(&key(number))
}

/// The inputs for making a block, field by field.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) network: &'static str,
    pub(crate) header: Header,
    pub(crate) transactions: Vec<TxEnvelope>,
    pub(crate) ommers: Vec<Header>,
    pub(crate) withdrawals: Option<Vec<Withdrawal>>,
    pub(crate) genesis: Genesis,
    pub(crate) access_list: Option<alloy_eip7928::BlockAccessList>,
}

fn schedule(network: &str) -> Schedule {
    Schedule::of_network(network, 1, &|_| None).unwrap()
}

fn is_after(network: &str, fork: &str) -> bool {
    const ORDER: [&str; 16] = [
        "Frontier",
        "Homestead",
        "EIP150",
        "EIP158",
        "Byzantium",
        "ConstantinopleFix",
        "Istanbul",
        "Berlin",
        "London",
        "Paris",
        "Shanghai",
        "Cancun",
        "Prague",
        "Osaka",
        "Amsterdam",
        "",
    ];
    let place = |name: &str| ORDER.iter().position(|known| *known == name).unwrap();
    let first = network.split("To").next().unwrap();
    place(first) >= place(fork)
}

fn genesis(network: &str) -> Genesis {
    let mut state = MemoryState::new(BlockHashes::Known(Arc::default()));
    for number in 1..=8 {
        state.insert(address(number), RICH, 0, Bytes::new(), []);
    }
    // Stores what it is sent, and logs it.
    let code = [0x34, 0x5f, 0x55, 0x34, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xa0, 0x00];
    let old = [0x34, 0x60, 0, 0x55, 0x34, 0x60, 0, 0x52, 0x60, 0x20, 0x60, 0, 0xa0, 0x00];
    let code = if is_after(network, "Shanghai") { &code[..] } else { &old[..] };
    state.insert(
        CONTRACT,
        U256::ZERO,
        1,
        Bytes::copy_from_slice(code),
        [(U256::ZERO, U256::from(7))],
    );
    // Accounts with code, for the rule about senders; system contracts that have nothing to say.
    state.insert(address(9), RICH, 0, Bytes::from_static(&[0x00]), []);
    for contract in [
        eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
        eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
        eip8282::BUILDER_DEPOSIT_CONTRACT_ADDRESS,
        eip8282::BUILDER_EXIT_CONTRACT_ADDRESS,
    ] {
        state.insert(contract, U256::ZERO, 1, Bytes::from_static(&[0x00]), []);
    }
    let state = PreState::new(state);
    let after = |fork| is_after(network, fork);
    let header = Header {
        state_root: roots::state_root(&state, &NormalChanges::default()),
        transactions_root: alloy_consensus::constants::EMPTY_ROOT_HASH,
        receipts_root: alloy_consensus::constants::EMPTY_ROOT_HASH,
        difficulty: if after("Paris") { U256::ZERO } else { U256::from(0x20000) },
        gas_limit: GAS_LIMIT,
        timestamp: 1000,
        base_fee_per_gas: after("London").then_some(7),
        withdrawals_root: after("Shanghai").then_some(alloy_consensus::constants::EMPTY_ROOT_HASH),
        blob_gas_used: after("Cancun").then_some(0),
        excess_blob_gas: after("Cancun").then_some(0),
        parent_beacon_block_root: after("Cancun").then_some(B256::ZERO),
        requests_hash: after("Prague").then(|| Requests::default().requests_hash()),
        block_access_list_hash: after("Amsterdam")
            .then(|| alloy_eip7928::compute_block_access_list_hash(&[])),
        slot_number: after("Amsterdam").then_some(0),
        ..Header::default()
    };
    Genesis { hash: header.hash_slow(), header, state }
}

impl Draft {
    /// An empty block on top of the genesis of a network, not yet sealed.
    pub(crate) fn empty(network: &'static str) -> Self {
        let genesis = genesis(network);
        let parent = &genesis.header;
        let schedule = schedule(network);
        let timestamp = parent.timestamp + 12;
        let era = schedule.era(1, timestamp, parent.difficulty);
        let has = |fork: &str| is_after(network, fork);
        let pow = !has("Paris");
        let header = Header {
            parent_hash: genesis.hash,
            number: 1,
            timestamp,
            beneficiary: BENEFICIARY,
            gas_limit: GAS_LIMIT,
            difficulty: if pow { difficulty::expected(era, parent, timestamp) } else { U256::ZERO },
            base_fee_per_gas: parent
                .next_block_base_fee(alloy_eips::eip1559::BaseFeeParams::ethereum()),
            withdrawals_root: has("Shanghai").then_some(B256::ZERO),
            blob_gas_used: has("Cancun").then_some(0),
            excess_blob_gas: has("Cancun").then_some(0),
            parent_beacon_block_root: has("Cancun").then_some(B256::repeat_byte(3)),
            requests_hash: has("Prague").then(|| Requests::default().requests_hash()),
            block_access_list_hash: has("Amsterdam").then_some(B256::ZERO),
            slot_number: has("Amsterdam").then_some(1),
            ..Header::default()
        };
        let withdrawals = has("Shanghai").then(|| {
            vec![Withdrawal { index: 0, validator_index: 1, address: address(5), amount: 9 }]
        });
        Self {
            network,
            header,
            transactions: Vec::new(),
            ommers: Vec::new(),
            withdrawals,
            genesis,
            access_list: None,
        }
    }

    /// A valid block with a transfer and a call of the contract, sealed.
    pub(crate) fn valid(network: &'static str) -> Self {
        let mut draft = Self::empty(network);
        let to = TxKind::Call(address(6));
        draft.transactions = vec![
            legacy(1, &|tx| tx.to = to),
            legacy(2, &|tx| {
                tx.to = TxKind::Call(CONTRACT);
                tx.gas_limit = 200_000;
            }),
        ];
        draft.seal();
        draft
    }

    /// Brings the header in line with the body and with what execution gives.
    pub(crate) fn seal(&mut self) {
        use alloy_consensus::proofs;
        self.header.transactions_root = proofs::calculate_transaction_root(&self.transactions);
        self.header.ommers_hash = proofs::calculate_ommers_root(&self.ommers);
        self.header.withdrawals_root =
            self.withdrawals.as_deref().map(proofs::calculate_withdrawals_root);
        let blobs =
            self.transactions.iter().filter_map(alloy_consensus::Transaction::blob_gas_used);
        self.header.blob_gas_used = self.header.blob_gas_used.map(|_| blobs.sum());
        let Some(outcome) = self.execute() else { return };
        let pre = &self.genesis.state;
        let changes = NormalChanges::new(pre, &outcome.changes);
        self.header.gas_used = outcome.gas_used;
        self.header.logs_bloom = roots::logs_bloom(&outcome.receipts);
        self.header.receipts_root = if is_after(self.network, "Byzantium") {
            roots::receipts_root(&outcome.receipts)
        } else {
            let states = roots::intermediate_roots(pre, &outcome);
            roots::receipts_root_with_states(&outcome.receipts, &states)
        };
        self.header.state_root = roots::state_root(pre, &changes);
        let requests = Requests::new(outcome.requests.clone()).requests_hash();
        self.header.requests_hash = self.header.requests_hash.map(|_| requests);
        if let Some(list) = outcome.access_list {
            self.header.block_access_list_hash =
                Some(alloy_eip7928::compute_block_access_list_hash(&list));
            self.access_list = Some(list);
        }
    }

    /// The outcome of execution, where the block can be executed.
    pub(crate) fn execute(&self) -> Option<lockstep_model::BlockOutcome> {
        let chain = self.chain(None);
        let tree = Tree::new(&chain.genesis);
        let imported = import(&chain, &tree, "filling", &chain.blocks[0]).ok()?;
        let mut reference = factory("reference")(1).unwrap();
        let execution = reference
            .prepare(&imported.case, &RunOptions::of(&imported.case))
            .unwrap()
            .run()
            .unwrap();
        match execution.outcome {
            Outcome::Accepted(outcome) => Some(*outcome),
            Outcome::Rejected(_) => None,
        }
    }

    /// The block's RLP.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        self.header.encode(&mut payload);
        let mut transactions = Vec::new();
        for transaction in &self.transactions {
            transaction.encode(&mut transactions);
        }
        list(&transactions, &mut payload);
        let mut ommers = Vec::new();
        self.ommers.iter().for_each(|ommer| ommer.encode(&mut ommers));
        list(&ommers, &mut payload);
        if let Some(withdrawals) = &self.withdrawals {
            withdrawals.encode(&mut payload);
        }
        let mut bytes = Vec::new();
        list(&payload, &mut bytes);
        bytes
    }

    /// A chain of this block, which must be valid, or rejected for `exception`.
    pub(crate) fn chain(&self, exception: Option<&str>) -> Chain {
        self.chain_of(&self.bytes(), exception)
    }

    /// The same for other bytes than the block's own.
    pub(crate) fn chain_of(&self, bytes: &[u8], exception: Option<&str>) -> Chain {
        let block = ChainBlock {
            decoded: decode::decode(bytes).map(Arc::new),
            parent: decode::decode_header(bytes).map(|(header, _)| header.parent_hash),
            exception: exception.map(ToOwned::to_owned),
            access_list: self.access_list.clone().map(Into::into),
            receipts: None,
            call: None,
        };
        let head = if exception.is_some() { self.genesis.hash } else { self.header.hash_slow() };
        let root = exception.is_some().then_some(self.genesis.header.state_root);
        Chain {
            schedule: schedule(self.network),
            genesis: self.genesis.clone(),
            blocks: vec![block],
            end: ExpectedEnd {
                head,
                accounts: None,
                accounts_are_complete: false,
                state_root: root.or(Some(self.header.state_root)),
            },
            broken: Vec::new(),
        }
    }
}

/// A chain as a test.
pub(crate) fn test(chain: Chain) -> Test {
    Test {
        id: "ours".to_owned(),
        source: SourceKind::BlockchainTest,
        fork: "ours".to_owned(),
        body: Body::Chain(Box::new(chain)),
    }
}

fn list(payload: &[u8], bytes: &mut Vec<u8>) {
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(bytes);
    bytes.extend_from_slice(payload);
}

pub(crate) fn sign<T: SignableTransaction<Signature>>(number: u8, tx: T) -> TxEnvelope
where
    TxEnvelope: From<alloy_consensus::Signed<T>>,
{
    let signature = signature(number, tx.signature_hash());
    tx.into_signed(signature).into()
}

fn signature(number: u8, hash: B256) -> Signature {
    let (signature, recovery) = key(number).sign_prehash_recoverable(hash.as_slice()).unwrap();
    let word = |bytes: &[u8]| U256::from_be_slice(bytes);
    let (r, s) = (signature.r().to_bytes(), signature.s().to_bytes());
    Signature::new(word(&r), word(&s), recovery.is_y_odd())
}

/// A transfer that anybody accepts, with one thing changed.
pub(crate) fn legacy(number: u8, change: &dyn Fn(&mut TxLegacy)) -> TxEnvelope {
    let mut tx = TxLegacy {
        chain_id: None,
        nonce: 0,
        gas_price: 100,
        gas_limit: 21_000,
        to: TxKind::Call(address(6)),
        value: U256::from(number),
        input: Bytes::new(),
    };
    change(&mut tx);
    sign(number, tx)
}

pub(crate) fn access_list(number: u8) -> TxEnvelope {
    sign(
        number,
        TxEip2930 {
            chain_id: 1,
            gas_price: 100,
            gas_limit: 30_000,
            to: TxKind::Call(address(6)),
            ..TxEip2930::default()
        },
    )
}

pub(crate) fn dynamic_fee(number: u8, change: &dyn Fn(&mut TxEip1559)) -> TxEnvelope {
    let mut tx = TxEip1559 {
        chain_id: 1,
        max_fee_per_gas: 100,
        max_priority_fee_per_gas: 1,
        gas_limit: 30_000,
        to: TxKind::Call(address(6)),
        ..TxEip1559::default()
    };
    change(&mut tx);
    sign(number, tx)
}

pub(crate) fn blob(number: u8, change: &dyn Fn(&mut TxEip4844)) -> TxEnvelope {
    let mut hash = keccak256([number]);
    hash[0] = 1;
    let mut tx = TxEip4844 {
        chain_id: 1,
        max_fee_per_gas: 100,
        max_priority_fee_per_gas: 1,
        max_fee_per_blob_gas: 10,
        gas_limit: 30_000,
        to: address(6),
        blob_versioned_hashes: vec![hash],
        ..TxEip4844::default()
    };
    change(&mut tx);
    let hash = tx.signature_hash();
    TxEnvelope::Eip4844(alloy_consensus::Signed::new_unhashed(
        alloy_consensus::TxEip4844Variant::TxEip4844(tx),
        signature(number, hash),
    ))
}

pub(crate) fn set_code(number: u8, change: &dyn Fn(&mut TxEip7702)) -> TxEnvelope {
    let authorization = Authorization { chain_id: U256::from(1), address: CONTRACT, nonce: 0 };
    let signature = signature(7, authorization.signature_hash());
    let mut tx = TxEip7702 {
        chain_id: 1,
        max_fee_per_gas: 100,
        max_priority_fee_per_gas: 1,
        gas_limit: 100_000,
        to: address(6),
        authorization_list: vec![SignedAuthorization::new_unchecked(
            authorization,
            u8::from(signature.v()),
            signature.r(),
            signature.s(),
        )],
        ..TxEip7702::default()
    };
    change(&mut tx);
    sign(number, tx)
}
