//! The shapes of dependency that a block can have.

use super::{
    block::{BlockBuilder, GAS_PRICE, Request},
    contracts,
};
use alloy_primitives::{Address, Bytes, U256};
use lockstep_formats::keys;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// The kind of the transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Transfer,
    Call,
}

/// How the transactions depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Not at all.
    Independent,
    /// Each on the one before.
    Chained,
    /// All on one hub.
    Star,
    /// All read and write one slot.
    HotSlot,
    /// All are sent by one account.
    SameSender,
    /// The fee recipient sends and receives among the others.
    FeeRecipient,
}

pub(super) const ALL: [(Kind, Shape); 10] = [
    (Kind::Transfer, Shape::Independent),
    (Kind::Transfer, Shape::Chained),
    (Kind::Transfer, Shape::Star),
    (Kind::Transfer, Shape::SameSender),
    (Kind::Transfer, Shape::FeeRecipient),
    (Kind::Call, Shape::Independent),
    (Kind::Call, Shape::Chained),
    (Kind::Call, Shape::Star),
    (Kind::Call, Shape::HotSlot),
    (Kind::Call, Shape::SameSender),
];

const TRANSFER_GAS: u64 = 21_000;
const CALL_GAS: u64 = 100_000;

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::Call => "call",
        }
    }
}

impl Shape {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Independent => "independent",
            Self::Chained => "chained",
            Self::Star => "star",
            Self::HotSlot => "hot-slot",
            Self::SameSender => "same-sender",
            Self::FeeRecipient => "fee-recipient",
        }
    }
}

/// Fills a block with `size` transactions.
pub(super) fn fill(
    block: &mut BlockBuilder,
    kind: Kind,
    shape: Shape,
    size: usize,
    random: &mut ChaCha8Rng,
) {
    match kind {
        Kind::Transfer => fill_transfers(block, shape, size, random),
        Kind::Call => fill_calls(block, shape, size, random),
    }
}

fn ether(count: u64) -> U256 {
    U256::from(count) * U256::from(10).pow(U256::from(18))
}

fn transfer(sender: Address, to: Address, value: U256) -> Request {
    Request { sender, to, value, input: Bytes::new(), gas_limit: TRANSFER_GAS }
}

fn amount(random: &mut ChaCha8Rng) -> U256 {
    U256::from(random.random_range(1..1_000_000_u64))
}

fn fill_transfers(block: &mut BlockBuilder, shape: Shape, size: usize, random: &mut ChaCha8Rng) {
    match shape {
        Shape::Chained => chained_transfers(block, size, random),
        Shape::FeeRecipient => fee_recipient_transfers(block, size, random),
        _ => paid_transfers(block, shape, size, random),
    }
}

/// Independent transfers by senders whose keys are known.
pub(super) fn fill_by_known_senders(
    block: &mut BlockBuilder,
    size: usize,
    random: &mut ChaCha8Rng,
) {
    for index in 0..size {
        let sender = keys::address(index);
        block.fund(sender, ether(1));
        let to = block.unused(random);
        // A new account costs more from Amsterdam on (EIP-8037).
        block.send(Request { gas_limit: 500_000, ..transfer(sender, to, amount(random)) });
    }
}

/// A transfer of nothing to oneself.
pub(super) fn fill_with_nothing(block: &mut BlockBuilder) {
    let sender = keys::address(0);
    block.fund(sender, ether(1));
    block.send(transfer(sender, sender, U256::ZERO));
}

/// Transfers by funded senders to recipients whose balance is the sum of what they are paid.
fn paid_transfers(block: &mut BlockBuilder, shape: Shape, size: usize, random: &mut ChaCha8Rng) {
    let hub = block.unused(random);
    let only = block.account(ether(1_000), random);
    let mut paid: BTreeMap<Address, U256> = BTreeMap::new();
    for _ in 0..size {
        let one_sender = shape == Shape::SameSender;
        let sender = if one_sender { only } else { block.account(ether(1), random) };
        let to = if shape == Shape::Star { hub } else { block.unused(random) };
        let value = amount(random);
        *paid.entry(to).or_default() += value;
        block.send(transfer(sender, to, value));
    }
    for (to, value) in paid {
        block.expect_balance(to, value);
    }
}

/// Each sender is funded by the transaction before, with just enough to go on.
fn chained_transfers(block: &mut BlockBuilder, size: usize, random: &mut ChaCha8Rng) {
    let fee = U256::from(GAS_PRICE) * U256::from(TRANSFER_GAS);
    let last_gets = amount(random);
    let mut sender = block.account(last_gets + fee * U256::from(size), random);
    for left in (0..size).rev() {
        let to = block.unused(random);
        block.send(transfer(sender, to, last_gets + fee * U256::from(left)));
        sender = to;
    }
    block.expect_balance(sender, last_gets);
}

/// Every third transaction is sent by the fee recipient, every other third paid to it.
fn fee_recipient_transfers(block: &mut BlockBuilder, size: usize, random: &mut ChaCha8Rng) {
    block.fund_beneficiary(ether(10));
    let beneficiary = block.beneficiary();
    for index in 0..size {
        let sender = if index % 3 == 1 { beneficiary } else { block.account(ether(1), random) };
        let to = if index % 3 == 2 { beneficiary } else { block.unused(random) };
        let value = amount(random);
        if to != beneficiary {
            block.expect_balance(to, value);
        }
        block.send(transfer(sender, to, value));
    }
}

fn fill_calls(block: &mut BlockBuilder, shape: Shape, size: usize, random: &mut ChaCha8Rng) {
    let code = match shape {
        Shape::Chained => contracts::CARRY,
        Shape::Star => contracts::FROM_HUB,
        _ => contracts::ADD_TO_SLOT,
    };
    let contract = block.contract(code, random);
    let only = block.account(ether(1_000), random);
    let mut storage: BTreeMap<U256, U256> = BTreeMap::new();
    for index in 0..size {
        let one_sender = shape == Shape::SameSender;
        let sender = if one_sender { only } else { block.account(ether(1), random) };
        let slot = match shape {
            Shape::HotSlot => U256::ZERO,
            Shape::SameSender => U256::from(random.random_range(0..4_u64)),
            _ => U256::from(index),
        };
        let value = amount(random);
        apply(&mut storage, shape, slot, value);
        let input = [slot.to_be_bytes::<32>(), value.to_be_bytes::<32>()].concat().into();
        let request =
            Request { sender, to: contract, value: U256::ZERO, input, gas_limit: CALL_GAS };
        block.send(request);
    }
    for (slot, value) in storage {
        block.expect_slot(contract, slot, value);
    }
}

/// Applies a call of this shape's contract to its storage.
fn apply(storage: &mut BTreeMap<U256, U256>, shape: Shape, slot: U256, amount: U256) {
    let from = if shape == Shape::Star { U256::ZERO } else { slot };
    let to = if shape == Shape::Chained { slot + U256::from(1) } else { slot };
    let sum = storage.get(&from).copied().unwrap_or_default() + amount;
    storage.insert(to, sum);
}
