//! Transactions that break a rule.

use super::{
    chooser::Chooser,
    transactions::{
        Draft, blob_transaction, delegation, dynamic_transaction, legacy, list_transaction,
    },
    world::{BASE_FEE, CODED, World},
};
use alloy_consensus::TxEnvelope;
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use lockstep_formats::keys;
use lockstep_model::Fork;

/// The flaw of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    NonceTooHigh,
    NonceTooLow,
    /// EIP-2681.
    NonceAtItsEnd,
    TooLittleGas,
    /// EIP-7623.
    GasBelowFloor,
    /// EIP-7825.
    TooMuchGas,
    TooMuchValue,
    /// EIP-3607.
    SenderWithCode,
    PriceBelowBaseFee,
    TipAboveFee,
    /// EIP-3860.
    LongInitCode,
    /// A type that the fork does not have.
    TypeBeforeItsFork,
    NoBlobs,
    WrongBlobVersion,
    TooManyBlobs,
    BlobsTooCheap,
    NoAuthorizations,
}

impl Flaw {
    const ALL: [Self; 17] = [
        Self::NonceTooHigh,
        Self::NonceTooLow,
        Self::NonceAtItsEnd,
        Self::TooLittleGas,
        Self::GasBelowFloor,
        Self::TooMuchGas,
        Self::TooMuchValue,
        Self::SenderWithCode,
        Self::PriceBelowBaseFee,
        Self::TipAboveFee,
        Self::LongInitCode,
        Self::TypeBeforeItsFork,
        Self::NoBlobs,
        Self::WrongBlobVersion,
        Self::TooManyBlobs,
        Self::BlobsTooCheap,
        Self::NoAuthorizations,
    ];

    /// Whether the fork can have a transaction with it.
    fn is_of(self, fork: Fork) -> bool {
        match self {
            Self::TypeBeforeItsFork => fork < Fork::Prague,
            Self::PriceBelowBaseFee | Self::TipAboveFee => fork >= Fork::London,
            Self::LongInitCode => fork >= Fork::Shanghai,
            Self::NoBlobs | Self::WrongBlobVersion | Self::TooManyBlobs | Self::BlobsTooCheap => {
                fork >= Fork::Cancun
            }
            Self::NoAuthorizations | Self::GasBelowFloor => fork >= Fork::Prague,
            Self::TooMuchGas => fork >= Fork::Osaka,
            _ => true,
        }
    }
}

/// The result of giving a draft a flaw.
pub(super) enum Spoilt {
    Draft(Draft),
    /// A flaw that only a transaction can have; with the key of its sender.
    Transaction(usize, Box<TxEnvelope>),
}

/// Gives a draft a flaw.
pub(super) fn spoil(world: &World, chooser: &mut Chooser<'_>, mut draft: Draft) -> Spoilt {
    let flaws: Vec<Flaw> = Flaw::ALL.into_iter().filter(|flaw| flaw.is_of(world.fork)).collect();
    match *chooser.pick(&flaws) {
        Flaw::NonceTooHigh => draft.nonce = draft.nonce.saturating_add(1),
        Flaw::NonceTooLow if draft.nonce > 0 => draft.nonce -= 1,
        Flaw::NonceTooLow => draft.nonce = draft.nonce.saturating_add(7),
        Flaw::NonceAtItsEnd => draft.nonce = u64::MAX,
        Flaw::TooLittleGas => draft.gas_limit = 20_000,
        Flaw::GasBelowFloor => {
            // 16 gas a byte to pay and 40 to have.
            draft.input = vec![1; 1_000].into();
            draft.gas_limit = 45_000;
            draft.to = keys::address(0).into();
            return Spoilt::Transaction(draft.key, legacy(draft).into());
        }
        Flaw::TooMuchGas => draft.gas_limit = (1 << 24) + 1,
        Flaw::TooMuchValue => draft.value = U256::MAX >> 8,
        Flaw::SenderWithCode => {
            draft.key = CODED;
            draft.nonce = world.nonces[CODED];
        }
        Flaw::PriceBelowBaseFee => draft.max_fee = u128::from(BASE_FEE) - 1,
        flaw => {
            return Spoilt::Transaction(draft.key, envelope(flaw, world.fork, draft).into());
        }
    }
    Spoilt::Draft(draft)
}

fn envelope(flaw: Flaw, fork: Fork, mut draft: Draft) -> TxEnvelope {
    if flaw == Flaw::LongInitCode {
        draft.to = TxKind::Create;
        draft.input = Bytes::from(vec![0; LONG_INIT_CODE]);
        draft.gas_limit = 3_000_000;
        return legacy(draft);
    }
    if draft.to == TxKind::Create {
        draft.to = keys::address(0).into();
    }
    let blob = B256::with_last_byte(1) | B256::from(U256::from(1) << 248);
    match flaw {
        Flaw::TipAboveFee => {
            draft.tip = draft.max_fee + 1;
            dynamic_transaction(draft, AccessList::default())
        }
        Flaw::NoBlobs => blob_transaction(draft, Vec::new(), 10),
        Flaw::WrongBlobVersion => blob_transaction(draft, vec![B256::with_last_byte(1)], 10),
        Flaw::TooManyBlobs => blob_transaction(draft, vec![blob; 64], 10),
        Flaw::BlobsTooCheap => blob_transaction(draft, vec![blob], 0),
        Flaw::NoAuthorizations => delegation(draft, Vec::new()),
        _ if fork < Fork::Berlin => list_transaction(draft, AccessList::default()),
        _ if fork < Fork::London => dynamic_transaction(draft, AccessList::default()),
        _ if fork < Fork::Cancun => blob_transaction(draft, vec![blob], 10),
        _ => delegation(draft, vec![keys::authorization(1, Address::ZERO, 0, 0)]),
    }
}

/// More than EIP-3860 and EIP-7954 allow.
const LONG_INIT_CODE: usize = (128 << 10) + 1;
