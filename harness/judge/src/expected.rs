//! The outcome that a source expects.

use crate::{difference::Difference, state::PreState};
use alloy_primitives::{Address, B256, Bloom, U256};
use std::{borrow::Cow, sync::Arc};

/// The outcome as far as a source states it. Every stated part is compared.
#[derive(Debug, Clone, Default)]
pub struct Expectation {
    /// Root of the whole state afterwards.
    pub state_root: Option<B256>,
    /// Keccak-256 of the RLP of all logs.
    pub logs_hash: Option<B256>,
    /// Accounts afterwards.
    pub accounts: Vec<ExpectedAccount>,
    /// Whether [`Expectation::accounts`] is the whole state: then no other account may exist.
    pub accounts_are_complete: bool,
    /// The block must be valid. If it need neither be valid nor be rejected, the reference decides.
    pub accepted: bool,
    /// Hashes of codes that the block must deploy.
    pub deployed: Vec<B256>,
    /// The block must be rejected.
    pub rejection: Option<ExpectedRejection>,
    /// Fields of the block's header.
    pub header: Option<HeaderExpectation>,
    /// The state root of a rejected transaction may also be that after a touch of the fee recipient: so
    /// were classic state tests before EIP-158 once filled.
    pub rejection_may_touch_beneficiary: bool,
    /// Prices of more than 128 bits, which no executor here can hold.
    pub wide_price: Option<WidePrice>,
    /// Expectations of the tests in a packed block.
    pub members: Vec<Member>,
    /// Expectations that reading the source has already found broken.
    pub broken: Vec<Difference>,
    /// Expectations that the source has, and that cannot be decided here, with the reason.
    pub undecidable: Vec<Cow<'static, str>>,
}

/// Effects that executors leave out for a transaction with a price of more than 128 bits.
///
/// Such a transaction runs with the highest price of 128 bits, its sender without what the rest of the price
/// costs for all of its gas: while code runs, the sender has the very balance that it should. The rest is
/// paid afterwards: to the sender for gas that was not used, to the fee recipient for gas that was.
#[derive(Debug, Clone)]
pub struct WidePrice {
    /// The pre-state that the source states.
    pub pre: Arc<PreState>,
    /// Wei for each gas beyond what executors see.
    pub excess: U256,
    /// The sender.
    pub sender: Address,
    /// The fee recipient.
    pub beneficiary: Address,
    /// The transaction's gas limit.
    pub gas_limit: u64,
}

/// An account as it must be afterwards; fields that are not known are not compared.
#[derive(Debug, Clone)]
pub struct ExpectedAccount {
    /// Its address.
    pub address: Address,
    /// Whether it exists.
    pub exists: bool,
    /// Its balance.
    pub balance: Option<U256>,
    /// Its nonce.
    pub nonce: Option<u64>,
    /// The hash of its code.
    pub code_hash: Option<B256>,
    /// Slots and their values.
    pub storage: Vec<(U256, U256)>,
    /// Whether no other slot may be set.
    pub storage_is_complete: bool,
}

impl ExpectedAccount {
    /// An account that must not exist.
    pub const fn absent(address: Address) -> Self {
        Self {
            address,
            exists: false,
            balance: None,
            nonce: None,
            code_hash: None,
            storage: Vec::new(),
            storage_is_complete: false,
        }
    }
}

/// A rejection that a fixture asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedRejection {
    /// The fixture's exception names, `A|B`.
    pub names: String,
    /// The transaction that must break a rule.
    pub transaction: usize,
}

/// Header fields that execution decides.
#[derive(Debug, Clone, Default)]
pub struct HeaderExpectation {
    /// Gas used by the block.
    pub gas_used: u64,
    /// Bloom of all logs.
    pub logs_bloom: Box<Bloom>,
    /// Root of the receipts, where the state at hand can decide it.
    pub receipts_root: Option<B256>,
    /// Blob gas used, from Cancun on.
    pub blob_gas_used: Option<u64>,
    /// EIP-7685 hash of the requests, from Prague on.
    pub requests_hash: Option<B256>,
    /// EIP-7928 hash of the block access list, from Amsterdam on.
    pub block_access_list_hash: Option<B256>,
}

/// One test within a packed block.
#[derive(Debug, Clone)]
pub struct Member {
    /// The test's own id.
    pub id: String,
    /// Index of its transaction in the block.
    pub transaction: usize,
    /// The hash of its own logs.
    pub logs_hash: Option<B256>,
    /// Its own accounts afterwards, the fee recipient aside.
    pub accounts: Vec<ExpectedAccount>,
}
