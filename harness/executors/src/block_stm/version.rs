//! Every value that one place has in a block, in the order of positions.

use super::scheduler::Incarnation;
use crate::evm::ReadError;
use lockstep_faults::{memory::ESTIMATES_IGNORED, mending::MENDED_WRITE_UNNOTICED};
use smallvec::SmallVec;

/// A position in the block: 0 before the transactions, `i + 1` at transaction `i`.
pub(crate) type Position = u32;

/// The writer of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Writer {
    pub(crate) position: Position,
    pub(crate) incarnation: Incarnation,
}

/// An edit of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edit {
    Remove,
    MarkEstimate,
}

/// The values of one place. Most have one.
#[derive(Debug)]
pub(super) struct Versions<T>(SmallVec<[Cell<T>; 1]>);

/// One value.
#[derive(Debug)]
pub(super) struct Cell<T> {
    position: Position,
    /// The highest bit: the writer was found invalid and will run again, readers wait for it.
    incarnation: Incarnation,
    pub(super) value: T,
}

const ESTIMATE: Incarnation = 1 << 31;

/// The writer was mended: what it wrote is not what readers of this incarnation have seen before.
const MENDED: Incarnation = 1 << 30;

/// The number of an incarnation as it is told: whether it was mended is no part of it.
pub(super) const fn told(incarnation: Incarnation) -> Incarnation {
    incarnation & !MENDED
}

impl<T> Cell<T> {
    const fn new(writer: Writer, value: T) -> Self {
        Self { position: writer.position, incarnation: writer.incarnation, value }
    }

    /// Position of its writer in the block.
    pub(super) const fn position(&self) -> Position {
        self.position
    }

    /// The writer, unless its write is an estimate.
    pub(super) fn writer(&self) -> Result<Writer, ReadError> {
        if self.incarnation & ESTIMATE != 0 && !ESTIMATES_IGNORED.is_planted() {
            return Err(ReadError::Blocked(self.position));
        }
        Ok(Writer { position: self.position, incarnation: self.incarnation & !ESTIMATE })
    }
}

impl<T> Default for Versions<T> {
    fn default() -> Self {
        Self(SmallVec::new())
    }
}

impl<T> Versions<T> {
    /// Forgets everything and keeps the room.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn find(&self, position: Position) -> Result<usize, usize> {
        // Most writes come last.
        match self.0.last() {
            Some(last) if last.position < position => Err(self.0.len()),
            _ => self.0.binary_search_by_key(&position, |cell| cell.position),
        }
    }

    /// Gives where it stands now, and what stood there.
    pub(super) fn put(&mut self, writer: Writer, value: T) -> (usize, Option<T>) {
        let cell = Cell::new(writer, value);
        match self.find(writer.position) {
            Ok(at) => (at, Some(std::mem::replace(&mut self.0[at], cell).value)),
            Err(at) => {
                self.0.insert(at, cell);
                (at, None)
            }
        }
    }

    /// Gives what was removed, and from where.
    pub(super) fn edit(&mut self, position: Position, edit: Edit) -> Option<(usize, T)> {
        let at = self.find(position).ok()?;
        match edit {
            Edit::Remove => Some((at, self.0.remove(at).value)),
            Edit::MarkEstimate => {
                self.0[at].incarnation |= ESTIMATE;
                None
            }
        }
    }

    /// Overwrites the value of a transaction that was mended. Whether it had another one here.
    pub(super) fn mend(&mut self, position: Position, value: T) -> bool
    where
        T: PartialEq,
    {
        let Ok(at) = self.find(position) else { return false };
        let cell = &mut self.0[at];
        if cell.value == value {
            return false;
        }
        cell.value = value;
        if !MENDED_WRITE_UNNOTICED.is_planted() {
            cell.incarnation |= MENDED;
        }
        true
    }

    /// The cells below a place in the list, and the rest.
    pub(super) fn split_at_mut(&mut self, at: usize) -> (&mut [Cell<T>], &mut [Cell<T>]) {
        self.0.split_at_mut(at)
    }

    /// All cells below the position.
    pub(super) fn below(&self, position: Position) -> &[Cell<T>] {
        let (Ok(end) | Err(end)) = self.find(position);
        &self.0[..end]
    }
}
