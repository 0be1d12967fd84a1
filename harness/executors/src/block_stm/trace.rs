//! The dependencies of each transaction of a block, found by one thread that runs the block in order.
//!
//! A transaction depends on those that changed what it read, in the sense in which this executor checks
//! reads: by value, credits and rewards apart, balances only where they were looked at. A write that
//! left a value as it was is no dependency.

use super::{
    memory::MultiVersionMemory,
    reads::{AccountRead, Origin, ReadSet, Seen, SlotRead},
    scheduler::TransactionIndex,
    version::Position,
};
use crate::{
    evm::ReadError,
    sync::{Mutex, lock},
};
use lockstep_model::{Dependencies, Dependent};
use std::time::Instant;

/// The dependencies of a block, as its transactions are executed and committed.
#[derive(Debug, Default)]
pub(super) struct Trace(Mutex<Dependencies>);

impl Trace {
    /// A transaction was executed from `start` on.
    pub(super) fn executed(&self, start: Instant) {
        let time_ns = start.elapsed().as_nanos().try_into().unwrap_or(u64::MAX);
        lock(&self.0).transactions.push(Dependent { after: Vec::new(), time_ns });
    }

    /// A transaction is committed, with everything below it.
    pub(super) fn committed(
        &self,
        index: TransactionIndex,
        reads: &ReadSet,
        memory: &MultiVersionMemory,
    ) -> Result<(), ReadError> {
        let mut writers = Vec::new();
        for read in &reads.accounts {
            writers.extend(writers_of_account(memory, read, index + 1)?);
        }
        for read in &reads.slots {
            writers.extend(writer_of_slot(memory, read, index + 1)?);
        }
        writers.extend(reads.clearings.iter().filter_map(|read| read.last).map(|by| by.position));
        // Position 0 is the pre-block phase: no transaction waits for it.
        let mut after: Vec<u32> = writers.into_iter().filter_map(|at| at.checked_sub(1)).collect();
        after.sort_unstable();
        after.dedup();
        lock(&self.0).transactions[index as usize].after = after;
        Ok(())
    }

    pub(super) fn take(&self) -> Dependencies {
        std::mem::take(&mut *lock(&self.0))
    }
}

/// Everyone whose write made the account what was read of it: the last full write that changed it,
/// and the credits above that.
fn writers_of_account(
    memory: &MultiVersionMemory,
    read: &AccountRead,
    position: Position,
) -> Result<Vec<Position>, ReadError> {
    if read.address == memory.beneficiary() && read.seen == Seen::Everything {
        // Every transaction below pays it.
        return Ok((0..position).collect());
    }
    let mut writers = Vec::new();
    for (at, is_full) in memory.account_writes(read, position).into_iter().rev() {
        let before = memory.account(read.address, at)?.info;
        let after = memory.account(read.address, at + 1)?.info;
        if !read.seen.is_same(before, after) {
            writers.push(at);
            if is_full {
                break;
            }
        }
    }
    Ok(writers)
}

/// Position of the write that gave the slot the value that was read. Writes that do not change the value
/// are skipped.
fn writer_of_slot(
    memory: &MultiVersionMemory,
    read: &SlotRead,
    position: Position,
) -> Result<Option<Position>, ReadError> {
    let mut origin = memory.slot(read.address, read.slot, position)?.origin;
    loop {
        let at = match origin {
            Origin::PreState => return Ok(None),
            Origin::Cleared(writer) => return Ok(Some(writer.position)),
            Origin::Written(writer) => writer.position,
        };
        let before = memory.slot(read.address, read.slot, at)?;
        if before.value != read.value {
            return Ok(Some(at));
        }
        origin = before.origin;
    }
}
