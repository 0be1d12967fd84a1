//! Multi-version memory: for every place, who wrote it and what.
//!
//! Positions in the block: 0 is the pre-block phase, `i + 1` is transaction `i`, and the post-block
//! phase reads above all transactions.
//!
//! Three kinds of places:
//! * an *account* (balance, nonce, code hash together, so that no reader can see a mixed pair),
//! * a *clearing*: at this position all storage of the account was cleared,
//! * a *slot*.
//!
//! A write to an account either sets it, or is a *credit*, a sum that was added to its balance
//! whatever that was. A slot read takes the later of "slot written" and "account cleared" below it.
//!
//! * `read`: what a transaction at a position sees, and whether it would see it again.
//! * `publish`: what an incarnation writes, and what is taken back.
//!
//! No lock is held while the pre-state is read: that may be slow, or make transactions meet.

mod publish;
mod read;
#[cfg(test)]
mod tests;

pub(crate) use publish::EntryBlocks;

use super::{
    cells::{AccountCells, SlotCells},
    rewards::RewardLedger,
    table::Table,
};
use crate::{
    codes::Codes,
    planted::forget_block_hash,
    sync::{Arc, AtomicU64, LEAST_BUCKETS, Ordering},
};
use alloy_primitives::Address;
use lockstep_faults::caches::VERSIONS_LEAK_INTO_NEXT_BLOCK;
use lockstep_model::StateReader;

/// The tables of a block, kept for the next one: they have grown to the size that blocks have.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    accounts: Table<AccountCells>,
    slots: Table<SlotCells>,
    rewards: RewardLedger,
}

impl Tables {
    /// The same tables without their contents, for a block of this many transactions.
    fn renewed(mut self, transactions: usize) -> Self {
        let buckets = (transactions * 2).next_power_of_two().clamp(LEAST_BUCKETS, 1 << 20);
        if !VERSIONS_LEAK_INTO_NEXT_BLOCK.is_planted() || self.accounts.has_no_buckets() {
            self.accounts.renew(buckets);
            self.slots.renew(buckets);
        }
        self.rewards.renew(transactions);
        self
    }
}

/// The multi-version memory of one block.
pub(crate) struct MultiVersionMemory {
    tables: Tables,
    /// How often storage was cleared, anywhere: rare enough for one count.
    clearings: AtomicU64,
    /// Counts publications: a reader validates its reads again only when the count has changed.
    publications: AtomicU64,
    pub(crate) codes: Codes,
    pre_state: Arc<dyn StateReader>,
    beneficiary: Address,
    /// EIP-161.
    state_clearing: bool,
}

impl MultiVersionMemory {
    pub(crate) fn new(
        transactions: usize,
        tables: Tables,
        pre_state: Arc<dyn StateReader>,
        beneficiary: Address,
        state_clearing: bool,
    ) -> Self {
        forget_block_hash();
        Self {
            tables: tables.renewed(transactions),
            clearings: AtomicU64::new(0),
            publications: AtomicU64::new(0),
            codes: Codes::default(),
            pre_state,
            beneficiary,
            state_clearing,
        }
    }

    /// Gives the tables back.
    pub(crate) fn into_tables(self) -> Tables {
        self.tables
    }

    /// How often anything was published so far: where it is what it was, no read can have become stale.
    pub(crate) fn publications(&self) -> u64 {
        // Relaxed: it only says when a look is worth while. The look itself takes its own loads.
        self.publications.load(Ordering::Relaxed)
    }

    /// Rewards owed to the fee recipient.
    pub(crate) const fn rewards(&self) -> &RewardLedger {
        &self.tables.rewards
    }

    pub(crate) fn pre_state(&self) -> &dyn StateReader {
        &*self.pre_state
    }

    pub(super) const fn accounts(&self) -> &Table<AccountCells> {
        &self.tables.accounts
    }

    pub(super) const fn slots(&self) -> &Table<SlotCells> {
        &self.tables.slots
    }

    pub(crate) const fn beneficiary(&self) -> Address {
        self.beneficiary
    }
}
