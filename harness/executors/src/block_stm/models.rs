//! Models of the lock-free parts under loom: every interleaving of two or three threads, and every value that a
//! weak load may see. They run the real code, through `sync`.
//!
//! `docs/decisions/0011-memory-orderings.md` has the table: which model fails when an ordering is weakened.
//!
//! In the executor a transaction "ends" under the scheduler's lock, and a reader commits under it. [`Ended`] is
//! that lock.

use super::{
    memory::Position,
    rewards::{Owed, RewardLedger},
    stamps::{Counter, Raise, ReadStamps, Stamp},
    table::{Contents, Room, Table},
};
use crate::sync::{Arc, Mutex, lock, thread};

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
    table.read(table.look(hash).word, hash, key, |place| place.value)
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

/// A reader that sees an entry's bit in its bucket finds the entry whole.
#[test]
fn a_linked_entry_is_whole() {
    loom::model(|| {
        let table = Arc::new(table());
        let writer = thread::spawn({
            let table = table.clone();
            move || table.put(&mut Room::default(), HASH, 7, |place| place.value = 3, Raise::Firm)
        });
        let word = table.look(HASH).word;
        let found = table.read(word, HASH, 7, |place| place.value);
        assert_eq!(found, word.may_hold(HASH).then_some(3));
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
                move || table.put(&mut Room::default(), other_hash, other_key, add, Raise::Any)
            });
            table.put(&mut Room::default(), HASH, 7, add, Raise::Any);
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
    loom::model(|| {
        let table = Arc::new(table());
        let first = thread::spawn({
            let table = table.clone();
            move || {
                table.put(&mut Room::default(), OTHER_HASH, 8, |it| it.value = 4, Raise::Any);
            }
        });
        let second = thread::spawn({
            let table = table.clone();
            move || {
                table.put(&mut Room::default(), HASH, 7, |it| it.value = 3, Raise::Any);
            }
        });
        let word = table.look(HASH).word;
        for (hash, key, wanted) in [(HASH, 7, 3), (OTHER_HASH, 8, 4)] {
            let found = table.read(word, hash, key, |place| place.value);
            assert_eq!(found, word.may_hold(hash).then_some(wanted));
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
        let mut room = Room::default();
        if is_there {
            table.put(&mut room, HASH, 7, |place| place.value = 1, Raise::Firm);
        }
        let ended = Arc::new(Ended::default());
        let writer = thread::spawn({
            let (table, ended) = (table.clone(), ended.clone());
            move || {
                let write = |place: &mut Place| place.value = 2;
                let is_edited = table.edit(HASH, 7, |place| {
                    write(place);
                    Raise::Firm
                });
                if !is_edited {
                    table.put(&mut Room::default(), HASH, 7, write, Raise::Firm);
                }
                ended.end();
            }
        });
        // The reader: the stamp first, then the value, then its own commit.
        let look = table.look(HASH);
        let mut reads = ReadStamps::default();
        reads.push(Stamp::new(Counter::FirmAccount, look));
        let seen = table.read(look.word, HASH, 7, |place| place.value);
        if ended.has_ended() && reads.are_current(|| 0, |_, bucket| table.word(bucket)) {
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

/// Rooms of two writers do not overlap.
#[test]
fn rooms_are_apart() {
    loom::model(|| {
        let table = Arc::new(table());
        let writer = thread::spawn({
            let table = table.clone();
            move || {
                table.put(&mut Room::default(), OTHER_HASH, 8, |it| it.value = 4, Raise::Any);
            }
        });
        table.put(&mut Room::default(), HASH, 7, |place| place.value = 3, Raise::Any);
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
