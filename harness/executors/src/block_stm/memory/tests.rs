//! Unit tests of the memory: what is read after what was published.

use super::{
    super::{
        location::{Location, Place, account_hash},
        reads::Seen,
        scheduler::Incarnation,
        stamps::ReadStamps,
        version::{Position, Writer},
        writes::{AccountWrites, Base, InfoWrite, WriteSet},
    },
    EntryBlocks, MultiVersionMemory, Tables,
};
use crate::{evm::ReadError, sync::Arc};
use alloy_primitives::{Address, U256};
use lockstep_model::{AccountInfo, MemoryState};

const A: Address = Address::repeat_byte(0xaa);

fn memory() -> MultiVersionMemory {
    let mut state = MemoryState::default();
    state.insert(A, U256::from(10), 1, Default::default(), [(U256::from(1), U256::from(7))]);
    memory_over(state)
}

fn memory_over(state: MemoryState) -> MultiVersionMemory {
    let beneficiary = Address::repeat_byte(0xbe);
    MultiVersionMemory::new(4, Tables::default(), Arc::new(state), beneficiary, true)
}

fn publish(
    memory: &MultiVersionMemory,
    writer: Writer,
    mut writes: WriteSet,
    locations: &mut Vec<Location>,
) -> bool {
    memory.publish(
        writer,
        &mut writes,
        locations,
        &mut ReadStamps::default(),
        &mut EntryBlocks::default(),
    )
}

fn credit(amount: u64) -> WriteSet {
    let mut writes = WriteSet::default();
    writes.credit(A, U256::from(amount), Base::Unknown);
    writes
}

fn writer(position: Position, incarnation: Incarnation) -> Writer {
    Writer { position, incarnation }
}

fn set(balance: u64) -> InfoWrite {
    let balance = U256::from(balance);
    InfoWrite::Set(Some(AccountInfo { balance, ..AccountInfo::default() }))
}

fn writes(info: Option<InfoWrite>, cleared: bool, slots: &[(u64, u64)]) -> WriteSet {
    let slots = slots.iter().map(|(k, v)| (A, U256::from(*k), U256::from(*v))).collect();
    let account = AccountWrites { address: A, info, cleared };
    WriteSet { accounts: vec![account], slots, codes: Vec::new() }
}

fn slot(memory: &MultiVersionMemory, position: Position) -> u64 {
    memory.slot(A, U256::from(1), position).unwrap().value.to()
}

#[test]
fn a_read_sees_the_last_write_below_it() {
    let memory = memory();
    publish(&memory, writer(2, 0), writes(None, false, &[(1, 20)]), &mut Vec::new());
    publish(&memory, writer(4, 0), writes(None, false, &[(1, 40)]), &mut Vec::new());
    assert_eq!([1, 2, 3, 4, 5].map(|at| slot(&memory, at)), [7, 7, 20, 20, 40]);
}

#[test]
fn a_clearing_hides_the_writes_below_it_and_not_those_beside_it() {
    let memory = memory();
    publish(&memory, writer(1, 0), writes(None, false, &[(1, 20)]), &mut Vec::new());
    publish(&memory, writer(2, 0), writes(None, true, &[]), &mut Vec::new());
    publish(&memory, writer(3, 0), writes(None, true, &[(1, 30)]), &mut Vec::new());
    assert_eq!([2, 3, 4].map(|at| slot(&memory, at)), [20, 0, 30]);
}

#[test]
fn credits_add_up_and_are_validated_by_their_sum() {
    let memory = memory();
    publish(&memory, writer(1, 0), credit(3), &mut Vec::new());
    let read = memory.account(A, 3).unwrap();
    assert_eq!(read.info.unwrap().balance, U256::from(13));
    let mut locations = vec![Location { hash: account_hash(A), place: Place::Account(A) }];
    publish(&memory, writer(1, 1), credit(3), &mut locations);
    assert!(read.is_current(&memory, 3), "the same sum by another incarnation");
    publish(&memory, writer(2, 0), credit(1), &mut Vec::new());
    assert!(!read.is_current(&memory, 3));
    assert!(read.is_current(&memory, 2));
}

/// A transaction that would read the same would do the same.
#[test]
fn another_writer_of_the_same_value_invalidates_nothing() {
    let memory = memory();
    let mut locations = Vec::new();
    publish(&memory, writer(1, 0), writes(Some(set(5)), false, &[(1, 1)]), &mut locations);
    let account = memory.account(A, 2).unwrap();
    let slot = memory.slot(A, U256::from(1), 2).unwrap();
    let same = writes(Some(set(5)), false, &[(1, 1)]);
    assert!(!publish(&memory, writer(1, 1), same, &mut locations), "no new location");
    assert!(account.is_current(&memory, 2) && memory.slot_is_current(&slot, 2));
    let other = writes(Some(set(6)), false, &[(1, 2)]);
    assert!(!publish(&memory, writer(1, 2), other, &mut locations), "no new location");
    assert!(!account.is_current(&memory, 2) && !memory.slot_is_current(&slot, 2));
}

