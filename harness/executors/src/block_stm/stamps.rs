//! Stamps: whether anything was published in a place since it was read, without a lock and without a
//! write to memory that other cores read.
//!
//! Each bucket of a [`super::table::Table`] counts publications. A count rises after the value is there,
//! or together with it. A reader takes the count first, and the value then. If the count is the same
//! at the reader's commit, nothing below it was published since: every lower transaction has ended its
//! execution through the scheduler's lock before, so that its counts are seen here. A value that came in
//! between the reader's two looks raises the count afterwards.

use super::table::BucketSnapshot;
use smallvec::SmallVec;

/// A bucket of a table, in one word.
///
/// ```text
/// 63       52 51       40 39         26 25        0
/// firm        any         may hold      head, from 1 on
/// ```
///
/// `any` counts everything that was published. `firm` leaves out modest sums that were added to a
/// balance: reads that need only "no code" validate against it, and small credits do not bump it. Both
/// stop at [`MANY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BucketHeader(pub(super) u64);

/// A count that rises no more: it says "look closer".
const MANY: u16 = (1 << BucketHeader::COUNT_BITS) - 1;

/// Which counts a publication raises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bump {
    /// None. Only a fault does that.
    Nothing,
    /// Something modest was added to a balance.
    Any,
    /// Everything else.
    Firm,
}

impl BucketHeader {
    /// Entries that a table can tell apart.
    pub(super) const HEAD_BITS: u32 = 26;
    const FILTER_BITS: u32 = 14;
    const COUNT_BITS: u32 = 12;
    const ANY: u32 = Self::HEAD_BITS + Self::FILTER_BITS;
    const FIRM: u32 = Self::ANY + Self::COUNT_BITS;

    /// Head of the chain of entries; 0 if there is none.
    pub(super) const fn head(self) -> u32 {
        self.0 as u32 & ((1 << Self::HEAD_BITS) - 1)
    }

    const fn bit_of(hash: u64) -> u64 {
        1 << (Self::HEAD_BITS as u64 + (hash >> 48) % Self::FILTER_BITS as u64)
    }

    /// Whether there can be an entry with this hash.
    pub(super) const fn may_hold(self, hash: u64) -> bool {
        self.0 & Self::bit_of(hash) != 0
    }

    /// With another head, whose hash this is.
    pub(super) const fn linked(self, head: u32, hash: u64) -> Self {
        Self(self.0 & !((1 << Self::HEAD_BITS) - 1) | head as u64 | Self::bit_of(hash))
    }

    const fn any(self) -> u16 {
        (self.0 >> Self::ANY) as u16 & MANY
    }

    /// How often anything but modest credits was published.
    pub(super) const fn firm(self) -> u16 {
        (self.0 >> Self::FIRM) as u16
    }

    pub(super) const fn bumped(self, bump: Bump) -> Self {
        let any = matches!(bump, Bump::Any | Bump::Firm) && self.any() < MANY;
        let firm = matches!(bump, Bump::Firm) && self.firm() < MANY;
        Self(self.0 + ((any as u64) << Self::ANY) + ((firm as u64) << Self::FIRM))
    }
}

/// Which count of which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    /// All that happened to accounts.
    Account,
    /// All that happened to accounts but for modest credits.
    FirmAccount,
    /// All that happened to slots.
    Slot,
}

impl Counter {
    const fn of(self, header: BucketHeader) -> u16 {
        match self {
            Self::Account | Self::Slot => header.any(),
            Self::FirmAccount => header.firm(),
        }
    }
}

/// The count that a reader found in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    bucket: u32,
    count: u16,
    counter: Counter,
}

impl Stamp {
    /// For a read that no stamp can validate: it is read again.
    pub(super) const RE_READ: Self = Self { bucket: 0, count: MANY, counter: Counter::Account };

    pub(super) const fn new(counter: Counter, snapshot: BucketSnapshot) -> Self {
        Self { bucket: snapshot.bucket, count: counter.of(snapshot.header), counter }
    }
}

/// The stamps of one incarnation's reads.
#[derive(Debug, Default)]
pub(crate) struct ReadStamps {
    places: SmallVec<[Stamp; 8]>,
    /// Clearings at the first question for one.
    clearings: Option<u64>,
}

