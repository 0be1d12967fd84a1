//! A test: what a source defines, and what it expects.

use crate::{chain::Chain, compare::Difference, pre_state::PreState, source::pack::Recipe};
use alloy_primitives::{Address, B256, Bloom, U256};
use lockstep_model::{Case, Rule};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where a test comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// One (test, fork, index) of a state test.
    StateTest,
    /// One blockchain test.
    BlockchainTest,
    /// A real block with its pre-state.
    RealBlock,
    /// State tests packed into one block.
    Packed,
    /// Generated from a seed, without any file.
    BuiltIn,
}

impl SourceKind {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StateTest => "state_test",
            Self::BlockchainTest => "blockchain_test",
            Self::RealBlock => "real_block",
            Self::Packed => "packed",
            Self::BuiltIn => "built_in",
        }
    }
}

/// One test.
#[derive(Debug, Clone)]
pub struct Test {
    /// Stable id: `path::name[fork,d,g,v]` for a state test.
    pub id: String,
    /// Where it comes from.
    pub source: SourceKind,
    /// The fork as the source names it.
    pub fork: String,
    /// What to do with it.
    pub body: Body,
}

impl Test {
    /// The most gas that one of its transactions may use: the best guess at how much memory the
    /// test may need.
    pub fn gas_limit(&self) -> u64 {
        use alloy_consensus::Transaction as _;
        let most = |runnable: &Runnable| {
            let transactions = runnable.case.block.transactions.iter();
            transactions.map(|transaction| transaction.envelope.gas_limit()).max()
        };
        match &self.body {
            Body::Run(runnable) => most(runnable).unwrap_or_default(),
            Body::Chain(chain) => chain.gas_limit(),
            Body::Pack(recipe) => {
                let alone = (0..recipe.len()).map(|index| recipe.alone(index));
                alone.filter_map(most).max().unwrap_or_default()
            }
            Body::Undecodable(_) | Body::Skip(_) => 0,
        }
    }
}

/// What to do with a test.
#[derive(Debug, Clone)]
pub enum Body {
    /// Execute it.
    Run(Box<Runnable>),
    /// Import a chain of blocks.
    Chain(Box<Chain>),
    /// Pack a block and execute it.
    Pack(Box<Recipe>),
    /// Its transaction cannot even be encoded: decided without execution.
    Undecodable(Box<Undecodable>),
    /// Leave it out, and say why.
    Skip(SkipReason),
}

/// A test that is executed.
#[derive(Debug, Clone)]
pub struct Runnable {
    /// The block.
    pub case: Case,
    /// Its whole pre-state, for the judge.
    pub pre: Arc<PreState>,
    /// What is expected of it.
    pub expectation: Expectation,
}

/// A test whose transaction has no encoding.
#[derive(Debug, Clone)]
pub struct Undecodable {
    /// The rule that decoding breaks.
    pub rule: Rule,
    /// The block's fee recipient.
    pub beneficiary: Address,
    /// Its whole pre-state, for the judge.
    pub pre: Arc<PreState>,
    /// What is expected of it.
    pub expectation: Expectation,
}

/// Why a test is left out. A closed list: `reason` of a skipped test in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipReason {
    /// Rules that no executor here has.
    UnsupportedFork,
    /// On the named list of slow tests, and `--skip-slow` was given.
    Slow,
    /// Cannot take part in a packed block.
    NotPackable,
    /// No partner in its class: a block of one is what the test already is.
    NoPartner,
    /// Takes part in a packed block only with another outcome: the block around it shows.
    Interferes,
}

impl SkipReason {
    /// The text in reports.
    pub const fn text(self) -> &'static str {
        match self {
            Self::UnsupportedFork => {
                "unsupported fork: revm does not implement Constantinople proper (EIP-1283)"
            }
            Self::Slow => "on the slow list, left out by --skip-slow",
            Self::NotPackable => {
                "not packable: expects a rejection, or has no encodable transaction"
            }
            Self::NoPartner => {
                "not packed: no partner without a common account, or none at all, in its class"
            }
            Self::Interferes => "not packed: its outcome depends on the block around it",
        }
    }
}

/// What a source knows of the outcome. Everything that is there is compared.
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
    /// The block must be valid. Where it need neither be valid nor be rejected, the reference
    /// decides.
    pub accepted: bool,
    /// The block must be rejected.
    pub rejection: Option<ExpectedRejection>,
    /// Fields of the block's header.
    pub header: Option<HeaderExpectation>,
    /// The fee recipient is touched although the transaction is rejected: what classic state
    /// tests before EIP-158 do.
    pub rejection_touches_beneficiary: bool,
    /// Expectations of the tests in a packed block.
    pub members: Vec<Member>,
    /// Expectations that reading the source has already found broken.
    pub broken: Vec<Difference>,
    /// Expectations that the source has, and that cannot be decided here, with the reason.
    pub undecidable: Vec<&'static str>,
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
