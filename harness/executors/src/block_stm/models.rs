//! Models of the lock-free parts under loom: every interleaving of two or three threads, and every value that a
//! weak load may see. They run the real code, through `sync`.
//!
//! `docs/decisions/0011-memory-orderings.md` has the table: which model fails when an ordering is weakened.
//!
//! In the executor a transaction "ends" under the scheduler's lock, and a reader commits under it. [`Ended`] is
//! that lock.

use super::{
    driver::{Steps, Waits, threads::Threads},
    memory::{EntryBlocks, MultiVersionMemory, Tables},
    reads::Origin,
    rewards::{Owed, RewardLedger},
    scheduler::{Claims, Scheduler, Task},
    stamps::{Bump, Counter, ReadStamps, Stamp},
    table::{Contents, EntryBlock, Table},
    version::{Position, Writer},
    writes::WriteSet,
};
use crate::{
    remembered::bytecode_of,
    sync::{Arc, AtomicU64, Mutex, Ordering, lock, thread},
};
use alloy_primitives::{Address, Bytes, U256, keccak256};
use lockstep_model::{AccountInfo, MemoryState, Mode};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// A place with a value.
#[derive(Debug, Default)]
struct Place {
    key: u64,
    value: u32,
}

impl Contents for Place {
    type Key = u64;

    fn begin(&mut self, key: u64) {
        *self = Self { key, value: 0 };
    }

    fn key(&self) -> u64 {
        self.key
    }
}

fn table() -> Table<Place> {
    let mut table = Table::default();
    table.renew(1);
    table
}

fn value(table: &Table<Place>, hash: u64, key: u64) -> Option<u32> {
    table.read(table.snapshot(hash).header, hash, key, |place| place.value)
}

/// Whether the lower transaction has ended, behind the scheduler's lock.
#[derive(Debug, Default)]
struct Ended(Mutex<bool>);

impl Ended {
    fn end(&self) {
        *lock(&self.0) = true;
    }

    fn has_ended(&self) -> bool {
        *lock(&self.0)
    }
}

const HASH: u64 = 1 << 48;
const OTHER_HASH: u64 = 2 << 48 | 5;

/// The models see both orders of a load, and a load with a store behind it in another thread.
#[test]
fn a_load_before_a_store_is_explored() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(std::collections::BTreeSet::new()));
    loom::model({
        let seen = seen.clone();
        move || {
            let atomic = Arc::new(AtomicU64::new(0));
            let other = thread::spawn({
                let atomic = atomic.clone();
                move || atomic.store(atomic.load(Ordering::Acquire) + 1, Ordering::Release)
            });
            seen.lock().unwrap().insert(atomic.load(Ordering::Acquire));
            other.join().unwrap();
        }
    });
    assert_eq!(*seen.lock().unwrap(), [0, 1].into());
}

/// A reader that sees an entry's bit in its bucket finds the entry whole.
#[test]
fn a_linked_entry_is_whole() {
    loom::model(|| {
        let table = Arc::new(table());
        let writer = thread::spawn({
            let table = table.clone();
            move || {
                table.put(&mut EntryBlock::default(), HASH, 7, |place| place.value = 3, Bump::Firm)
            }
        });
        let header = table.snapshot(HASH).header;
        let found = table.read(header, HASH, 7, |place| place.value);
        assert_eq!(found, header.may_hold(HASH).then_some(3));
        writer.join().unwrap();
        assert_eq!(value(&table, HASH, 7), Some(3));
    });
}

/// Two writers of one bucket lose no entry, and two of one place make one entry.
#[test]
fn writers_lose_nothing() {
    for (other_hash, other_key) in [(OTHER_HASH, 8), (HASH, 7)] {
        loom::model(move || {
            let table = Arc::new(table());
            let add = |place: &mut Place| place.value += 1;
            let writer = thread::spawn({
                let table = table.clone();
                move || table.put(&mut EntryBlock::default(), other_hash, other_key, add, Bump::Any)
            });
            table.put(&mut EntryBlock::default(), HASH, 7, add, Bump::Any);
            writer.join().unwrap();
            let expected = if other_key == 7 { 2 } else { 1 };
            assert_eq!(value(&table, HASH, 7), Some(expected));
            assert_eq!(value(&table, other_hash, other_key), Some(expected));
        });
    }
}

/// A reader finds whole what one writer has linked behind the entry of another.
#[test]
fn a_chain_is_whole() {
    // Three threads: all of their interleavings take a minute, and find no more.
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let table = Arc::new(table());
        let first = thread::spawn({
            let table = table.clone();
            move || {
                table.put(&mut EntryBlock::default(), OTHER_HASH, 8, |it| it.value = 4, Bump::Any);
            }
        });
        let second = thread::spawn({
            let table = table.clone();
            move || {
                table.put(&mut EntryBlock::default(), HASH, 7, |it| it.value = 3, Bump::Any);
            }
        });
        let header = table.snapshot(HASH).header;
        for (hash, key, wanted) in [(HASH, 7, 3), (OTHER_HASH, 8, 4)] {
            let found = table.read(header, hash, key, |place| place.value);
            assert_eq!(found, header.may_hold(hash).then_some(wanted));
        }
        first.join().unwrap();
        second.join().unwrap();
    });
}

