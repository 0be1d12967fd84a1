//! The transactions of a block, and the shape of their conflicts.

use super::{
    assembler::words,
    chooser::Chooser,
    code,
    features::Feature,
    invalid::{Spoilt, spoil},
    world::{ABSENT_KEYS, BASE_FEE, CODED, FIRST_POOR, NEARLY_DONE, ORPHANS, RICHEST, World},
};
use alloy_consensus::{TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxEnvelope, TxLegacy};
use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip6110::MAINNET_DEPOSIT_CONTRACT_ADDRESS,
    eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
    eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
    eip7702::{Authorization, SignedAuthorization},
    eip8282::{BUILDER_DEPOSIT_CONTRACT_ADDRESS, BUILDER_EXIT_CONTRACT_ADDRESS},
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use lockstep_formats::{keys, placeholder};
use lockstep_model::{Fork, Transaction};
use serde::{Deserialize, Serialize};

/// How the transactions of a block conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Shape {
    /// As little as can be: every sender, recipient and slot once.
    Independent,
    /// Each on the one before.
    Chain,
    /// All read one place and write one of their own.
    Star,
    /// All write one place.
    Hot,
    /// A few places get most (Zipf).
    Zipf,
    /// Few senders with many nonces.
    Nonces,
    /// Anything.
    Mixed,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 7] = [
        Self::Independent,
        Self::Chain,
        Self::Star,
        Self::Hot,
        Self::Zipf,
        Self::Nonces,
        Self::Mixed,
    ];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Independent => "independent",
            Self::Chain => "chain",
            Self::Star => "star",
            Self::Hot => "hot",
            Self::Zipf => "zipf",
            Self::Nonces => "nonces",
            Self::Mixed => "mixed",
        }
    }

    pub(super) fn choose(chooser: &mut Chooser<'_>) -> Self {
        *chooser.pick(&Self::ALL)
    }

    /// One of `count`, for the transaction at `index`.
    fn one_of(self, chooser: &mut Chooser<'_>, index: usize, count: usize) -> usize {
        match self {
            Self::Independent | Self::Chain => index % count,
            Self::Star | Self::Hot => 0,
            Self::Zipf => {
                let end = 1 + chooser.below(count);
                chooser.below(end)
            }
            Self::Nonces | Self::Mixed => chooser.below(count),
        }
    }

    /// The sender's key.
    fn sender(self, chooser: &mut Chooser<'_>, index: usize) -> usize {
        match self {
            Self::Nonces => chooser.below(2),
            Self::Zipf | Self::Mixed => self.one_of(chooser, index, FIRST_POOR),
            _ => index % FIRST_POOR,
        }
    }
}

/// A transaction in the making.
pub(super) struct Draft {
    pub(super) key: usize,
    pub(super) nonce: u64,
    pub(super) to: TxKind,
    pub(super) value: U256,
    pub(super) input: Bytes,
    pub(super) gas_limit: u64,
    pub(super) max_fee: u128,
    pub(super) tip: u128,
}

/// Gas limits of all transactions together must be allowed by every fork, EIP-7825's cap included.
const CALL_GAS: [u64; 4] = [150_000, 300_000, 600_000, 40_000];
const TRANSFER_GAS: [u64; 3] = [21_000, 21_000, 90_000];
const CREATION_GAS: u64 = 400_000;
/// EIP-8037 makes state dear.
const MORE_FROM_AMSTERDAM: u64 = 3;

/// Blobs that every fork allows in a block.
const MOST_BLOBS: usize = 6;

/// Funds for an empty account: enough for many transactions.
const FUNDS: u64 = 1_000_000_000_000_000_000;

/// More gas than EIP-7825 lets a transaction have: a block may have room for the cap and not for this.
const OVER_THE_CAP: u64 = 30_000_000;

