//! A packed block before it is one: which tests, in which order.
//!
//! A test may turn out to depend on the block around it (another balance of the fee recipient, an
//! account that does not exist alone). The judge then leaves it out and asks for the block again.

use super::{
    Mode,
    class::{Unit, is_precompile},
};
use crate::{
    expected::{Expectation, ExpectedAccount, ExpectedRejection, Member},
    runnable::Runnable,
    state::PreState,
};
use alloy_consensus::TxEnvelope;
use alloy_primitives::{Address, map::AddressMap};
use lockstep_model::{Block, Case, MemoryState, Transaction, memory_state::BlockHashes};
use std::sync::Arc;

/// A packed block in the making.
#[derive(Debug, Clone)]
pub struct Recipe {
    mode: Mode,
    units: Vec<Arc<Unit>>,
    /// Index of the test that must be rejected.
    rejected: Option<usize>,
}

impl Recipe {
    /// A block of these tests. `rejected` is the index of the test that must be rejected.
    pub const fn new(mode: Mode, units: Vec<Arc<Unit>>, rejected: Option<usize>) -> Self {
        Self { mode, units, rejected }
    }

    /// How it was packed.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Tests in the block.
    pub const fn len(&self) -> usize {
        self.units.len()
    }

    /// Whether every test has been left out.
    pub const fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// The ids of the tests, in block order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.units.iter().map(|unit| unit.id.as_str())
    }

    /// Index of the test that must be rejected.
    pub const fn rejected(&self) -> Option<usize> {
        self.rejected
    }

    /// One of the tests, alone.
    pub fn alone(&self, index: usize) -> &Runnable {
        &self.units[index].test
    }

    /// Leaves a test out.
    pub fn leave_out(&mut self, index: usize) {
        self.units.remove(index);
        self.rejected = match self.rejected {
            Some(place) if place == index => None,
            Some(place) if place > index => Some(place - 1),
            place => place,
        };
    }

    /// The block.
    pub fn assemble(&self, id: &str) -> Runnable {
        let pre = PreState::new(self.union());
        let first = &self.units[0].test.case;
        let block = &first.block;
        let case = Case {
            id: id.into(),
            block: Arc::new(Block {
                gas_limit: self.gas_limit(),
                transactions: self.transactions(&pre),
                ..Block::clone(block)
            }),
            pre_state: pre.state.clone(),
            ..first.clone()
        };
        let expectation = self.expectation(block.beneficiary);
        Runnable { case, pre, expectation }
    }

    fn gas_limit(&self) -> u64 {
        let limits = self.units.iter().map(|unit| unit.test.case.block.gas_limit);
        limits.fold(0, u64::saturating_add)
    }

    fn union(&self) -> MemoryState {
        let mut union = MemoryState::new(BlockHashes::OfNumber);
        for unit in &self.units {
            union.merge(&unit.test.pre.state);
        }
        union
    }

    fn transactions(&self, pre: &PreState) -> Vec<Transaction> {
        let transactions = self.units.iter().map(|unit| &unit.test.case.block.transactions[0]);
        if self.mode != Mode::Shared {
            return transactions.cloned().collect();
        }
        let mut nonces = AddressMap::<u64>::default();
        let renumbered = |transaction: &Transaction| {
            let first =
                || pre.state.get(transaction.sender).map_or(0, |account| account.info.nonce);
            let nonce = nonces.entry(transaction.sender).or_insert_with(first);
            let envelope = with_nonce(transaction.envelope.clone(), *nonce);
            *nonce = nonce.saturating_add(1);
            Transaction { envelope, ..transaction.clone() }
        };
        transactions.map(renumbered).collect()
    }

    fn expectation(&self, beneficiary: Address) -> Expectation {
        let rejection = self.rejected.and_then(|transaction| {
            let expected = self.units[transaction].test.expectation.rejection.as_ref()?;
            Some(ExpectedRejection { names: expected.names.clone(), transaction })
        });
        let members = if self.mode == Mode::Disjoint {
            let units = self.units.iter().enumerate();
            units.map(|(index, unit)| member(index, unit, beneficiary)).collect()
        } else {
            Vec::new()
        };
        let accepted = self.mode == Mode::Disjoint;
        Expectation { accepted, rejection, members, ..Expectation::default() }
    }
}

fn member(transaction: usize, unit: &Unit, beneficiary: Address) -> Member {
    let own = |account: &&ExpectedAccount| {
        account.address != beneficiary && !is_precompile(account.address)
    };
    Member {
        id: unit.id.clone(),
        transaction,
        logs_hash: unit.test.expectation.logs_hash,
        accounts: unit.test.expectation.accounts.iter().filter(own).cloned().collect(),
    }
}

/// The same transaction with another nonce. Its signature was a placeholder before and stays one.
fn with_nonce(envelope: TxEnvelope, nonce: u64) -> TxEnvelope {
    use alloy_consensus::{Signed, TxEip4844Variant};
    macro_rules! renumber {
        ($variant:ident, $signed:expr) => {{
            let (mut transaction, signature, hash) = $signed.into_parts();
            transaction.nonce = nonce;
            TxEnvelope::$variant(Signed::new_unchecked(transaction, signature, hash))
        }};
    }
    match envelope {
        TxEnvelope::Legacy(signed) => renumber!(Legacy, signed),
        TxEnvelope::Eip2930(signed) => renumber!(Eip2930, signed),
        TxEnvelope::Eip1559(signed) => renumber!(Eip1559, signed),
        TxEnvelope::Eip7702(signed) => renumber!(Eip7702, signed),
        TxEnvelope::Eip4844(signed) => {
            let (mut transaction, signature, hash) = signed.into_parts();
            match &mut transaction {
                TxEip4844Variant::TxEip4844(inner) => inner.nonce = nonce,
                TxEip4844Variant::TxEip4844WithSidecar(inner) => inner.tx.nonce = nonce,
            }
            TxEnvelope::Eip4844(Signed::new_unchecked(transaction, signature, hash))
        }
    }
}
