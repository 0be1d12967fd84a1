//! A table that only grows: entries in the order in which they came, and a small index over them.
//!
//! The index is what look-ups jump about in, and it is small enough to stay in a core's own cache; the
//! entries are written one after the other. A hash table with the entries in it touches three lines of
//! far memory for each of them.

use hashbrown::{HashTable, hash_table::Entry};

/// Entries by a hash that somebody else computes.
#[derive(Debug)]
pub(super) struct Table<T> {
    index: HashTable<Indexed>,
    entries: Vec<T>,
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy)]
struct Indexed {
    /// Half of its hash: most others are told apart without a look at the entry.
    tag: u32,
    at: u32,
}

const fn tag_of(hash: u64) -> u32 {
    (hash ^ hash >> 32) as u32
}

/// The index is kept by the tag alone, so that it can grow without a look at the entries.
const fn spread(tag: u32) -> u64 {
    // The golden ratio's fraction: neighbours end up far from each other (Knuth, TAOCP 6.4).
    (tag as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { index: HashTable::new(), entries: Vec::new() }
    }
}

impl<T> Table<T> {
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<&T> {
        let tag = tag_of(hash);
        let is_it =
            |indexed: &Indexed| indexed.tag == tag && is_it(&self.entries[indexed.at as usize]);
        let indexed = self.index.find(spread(tag), is_it)?;
        Some(&self.entries[indexed.at as usize])
    }

    pub(super) fn find_mut(&mut self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<&mut T> {
        let tag = tag_of(hash);
        let is_it =
            |indexed: &Indexed| indexed.tag == tag && is_it(&self.entries[indexed.at as usize]);
        let indexed = self.index.find(spread(tag), is_it)?;
        Some(&mut self.entries[indexed.at as usize])
    }

    /// The entry, made where there is none.
    ///
    /// # Panics
    /// When there are more entries than 32 bits can count.
    pub(super) fn find_or_insert(
        &mut self,
        hash: u64,
        is_it: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> &mut T {
        let (tag, entries) = (tag_of(hash), &mut self.entries);
        let is_it = |indexed: &Indexed| indexed.tag == tag && is_it(&entries[indexed.at as usize]);
        let at = match self.index.entry(spread(tag), is_it, |indexed| spread(indexed.tag)) {
            Entry::Occupied(entry) => entry.get().at,
            Entry::Vacant(entry) => {
                let at = u32::try_from(entries.len()).expect("a block has fewer places");
                entry.insert(Indexed { tag, at });
                entries.push(make());
                at
            }
        };
        &mut self.entries[at as usize]
    }

    /// Every entry, in the order in which they came.
    pub(super) fn entries(&self) -> &[T] {
        &self.entries
    }

    /// Forgets everything and keeps the room.
    pub(super) fn clear(&mut self) {
        self.index.clear();
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_whatever_their_hashes() {
        // Few hashes for many entries, and many whose tags are alike.
        let hashes: [fn(u64) -> u64; 3] =
            [|key| key.wrapping_mul(0x1234_5678_9abc_def1), |key| key % 7, |key| key << 32 | key];
        for hash in hashes {
            let mut table = Table::default();
            for key in 0..2_000_u64 {
                let entry = table.find_or_insert(hash(key), |(k, _)| *k == key, || (key, 0));
                entry.1 += 1;
                table.find_or_insert(hash(key), |(k, _)| *k == key, || unreachable!()).1 += 1;
            }
            for key in 0..2_000 {
                assert_eq!(table.find(hash(key), |(k, _)| *k == key), Some(&(key, 2)));
                assert_eq!(table.find_mut(hash(key), |(k, _)| *k == key), Some(&mut (key, 2)));
            }
            assert_eq!(table.find(hash(5_000), |(k, _)| *k == 5_000), None);
            assert!(table.entries().iter().map(|(key, _)| *key).eq(0..2_000));
            table.clear();
            assert!(table.find(hash(5), |_| true).is_none() && table.entries().is_empty());
        }
    }
}