/// Once the lower transaction has ended, a current stamp means that its value was read. `is_there`: the entry
/// is edited, not made.
fn a_current_stamp_is_right(is_there: bool) {
    loom::model(move || {
        let table = Arc::new(table());
        let mut entry_block = EntryBlock::default();
        if is_there {
            table.put(&mut entry_block, HASH, 7, |place| place.value = 1, Bump::Firm);
        }
        let ended = Arc::new(Ended::default());
        let writer = thread::spawn({
            let (table, ended) = (table.clone(), ended.clone());
            move || {
                let write = |place: &mut Place| place.value = 2;
                let is_edited = table.edit(HASH, 7, |place| {
                    write(place);
                    Bump::Firm
                });
                if !is_edited {
                    table.put(&mut EntryBlock::default(), HASH, 7, write, Bump::Firm);
                }
                ended.end();
            }
        });
        // The reader: the stamp first, then the value, then its own commit.
        let snapshot = table.snapshot(HASH);
        let mut reads = ReadStamps::default();
        reads.push(Stamp::new(Counter::FirmAccount, snapshot));
        let seen = table.read(snapshot.header, HASH, 7, |place| place.value);
        if ended.has_ended() && reads.are_current(|| 0, |_, bucket| table.header(bucket)) {
            assert_eq!(seen, Some(2), "a stale value passed its validation");
        }
        writer.join().unwrap();
    });
}

#[test]
fn a_current_stamp_of_a_new_entry_is_right() {
    a_current_stamp_is_right(false);
}

#[test]
fn a_current_stamp_of_an_edited_entry_is_right() {
    a_current_stamp_is_right(true);
}

/// EntryBlocks of two writers do not overlap.
#[test]
fn entry_blocks_are_apart() {
    loom::model(|| {
        let table = Arc::new(table());
        let writer = thread::spawn({
            let table = table.clone();
            move || {
                table.put(&mut EntryBlock::default(), OTHER_HASH, 8, |it| it.value = 4, Bump::Any);
            }
        });
        table.put(&mut EntryBlock::default(), HASH, 7, |place| place.value = 3, Bump::Any);
        writer.join().unwrap();
        assert_eq!((value(&table, HASH, 7), value(&table, OTHER_HASH, 8)), (Some(3), Some(4)));
        assert_eq!(table.reserved(), 64);
    });
}

/// A reward that was read before its transaction ended may be torn; after it, it is right.
#[test]
fn an_ended_reward_is_right() {
    const REWARD: u128 = 1 << 64 | 5;
    const READER: Position = 2;
    loom::model(|| {
        let mut ledger = RewardLedger::default();
        ledger.renew(2);
        let (ledger, ended) = (Arc::new(ledger), Arc::new(Ended::default()));
        let writer = thread::spawn({
            let (ledger, ended) = (ledger.clone(), ended.clone());
            move || {
                ledger.set(1, Owed::Amount(REWARD));
                ended.end();
            }
        });
        let _ = ledger.between(0, READER);
        if ended.has_ended() {
            assert_eq!(ledger.between(0, READER).unwrap().sum, REWARD);
        }
        writer.join().unwrap();
    });
}

/// A worker whose tasks do nothing; transaction 1 has to wait once for transaction 0.
struct Idle {
    task: Option<Task>,
    /// Where it waits in the middle of its execution, if it may.
    waits: Option<Arc<Threads>>,
    /// Behind the scheduler's lock, and no part of the model.
    has_waited: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Steps for Idle {
    fn perform(&mut self, task: Task) {
        if let (Task::Execute(batch), Some(driver)) = (&task, &self.waits)
            && batch.first.transaction == 1
        {
            driver.wait_for(1, 0);
        }
        self.task = Some(task);
    }

    fn report(&mut self, scheduler: &mut Scheduler) {
        use std::sync::atomic::Ordering::Relaxed;
        match self.task.take() {
            Some(Task::Execute(batch)) => batch.versions().for_each(|version| {
                if version.transaction == 1 && !self.has_waited.swap(true, Relaxed) {
                    scheduler.suspend(version, 0);
                } else {
                    scheduler.finish_execution(version, false);
                }
            }),
            Some(Task::Validate(version)) => assert!(!scheduler.finish_validation(version, true)),
            Some(Task::Commit(task)) => {
                let all = task.len() as u32;
                assert_eq!(scheduler.finish_commit(task, all), None);
            }
            other => panic!("not performed: {other:?}"),
        }
    }
}

/// A worker that panics at its first task.
struct Broken;

impl Steps for Broken {
    fn perform(&mut self, _task: Task) {
        // No message: it happens in each execution of the model.
        resume_unwind(Box::new("on purpose"));
    }

