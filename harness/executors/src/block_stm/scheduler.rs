//! The scheduler as a state machine: no threads, no locks, no clock, no EVM.
//!
//! It hands out tasks and hears how they ended. Threads drive it in production, seeds drive it in
//! the tests; both run this very code.
//!
//! The protocol, for a driver:
//!
//! ```text
//! next_task ──► Execute  ──► for each in order: finish_execution | suspend
//!           ──► Validate ──► finish_validation ──(true: mark the writes as estimates)──► finish_abort
//!           ──► Commit   ──► finish_commit     ──(Some: mark the writes as estimates)──► finish_abort
//!           ──► Wait     ──► ask again after any other task has ended
//!           ──► Done
//! ```
//!
//! # Why it always ends
//!
//! Let `t` be the lowest transaction that is not committed. Everything below it is committed, so
//! `t` never waits for another (`suspend` on a committed transaction makes it ready again), and it
//! is ready, executing, executed, or on its way from an abort to ready. Once it is executed with
//! everything below committed, its reads were of final values, its commit succeeds, and the next
//! transaction is `t`. So each transaction fails its commit at most once for want of final values,
//! and at every moment some task for `t` can be handed out or is in flight. An execution that waits for another
//! (`lets_wait`) waits for a lower one that another worker has claimed; that of `t` finds nothing below it that is
//! not committed, and waits for none.
//!
//! # Task priority
//!
//! Commits, for they unblock all other tasks; then executions, lowest first; and only where none is left early
//! validation, which finds out sooner what a commit would find anyway. With work left, one of two workers does
//! better to execute: an execution is worth many validations. With more workers a block is done when its longest chain
//! of dependent transactions is, and a stale execution in it costs more than what others do meanwhile: there
//! whatever is lower comes first.

use crate::sync::Arc;
use lockstep_faults::memory::{
    COMMITTED_WHILE_EXECUTING, DONE_ONE_SHORT, SUSPENDED_ON_EXECUTING_FORGOTTEN,
};
use std::ops::Range;

/// Index of a transaction in its block, from zero.
pub type TransactionIndex = u32;

/// Counts the executions of one transaction, from zero.
pub type Incarnation = u32;

/// One execution of one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Which transaction.
    pub transaction: TransactionIndex,
    /// Which execution of it.
    pub incarnation: Incarnation,
}

/// Neighbours that one worker executes one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// The first of them. If there are more, all are first executions.
    pub first: Version,
    /// How many.
    pub count: u32,
}

impl Batch {
    /// The incarnations, in the order in which they are to be executed.
    pub fn versions(self) -> impl DoubleEndedIterator<Item = Version> {
        let Version { transaction, incarnation } = self.first;
        (transaction..transaction + self.count)
            .map(move |transaction| Version { transaction, incarnation })
    }
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Execute these incarnations.
    Execute(Batch),
    /// Check the reads of this incarnation early. Makes it fast, not correct.
    Validate(Version),
    /// Check the reads of these transactions for good, one after the other, and commit them:
    /// everything below is committed. At most one such task is in flight.
    Commit(Range<TransactionIndex>),
    /// Nothing to do until another task ends.
    Wait,
    /// The block is committed, or given up.
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Ready,
    Executing,
    /// Waits for a lower transaction to be executed again.
    Suspended,
    Executed,
    /// Its commit task is in flight: early validation must leave it alone.
    Committing,
    /// Found invalid; its writes are being turned into estimates.
    Aborting,
    Committed,
}

#[derive(Debug)]
struct Entry {
    status: Status,
    incarnation: Incarnation,
    /// Whether an execution of it was stale, or was given up.
    was_disturbed: bool,
    /// Transactions that wait for this one.
    dependents: Vec<TransactionIndex>,
}

impl Entry {
    /// Whether it can be handed out for the first time.
    fn is_fresh(&self) -> bool {
        self.status == Status::Ready && self.incarnation == 0
    }
}

/// The most transactions that one task commits: others wait for what it frees.
const MOST_COMMITS: usize = 64;

/// The state machine.
#[derive(Debug)]
pub struct Scheduler {
    entries: Vec<Entry>,
    /// How many transactions from each on may be claimed together.
    claims: Claims,
    /// No transaction below is ready.
    execution_cursor: usize,
    /// No executed transaction below asks for early validation.
    validation_cursor: usize,
    /// Early claims below this one have been considered.
    early_cursor: usize,
    /// Transactions below are committed.
    committed: usize,
    /// Transactions from here on were never handed out.
    fresh_from: usize,
    halted: bool,
    speculation: Speculation,
}

