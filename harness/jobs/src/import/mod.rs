//! The stages of block import beside execution: senders, receipts root and state root, in parallel. The judge's own
//! roots (`judge::state::roots`) verify them.
//!
//! * `senders`: signatures to addresses.
//! * `receipts`: receipts root and bloom.
//! * `state`: the state root. * `proved`: the same, where tries prove the state before.
//! * `trie`: how the root of a trie is split into parts.

mod proved;
mod receipts;
mod senders;
mod state;
mod trie;

use alloy_primitives::{Address, B256, Bloom};
use lockstep_judge::state::PreState;
use lockstep_model::{Receipt, StateChanges, Transaction};
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Threads that do the stages of an import.
#[derive(Debug)]
pub struct Importer {
    pool: ThreadPool,
}

/// A header's commitments to the receipts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptsCommitment {
    /// Root of the trie of receipts.
    pub root: B256,
    /// Bloom of all their logs.
    pub bloom: Bloom,
}

impl Importer {
    /// With this many threads.
    ///
    /// # Errors
    /// When the system has no thread left to give.
    pub fn new(threads: usize) -> Result<Self, String> {
        let name = |index| format!("import-{index}");
        let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build();
        pool.map(|pool| Self { pool }).map_err(|error| error.to_string())
    }

    /// The senders of transactions, from their signatures.
    ///
    /// # Errors
    /// The index of one whose signature is not valid.
    pub fn senders(&self, transactions: &[Transaction]) -> Result<Vec<Address>, usize> {
        self.pool.install(|| senders::recover(transactions))
    }

    /// Root and bloom of receipts from Byzantium on.
    pub fn receipts(&self, receipts: &[Receipt]) -> ReceiptsCommitment {
        self.pool.install(|| receipts::commitment(receipts))
    }

    /// The root of the whole state after the changes.
    pub fn state_root(&self, pre: &PreState, changes: &StateChanges) -> B256 {
        self.pool.install(|| state::root(pre, changes))
    }

    /// Calls both at once: the first on these threads, the second on the calling one.
    pub(crate) fn beside<A: Send, B>(
        &self,
        first: impl FnOnce() -> A + Send,
        second: impl FnOnce() -> B,
    ) -> (A, B) {
        let mut answer = None;
        let second = self.pool.in_place_scope(|scope| {
            scope.spawn(|_| answer = Some(first()));
            second()
        });
        (answer.expect("the scope has waited for it"), second)
    }
}
