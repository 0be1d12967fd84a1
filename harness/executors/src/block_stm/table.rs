//! A table of the places that a block writes: many readers and writers, no lock but that of each entry.
//!
//! A bucket is one word ([`BucketHeader`]): where its chain of entries begins, which hashes it may hold, and how
//! often anything in it was published. A look at that one word says "nothing was written here", which is
//! true of most reads, and is the stamp by which a read is checked later. A transaction has mostly read
//! a location before it publishes there, so the word is in the core's cache.
//!
//! Entries are only ever added, each at the head of its bucket's chain, by a comparison and exchange of
//! the word: a reader of the word finds every entry that was linked before, complete. Each writer fills
//! an [`EntryBlock`] of its own, whose entries are neighbours in memory, so that two writers do not share
//! cache lines. The numbers of an entry are written before it is linked and never again while the table
//! holds it; its contents have a lock.

use super::stamps::{BucketHeader, Bump};
use crate::sync::{AtomicU32, AtomicU64, OnceLock, Ordering, RwLock, read, set_exclusively, write};
use std::ops::Range;

/// The contents of an entry.
pub(super) trait Contents: Default {
    /// The place that it is about.
    type Key: Copy + Eq;

    /// Becomes empty, about this place. It may hold what another block has left.
    fn begin(&mut self, key: Self::Key);

    fn key(&self) -> Self::Key;
}

/// Entries by a hash that the caller computes.
#[derive(Debug)]
pub(super) struct Table<T> {
    buckets: Box<[AtomicU64]>,
    /// Buckets in use, less one: a power of two, less one.
    mask: usize,
    /// In quarters of octaves, made when they are needed and kept for the next block.
    chunks: Box<[Chunk<T>]>,
    /// Entries below belong to some entry block.
    reserved: AtomicU32,
    /// Which use of the table this is. Entries of others are left over.
    epoch: u32,
}

type Chunk<T> = OnceLock<Box<[Entry<T>]>>;

#[derive(Debug, Default)]
struct Entry<T> {
    epoch: AtomicU32,
    /// Half of the hash: other places are told apart without their lock.
    tag: AtomicU32,
    /// The next entry of the chain.
    next: AtomicU32,
    contents: RwLock<T>,
}

/// Entries that one writer may fill.
#[derive(Debug, Default)]
pub(crate) struct EntryBlock(Range<u32>);

/// Entries that a writer takes at a time.
const ENTRIES_PER_BLOCK: u32 = 32;

/// Entries of the first octave, by their logarithm.
const FIRST_OCTAVE: u32 = 6;

/// Chunks for as many entries as a word can tell apart.
const CHUNKS: usize = 4 * (BucketHeader::HEAD_BITS - FIRST_OCTAVE + 1) as usize;

/// A bucket's header at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct BucketSnapshot {
    pub(super) bucket: u32,
    pub(super) header: BucketHeader,
}

const fn tag_of(hash: u64) -> u32 {
    (hash ^ hash >> 32) as u32
}

/// Chunk of an entry, its place there, and how many that chunk has.
const fn chunk_of(index: u32) -> (usize, usize, usize) {
    let index = index + (1 << FIRST_OCTAVE);
    let octave = index.ilog2();
    let quarter = (index >> (octave - 2)) & 3;
    let length = 1 << (octave - 2);
    ((4 * (octave - FIRST_OCTAVE) + quarter) as usize, index as usize & (length - 1), length)
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        let chunks = std::iter::repeat_with(OnceLock::new).take(CHUNKS).collect();
        Self { buckets: Box::default(), mask: 0, chunks, reserved: AtomicU32::new(0), epoch: 1 }
    }
}

impl<T> Table<T> {
    /// Forgets everything, keeps the room, and has at least so many buckets, a power of two.
    pub(super) fn renew(&mut self, buckets: usize) {
        debug_assert!(buckets.is_power_of_two());
        self.epoch = self.epoch.wrapping_add(1);
        self.reserved = AtomicU32::new(0);
        if self.buckets.len() < buckets {
            self.buckets = std::iter::repeat_with(AtomicU64::default).take(buckets).collect();
        } else {
            let buckets = self.buckets[..=self.mask].iter_mut();
            buckets.for_each(|bucket| set_exclusively(bucket, 0));
        }
        self.mask = buckets - 1;
    }

    /// Whether it was never renewed. Only a fault asks.
    pub(super) fn has_no_buckets(&self) -> bool {
        self.buckets.is_empty()
    }

    /// The bucket of a hash now.
    pub(super) fn snapshot(&self, hash: u64) -> BucketSnapshot {
        let bucket = (hash >> 17) as usize & self.mask;
        BucketSnapshot { bucket: bucket as u32, header: self.header(bucket as u32) }
    }