    fn report(&mut self, _scheduler: &mut Scheduler) {}
}

/// How two workers drive a block of two transactions.
#[derive(Clone, Copy)]
struct Drive {
    spins: bool,
    /// One of them panics, and halts the block.
    is_halted: bool,
    /// The upper one waits in the middle of its execution.
    waits: bool,
}

fn drive_two(Drive { spins, is_halted, waits }: Drive) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        // With more than two a reader waits wherever its writer is being executed; the third has nothing to do.
        let workers = if waits { 3 } else { 2 };
        let claims = Claims { workers, ..Claims::single() };
        let driver = Arc::new(Threads::new(Scheduler::new(2, claims), Mode::Forced, spins));
        let has_waited = std::sync::Arc::default();
        let idle = || Idle {
            task: None,
            waits: waits.then(|| driver.clone()),
            has_waited: std::sync::Arc::clone(&has_waited),
        };
        let other = thread::spawn({
            let (driver, mut worker) = (driver.clone(), idle());
            move || driver.drive(&mut worker)
        });
        if is_halted {
            let broken = catch_unwind(AssertUnwindSafe(|| driver.drive(&mut Broken)));
            // It came too late to get a task, or it halts the block as `BlockRun::guarded` does.
            if broken.is_err() {
                driver.halt();
            }
        } else {
            driver.drive(&mut idle());
        }
        other.join().unwrap();
        assert!(driver.committed() == 2 || is_halted);
    });
}

/// Two workers finish a block, whichever of them sleeps, spins or wakes the other: loom finds a deadlock.
#[test]
fn no_worker_sleeps_for_ever() {
    for spins in [false, true] {
        drive_two(Drive { spins, is_halted: false, waits: false });
    }
}

/// A worker that waits in the middle of an execution goes on when the one that it waits for has ended.
#[test]
fn no_reader_waits_for_ever() {
    for spins in [false, true] {
        drive_two(Drive { spins, is_halted: false, waits: true });
    }
}

/// A worker that panics leaves its task open: the halt ends the one that sleeps, spins or waits for it.
#[test]
fn a_halt_wakes_all() {
    for (spins, waits) in [(false, false), (true, false), (false, true), (true, true)] {
        drive_two(Drive { spins, is_halted: true, waits });
    }
}

/// Once the lower transaction has ended, current stamps mean that its clearing was seen.
#[test]
fn a_current_stamp_of_a_clearing_is_right() {
    const A: Address = Address::repeat_byte(0xaa);
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let pre = std::sync::Arc::new(MemoryState::default());
        let memory =
            Arc::new(MultiVersionMemory::new(2, Tables::default(), pre, Address::ZERO, true));
        let ended = Arc::new(Ended::default());
        let writer = thread::spawn({
            let (memory, ended) = (memory.clone(), ended.clone());
            move || {
                let mut writes = WriteSet::default();
                writes.set(A, None, true);
                let writer = Writer { position: 1, incarnation: 0 };
                let (mut locations, mut blocks) = (Vec::new(), EntryBlocks::default());
                let mut own = ReadStamps::default();
                memory.publish(writer, &mut writes, &mut locations, &mut own, &mut blocks);
                ended.end();
            }
        });
        let mut stamps = ReadStamps::default();
        let read = memory.slot_recording(A, U256::ONE, 2, &mut stamps).unwrap();
        if ended.has_ended() && memory.are_current(&stamps) {
            assert!(matches!(read.origin, Origin::Cleared(_)), "a clearing was missed: {read:?}");
        }
        writer.join().unwrap();
    });
}

/// A reader of an account finds the code that it names: codes are added before the accounts that name them.
#[test]
fn the_code_of_an_account_is_there_before_it() {
    const A: Address = Address::repeat_byte(0xaa);
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let pre = std::sync::Arc::new(MemoryState::default());
        let memory =
            Arc::new(MultiVersionMemory::new(2, Tables::default(), pre, Address::ZERO, true));
        let code = Bytes::from_static(&[0x00]);
        let code_hash = keccak256(&code);
        let writer = thread::spawn({
            let memory = memory.clone();
            move || {
                let mut writes = WriteSet::default();
                let info = AccountInfo { balance: U256::ZERO, nonce: 1, code_hash };
                writes.set(A, Some(info), false);
                writes.codes.push((code_hash, bytecode_of(code)));
                let writer = Writer { position: 1, incarnation: 0 };
                let (mut locations, mut blocks) = (Vec::new(), EntryBlocks::default());
                memory.publish(
                    writer,
                    &mut writes,
                    &mut locations,
                    &mut ReadStamps::default(),
                    &mut blocks,
                );
            }
        });
        if memory.account(A, 2).unwrap().info.is_some() {
            assert!(memory.codes.deployed(code_hash).is_some(), "an account without its code");
        }
        writer.join().unwrap();
    });
}