impl ReadStamps {
    pub(super) fn push(&mut self, stamp: Stamp) {
        self.places.push(stamp);
    }

    /// A clearing is about to be looked for; so many there have been.
    pub(super) fn note_clearings(&mut self, clearings: u64) {
        self.clearings.get_or_insert(clearings);
    }

    /// How many places there are so far.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Forgets all places but the first so many.
    pub(super) fn truncate(&mut self, places: usize) {
        self.places.truncate(places);
    }

    pub(crate) fn clear(&mut self) {
        self.places.clear();
        self.clearings = None;
    }

    /// The reader itself has published something, after which the bucket said this: what it has read there
    /// stands, if no other writer has published in between.
    pub(super) fn allow(&mut self, counters: &[Counter], own: BucketSnapshot) {
        for stamp in &mut self.places {
            let count = stamp.counter.of(own.header);
            if stamp.bucket == own.bucket
                && counters.contains(&stamp.counter)
                && stamp.count + 1 == count
            {
                stamp.count = count;
            }
        }
    }

    /// Whether nothing was published since, in any place that was read. `word_of` is what a bucket says now.
    pub(super) fn are_current(
        &self,
        clearings: impl FnOnce() -> u64,
        word_of: impl Fn(Counter, u32) -> BucketHeader,
    ) -> bool {
        self.clearings.is_none_or(|before| before == clearings())
            && self.places.iter().all(|Stamp { bucket, count, counter }| {
                *count != MANY && counter.of(word_of(*counter, *bucket)) == *count
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bump(header: &mut BucketHeader, bump: Bump) -> BucketSnapshot {
        *header = header.bumped(bump);
        BucketSnapshot { bucket: 7, header: *header }
    }

    fn current(reads: &ReadStamps, header: BucketHeader) -> bool {
        reads.are_current(|| 0, |_, bucket| if bucket == 7 { header } else { BucketHeader(0) })
    }

    #[test]
    fn a_stamp_is_current_until_somebody_else_publishes() {
        let mut header = BucketHeader(0);
        let mut reads = ReadStamps::default();
        reads.push(Stamp::new(Counter::Account, BucketSnapshot { bucket: 7, header }));
        assert!(current(&reads, header));
        let own = bump(&mut header, Bump::Any);
        assert!(!current(&reads, header));
        reads.allow(&[Counter::Slot], own);
        assert!(!current(&reads, header), "that was in another table");
        reads.allow(&[Counter::Account], own);
        assert!(current(&reads, header));
        bump(&mut header, Bump::Firm);
        assert!(!current(&reads, header));
        reads.allow(&[Counter::Account], bump(&mut header, Bump::Any));
        assert!(!current(&reads, header), "another writer came in between");
    }

    #[test]
    fn firm_counts_leave_out_modest_credits() {
        let mut header = BucketHeader(0);
        let mut reads = ReadStamps::default();
        reads.push(Stamp::new(Counter::FirmAccount, BucketSnapshot { bucket: 7, header }));
        bump(&mut header, Bump::Any);
        bump(&mut header, Bump::Nothing);
        assert!(current(&reads, header));
        bump(&mut header, Bump::Firm);
        assert!(!current(&reads, header));
    }

    #[test]
    fn a_full_count_is_never_current_and_spoils_nothing_beside_it() {
        let mut header = BucketHeader(0).linked(5, 3 << 48);
        for _ in 0..5_000 {
            bump(&mut header, Bump::Firm);
        }
        assert_eq!((header.any(), header.firm(), header.head()), (MANY, MANY, 5));
        assert!(header.may_hold(3 << 48) && !header.may_hold(4 << 48));
        for stamp in
            [Stamp::new(Counter::Account, BucketSnapshot { bucket: 7, header }), Stamp::RE_READ]
        {
            let mut reads = ReadStamps::default();
            reads.push(stamp);
            assert!(!current(&reads, header));
        }
    }

    #[test]
    fn clearings_count_from_the_first_question_on() {
        let mut reads = ReadStamps::default();
        let is_current =
            |reads: &ReadStamps, now| reads.are_current(|| now, |_, _| BucketHeader(0));
        assert!(is_current(&reads, 3), "no read was recorded");
        reads.note_clearings(3);
        reads.note_clearings(4);
        assert!(is_current(&reads, 3) && !is_current(&reads, 4));
    }
}
