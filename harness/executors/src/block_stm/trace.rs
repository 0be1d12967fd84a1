//! What each transaction of a block waits for, found by one thread that runs the block in order.
//!
//! A transaction depends on those that changed what it read, in the sense in which this executor checks
//! reads: by value, credits and rewards apart, balances only where they were looked at. A write that
//! left a value as it was is no dependency.

use super::{
    location::{self, Location},
    memory::MultiVersionMemory,
    reads::{AccountRead, Origin, ReadSet, Seen, SlotRead},
    scheduler::TransactionIndex,
    version::Position,
};
use crate::{
    evm::ReadError,
    sync::{Mutex, lock},
};
use alloy_primitives::Address;
use lockstep_model::{AccountInfo, Contender, Contention, Place, Wait};
use std::{collections::BTreeMap, time::Instant};

/// The contention of a block, as its transactions are executed and committed.
#[derive(Debug, Default)]
pub(super) struct Trace(Mutex<Contention>);

/// By place, the positions that changed it.
type Writers = BTreeMap<Place, Vec<Position>>;

impl Trace {
    /// A transaction was executed from `start` on.
    pub(super) fn executed(&self, start: Instant) {
        let time_ns = start.elapsed().as_nanos().try_into().unwrap_or(u64::MAX);
        lock(&self.0).transactions.push(Contender { time_ns, ..Contender::default() });
    }

    /// A transaction is committed, with everything below it.
    pub(super) fn committed(
        &self,
        index: TransactionIndex,
        gas_used: u64,
        (reads, writes): (&ReadSet, &[Location]),
        memory: &MultiVersionMemory,
    ) -> Result<(), ReadError> {
        let mut writers = Writers::new();
        for read in &reads.accounts {
            add_writers_of_account(memory, read, index + 1, &mut writers)?;
        }
        for read in &reads.slots {
            if let Some(at) = writer_of_slot(memory, read, index + 1)? {
                writers.entry(Place::Slot(read.address, read.slot)).or_default().push(at);
            }
        }
        for read in &reads.clearings {
            if let Some(by) = read.last {
                writers.entry(Place::Storage(read.address)).or_default().push(by.position);
            }
        }
        let mut trace = lock(&self.0);
        let contender = &mut trace.transactions[index as usize];
        contender.gas_used = gas_used;
        contender.waits = writers.into_iter().filter_map(wait).collect();
        contender.writes = writes
            .iter()
            .filter_map(|write| match write.place {
                location::Place::Slot(address, slot) => Some((address, slot)),
                location::Place::Account(_) | location::Place::Clearing(_) => None,
            })
            .collect();
        Ok(())
    }

    pub(super) fn take(&self) -> Contention {
        std::mem::take(&mut *lock(&self.0))
    }
}

/// Position 0 is the pre-block phase: no transaction waits for it.
fn wait((place, writers): (Place, Vec<Position>)) -> Option<Wait> {
    let mut after: Vec<u32> = writers.into_iter().filter_map(|at| at.checked_sub(1)).collect();
    after.sort_unstable();
    after.dedup();
    (!after.is_empty()).then_some(Wait { place, after })
}

/// The part of an account that two values differ in.
fn part(address: Address, before: Option<AccountInfo>, after: Option<AccountInfo>) -> Place {
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    if before.code_hash != after.code_hash {
        Place::Code(address)
    } else if before.nonce != after.nonce {
        Place::Nonce(address)
    } else {
        Place::Balance(address)
    }
}

/// Adds everyone whose write made the account what was read of it: the last full write that changed it,
/// and the credits above that.
fn add_writers_of_account(
    memory: &MultiVersionMemory,
    read: &AccountRead,
    position: Position,
    writers: &mut Writers,
) -> Result<(), ReadError> {
    if read.address == memory.beneficiary() && read.seen == Seen::Everything {
        // Every transaction below pays it.
        writers.entry(Place::FeeRecipient(read.address)).or_default().extend(0..position);
        return Ok(());
    }
    for (at, is_full) in memory.account_writes(read, position).into_iter().rev() {
        let before = memory.account(read.address, at)?.info;
        let after = memory.account(read.address, at + 1)?.info;
        if !read.seen.is_same(before, after) {
            writers.entry(part(read.address, before, after)).or_default().push(at);
            if is_full {
                break;
            }
        }
    }
    Ok(())
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