/// Fills the block. Gives whether a transaction is meant to be rejected.
pub(super) fn fill(
    world: &mut World,
    chooser: &mut Chooser<'_>,
    shape: Shape,
    size: usize,
) -> bool {
    // A failure at the end of a block is not seen in one that ends before.
    let is_spoilt = world.has(Feature::Invalid) && !world.breaks_system_contracts;
    let invalid = is_spoilt.then(|| chooser.below(size));
    let mut poor = Funding::default();
    let mut blobs = 0;
    let mut is_meant_to_fail = false;
    for index in 0..size {
        if index > 0 && chooser.is_empty() {
            break;
        }
        let mut draft = draft(world, chooser, shape, index, &mut poor);
        let is_last_of_full = world.has(Feature::Full) && index > 0 && index + 1 == size;
        if is_last_of_full && chooser.chance(40) {
            draft.gas_limit = OVER_THE_CAP;
        }
        let draft = if invalid == Some(index) {
            is_meant_to_fail = true;
            spoil(world, chooser, draft)
        } else {
            Spoilt::Draft(draft)
        };
        let (key, envelope) = match draft {
            Spoilt::Draft(draft) => (draft.key, envelope(world, chooser, draft, &mut blobs)),
            Spoilt::Transaction(key, envelope) => (key, *envelope),
        };
        let sender = keys::address(key);
        world.block.transactions.push(Transaction::new(sender, envelope));
    }
    is_meant_to_fail | world.breaks_system_contracts | limit_gas(world, chooser)
}

/// Room for all, unless the block is meant to be too full.
fn limit_gas(world: &mut World, chooser: &mut Chooser<'_>) -> bool {
    use alloy_consensus::Transaction as _;
    let limits = world.block.transactions.iter().map(|tx| tx.envelope.gas_limit());
    let (sum, last) = limits.fold((0, 0), |(sum, _), limit| (sum + limit, limit));
    let is_too_full = world.has(Feature::Full) && world.block.transactions.len() > 1;
    world.block.gas_limit = if is_too_full {
        // Whether the last one fits depends on what those before it have left.
        sum - 1 - chooser.below(last as usize) as u64
    } else {
        sum
    };
    is_too_full
}

/// Senders who have nothing before the block.
#[derive(Debug, Default)]
struct Funding {
    /// How many of them have been sent something.
    funded: usize,
}

fn draft(
    world: &mut World,
    chooser: &mut Chooser<'_>,
    shape: Shape,
    index: usize,
    poor: &mut Funding,
) -> Draft {
    let mut key = shape.sender(chooser, index);
    let mut funded = None;
    if world.has(Feature::Funding) {
        if poor.funded > 0 && chooser.chance(40) {
            key = FIRST_POOR + chooser.below(poor.funded);
        }
        if FIRST_POOR + poor.funded < ABSENT_KEYS.start && chooser.chance(30) {
            funded = Some(FIRST_POOR + poor.funded);
            poor.funded += 1;
        }
    }
    if world.has(Feature::Edges) && chooser.chance(20) {
        let has_nonces = world.nonces[NEARLY_DONE] < u64::MAX;
        key = if has_nonces && chooser.chance(20) { NEARLY_DONE } else { RICHEST };
    }
    let nonce = world.nonces[key];
    world.nonces[key] = nonce.saturating_add(1);
    let tip = u128::from(*chooser.pick(&[1_u64, 2, 0]));
    let max_fee = u128::from(BASE_FEE) + tip + chooser.below(3) as u128;
    let (tip, max_fee) =
        if world.is_free { (0, u128::from(world.block.base_fee)) } else { (tip, max_fee) };
    let mut draft = Draft {
        key,
        nonce,
        to: TxKind::Create,
        value: U256::from(*chooser.pick(&[0_u64, 1, 1_000])),
        input: Bytes::new(),
        gas_limit: 0,
        max_fee,
        tip,
    };
    match funded {
        // A poor sender passes on only a part of its funds.
        Some(recipient) => {
            let part = if key >= FIRST_POOR { 1_000 } else { 1 };
            draft.to = keys::address(recipient).into();
            draft.value = U256::from(FUNDS / part);
            draft.gas_limit = 21_000;
        }
        None => act(world, chooser, shape, index, &mut draft),
    }
    if key == RICHEST {
        go_to_the_edge(chooser, &mut draft);
    }
    if world.fork >= Fork::Amsterdam {
        draft.gas_limit *= MORE_FROM_AMSTERDAM;
    }
    draft
}

/// Prices whose reward does not fit what executors add up, and values that hardly fit the recipient. The
/// price of all gas has at most 128 bits: more revm refuses.
fn go_to_the_edge(chooser: &mut Chooser<'_>, draft: &mut Draft) {
    // With what lists and authorisations add.
    let gas = (u128::from(draft.gas_limit) + 400_000) * u128::from(MORE_FROM_AMSTERDAM);
    let highest = u128::MAX / gas;
    draft.tip = *chooser.pick(&[highest, 1 << 90, 1 << 80, draft.tip]);
    draft.max_fee = highest.max(draft.max_fee);
    if chooser.chance(40) {
        draft.value = *chooser.pick(&[U256::MAX >> 16, U256::from(u128::MAX), U256::from(11)]);
    }
}