/// How many transactions one worker claims at a time.
#[derive(Debug, Clone)]
pub struct Claims {
    /// Workers that share the block.
    pub workers: usize,
    /// The most from each transaction on; one where there is none.
    pub most: Arc<[u16]>,
    /// Transactions that are executed before all others, in this order: long ones, which would keep
    /// one worker busy at the end while the rest have nothing left to do.
    pub early: Arc<[TransactionIndex]>,
    /// Whether claims are smaller towards the end of the block, so that all workers are busy.
    pub is_fair: bool,
}

impl Claims {
    /// One at a time.
    pub fn single() -> Self {
        Self { workers: 1, most: [].into(), early: [].into(), is_fair: true }
    }

    fn at(&self, index: usize, left: usize) -> usize {
        let most = self.most.get(index).copied().unwrap_or(1);
        // A long claim is one sender's.
        let is_fair = self.is_fair && most <= 16;
        let fair = if is_fair { left / (4 * self.workers) } else { usize::MAX };
        usize::from(most).min(fair).max(1)
    }
}

/// How well guessing has gone of late.
///
/// With two workers a wrong guess costs half of all time, so that guesses are counted as they are made. With more,
/// most of them would have nothing else to do, and a transaction is disturbed many times while the ones before it
/// are not done: there only transactions that are committed count, by whether they were ever disturbed. Where
/// nearly all of them were, they wait for each other in one chain.
#[derive(Debug, Default)]
struct Speculation {
    workers: usize,
    claims: u32,
    /// Transactions in them; with more than two workers, those that are committed.
    transactions: u32,
    failures: u32,
    bad_windows: u32,
}

/// Claims after which success is judged, or twice as many failures.
const WINDOW: u32 = 8;

/// Committed transactions after which it is judged with more than two workers: as many for each worker, for those
/// that were begun together disturb each other.
const WINDOW_OF_EACH: u32 = 4;

/// Windows in a row in which most guesses were wrong until that is believed: the first transactions of
/// a block often fight over one thing that the rest never touches.
const HOPELESS: u32 = 3;

impl Speculation {
    const fn is_of_two(&self) -> bool {
        self.workers <= 2
    }

    /// A guess was found wrong, or given up.
    fn failed(&mut self) {
        if self.is_of_two() {
            self.failures += 1;
            self.judge();
        }
    }

    /// Transactions are executed for the first time. In a chain of dependent ones every such claim
    /// starts with a wrong guess, however many it holds.
    fn claimed(&mut self, transactions: u32) {
        if self.is_of_two() {
            self.claims += 1;
            self.transactions += transactions;
            self.judge();
        }
    }

    fn judge(&mut self) {
        if self.claims >= WINDOW || self.failures >= 2 * WINDOW {
            // Most claims begin wrong, or two of five transactions are run again: a second thread cannot
            // win back what that costs.
            let bad =
                self.failures * 4 >= self.claims * 3 || self.failures * 5 >= self.transactions * 2;
            self.end_window(bad);
        }
    }

    /// A transaction is committed.
    fn committed(&mut self, was_disturbed: bool) {
        if self.is_of_two() {
            return;
        }
        self.transactions += 1;
        self.failures += u32::from(was_disturbed);
        if self.transactions >= WINDOW_OF_EACH * self.workers as u32 {
            self.end_window(self.failures * 10 >= self.transactions * 9);
        }
    }

    fn end_window(&mut self, bad: bool) {
        self.bad_windows = if bad { self.bad_windows + 1 } else { 0 };
        (self.claims, self.transactions, self.failures) = (0, 0, 0);
    }
}

impl Scheduler {
    /// A block of this many transactions, none of them executed.
    pub fn new(transactions: usize, claims: Claims) -> Self {
        let workers = claims.workers;
        let entry = || Entry {
            status: Status::Ready,
            incarnation: 0,
            was_disturbed: false,
            dependents: Vec::new(),
        };
        Self {
            entries: std::iter::repeat_with(entry).take(transactions).collect(),
            claims,
            execution_cursor: 0,
            validation_cursor: 0,
            early_cursor: 0,
            committed: 0,
            fresh_from: 0,
            halted: false,
            speculation: Speculation { workers, ..Speculation::default() },
        }
    }

