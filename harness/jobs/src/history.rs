//! The state before each transaction, by the reference, and the writer of each value.

use alloy_primitives::{Address, U256};
use lockstep_judge::{runnable::Runnable, state::PreState};
use lockstep_model::{AccountInfo, Outcome};
use std::{fmt, sync::Arc};

/// Something that a transaction can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Balance, nonce and code of an account.
    Account(Address),
    /// One slot.
    Slot(Address, U256),
}

/// The writer of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Writer {
    /// No transaction of the block.
    PreState,
    /// The transaction with this index.
    Transaction(usize),
}

/// A value of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Account(Option<AccountInfo>),
    Slot(U256),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(address) => write!(f, "account {address}"),
            Self::Slot(address, slot) => write!(f, "slot {slot:#x} of {address}"),
        }
    }
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PreState => f.write_str("the pre-state"),
            Self::Transaction(index) => write!(f, "transaction {index}"),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slot(value) => write!(f, "{value:#x}"),
            Self::Account(None) => f.write_str("absent"),
            Self::Account(Some(info)) => {
                write!(f, "balance {}, nonce {}", info.balance, info.nonce)?;
                if info.code_hash == alloy_primitives::KECCAK256_EMPTY {
                    f.write_str(", no code")
                } else {
                    write!(f, ", code {}", info.code_hash)
                }
            }
        }
    }
}

/// Every state of a block.
pub(crate) struct History {
    /// Before each transaction that the reference executed, and after the last.
    states: Vec<Arc<PreState>>,
}

impl History {
    pub(crate) fn of(block: &Runnable, right: &Outcome) -> Self {
        let mut states = Vec::new();
        let outcome = right.accepted();
        let before = outcome.and_then(|outcome| outcome.changes_before_transactions.as_ref());
        states.push(match before {
            Some(changes) => PreState::new(block.pre.state_after(changes)),
            None => block.pre.clone(),
        });
        let by_transaction = outcome.and_then(|outcome| outcome.changes_by_transaction.as_ref());
        for changes in by_transaction.into_iter().flatten() {
            let last = states.last().expect("it starts with one");
            states.push(PreState::new(last.state_after(changes)));
        }
        Self { states }
    }

    /// Before the transaction; where the block ended earlier, the last state that is known.
    pub(super) fn before(&self, index: usize) -> &PreState {
        &self.states[index.min(self.states.len() - 1)]
    }

    /// Transactions whose state before is known, from this one down.
    pub(super) fn below(&self, index: usize) -> impl Iterator<Item = usize> {
        (0..index.min(self.states.len())).rev()
    }

    pub(crate) fn value(&self, place: Place, index: usize) -> Value {
        let state = &self.before(index).state;
        match place {
            Place::Account(address) => Value::Account(state.get(address).map(|known| known.info)),
            Place::Slot(address, slot) => {
                let value = state.get(address).and_then(|known| known.storage.get(&slot));
                Value::Slot(value.copied().unwrap_or_default())
            }
        }
    }

    /// The writer of the value that the transaction should see.
    pub(crate) fn writer_below(&self, place: Place, index: usize) -> Writer {
        let index = index.min(self.states.len() - 1);
        let is_written = |at: &usize| self.value(place, *at) != self.value(place, at + 1);
        (0..index).rev().find(is_written).map_or(Writer::PreState, Writer::Transaction)
    }

    /// All writers of the place.
    pub(super) fn writers(&self, place: Place) -> Vec<Writer> {
        let indices = 0..self.states.len() - 1;
        let written = indices.filter(|at| self.value(place, *at) != self.value(place, at + 1));
        written.map(Writer::Transaction).collect()
    }
}