/// The action of a transaction.
#[derive(Debug, Clone, Copy)]
enum Action {
    Call,
    Transfer,
    Create,
    Revive,
    Request,
}

/// Which type it has.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Legacy,
    WithList,
    Dynamic,
    WithBlob,
    Delegating,
}

/// A transfer, a call or a creation.
fn act(world: &World, chooser: &mut Chooser<'_>, shape: Shape, index: usize, draft: &mut Draft) {
    let mut actions = Vec::new();
    if world.has(Feature::Calls) {
        actions.extend([Action::Call; 3]);
    }
    if world.has(Feature::Transfers) {
        actions.extend([Action::Transfer; 2]);
    }
    if world.has(Feature::Creation) {
        actions.push(Action::Create);
    }
    if world.has(Feature::Revival) {
        actions.extend([Action::Revive; 2]);
    }
    if world.has(Feature::SystemContracts) && world.fork >= Fork::Prague {
        // A contract that lays deposits out otherwise does so where it is called.
        let requests = if world.breaks_system_contracts { 4 } else { 1 };
        actions.extend(std::iter::repeat_n(Action::Request, requests));
    }
    match chooser.pick(&actions) {
        Action::Call => call(world, chooser, shape, index, draft),
        Action::Transfer => transfer(world, chooser, shape, index, draft),
        Action::Create => create(chooser, draft),
        Action::Revive => revive(world, chooser, draft),
        Action::Request => request(world, chooser, index, draft),
    }
}

/// A request of the execution layer: a deposit, a withdrawal, a consolidation, a builder's deposit or exit
/// (EIP-6110, EIP-7002, EIP-7251, EIP-8282).
fn request(world: &World, chooser: &mut Chooser<'_>, index: usize, draft: &mut Draft) {
    draft.gas_limit = 300_000;
    if world.fork >= Fork::Amsterdam && chooser.chance(40) {
        return builder_request(chooser, index, draft);
    }
    let contracts = [
        (WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, 56),
        (CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, 96),
        (MAINNET_DEPOSIT_CONTRACT_ADDRESS, 32),
    ];
    let is_deposit = world.breaks_system_contracts && chooser.chance(50);
    let (to, length) = if is_deposit { contracts[2] } else { *chooser.pick(&contracts) };
    draft.to = to.into();
    draft.input = vec![index as u8; length].into();
    // The fee of an empty queue.
    draft.value = U256::from(1);
}

/// A deposit of one ether, or an exit. State gas makes them dear (EIP-8037).
fn builder_request(chooser: &mut Chooser<'_>, index: usize, draft: &mut Draft) {
    const GWEI: u64 = 1_000_000_000;
    draft.gas_limit = 1_500_000;
    let (to, length, value) = if chooser.chance(50) {
        (BUILDER_DEPOSIT_CONTRACT_ADDRESS, 184, U256::from(GWEI) * U256::from(GWEI))
    } else {
        (BUILDER_EXIT_CONTRACT_ADDRESS, 48, U256::ZERO)
    };
    let mut input = vec![index as u8; length];
    if let Some(amount) = input.get_mut(80..88) {
        amount.copy_from_slice(&GWEI.to_be_bytes());
    }
    draft.to = to.into();
    draft.input = input.into();
    // The fee of an empty queue.
    draft.value = value + U256::from(1);
}

fn transfer(
    world: &World,
    chooser: &mut Chooser<'_>,
    shape: Shape,
    index: usize,
    draft: &mut Draft,
) {
    let to = match shape {
        Shape::Independent => {
            Address::left_padding_from(&(0x1000_0000 + index as u64).to_be_bytes())
        }
        // To the next sender.
        Shape::Chain => keys::address((index + 1) % FIRST_POOR),
        _ => world.places[shape.one_of(chooser, index, world.places.len())],
    };
    draft.to = to.into();
    if world.has(Feature::Absent) && chooser.chance(30) {
        // Met, and left as it was.
        draft.value = U256::ZERO;
    }
    draft.gas_limit = *chooser.pick(&TRANSFER_GAS);
}

fn call(world: &World, chooser: &mut Chooser<'_>, shape: Shape, index: usize, draft: &mut Draft) {
    let contracts = &world.contracts;
    let contract = contracts[shape.one_of(chooser, index, contracts.len())].address;
    let slot = match shape {
        Shape::Independent | Shape::Chain => index,
        Shape::Star | Shape::Hot => 0,
        _ => shape.one_of(chooser, index, 8),
    };
    draft.to = contract.into();
    draft.input = words(&[slot as u64, chooser.below(3) as u64]);
    draft.gas_limit =
        *chooser.pick(if world.has(Feature::Gas) { &CALL_GAS } else { &CALL_GAS[..3] });
}

