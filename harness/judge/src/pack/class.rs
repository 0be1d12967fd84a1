//! Tests that can stand in one block, and what each of them touches.

use crate::runnable::Runnable;
use alloy_primitives::{Address, B256, U256, keccak256};
use lockstep_model::{Case, Fork, Rules};
use std::collections::BTreeSet;

/// Rules and environment, the gas limit aside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class {
    fork: Fork,
    chain_id: u64,
    blobs: Option<(u64, u64)>,
    number: u64,
    timestamp: u64,
    beneficiary: Address,
    difficulty: U256,
    prev_randao: Option<B256>,
    base_fee: u64,
    excess_blob_gas: Option<u64>,
}

impl Class {
    /// The class of a case.
    pub fn of(case: &Case) -> Self {
        let Rules { fork, chain_id, blobs, .. } = case.rules;
        let block = &case.block;
        Self {
            fork,
            chain_id,
            blobs: blobs.map(|blobs| (blobs.max, blobs.update_fraction)),
            number: block.number,
            timestamp: block.timestamp,
            beneficiary: block.beneficiary,
            difficulty: block.difficulty,
            prev_randao: block.prev_randao,
            base_fee: block.base_fee,
            excess_blob_gas: block.excess_blob_gas,
        }
    }

    /// The fork of its tests.
    pub const fn fork(&self) -> Fork {
        self.fork
    }

    /// A short stable name.
    pub fn name(&self) -> String {
        let digest = self.digest();
        format!(
            "{}-{:02x}{:02x}{:02x}{:02x}",
            self.fork, digest[0], digest[1], digest[2], digest[3]
        )
    }

    /// A number of its own for each class, for its stream of random numbers.
    pub fn stream(&self) -> u64 {
        U256::from_be_bytes(self.digest().0).as_limbs()[0]
    }

    fn digest(&self) -> B256 {
        keccak256(format!("{self:?}"))
    }
}

/// One test with the accounts that it touches.
#[derive(Debug)]
pub struct Unit {
    /// The test's id.
    pub id: String,
    /// The test alone.
    pub test: Runnable,
    /// Accounts of its pre-state and post-state, fee recipient and precompiles aside.
    pub touched: Vec<Address>,
}

impl Unit {
    /// A packable test.
    pub fn new(id: String, test: Runnable) -> Self {
        let before = test.pre.state.accounts().map(|(address, _)| *address);
        let after = test.expectation.accounts.iter().map(|account| account.address);
        let transaction = &test.case.block.transactions[0];
        let mut touched: BTreeSet<_> = before.chain(after).collect();
        touched.insert(transaction.sender);
        let beneficiary = test.case.block.beneficiary;
        touched.retain(|address| *address != beneficiary && !is_precompile(*address));
        Self { id, touched: touched.into_iter().collect(), test }
    }
}

/// Whether a precompile lives here under any fork (up to EIP-2537, and EIP-7951).
pub(super) fn is_precompile(address: Address) -> bool {
    let number = U256::from_be_slice(address.as_slice());
    number == U256::from(0x100) || (number >= U256::from(1) && number <= U256::from(0x11))
}
