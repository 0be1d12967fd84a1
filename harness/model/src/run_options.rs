//! Options of one run.

use crate::{Case, Fork, Phases, ReadObserver, ReceiptObserver, Steering};
use std::{fmt, sync::Arc};

/// Options of one run, kept apart from the [`Case`] so that every executor gets the very same case.
#[derive(Clone, Default)]
pub struct RunOptions {
    /// Whether the outcome must hold the changes of each transaction as well. An executor that cannot give
    /// them leaves them out; it is judged by the rest, and that is counted.
    pub changes_by_transaction: bool,
    /// Told when each receipt is final. An executor may ignore it.
    pub receipts: Option<Arc<dyn ReceiptObserver>>,
    /// Told what each transaction has read. An executor may ignore it.
    pub reads: Option<Arc<dyn ReadObserver>>,
    /// Decides the order of the steps of the workers. An executor may ignore it; one that follows it never asks
    /// less often than it takes steps.
    pub steering: Option<Arc<dyn Steering>>,
}

impl RunOptions {
    /// The options that the judge needs for a case: receipts before Byzantium hold the state root after their
    /// transaction (EIP-658), but a state test has one transaction and no receipts root.
    pub fn of(case: &Case) -> Self {
        let is_state_test =
            case.phases == Phases::TransactionsOnly && case.block.transactions.len() == 1;
        let changes_by_transaction = case.rules.fork < Fork::Byzantium && !is_state_test;
        Self { changes_by_transaction, ..Self::default() }
    }
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOptions")
            .field("changes_by_transaction", &self.changes_by_transaction)
            .field("receipts", &self.receipts.is_some())
            .field("reads", &self.reads.is_some())
            .field("steering", &self.steering.is_some())
            .finish()
    }
}