fn create(chooser: &mut Chooser<'_>, draft: &mut Draft) {
    draft.to = TxKind::Create;
    draft.input = code::creation(chooser);
    draft.gas_limit = CREATION_GAS;
}

/// Through the factory, or at what it has created: make it, use it, destroy it.
fn revive(world: &World, chooser: &mut Chooser<'_>, draft: &mut Draft) {
    let factory = world.factory.expect("where there is revival there is a factory");
    let salt = chooser.below(2) as u64;
    let (to, word) = match chooser.below(3) {
        0 => (factory, salt),
        1 => (code::revived(factory, salt), 0),
        _ => (code::revived(factory, salt), 1),
    };
    draft.to = to.into();
    draft.input = words(&[word]);
    draft.gas_limit = CREATION_GAS;
}

/// The transaction in one of the types that the fork and the block have.
fn envelope(
    world: &mut World,
    chooser: &mut Chooser<'_>,
    draft: Draft,
    blobs: &mut usize,
) -> TxEnvelope {
    let is_call = matches!(draft.to, TxKind::Call(_));
    let mut kinds = vec![Kind::Legacy];
    if world.has(Feature::AccessLists) {
        kinds.push(Kind::WithList);
    }
    if world.has(Feature::DynamicFees) {
        kinds.push(Kind::Dynamic);
    }
    if world.has(Feature::Blobs) && is_call && *blobs < MOST_BLOBS {
        kinds.push(Kind::WithBlob);
    }
    if world.has(Feature::Delegations) && is_call {
        kinds.extend([Kind::Delegating; 2]);
    }
    match chooser.pick(&kinds) {
        Kind::Legacy => legacy(draft),
        Kind::WithList => with_list(world, chooser, draft),
        Kind::Dynamic => dynamic(world, chooser, draft),
        Kind::WithBlob => {
            *blobs += 1;
            with_blob(chooser, draft)
        }
        Kind::Delegating => delegating(world, chooser, draft),
    }
}

pub(super) fn legacy(draft: Draft) -> TxEnvelope {
    let Draft { nonce, to, value, input, gas_limit, max_fee, .. } = draft;
    let gas_price = max_fee;
    placeholder::signed(TxLegacy { chain_id: None, nonce, gas_price, gas_limit, to, value, input })
        .into()
}

fn with_list(world: &World, chooser: &mut Chooser<'_>, draft: Draft) -> TxEnvelope {
    let access_list = access_list(world, chooser);
    list_transaction(draft, access_list)
}

pub(super) fn list_transaction(draft: Draft, access_list: AccessList) -> TxEnvelope {
    let Draft { nonce, to, value, input, gas_limit, max_fee, .. } = draft;
    let gas_limit = gas_limit + list_gas(&access_list);
    let gas_price = max_fee;
    let tx = TxEip2930 { chain_id: 1, nonce, gas_price, gas_limit, to, value, access_list, input };
    placeholder::signed(tx).into()
}

fn access_list(world: &World, chooser: &mut Chooser<'_>) -> AccessList {
    let mut item = |_| AccessListItem {
        address: *chooser.pick(&world.places),
        storage_keys: (0..chooser.below(3)).map(|slot| B256::with_last_byte(slot as u8)).collect(),
    };
    AccessList((0..2).map(&mut item).collect())
}

/// EIP-2930, and EIP-7981 on top from Amsterdam on.
fn list_gas(list: &AccessList) -> u64 {
    let keys: usize = list.0.iter().map(|item| item.storage_keys.len()).sum();
    (list.0.len() * 5_000 + keys * 4_000) as u64
}

fn dynamic(world: &World, chooser: &mut Chooser<'_>, draft: Draft) -> TxEnvelope {
    let access_list = if world.has(Feature::AccessLists) {
        access_list(world, chooser)
    } else {
        AccessList::default()
    };
    let tip = draft.tip.min(draft.max_fee);
    dynamic_transaction(Draft { tip, ..draft }, access_list)
}

pub(super) fn dynamic_transaction(draft: Draft, access_list: AccessList) -> TxEnvelope {
    let Draft { nonce, to, value, input, gas_limit, max_fee, tip, .. } = draft;
    let tx = TxEip1559 {
        chain_id: 1,
        nonce,
        gas_limit: gas_limit + list_gas(&access_list),
        max_fee_per_gas: max_fee,
        max_priority_fee_per_gas: tip,
        to,
        value,
        access_list,
        input,
    };
    placeholder::signed(tx).into()
}

