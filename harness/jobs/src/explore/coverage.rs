//! Reads-from coverage: which reader has read what which writer wrote.
//!
//! A pair is a transaction that reads a place, and a writer of the place below it, or the state before the
//! transactions. Of a writer its first execution and its later ones are told apart: a value that is published
//! again is another value.

use lockstep_model::Incarnation;
use std::collections::{BTreeMap, BTreeSet};

/// One read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReadFrom {
    pub(super) reader: Incarnation,
    pub(super) place: u64,
    pub(super) writer: Option<Incarnation>,
}

/// A writer as pairs tell it apart: its transaction, and whether it was executed again.
type Source = Option<(u32, bool)>;

/// All pairs that were seen.
#[derive(Debug, Default)]
pub struct Coverage {
    /// By transaction and place.
    seen: BTreeMap<(u32, u64), BTreeSet<Source>>,
    /// Writers of each place.
    writers: BTreeMap<u64, BTreeSet<(u32, bool)>>,
}

/// Pairs of reader and writer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pairs {
    /// That were seen.
    pub seen: usize,
    /// That are possible, of the places that were read and the writers that were seen.
    pub possible: usize,
}

impl Coverage {
    /// Adds the reads of a run. Returns how many pairs are new.
    pub(super) fn add(&mut self, reads: impl Iterator<Item = ReadFrom>) -> usize {
        let mut new = 0;
        for ReadFrom { reader, place, writer } in reads {
            let source = writer.map(|writer| (writer.transaction, writer.number > 0));
            if let Some(source) = source {
                self.writers.entry(place).or_default().insert(source);
            }
            let seen = self.seen.entry((reader.transaction, place)).or_default();
            new += usize::from(seen.insert(source));
        }
        new
    }

    /// How many pairs were seen, of those possible.
    pub fn pairs(&self) -> Pairs {
        let possible = self.seen.keys().map(|(reader, place)| {
            let below = self.writers.get(place).into_iter().flatten();
            1 + below.filter(|(writer, _)| writer < reader).count()
        });
        Pairs { seen: self.seen.values().map(BTreeSet::len).sum(), possible: possible.sum() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_once_and_those_that_could_be_are_known() {
        let by = |transaction, number| Incarnation { transaction, number };
        let read = |reader, writer| ReadFrom { reader: by(reader, 0), place: 7, writer };
        let mut coverage = Coverage::default();
        assert_eq!(coverage.add([read(2, None), read(2, Some(by(0, 0)))].into_iter()), 2);
        assert_eq!(coverage.add([read(2, Some(by(0, 0))), read(1, None)].into_iter()), 1);
        // Transactions 1 and 2 could both read what 0 wrote.
        assert_eq!(coverage.pairs(), Pairs { seen: 3, possible: 4 });
        coverage.add([read(2, Some(by(0, 2)))].into_iter());
        assert_eq!(coverage.pairs(), Pairs { seen: 4, possible: 6 });
    }
}
