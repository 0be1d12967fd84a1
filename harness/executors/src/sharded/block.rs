//! A block in flight: what all members share, and nothing of its state.

use super::{
    mailbox::{Mailbox, MemberId, Message},
    member,
    owner::Owner,
};
use crate::{
    block_stm::{
        access_list::Accesses,
        counters::Counters,
        memory::MultiVersionMemory,
        scheduler::TransactionIndex,
        transact::{Executed, Rules},
        version::Position,
    },
    commit::{GasClaim, OrderedCommit},
    pool::{SharedWork, guarded},
    sync::{Arc, AtomicUsize, Mutex, Ordering, lock},
};
use alloy_evm::EvmEnv;
use alloy_primitives::Address;
use lockstep_model::{ExecutorError, Rejection};
use revm::context::TxEnv;

/// A block in flight.
pub(super) struct BlockRun {
    pub(super) env: EvmEnv,
    pub(super) transactions: Arc<[TxEnv]>,
    pub(super) gas_claims: Arc<[GasClaim]>,
    pub(super) rules: Rules,
    pub(super) shards: usize,
    pub(super) spins: bool,
    pub(super) mailboxes: Box<[Mailbox]>,
    /// By transaction: who executes it.
    pub(super) homes: Box<[MemberId]>,
    /// By member. Each is its member's alone until the block has ended.
    pub(super) memories: Box<[Arc<MultiVersionMemory>]>,
    pub(super) next_member: AtomicUsize,
    pub(super) decided: Mutex<Decided>,
    pub(super) counters: Counters,
}

/// The outcome as far as it is known.
pub(super) struct Decided {
    pub(super) gas: OrderedCommit,
    pub(super) stopped: Option<Result<Rejection, ExecutorError>>,
    /// From Amsterdam on.
    pub(super) accesses: Vec<(Position, Box<Accesses>)>,
    /// What each member owned.
    pub(super) owners: Vec<Option<Owner>>,
}

/// The member that owns an account, with all its slots. Shards are dealt out to the members in turn. Most addresses are
/// the end of a hash, so that their low bits are distributed as those of another hash would be.
pub(super) fn owner_of(address: Address, shards: usize, members: usize) -> MemberId {
    let end: [u8; 8] = address.0[12..].try_into().expect("the last eight of twenty bytes");
    (u64::from_be_bytes(end) % shards as u64) as usize % members
}

impl SharedWork for BlockRun {
    fn help(&self) {
        self.work();
    }
}

impl BlockRun {
    pub(super) fn owner_of(&self, address: Address) -> MemberId {
        owner_of(address, self.shards, self.mailboxes.len())
    }

    pub(super) const fn beneficiary(&self) -> Address {
        self.env.block_env.beneficiary
    }

    /// Takes part as the next member, and then as those that nobody has come for: all they have to do by then is to
    /// hand over what they own.
    pub(super) fn work(&self) {
        loop {
            // Relaxed: it only gives each its number.
            let id = self.next_member.fetch_add(1, Ordering::Relaxed);
            if id >= self.mailboxes.len() {
                return;
            }
            self.work_as(id);
        }
    }

    fn work_as(&self, id: MemberId) {
        let done = guarded(|| {
            member::work(self, id);
            Ok(())
        });
        if let Err(error) = done {
            self.stop(Err(error));
        }
    }

    /// Adds a final transaction to the outcome.
    pub(super) fn commit(
        &self,
        index: TransactionIndex,
        executed: Executed,
    ) -> Result<(), Result<Rejection, ExecutorError>> {
        let mut decided = lock(&self.decided);
        decided.gas.commit(&self.gas_claims[index as usize], executed.result).map_err(Ok)?;
        if let Some(accesses) = executed.accesses {
            decided.accesses.push((index + 1, accesses));
        }
        Ok(())
    }

    pub(super) fn hand_over(&self, id: MemberId, owner: Owner) {
        lock(&self.decided).owners[id] = Some(owner);
    }

    /// Ends the block early. The first reason stands.
    pub(super) fn stop(&self, reason: Result<Rejection, ExecutorError>) {
        lock(&self.decided).stopped.get_or_insert(reason);
        self.end();
    }

    pub(super) fn end(&self) {
        self.mailboxes.iter().for_each(|mailbox| mailbox.send(Message::End));
    }
}