fn with_blob(chooser: &mut Chooser<'_>, draft: Draft) -> TxEnvelope {
    let mut hash = B256::repeat_byte(chooser.byte());
    // EIP-4844's version of a hash.
    hash.0[0] = 1;
    blob_transaction(draft, vec![hash], 10)
}

/// A transaction with blobs (EIP-4844); its draft has a recipient.
pub(super) fn blob_transaction(
    draft: Draft,
    blob_versioned_hashes: Vec<B256>,
    max_fee_per_blob_gas: u128,
) -> TxEnvelope {
    let Draft { nonce, to, value, input, gas_limit, max_fee, tip, .. } = draft;
    let tx = TxEip4844 {
        chain_id: 1,
        nonce,
        gas_limit,
        max_fee_per_gas: max_fee,
        max_priority_fee_per_gas: tip.min(max_fee),
        to: *to.to().expect("a call"),
        value,
        access_list: AccessList::default(),
        blob_versioned_hashes,
        max_fee_per_blob_gas,
        input,
    };
    TxEnvelope::Eip4844(placeholder::signed(tx.into()))
}

fn delegating(world: &mut World, chooser: &mut Chooser<'_>, draft: Draft) -> TxEnvelope {
    let count = 1 + chooser.below(3);
    let list = (0..count).map(|_| authorization(world, chooser, draft.key)).collect();
    delegation(draft, list)
}

/// A transaction with authorisations (EIP-7702); its draft has a recipient.
pub(super) fn delegation(draft: Draft, list: Vec<SignedAuthorization>) -> TxEnvelope {
    let Draft { nonce, to, value, input, gas_limit, max_fee, tip, .. } = draft;
    // EIP-7702: PER_EMPTY_ACCOUNT_COST of each.
    let gas_limit = gas_limit + 25_000 * list.len() as u64 * MORE_FROM_AMSTERDAM;
    let tx = TxEip7702 {
        chain_id: 1,
        nonce,
        gas_limit,
        max_fee_per_gas: max_fee,
        max_priority_fee_per_gas: tip.min(max_fee),
        to: *to.to().expect("a call"),
        value,
        access_list: AccessList::default(),
        authorization_list: list,
        input,
    };
    placeholder::signed(tx).into()
}

/// Valid more often than not; by the sender itself, twice by the same, taken back.
fn authorization(
    world: &mut World,
    chooser: &mut Chooser<'_>,
    sender: usize,
) -> SignedAuthorization {
    let key = match chooser.below(6) {
        0 => sender,
        // One of those who are looked at and paid.
        1 => *chooser.pick(&[0, 1]),
        2 if world.has(Feature::Absent) => ABSENT_KEYS.start + chooser.below(ABSENT_KEYS.len()),
        3 if world.has(Feature::OrphanStorage) => *chooser.pick(&ORPHANS),
        4 if world.has(Feature::Codes) => CODED,
        _ => chooser.below(8),
    };
    let safe: Vec<Address> = {
        let safe = world.contracts.iter().filter(|contract| !contract.is_dangerous);
        safe.map(|contract| contract.address).collect()
    };
    // A delegate that creates moves its account's nonce: what the account sends later is invalid.
    let address = match chooser.below(20) {
        0 => world.contracts[chooser.below(world.contracts.len())].address,
        1..=4 => Address::ZERO,
        5 => Address::with_last_byte(4),
        6 => keys::address(chooser.below(8)),
        _ if safe.is_empty() => Address::ZERO,
        _ => *chooser.pick(&safe),
    };
    let (chain_id, offset) = match chooser.below(10) {
        0 => (2, 0),
        1 => (1, 1),
        2 | 3 => (0, 0),
        _ => (1, 0),
    };
    // An invalid signature, and the last nonce (EIP-7702): neither authorisation counts.
    match chooser.below(40) {
        0 => {
            let invalid = Signature::new(U256::ZERO, U256::from(1), false);
            let chain_id = U256::from(1);
            return Authorization { chain_id, address, nonce: 0 }.into_signed(invalid);
        }
        1 => return keys::authorization(1, address, u64::MAX, key),
        _ => {}
    }
    let nonce = world.nonces[key].saturating_add(offset);
    if chain_id != 2 && offset == 0 && key != CODED {
        world.nonces[key] = world.nonces[key].saturating_add(1);
    }
    keys::authorization(chain_id, address, nonce, key)
}