    /// A bucket's current header.
    pub(super) fn header(&self, bucket: u32) -> BucketHeader {
        // Acquire, with the Release of `put` and `raise`: a reader that sees a head finds its entry whole, and one
        // that sees a raised count finds the value behind it. Model: `writers_lose_nothing`.
        BucketHeader(self.buckets[bucket as usize].load(Ordering::Acquire))
    }

    /// Something in this bucket was published. Gives what the bucket says then.
    pub(super) fn bump(&self, bucket: u32, bump: Bump) -> BucketSnapshot {
        let rise = |header| Some(BucketHeader(header).bumped(bump).0);
        // Release: a reader that sees the count must find the value that was written before, or a stale value
        // would pass with a current stamp. loom cannot show it, for it delays no lock. No Acquire: the
        // head is passed on, not followed, and the release sequence of `put` goes on through it. A failed
        // exchange only tries again.
        let before =
            self.buckets[bucket as usize].fetch_update(Ordering::Release, Ordering::Relaxed, rise);
        let (Ok(before) | Err(before)) = before;
        BucketSnapshot { bucket, header: BucketHeader(before).bumped(bump) }
    }

    /// Entries up to here may be in use.
    pub(super) fn reserved(&self) -> u32 {
        // Relaxed: asked after the block, behind the scheduler's lock.
        self.reserved.load(Ordering::Relaxed)
    }
}

impl<T: Contents> Table<T> {
    fn entry(&self, index: u32) -> &Entry<T> {
        let (chunk, at, length) = chunk_of(index);
        let make = || std::iter::repeat_with(Entry::default).take(length).collect();
        &self.chunks[chunk].get_or_init(make)[at]
    }

    /// The first thing that is made of an entry with this hash, in the chain that begins at `head`, as far
    /// as `end`.
    fn walk<'a, R>(
        &'a self,
        (head, end): (u32, u32),
        hash: u64,
        visit: impl Fn(&'a Entry<T>) -> Option<R>,
    ) -> Option<R> {
        let mut at = head;
        while at != end {
            let entry = self.entry(at - 1);
            if entry.tag.load(Ordering::Relaxed) == tag_of(hash)
                && let Some(found) = visit(entry)
            {
                return Some(found);
            }
            at = entry.next.load(Ordering::Relaxed);
        }
        None
    }

    /// Reads an entry, if the bucket held it.
    pub(super) fn read<R>(
        &self,
        header: BucketHeader,
        hash: u64,
        key: T::Key,
        of: impl Fn(&T) -> R,
    ) -> Option<R> {
        if !header.may_hold(hash) {
            return None;
        }
        self.walk((header.head(), 0), hash, |entry| {
            let contents = read(&entry.contents);
            (contents.key() == key).then(|| of(&contents))
        })
    }

    /// Changes an entry, if there is one, and raises its bucket as the change asks for. Gives whether there
    /// was one.
    pub(super) fn edit(&self, hash: u64, key: T::Key, edit: impl Fn(&mut T) -> Bump) -> bool {
        let BucketSnapshot { bucket, header } = self.snapshot(hash);
        let bump = self.edit_chain((header.head(), 0), hash, key, edit);
        bump.map(|bump| self.bump(bucket, bump)).is_some()
    }

    fn edit_chain<R>(
        &self,
        chain: (u32, u32),
        hash: u64,
        key: T::Key,
        edit: impl Fn(&mut T) -> R,
    ) -> Option<R> {
        self.walk(chain, hash, |entry| {
            let mut contents = write(&entry.contents);
            (contents.key() == key).then(|| edit(&mut contents))
        })
    }

    /// Changes an entry, made where there is none, and raises its bucket. Gives what that says then.
    ///
    /// # Panics
    /// When there are more entries than a [`BucketHeader`] can tell apart.
    pub(super) fn put(
        &self,
        entry_block: &mut EntryBlock,
        hash: u64,
        key: T::Key,
        put: impl Fn(&mut T),
        bump: Bump,
    ) -> BucketSnapshot {
        let BucketSnapshot { bucket, header: mut seen } = self.snapshot(hash);
        // A chain of other places is not worth a walk: their entries are far away, some in another core.
        if seen.may_hold(hash) && self.edit_chain((seen.head(), 0), hash, key, &put).is_some() {
            return self.bump(bucket, bump);
        }
        let index = self.next_of(entry_block);
        let entry = self.entry(index);
        {
            let mut contents = write(&entry.contents);
            contents.begin(key);
            put(&mut contents);
        }
        // Relaxed, as `next` below: published by the exchange that links the entry.
        entry.tag.store(tag_of(hash), Ordering::Relaxed);
        loop {
            entry.next.store(seen.head(), Ordering::Relaxed);
            let linked = seen.linked(index + 1, hash).bumped(bump);
            // Release: the entry and its tag are written before. No Acquire on success: `seen` was loaded with
            // it. Acquire on failure: the chain of the others is walked from there. Model, both:
            // `writers_lose_nothing`.
            let linking = self.buckets[bucket as usize].compare_exchange(
                seen.0,
                linked.0,
                Ordering::Release,
                Ordering::Acquire,
            );
            let Err(now) = linking else {
                // Relaxed: only `visit` looks, after the block, behind the scheduler's lock.
                entry.epoch.store(self.epoch, Ordering::Relaxed);
                return BucketSnapshot { bucket, header: linked };
            };
            let now = BucketHeader(now);
            // Another worker may have made it in the meantime.
            if now.may_hold(hash)
                && self.edit_chain((now.head(), seen.head()), hash, key, &put).is_some()
            {
                entry_block.0.start = index;
                return self.bump(bucket, bump);
            }
            seen = now;
        }
    }

