//! Publishes the writes of an incarnation, and takes back those of the previous one that it did not repeat.

use super::{
    super::{
        cells::AccountCells,
        location::{Location, Place, account_hash, slot_hash},
        reads::is_modest,
        stamps::{Bump, Counter, ReadStamps},
        table::EntryBlock,
        version::{Edit, Position, Writer},
        writes::{AccountWrites, InfoWrite, WriteSet},
    },
    MultiVersionMemory,
};
use crate::sync::Ordering;
use alloy_primitives::{Address, U256, map::HashSet};
use lockstep_faults::memory::{ABORTED_WRITES_STAY, RE_EXECUTION_BUMPS_NOTHING};

/// The entry blocks into which one worker publishes.
#[derive(Debug, Default)]
pub(crate) struct EntryBlocks {
    accounts: EntryBlock,
    slots: EntryBlock,
}

impl MultiVersionMemory {
    /// Storage was cleared somewhere, or that was taken back.
    fn bump_clearings(&self) {
        // Release: a reader that sees the count must find the clearing.
        self.clearings.fetch_add(1, Ordering::Release);
    }

    /// Publishes the writes of an incarnation and takes back those of the one before that it did
    /// not repeat. Returns whether the set of places changed.
    pub(crate) fn publish(
        &self,
        writer: Writer,
        writes: &mut WriteSet,
        locations: &mut Vec<Location>,
        stamps: &mut ReadStamps,
        entry_blocks: &mut EntryBlocks,
    ) -> bool {
        // Before the accounts that name them: a reader that sees a code hash asks for the code at once, and a
        // code that is in neither the block nor the pre-state would be an error of the database.
        self.codes.add(std::mem::take(&mut writes.codes));
        // The room stays where it is, unless there is something in it.
        let before = if locations.is_empty() { Vec::new() } else { std::mem::take(locations) };
        for account in writes.accounts.drain(..) {
            self.publish_account(writer, account, locations, stamps, &mut entry_blocks.accounts);
        }
        for (address, slot, value) in writes.slots.drain(..) {
            let hash = slot_hash(address, slot);
            let snapshot = self.tables.slots.put(
                &mut entry_blocks.slots,
                hash,
                (address, slot),
                |cells| {
                    cells.values.put(writer, value);
                },
                bump_by(writer, Bump::Firm),
            );
            stamps.allow(&[Counter::Slot], snapshot);
            locations.push(Location { hash, place: Place::Slot(address, slot) });
        }
        self.publications.fetch_add(1, Ordering::Relaxed);
        if before.is_empty() {
            return !locations.is_empty();
        }
        let now: HashSet<&Location> = locations.iter().collect();
        let gone = before
            .iter()
            .filter(|location| !ABORTED_WRITES_STAY.is_planted() && !now.contains(location));
        let gone = gone.map(|location| self.edit(*location, writer.position, Edit::Remove)).count();
        gone > 0 || locations.len() != before.len()
    }

    fn publish_account(
        &self,
        writer: Writer,
        AccountWrites { address, info, cleared }: AccountWrites,
        locations: &mut Vec<Location>,
        stamps: &mut ReadStamps,
        block: &mut EntryBlock,
    ) {
        let hash = account_hash(address);
        let is_modest_credit =
            !cleared && matches!(info, Some(InfoWrite::Credit { amount, .. }) if is_modest(amount));
        let bump = bump_by(writer, if is_modest_credit { Bump::Any } else { Bump::Firm });
        let put = |cells: &mut AccountCells| {
            if let Some(info) = info {
                cells.put(writer, info);
            }
            if cleared {
                cells.cleared.get_or_insert_default().put(writer, ());
            }
        };
        let snapshot = self.tables.accounts.put(block, hash, address, put, bump);
        match bump {
            Bump::Nothing => {}
            Bump::Any => stamps.allow(&[Counter::Account], snapshot),
            Bump::Firm => stamps.allow(&[Counter::Account, Counter::FirmAccount], snapshot),
        }
        if info.is_some() {
            locations.push(Location { hash, place: Place::Account(address) });
        }
        if cleared {
            locations.push(Location { hash, place: Place::Clearing(address) });
            if bump != Bump::Nothing {
                self.bump_clearings();
            }
        }
    }

    /// Overwrites a slot that a transaction has written, now that it is mended. Nothing happens where it has not.
    pub(crate) fn mend_slot(
        &self,
        position: Position,
        (address, slot): (Address, U256),
        value: U256,
    ) {
        let hash = slot_hash(address, slot);
        self.tables.slots.edit(hash, (address, slot), |cells| {
            if cells.values.mend(position, value) { Bump::Firm } else { Bump::Nothing }
        });
        self.publications.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes readers of these places wait for the next incarnation.
    pub(crate) fn mark_estimates(&self, locations: &[Location], position: Position) {
        for location in locations {
            self.edit(*location, position, Edit::MarkEstimate);
        }
    }

    fn edit(&self, location: Location, position: Position, edit: Edit) {
        let Location { hash, place } = location;
        match place {
            Place::Account(address) => self.edit_account(hash, address, position, edit),
            Place::Clearing(address) => self.edit_clearing(hash, address, position, edit),
            Place::Slot(address, slot) => {
                self.tables.slots.edit(hash, (address, slot), |cells| {
                    cells.values.edit(position, edit);
                    Bump::Firm
                });
            }
        }
    }

    fn edit_account(&self, hash: u64, address: Address, position: Position, edit: Edit) {
        self.tables.accounts.edit(hash, address, |cells| {
            // Without full writes there are only credits, and the edit concerns one of them.
            let bump = if cells.sets > 0 { Bump::Firm } else { Bump::Any };
            cells.edit(position, edit);
            bump
        });
    }

    fn edit_clearing(&self, hash: u64, address: Address, position: Position, edit: Edit) {
        self.tables.accounts.edit(hash, address, |cells| {
            if let Some(cleared) = &mut cells.cleared {
                cleared.edit(position, edit);
            }
            Bump::Firm
        });
        self.bump_clearings();
    }
}

/// Which counts a publication raises.
fn bump_by(writer: Writer, bump: Bump) -> Bump {
    if RE_EXECUTION_BUMPS_NOTHING.is_planted() && writer.incarnation > 0 {
        Bump::Nothing
    } else {
        bump
    }
}
