//! The scheduler as a state machine: no threads, no locks, no clock, no EVM.
//!
//! It hands out tasks and hears how they ended. Threads drive it in production, seeds drive it in
//! the tests; both run this very code.
//!
//! The protocol, for a driver:
//!
//! ```text
//! next_task ──► Execute  ──► finish_execution | suspend
//!           ──► Validate ──► finish_validation ──(true: mark the writes as estimates)──► finish_abort
//!           ──► Commit   ──► finish_commit     ──(true: mark the writes as estimates)──► finish_abort
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
//! and at every moment some task for `t` can be handed out or is in flight.

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

/// Something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Execute this incarnation.
    Execute(Version),
    /// Check the reads of this incarnation early. Makes it fast, not correct.
    Validate(Version),
    /// Check the reads of this incarnation for good, and commit it: everything below is committed.
    /// At most one such task is in flight.
    Commit(Version),
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
    /// Transactions that wait for this one.
    dependents: Vec<TransactionIndex>,
}

/// The state machine.
#[derive(Debug)]
pub struct Scheduler {
    entries: Vec<Entry>,
    /// No transaction below is ready.
    execution_cursor: usize,
    /// No executed transaction below asks for early validation.
    validation_cursor: usize,
    /// Transactions below are committed.
    committed: usize,
    halted: bool,
}

impl Scheduler {
    /// A block of this many transactions, none of them executed.
    pub fn new(transactions: usize) -> Self {
        let entry = || Entry { status: Status::Ready, incarnation: 0, dependents: Vec::new() };
        Self {
            entries: std::iter::repeat_with(entry).take(transactions).collect(),
            execution_cursor: 0,
            validation_cursor: 0,
            committed: 0,
            halted: false,
        }
    }

    /// The next thing to do: commit before all else, then whatever is lowest in the block.
    pub fn next_task(&mut self) -> Task {
        if self.is_done() {
            return Task::Done;
        }
        if self.entries[self.committed].status == Status::Executed {
            return Task::Commit(self.hand_out(self.committed, Status::Committing));
        }
        self.advance_cursors();
        if self.validation_cursor < self.execution_cursor.min(self.entries.len()) {
            let index = self.validation_cursor;
            self.validation_cursor += 1;
            return Task::Validate(self.version(index));
        }
        if self.execution_cursor < self.entries.len() {
            let index = self.execution_cursor;
            self.execution_cursor += 1;
            return Task::Execute(self.hand_out(index, Status::Executing));
        }
        Task::Wait
    }

    /// Moves both cursors to the next transaction that has work for them.
    fn advance_cursors(&mut self) {
        let is = |index: usize, status| {
            self.entries.get(index).is_some_and(|entry: &Entry| entry.status == status)
        };
        let mut execution = self.execution_cursor;
        while execution < self.entries.len() && !is(execution, Status::Ready) {
            execution += 1;
        }
        // The transaction at the commit frontier is checked by its commit.
        let mut validation = self.validation_cursor.max(self.committed + 1);
        while validation < execution && !is(validation, Status::Executed) {
            validation += 1;
        }
        self.execution_cursor = execution;
        self.validation_cursor = validation;
    }

    fn hand_out(&mut self, index: usize, status: Status) -> Version {
        self.entries[index].status = status;
        self.version(index)
    }

    fn version(&self, index: usize) -> Version {
        let transaction = TransactionIndex::try_from(index).expect("blocks are far smaller");
        Version { transaction, incarnation: self.entries[index].incarnation }
    }

    /// The incarnation has been executed and its writes are published. `wrote_elsewhere`: it wrote
    /// a location that the incarnation before did not, or no longer writes one.
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

    /// The incarnation was given up: it read a location that `blocked_on` is known to write again.
    pub fn suspend(&mut self, version: Version, blocked_on: TransactionIndex) {
        let index = version.transaction as usize;
        debug_assert_eq!(self.entries[index].status, Status::Executing);
        let blocker = &mut self.entries[blocked_on as usize];
        if matches!(blocker.status, Status::Executed | Status::Committing | Status::Committed) {
            self.make_ready(index);
        } else {
            blocker.dependents.push(version.transaction);
            self.entries[index].status = Status::Suspended;
        }
    }

    /// The reads of the incarnation were checked. Where this returns true, the driver must turn
    /// its writes into estimates and then call [`Scheduler::finish_abort`].
    #[must_use]
    pub fn finish_validation(&mut self, version: Version, valid: bool) -> bool {
        let entry = &mut self.entries[version.transaction as usize];
        let current = entry.status == Status::Executed && entry.incarnation == version.incarnation;
        if valid || !current {
            return false;
        }
        entry.status = Status::Aborting;
        true
    }

    /// The commit of the incarnation was tried. Where this returns true, the driver must turn its
    /// writes into estimates and then call [`Scheduler::finish_abort`].
    #[must_use]
    pub fn finish_commit(&mut self, version: Version, valid: bool) -> bool {
        let index = version.transaction as usize;
        debug_assert_eq!(self.entries[index].status, Status::Committing);
        debug_assert_eq!(self.committed, index);
        if !valid {
            self.entries[index].status = Status::Aborting;
            return true;
        }
        self.entries[index].status = Status::Committed;
        self.committed += 1;
        false
    }

    /// The writes of an invalid incarnation are estimates now: execute it again.
    pub fn finish_abort(&mut self, version: Version) {
        let index = version.transaction as usize;
        debug_assert_eq!(self.entries[index].status, Status::Aborting);
        self.entries[index].incarnation += 1;
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
}
