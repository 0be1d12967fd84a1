//! Executions on states that cannot be: each read answers with another state than the read before.

use alloy_primitives::{Address, B256, Bytes, U256};
use lockstep_cases::generate::{Limits, from_seed};
use lockstep_executors::{AccessList, BlockStm, Reference, Sequential, Sharded};
use lockstep_judge::{compare::compare_outcomes, runnable::Runnable};
use lockstep_model::{
    AccountInfo, Case, Executor, ExecutorError, Mode, RunOptions, StateError, StateReader,
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

/// While armed, answers each read with a value of its own: absent, poor, rich, with another nonce, with the
/// code of another account.
struct Inconsistent {
    inner: Arc<dyn StateReader>,
    /// Accounts of the block: their codes are there to be mixed up.
    accounts: Vec<Address>,
    reads: AtomicU64,
    armed: AtomicBool,
}

impl Inconsistent {
    fn over(block: &Runnable, seed: u64) -> Arc<Self> {
        let contracts = block.pre.state.accounts().map(|(address, _)| *address);
        let case = &block.case;
        let block = &case.block;
        let senders = block.transactions.iter().map(|transaction| transaction.sender);
        let accounts = senders.chain([block.beneficiary]).chain(contracts).collect();
        let (reads, armed) = (AtomicU64::new(seed << 32), AtomicBool::new(true));
        Arc::new(Self { inner: case.pre_state.clone(), accounts, reads, armed })
    }

    /// A number that each read has another one of; `None` where the state is told as it is.
    fn whim(&self) -> Option<u64> {
        let read = self.reads.fetch_add(1, Ordering::Relaxed);
        // Stafford's mix: neighbours have nothing in common.
        let mut mixed = read.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.armed.load(Ordering::Relaxed).then_some(mixed ^ mixed >> 31)
    }
}

impl StateReader for Inconsistent {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let right = self.inner.account(address)?;
        let Some(whim) = self.whim() else { return Ok(right) };
        let info = right.unwrap_or_default();
        let other = self.accounts[whim as usize / 16 % self.accounts.len()];
        Ok(match whim % 16 {
            0 => None,
            1 => Some(AccountInfo { balance: U256::ZERO, ..info }),
            2 => Some(AccountInfo { balance: U256::MAX, ..info }),
            3 => Some(AccountInfo { nonce: u64::MAX, ..info }),
            4 => Some(AccountInfo { nonce: info.nonce.wrapping_add(1), ..info }),
            5 => self.inner.account(other)?,
            6 => {
                let code_hash = self.inner.account(other)?.unwrap_or_default().code_hash;
                Some(AccountInfo { code_hash, ..info })
            }
            _ => right,
        })
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let right = self.inner.storage(address, slot)?;
        Ok(match self.whim().map(|whim| whim % 4) {
            Some(0) => U256::ZERO,
            Some(1) => U256::MAX,
            Some(2) => right.wrapping_add(U256::ONE),
            _ => right,
        })
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.inner.code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.inner.block_hash(number)
    }

    fn has_storage(&self, address: Address) -> Result<bool, StateError> {
        let right = self.inner.has_storage(address)?;
        Ok(right ^ self.whim().is_some_and(|whim| whim % 8 == 0))
    }
}

/// Nothing panics and everything ends; and an executor that has seen all this is as good as before.
#[test]
fn executions_on_states_that_cannot_be_end_without_a_panic_and_leave_nothing() {
    let mut executors: Vec<(&str, Box<dyn Executor>)> = vec![
        ("block_stm@1", Box::new(BlockStm::new(1, Mode::Forced).unwrap())),
        ("block_stm@3", Box::new(BlockStm::new(3, Mode::Forced).unwrap())),
        ("sharded@3", Box::new(Sharded::new(3, Mode::Forced).unwrap())),
        ("repair@3", Box::new(BlockStm::mending(3, Mode::Forced).unwrap())),
        ("block_stm@2 auto", Box::new(BlockStm::new(2, Mode::Auto).unwrap())),
        ("access_list@2", Box::new(AccessList::new(2, Mode::Forced).unwrap())),
        ("sequential@1", Box::new(Sequential)),
    ];
    let mut accepted = 0;
    for seed in 0..400 {
        let block = from_seed(seed, &Limits::default()).block;
        let options = RunOptions::of(&block.case);
        let right = Reference.prepare(&block.case, &options).unwrap().run().unwrap().outcome;
        for (name, executor) in &mut executors {
            let reader = Inconsistent::over(&block, seed);
            let case = Case { pre_state: reader.clone(), ..block.case.clone() };
            let mixed_up = executor.prepare(&case, &options).and_then(|mut ready| ready.run());
            match mixed_up {
                Ok(execution) => accepted += usize::from(execution.outcome.accepted().is_some()),
                // A panic of a worker would come as an error with its text.
                Err(ExecutorError::Broken(error)) => {
                    assert!(!error.contains("panicked"), "{name} on seed {seed}: {error}");
                }
                Err(ExecutorError::Unsupported(_) | ExecutorError::State(_)) => {}
            }
            let again = executor.prepare(&block.case, &options).and_then(|mut ready| ready.run());
            let again = again.unwrap_or_else(|error| panic!("{name} on seed {seed}: {error}"));
            let found = compare_outcomes(&block.pre, &right, &again.outcome, name);
            assert!(found.is_empty(), "{name} on seed {seed}, after it: {found:?}");
        }
    }
    assert!(accepted > 100, "most of them were run to their end: {accepted}");
}
