//! Accounts belong to shards, and each shard to one thread; what a transaction needs of another's it asks for.
//!
//! The classic alternative to a shared memory (aptos-core#8105, #8747; Pilotfish), with block order kept.
//!
//! * `mailbox`: the messages. * `owner`: the places of one thread, and who has read them.
//! * `desk`: answers and asks. * `member`: executes and commits. * `block`: what all share; no state.
//!
//! # Why it is correct
//!
//! 1. A place has one owner, and only its owner reads or writes it. An owner handles its messages one after the other, in
//!    the order in which they were sent.
//! 2. A transaction is executed by one member, its home. It is committed when its home is told that all
//!    below it are (`Message::Commit`), which it passes on after its own commit. What the transactions below wrote
//!    was sent to the owners before that message, so every question that is asked after it finds it there.
//! 3. At its commit each owner that was asked for a value says whether it would answer the same again (`Message::Confirm`). If all do,
//!    its result is that of an execution now; if not, it is executed now. Nothing below changes any more, so by induction
//!    each transaction ends as in a sequential execution.
//! 4. Gas admission, receipts and the first error are decided at the commit, in block order (`commit::OrderedCommit`).
//! 5. Credits and rewards commute, as in [`crate::block_stm`], whose versioned memory each owner uses for its part.
//!
//! # Why it ends
//!
//! A member that waits for an answer serves its own mailbox meanwhile, so no two wait for each other. Each transaction
//! is executed twice at most. Its home is always a member that is alive: a panic ends the block.

mod block;
mod desk;
mod mailbox;
mod member;
mod owner;

use crate::{
    block_stm::{
        access_list::{AccessListBuilder, Accesses},
        claims::is_for_one,
        collect::{Collection, changes_at},
        location::Location,
        memory::{EntryBlocks, MultiVersionMemory, Tables},
        remote::{Answer, Place, Remote},
        rewards::Owed,
        stamps::ReadStamps,
        transact::Rules,
        version::{Position, Writer},
        view::View,
        writes::WriteSet,
    },
    commit::{GasClaim, OrderedCommit},
    evm::{Deferral, ReadError, evm_env, has_state_clearing, transaction_env},
    phases,
    pool::Pool,
    reference::{Stop, execution, has_access_list, refuse_unsupported},
    sequential::Sequential,
    slow_storage::is_slow,
    sync::{Arc, AtomicUsize, Mutex, lock},
};
use alloy_evm::EvmEnv;
use alloy_primitives::{Address, B256};
use block::{BlockRun, Decided, owner_of};
use lockstep_model::{
    BlockOutcome, Case, Execution, Executor, ExecutorError, Mode, Prepared, RunOptions,
    StateChanges, Telemetry,
};
use mailbox::MemberId;
use owner::Owner;
use revm::{context::TxEnv, state::Bytecode};
use std::cell::RefCell;

/// The sharded executor.
#[derive(Debug)]
pub struct Sharded {
    pool: Arc<Pool>,
    shards: usize,
    mode: Mode,
}

impl Sharded {
    /// An executor with this many threads, the calling one counted, and as many shards. Mode `forced` is parallel at
    /// every size; in mode `auto` one thread runs what is small, or mostly one chain.
    ///
    /// # Errors
    /// When the system has no thread left to give.
    ///
    /// # Panics
    /// When `threads` is zero.
    pub fn new(threads: usize, mode: Mode) -> std::io::Result<Self> {
        assert!(threads > 0, "an executor needs at least one thread");
        Ok(Self { pool: Arc::new(Pool::new(threads - 1)?), shards: threads, mode })
    }

    /// With another number of shards. A thread has several where there are more, none where there are fewer.
    #[must_use]
    pub fn with_shards(self, shards: usize) -> Self {
        Self { shards: shards.max(1), ..self }
    }
}

impl Executor for Sharded {
    fn prepare(
        &mut self,
        case: &Case,
        options: &RunOptions,
    ) -> Result<Box<dyn Prepared>, ExecutorError> {
        refuse_unsupported(case)?;
        let is_for_one = self.pool.threads() == 1 || is_for_one(&case.block.transactions);
        let is_alone = self.mode == Mode::Auto && is_for_one;
        Ok(Box::new(PreparedSharded {
            alone: is_alone.then(|| Sequential.prepare(case, options)).transpose()?,
            mode: self.mode,
            pool: self.pool.clone(),
            shards: self.shards,
            case: case.clone(),
            options: options.clone(),
            env: evm_env(case),
            transactions: case.block.transactions.iter().map(transaction_env).collect(),
            gas_claims: GasClaim::all(&case.block.transactions),
        }))
    }
}

