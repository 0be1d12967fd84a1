//! Typed differences.

use alloy_primitives::{Address, U256};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// A difference between two outcomes, or between an outcome and an expectation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Scope of a difference.
    pub scope: Scope,
    /// The block of a test that has several, counted from zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<usize>,
    /// The transaction, counted from zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx: Option<usize>,
    /// The account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// The storage slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<U256>,
    /// The field.
    pub field: Cow<'static, str>,
    /// The correct value: from a fixture or header, or from the reference.
    #[serde(flatten)]
    pub should_be: ShouldBe,
    /// The actual value.
    pub candidate: String,
    /// The executor that produced it.
    pub executor: String,
}

/// Scope of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The block as a whole.
    Block,
    /// The verdict on the block: accepted, or rejected and why.
    Rejection,
    /// One transaction's receipt.
    Receipt,
    /// An account.
    Account,
    /// A storage slot.
    Storage,
    /// The fixture contradicts itself.
    Fixture,
}

/// The other side of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShouldBe {
    /// A fixture or a header says so.
    Expected(String),
    /// The reference did so.
    Reference(String),
}

impl Difference {
    /// A difference without a place; add one with the builder methods.
    pub fn new(
        scope: Scope,
        field: &'static str,
        should_be: ShouldBe,
        candidate: impl ToString,
        executor: &str,
    ) -> Self {
        let candidate = candidate.to_string();
        let executor = executor.to_owned();
        let field = Cow::Borrowed(field);
        let (block, tx, address, slot) = (None, None, None, None);
        Self { scope, block, tx, address, slot, field, should_be, candidate, executor }
    }

    /// Names the transaction.
    #[must_use]
    pub fn at_transaction(self, index: usize) -> Self {
        Self { tx: Some(index), ..self }
    }

    /// Names the account.
    #[must_use]
    pub fn at_account(self, address: Address) -> Self {
        Self { address: Some(address), ..self }
    }

    /// Names the slot.
    #[must_use]
    pub fn at_slot(self, address: Address, slot: U256) -> Self {
        Self { address: Some(address), slot: Some(slot), ..self }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(index) = self.block {
            write!(f, "block {index}: ")?;
        }
        if let Some(index) = self.tx {
            write!(f, "transaction {index}: ")?;
        }
        if let Some(address) = self.address {
            write!(f, "account {address}: ")?;
        }
        if let Some(slot) = self.slot {
            write!(f, "slot {slot:#x}: ")?;
        }
        let (word, value) = match &self.should_be {
            ShouldBe::Expected(value) => ("expected", value),
            ShouldBe::Reference(value) => ("reference", value),
        };
        write!(f, "{}: {word} {value}, {} {}", self.field, self.executor, self.candidate)
    }
}
