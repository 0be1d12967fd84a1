//! A case with everything that judges it.

use crate::{expected::Expectation, state::PreState};
use alloy_primitives::{Address, B256};
use lockstep_model::{Case, Rule};
use std::{collections::BTreeMap, sync::Arc};

/// A test that is executed.
#[derive(Debug, Clone)]
pub struct Runnable {
    /// The block.
    pub case: Case,
    /// Its whole pre-state, for the judge.
    pub pre: Arc<PreState>,
    /// Its expected outcome.
    pub expectation: Expectation,
    /// Keys of its senders, as far as its source states them.
    pub keys: Keys,
}

/// Secret keys of senders, for who wants to sign anew.
pub type Keys = BTreeMap<Address, B256>;

/// A test whose transaction has no encoding.
#[derive(Debug, Clone)]
pub struct Undecodable {
    /// The rule that decoding breaks.
    pub rule: Rule,
    /// The block's fee recipient.
    pub beneficiary: Address,
    /// Its whole pre-state, for the judge.
    pub pre: Arc<PreState>,
    /// Its expected outcome.
    pub expectation: Expectation,
}