struct PreparedSharded {
    /// Where one thread does better.
    alone: Option<Box<dyn Prepared>>,
    mode: Mode,
    pool: Arc<Pool>,
    shards: usize,
    case: Case,
    options: RunOptions,
    env: EvmEnv,
    transactions: Arc<[TxEnv]>,
    gas_claims: Arc<[GasClaim]>,
}

impl Prepared for PreparedSharded {
    fn run(&mut self) -> Result<Execution, ExecutorError> {
        if let Some(alone) = &mut self.alone
            && !is_slow(&self.case)?
        {
            let done = alone.run()?;
            return Ok(Execution {
                telemetry: Telemetry { mode: Mode::Auto, ..done.telemetry },
                ..done
            });
        }
        let mut telemetry = Telemetry::default();
        let outcome = self.execute(&mut telemetry);
        execution(outcome, telemetry)
    }
}

impl PreparedSharded {
    fn owner_of(&self, address: Address) -> MemberId {
        owner_of(address, self.shards, self.pool.threads())
    }

    fn execute(&self, telemetry: &mut Telemetry) -> Result<BlockOutcome, Stop> {
        let memories = self.memories();
        let before = phases::pre_block(&self.case, &self.env, View::new(memories[0].clone(), 0))?;
        self.publish_phase(&memories, &before.changes);
        let block = Arc::new(self.block_run(memories)?);
        match block.homes.first() {
            Some(home) => block.mailboxes[*home].send(mailbox::Message::Commit(0)),
            None => block.end(),
        }
        let crew = self.pool.invite(&block, self.pool.threads() - 1);
        block.work();
        let threads = 1 + crew.dismiss();
        *telemetry = block.counters.telemetry(self.mode);
        telemetry.threads = threads;
        let mut decided = lock(&block.decided);
        // Members that ended with an error have handed nothing over.
        if let Some(reason) = decided.stopped.take() {
            return Err(reason.map_or_else(Stop::Broken, Stop::Rejected));
        }
        let owners = decided.owners.drain(..).map(|owner| owner.expect("it has ended"));
        let all = Owners { shards: self.shards, owners: RefCell::new(owners.collect()) };
        let gas = std::mem::replace(&mut decided.gas, OrderedCommit::nothing(self.case.rules.fork));
        let accesses = std::mem::take(&mut decided.accesses);
        drop(decided);
        self.finish(&all, gas, accesses, before)
    }

    /// A memory for each member.
    fn memories(&self) -> Box<[Arc<MultiVersionMemory>]> {
        let (case, count) = (&self.case, self.transactions.len());
        let paid = self.owner_of(case.block.beneficiary);
        let memory = |member| {
            let memory = MultiVersionMemory::new(
                count,
                Tables::default(),
                case.pre_state.clone(),
                case.block.beneficiary,
                has_state_clearing(case),
            );
            if member != paid {
                // The fee recipient is not here: no reward is to be waited for.
                (1..=count as Position).for_each(|at| memory.rewards().set(at, Owed::Nothing));
            }
            Arc::new(memory)
        };
        (0..self.pool.threads()).map(memory).collect()
    }

    /// What the pre-block phase wrote, at each owner.
    fn publish_phase(&self, memories: &[Arc<MultiVersionMemory>], changes: &StateChanges) {
        let writer = Writer { position: 0, incarnation: 0 };
        for (member, memory) in memories.iter().enumerate() {
            let mut writes = WriteSet::of_phase(changes);
            writes.accounts.retain(|account| self.owner_of(account.address) == member);
            writes.slots.retain(|(address, ..)| self.owner_of(*address) == member);
            let (stamps, blocks) = (&mut ReadStamps::default(), &mut EntryBlocks::default());
            memory.publish(writer, &mut writes, &mut Vec::new(), stamps, blocks);
        }
    }

