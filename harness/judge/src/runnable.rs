//! A case with everything that judges it.

use crate::{expected::Expectation, state::PreState};
use alloy_primitives::Address;
use lockstep_model::{Case, Rule};
use std::sync::Arc;

/// A test that is executed.
#[derive(Debug, Clone)]
pub struct Runnable {
    /// The block.
    pub case: Case,
    /// Its whole pre-state, for the judge.
    pub pre: Arc<PreState>,
    /// Its expected outcome.
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
    /// Its expected outcome.
    pub expectation: Expectation,
}