    fn next_of(&self, entry_block: &mut EntryBlock) -> u32 {
        entry_block.0.next().unwrap_or_else(|| {
            // Relaxed: numbers must only be different. Model: `rooms_are_apart`.
            let start = self.reserved.fetch_add(ENTRIES_PER_BLOCK, Ordering::Relaxed);
            let end = start + ENTRIES_PER_BLOCK;
            assert!(end < 1 << BucketHeader::HEAD_BITS, "a block has fewer places");
            entry_block.0 = start + 1..end;
            start
        })
    }

    /// Every entry in this range, up to the first error. No entry may be added meanwhile.
    pub(super) fn visit<E>(
        &self,
        range: Range<u32>,
        mut visit: impl FnMut(&T) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut index = range.start;
        while index < range.end {
            let (chunk, at, length) = chunk_of(index);
            let upto = length.min(at + (range.end - index) as usize);
            let entries = self.chunks[chunk].get().map_or(&[][..], |entries| &entries[at..upto]);
            for entry in entries {
                if entry.epoch.load(Ordering::Relaxed) == self.epoch {
                    visit(&read(&entry.contents))?;
                }
            }
            index += (upto - at) as u32;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default)]
    struct Counted {
        key: u64,
        count: u32,
    }

    impl Contents for Counted {
        type Key = u64;

        fn begin(&mut self, key: u64) {
            *self = Self { key, count: 0 };
        }

        fn key(&self) -> u64 {
            self.key
        }
    }

    fn table() -> Table<Counted> {
        let mut table = Table::default();
        table.renew(64);
        table
    }

    fn count(table: &Table<Counted>, hash: u64, key: u64) -> Option<u32> {
        table.read(table.snapshot(hash).header, hash, key, |counted| counted.count)
    }

    fn all(table: &Table<Counted>) -> Vec<(u64, u32)> {
        let mut all = Vec::new();
        let visit = |counted: &Counted| {
            all.push((counted.key, counted.count));
            Ok::<_, std::convert::Infallible>(())
        };
        let Ok(()) = table.visit(0..table.reserved(), visit);
        all.sort_unstable();
        all
    }

    #[test]
    fn every_index_has_a_place_of_its_own() {
        let mut expected = (0, 0);
        for index in 0..100_000 {
            let (chunk, at, length) = chunk_of(index);
            assert!(at < length && chunk < CHUNKS);
            assert_eq!((chunk, at), expected, "{index}");
            expected = if at + 1 == length { (chunk + 1, 0) } else { (chunk, at + 1) };
        }
        assert_eq!(chunk_of((1 << BucketHeader::HEAD_BITS) - 65).0, CHUNKS - 5, "the last of all");
    }

    #[test]
    fn entries_are_found_whatever_their_hashes() {
        // Few hashes for many entries, many whose tags are alike, and few buckets for all of them.
        let hashes: [fn(u64) -> u64; 3] =
            [|key| key.wrapping_mul(0x1234_5678_9abc_def1), |key| key % 7, |key| key << 32 | key];
        let mut table = table();
        for hash in hashes {
            let mut entry_block = EntryBlock::default();
            for key in 0..2_000_u64 {
                for _ in 0..2 {
                    table.put(&mut entry_block, hash(key), key, |it| it.count += 1, Bump::Any);
                }
            }
            for key in 0..2_000 {
                assert_eq!(count(&table, hash(key), key), Some(2));
                assert!(table.edit(hash(key), key, |it| {
                    it.count += 1;
                    Bump::Any
                }));
            }
            assert_eq!(count(&table, hash(5_000), 5_000), None);
            assert!(!table.edit(hash(5_000), 5_000, |_| Bump::Any));
            assert!(all(&table).into_iter().eq((0..2_000).map(|key| (key, 3))));
            table.renew(64);
            assert_eq!(count(&table, hash(5), 5), None);
            assert!(all(&table).is_empty());
        }
    }

    /// Threads that put the same keys make one entry of each.
    #[test]
    fn writers_of_one_place_share_an_entry() {
        let table = table();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut entry_block = EntryBlock::default();
                    for key in 0..5_000 {
                        table.put(&mut entry_block, key << 17, key, |it| it.count += 1, Bump::Any);
                    }
                });
            }
        });
        assert!(all(&table).into_iter().eq((0..5_000).map(|key| (key, 4))));
    }
}