    /// The next thing to do.
    pub fn next_task(&mut self) -> Task {
        if self.is_done() {
            return Task::Done;
        }
        if let Some(range) = self.claim_commits() {
            return Task::Commit(range);
        }
        if let Some(batch) = self.claim_early() {
            return Task::Execute(batch);
        }
        self.advance_cursors();
        let validates_first =
            self.has_many_workers() && self.validation_cursor < self.execution_cursor;
        if !validates_first && self.execution_cursor < self.entries.len() {
            return Task::Execute(self.claim_executions());
        }
        if self.validation_cursor < self.entries.len() {
            let index = self.validation_cursor;
            self.validation_cursor += 1;
            return Task::Validate(self.version(index));
        }
        Task::Wait
    }

    /// Whether the next who asks is given something to do.
    pub fn has_task(&mut self) -> bool {
        if self.is_done() {
            return false;
        }
        let mut early = self.claims.early.iter().skip(self.early_cursor);
        if self.entries[self.committed].status == Status::Executed
            || early.any(|index| self.entries[*index as usize].is_fresh())
        {
            return true;
        }
        self.advance_cursors();
        self.execution_cursor.min(self.validation_cursor) < self.entries.len()
    }

    fn claim_commits(&mut self) -> Option<Range<TransactionIndex>> {
        let ahead = self.entries[self.committed..].iter_mut().take(MOST_COMMITS);
        let executed = ahead.take_while(|entry| {
            entry.status == Status::Executed
                || COMMITTED_WHILE_EXECUTING.is_planted() && entry.status == Status::Executing
        });
        let count = executed.map(|entry| entry.status = Status::Committing).count();
        let first = index_of(self.committed);
        (count > 0).then(|| first..first + count as u32)
    }

    fn claim_early(&mut self) -> Option<Batch> {
        while let Some(index) = self.claims.early.get(self.early_cursor) {
            let index = *index as usize;
            self.early_cursor += 1;
            let entry = &mut self.entries[index];
            if entry.is_fresh() {
                entry.status = Status::Executing;
                self.fresh_from = self.fresh_from.max(index + 1);
                self.speculation.claimed(1);
                return Some(Batch { first: self.version(index), count: 1 });
            }
        }
        None
    }

    fn claim_executions(&mut self) -> Batch {
        let start = self.execution_cursor;
        let first = self.version(start);
        let most = self.claims.at(start, self.entries.len() - start);
        let rest = self.entries[start + 1..].iter_mut().take(most - 1);
        let rest = rest.take_while(|entry| first.incarnation == 0 && entry.is_fresh());
        let rest = rest.map(|entry| entry.status = Status::Executing).count();
        self.entries[start].status = Status::Executing;
        if first.incarnation == 0 {
            self.speculation.claimed(1 + rest as u32);
        }
        self.execution_cursor = start + 1 + rest;
        self.fresh_from = self.fresh_from.max(self.execution_cursor);
        Batch { first, count: 1 + rest as u32 }
    }

    /// Moves both cursors to the next transaction that has work for them.
    fn advance_cursors(&mut self) {
        let find = |from: usize, status| {
            let found = self.entries[from..].iter().position(|entry| entry.status == status);
            found.map_or(self.entries.len(), |at| from + at)
        };
        self.execution_cursor = find(self.execution_cursor, Status::Ready);
        if self.execution_cursor == self.entries.len() || self.has_many_workers() {
            // The transaction at the commit frontier is checked by its commit.
            let from = self.validation_cursor.max(self.committed + 1).min(self.entries.len());
            self.validation_cursor = find(from, Status::Executed);
        }
    }

    fn version(&self, index: usize) -> Version {
        Version { transaction: index_of(index), incarnation: self.entries[index].incarnation }
    }

    /// The incarnation has been executed and its writes are published. `wrote_elsewhere`: it wrote
    /// a place that the incarnation before did not, or no longer writes one.
    pub fn finish_execution(&mut self, version: Version, wrote_elsewhere: bool) {
        let index = version.transaction as usize;
        debug_assert_eq!(self.entries[index].status, Status::Executing);
        self.entries[index].status = Status::Executed;
        if wrote_elsewhere {
            self.validation_cursor = self.validation_cursor.min(index + 1);
        }
        for dependent in std::mem::take(&mut self.entries[index].dependents) {
            self.make_ready(dependent as usize);
        }
    }

    /// The incarnation was given up: it read a place that `blocked_on` is known to write again.
    pub fn suspend(&mut self, version: Version, blocked_on: TransactionIndex) {
        let index = version.transaction as usize;
        debug_assert_eq!(self.entries[index].status, Status::Executing);
        debug_assert!(blocked_on < version.transaction, "{blocked_on} is not below {index}");
        self.disturbed(version.transaction);
        let blocker = &mut self.entries[blocked_on as usize];
        if matches!(blocker.status, Status::Executed | Status::Committing | Status::Committed) {
            self.make_ready(index);
        } else {
            if !SUSPENDED_ON_EXECUTING_FORGOTTEN.is_planted() {
                blocker.dependents.push(version.transaction);
            }
            self.entries[index].status = Status::Suspended;
        }
    }

