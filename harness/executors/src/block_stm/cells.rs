//! One location in a block: every version of it, in the order of positions.

use super::{
    table::Contents,
    version::{Cell, Versions},
    version::{Edit, Position, Writer},
    writes::{Base, InfoWrite},
};
use crate::evm::ReadError;
use alloy_primitives::{Address, U256};
use lockstep_faults::{
    destruction::BALANCE_READ_SKIPS_DESTRUCTION, transfers::CREDITS_COUNT_TWICE,
};
use lockstep_model::AccountInfo;

/// An account in one block.
#[derive(Debug, Default)]
pub(super) struct AccountCells {
    pub(super) address: Address,
    pub(super) info: Versions<InfoWrite>,
    /// How many of them are full writes.
    pub(super) sets: u32,
    /// Rare.
    pub(super) cleared: Option<Box<Versions<()>>>,
}

/// A slot in one block.
#[derive(Debug, Default)]
pub(super) struct SlotCells {
    pub(super) address: Address,
    pub(super) slot: U256,
    pub(super) values: Versions<U256>,
}

/// The versions of an account below a reader, summed up.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AccountVersions {
    /// The last full write, if any: above it there are only credits.
    pub(super) set: Option<(Writer, Option<AccountInfo>)>,
    /// Sum of the credits above it.
    pub(super) credit: U256,
    /// The account in the pre-state, where one who credited it has seen it.
    pub(super) base: Option<Option<AccountInfo>>,
}

impl Contents for AccountCells {
    type Key = Address;

    fn begin(&mut self, address: Address) {
        self.address = address;
        self.info.clear();
        self.sets = 0;
        self.cleared = None;
    }

    fn key(&self) -> Address {
        self.address
    }
}

impl Contents for SlotCells {
    type Key = (Address, U256);

    fn begin(&mut self, (address, slot): (Address, U256)) {
        (self.address, self.slot) = (address, slot);
        self.values.clear();
    }

    fn key(&self) -> (Address, U256) {
        (self.address, self.slot)
    }
}

impl AccountCells {
    pub(super) fn below(&self, position: Position) -> Result<AccountVersions, ReadError> {
        let mut found = AccountVersions::default();
        let cells = self.info.below(position);
        let Some(last) = cells.last() else { return Ok(found) };
        let writer = last.writer()?;
        match last.value {
            InfoWrite::Set(info) => found.set = Some((writer, info)),
            InfoWrite::Credit { total, base, .. } => {
                found.credit = total;
                found.base = base.account();
                if CREDITS_COUNT_TWICE.is_planted() && base == Base::Absent && cells.len() > 1 {
                    found.credit += total;
                }
                // Most accounts that are credited again and again are never written otherwise.
                if self.sets > 0 {
                    found.set = last_set(cells)?;
                }
            }
        }
        Ok(found)
    }

    pub(super) fn put(&mut self, writer: Writer, info: InfoWrite) {
        let (at, before) = self.info.put(writer, info);
        self.sets -= u32::from(matches!(before, Some(InfoWrite::Set(_))));
        self.sets += u32::from(matches!(info, InfoWrite::Set(_)));
        self.add_up(at);
    }

    pub(super) fn edit(&mut self, position: Position, edit: Edit) {
        if let Some((at, removed)) = self.info.edit(position, edit) {
            self.sets -= u32::from(matches!(removed, InfoWrite::Set(_)));
            self.add_up(at);
        }
    }

    /// Renews the totals of credits from this cell on, as far as they may have changed.
    fn add_up(&mut self, from: usize) {
        let (below, rest) = self.info.split_at_mut(from);
        let mut sum = match below.last().map(|cell| cell.value) {
            Some(InfoWrite::Credit { total, .. }) => total,
            _ => U256::ZERO,
        };
        for (nth, cell) in rest.iter_mut().enumerate() {
            match &mut cell.value {
                InfoWrite::Credit { amount, total, .. } => {
                    sum = sum.saturating_add(*amount);
                    *total = sum;
                }
                InfoWrite::Set(_) if nth > 0 => return,
                InfoWrite::Set(_) => sum = U256::ZERO,
            }
        }
    }
}

/// The last full write among these cells.
fn last_set(cells: &[Cell<InfoWrite>]) -> Result<Option<(Writer, Option<AccountInfo>)>, ReadError> {
    for cell in cells.iter().rev() {
        if let InfoWrite::Set(info) = cell.value
            && !(BALANCE_READ_SKIPS_DESTRUCTION.is_planted() && info.is_none())
        {
            return Ok(Some((cell.writer()?, info)));
        }
    }
    Ok(None)
}