#[test]
fn credits_add_up_across_full_writes() {
    let memory = memory();
    let balance =
        |position| -> u64 { memory.account(A, position).unwrap().info.unwrap().balance.to() };
    for (position, amount) in [(1, 1), (2, 2), (4, 4)] {
        publish(&memory, writer(position, 0), credit(amount), &mut Vec::new());
    }
    assert_eq!([1, 2, 3, 4, 5].map(balance), [10, 11, 13, 13, 17]);
    // A full write in between, later than those above it.
    publish(&memory, writer(3, 0), writes(Some(set(100)), false, &[]), &mut Vec::new());
    assert_eq!([3, 4, 5].map(balance), [13, 100, 104]);
    let mut locations = vec![Location { hash: account_hash(A), place: Place::Account(A) }];
    publish(&memory, writer(3, 1), WriteSet::default(), &mut locations);
    assert_eq!([4, 5].map(balance), [13, 17]);
}

#[test]
fn locations_that_are_no_longer_written_disappear() {
    let memory = memory();
    let mut locations = Vec::new();
    publish(&memory, writer(1, 0), writes(None, true, &[(1, 1)]), &mut locations);
    assert!(publish(&memory, writer(1, 1), writes(None, false, &[]), &mut locations));
    assert_eq!(slot(&memory, 2), 7);
    assert_eq!(locations, []);
}

#[test]
fn estimates_block_readers_above_alone() {
    let memory = memory();
    let mut locations = Vec::new();
    publish(&memory, writer(2, 0), writes(Some(set(5)), true, &[(1, 1)]), &mut locations);
    memory.mark_estimates(&locations, 2);
    assert_eq!(memory.account(A, 3).unwrap_err(), ReadError::Blocked(2));
    assert_eq!(memory.slot(A, U256::from(9), 3).unwrap_err(), ReadError::Blocked(2));
    assert!(memory.account(A, 2).is_ok());
}

#[test]
fn who_needs_no_code_does_not_mind_modest_credits() {
    let memory = memory();
    let look = |seen| {
        let mut stamps = ReadStamps::default();
        let read = memory.account_recording(A, 4, seen, &mut stamps).unwrap();
        (read, stamps)
    };
    let mut locations = Vec::new();
    let [no_code, everything] = [Seen::HasNoCode, Seen::Everything].map(look);
    publish(&memory, writer(1, 0), credit(3), &mut locations);
    assert!(memory.are_current(&no_code.1) && !memory.are_current(&everything.1));
    assert!(no_code.0.is_current(&memory, 4) && !everything.0.is_current(&memory, 4));

    // That it comes and goes changes nothing either.
    memory.mark_estimates(&locations, 1);
    assert!(memory.are_current(&no_code.1) && memory.are_current(&look(Seen::HasNoCode).1));
    assert_eq!(memory.account(A, 4).unwrap_err(), ReadError::Blocked(1));
    publish(&memory, writer(1, 1), WriteSet::default(), &mut locations);
    assert!(memory.are_current(&no_code.1) && everything.0.is_current(&memory, 4));

    // An enormous one, and a full write, do.
    let mut enormous = WriteSet::default();
    enormous.credit(A, U256::MAX >> 1, Base::Unknown);
    publish(&memory, writer(2, 0), enormous, &mut locations);
    assert!(!memory.are_current(&no_code.1) && !no_code.0.is_current(&memory, 4));
    let (_, stamps) = look(Seen::HasNoCode);
    publish(&memory, writer(3, 0), writes(Some(set(5)), false, &[]), &mut Vec::new());
    assert!(!memory.are_current(&stamps));
}

/// A mark that is not set where it should be would let a stale read through.
#[test]
fn stamps_see_every_publication() {
    let memory = memory();
    let mut stamps = ReadStamps::default();
    memory.account_recording(A, 3, Seen::Everything, &mut stamps).unwrap();
    memory.slot_recording(A, U256::from(9), 3, &mut stamps).unwrap();
    assert!(memory.are_current(&stamps));
    let elsewhere = writes(None, false, &[(1, 1)]);
    publish(&memory, writer(1, 0), elsewhere, &mut Vec::new());
    let mut locations = Vec::new();
    publish(&memory, writer(2, 0), writes(None, true, &[]), &mut locations);
    assert!(!memory.are_current(&stamps), "the account was cleared");
    let mut again = ReadStamps::default();
    memory.slot_recording(A, U256::from(9), 3, &mut again).unwrap();
    memory.mark_estimates(&locations, 2);
    assert!(!memory.are_current(&again), "the clearing became an estimate");
}