    /// Whether `reader`, which has come to a value that `writer` is about to write again, is to wait for it in the
    /// middle of its execution. Only where a worker has `writer`, who will tell of its end.
    ///
    /// With two workers the other one is at `writer`: if there is anything else to do, to give the execution up is
    /// the better use of this one. With more, what a block takes longest for are the transactions that wait for
    /// each other, and each of them is done sooner by what it has done already.
    pub fn lets_wait(&mut self, reader: TransactionIndex, writer: TransactionIndex) -> bool {
        let waits = self.is_executing(writer) && (self.has_many_workers() || !self.has_task());
        if waits {
            self.disturbed(reader);
        }
        waits
    }

    const fn has_many_workers(&self) -> bool {
        !self.speculation.is_of_two()
    }

    /// A guess was wrong: the transaction was suspended, waits for another one, or begins again because a read is stale.
    pub fn disturbed(&mut self, transaction: TransactionIndex) {
        self.speculation.failed();
        self.entries[transaction as usize].was_disturbed = true;
    }

    /// Whether a worker has it: it was handed out and has not been told of since.
    pub fn is_executing(&self, transaction: TransactionIndex) -> bool {
        self.entries[transaction as usize].status == Status::Executing
    }

    /// The reads of the incarnation were checked. If this returns true, the driver must turn
    /// its writes into estimates and then call [`Scheduler::finish_abort`].
    #[must_use]
    pub fn finish_validation(&mut self, version: Version, valid: bool) -> bool {
        let entry = &mut self.entries[version.transaction as usize];
        let current = entry.status == Status::Executed && entry.incarnation == version.incarnation;
        if valid || !current {
            return false;
        }
        entry.status = Status::Aborting;
        self.speculation.failed();
        true
    }

    /// The first `valid` transactions of a commit task were committed. If there were more, the
    /// next one was found invalid, and the rest was left alone. It is given back: the driver must
    /// turn its writes into estimates and then call [`Scheduler::finish_abort`].
    #[must_use]
    pub fn finish_commit(&mut self, task: Range<TransactionIndex>, valid: u32) -> Option<Version> {
        debug_assert_eq!(self.committed, task.start as usize);
        let frontier = (task.start + valid) as usize;
        for entry in &mut self.entries[self.committed..frontier] {
            debug_assert_eq!(entry.status, Status::Committing);
            entry.status = Status::Committed;
            self.speculation.committed(entry.was_disturbed);
        }
        for entry in &mut self.entries[frontier..task.end as usize] {
            entry.status = Status::Executed;
        }
        self.committed = frontier;
        if DONE_ONE_SHORT.is_planted() && frontier > 0 && frontier + 1 == self.entries.len() {
            self.committed = self.entries.len();
            return None;
        }
        (frontier < task.end as usize).then(|| {
            self.entries[frontier].status = Status::Aborting;
            self.speculation.failed();
            self.version(frontier)
        })
    }

    /// The writes of an invalid incarnation are estimates now: execute it again.
    pub fn finish_abort(&mut self, version: Version) {
        let index = version.transaction as usize;
        debug_assert_eq!(self.entries[index].status, Status::Aborting);
        self.entries[index].incarnation += 1;
        self.entries[index].was_disturbed = true;
        self.validation_cursor = self.validation_cursor.min(index + 1);
        self.make_ready(index);
    }

    fn make_ready(&mut self, index: usize) {
        self.entries[index].status = Status::Ready;
        self.execution_cursor = self.execution_cursor.min(index);
    }

    /// Gives the block up: every later task is [`Task::Done`].
    pub const fn halt(&mut self) {
        self.halted = true;
    }

    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.halted || self.committed == self.entries.len()
    }

    /// Transactions committed so far.
    pub const fn committed(&self) -> usize {
        self.committed
    }

    /// Transactions that were handed out and are not committed.
    pub const fn unfinished(&self) -> Range<usize> {
        self.committed..self.fresh_from
    }

    /// Whether most guesses have been wrong of late, so that one thread alone would do better.
    pub const fn is_hopeless(&self) -> bool {
        self.speculation.bad_windows >= HOPELESS
    }
}

fn index_of(index: usize) -> TransactionIndex {
    TransactionIndex::try_from(index).expect("blocks are far smaller")
}