    fn block_run(&self, memories: Box<[Arc<MultiVersionMemory>]>) -> Result<BlockRun, Stop> {
        let (case, members) = (&self.case, self.pool.threads());
        let deferral = Deferral::of(case).map_err(|error| Stop::Broken(error.into()))?;
        // Where most of its reads fall: those of code in the callee, those of a transfer as well in its sender.
        let home = |transaction: &TxEnv| {
            let callee = transaction.kind.to().filter(|_| !transaction.data.is_empty());
            self.owner_of(callee.copied().unwrap_or(transaction.caller))
        };
        let decided = Decided {
            gas: OrderedCommit::new(case, &self.options),
            stopped: None,
            accesses: Vec::new(),
            owners: (0..members).map(|_| None).collect(),
        };
        Ok(BlockRun {
            env: self.env.clone(),
            transactions: self.transactions.clone(),
            gas_claims: self.gas_claims.clone(),
            rules: Rules::of(case, deferral, self.env.cfg_env.spec),
            shards: self.shards,
            spins: members <= self.pool.cores(),
            mailboxes: (0..members).map(|_| Default::default()).collect(),
            homes: self.transactions.iter().map(home).collect(),
            memories,
            next_member: AtomicUsize::new(0),
            decided: Mutex::new(decided),
            counters: Default::default(),
        })
    }

    /// The post-block phase and the outputs that need all owners.
    fn finish(
        &self,
        all: &Owners,
        gas: OrderedCommit,
        accesses: Vec<(Position, Box<Accesses>)>,
        before: phases::Start,
    ) -> Result<BlockOutcome, Stop> {
        let broken = |error: ReadError| Stop::Broken(error.into());
        let end = self.transactions.len() as Position + 1;
        self.tell_reads(all);
        let by_transaction =
            self.options.changes_by_transaction.then(|| all.changes_by_transaction(end));
        let by_transaction = by_transaction.transpose().map_err(broken)?;
        let first = all.owners.borrow()[0].memory.clone();
        let paid = all.owners.borrow()[self.owner_of(self.case.block.beneficiary)].memory.clone();
        let mut list = has_access_list(&self.case)
            .then(|| AccessListBuilder::after(before.access_list.unwrap_or_default()));
        if let Some(list) = &mut list {
            for (position, accesses) in accesses {
                let beneficiary = self.case.block.beneficiary;
                list.commit(position, *accesses, beneficiary, &paid).map_err(broken)?;
            }
        }
        let mut changes = all.changes(end).map_err(broken)?;
        let above = View::new(first, end).asking(all);
        let post = phases::post_block(&self.case, &self.env, above, &gas)?;
        changes.extend(post.changes);
        Ok(BlockOutcome {
            gas_used: gas.gas_used(),
            blob_gas_used: gas.blob_gas(),
            receipts: gas.into_receipts(),
            requests: post.requests,
            changes,
            changes_before_transactions: by_transaction.is_some().then_some(before.changes),
            changes_by_transaction: by_transaction,
            access_list: list.map(|list| list.finish(post.access_list)),
            ..BlockOutcome::default()
        })
    }

    fn tell_reads(&self, all: &Owners) {
        let Some(observer) = &self.options.reads else { return };
        for index in 0..self.transactions.len() {
            for owner in &*all.owners.borrow() {
                if let Some(reads) = owner.reads.get(&(index as Position + 1)) {
                    reads.tell(&**observer, index);
                }
            }
        }
    }
}

/// All owners, when the members are gone.
struct Owners {
    shards: usize,
    owners: RefCell<Vec<Owner>>,
}

impl Owners {
    fn changes(&self, end: Position) -> Result<StateChanges, ReadError> {
        let mut changes = StateChanges::default();
        for owner in &*self.owners.borrow() {
            let collection = Collection::default();
            collection.take_part(&owner.memory, end);
            changes.extend(collection.finish(&owner.memory, end)?);
        }
        Ok(changes)
    }

    fn changes_by_transaction(&self, end: Position) -> Result<Vec<StateChanges>, ReadError> {
        let owners = self.owners.borrow();
        let of = |position: Position| {
            let mut changes = StateChanges::default();
            for owner in &*owners {
                let none = Vec::<Location>::new();
                let locations = owner.locations.get(&position).unwrap_or(&none);
                changes.extend(changes_at(&owner.memory, position, locations)?);
            }
            Ok(changes)
        };
        (1..end).map(of).collect()
    }
}

impl Remote for Owners {
    fn read(&self, position: Position, place: Place) -> Result<Answer, ReadError> {
        let mut owners = self.owners.borrow_mut();
        let owner = owner_of(place.address(), self.shards, owners.len());
        owners[owner].read(position, place)
    }

    fn forget(&self, position: Position) {
        self.owners.borrow_mut().iter_mut().for_each(|owner| owner.forget(position));
    }

    fn code(&self, hash: B256) -> Option<Bytecode> {
        self.owners.borrow().iter().find_map(|owner| owner.memory.codes.deployed(hash))
    }
}
