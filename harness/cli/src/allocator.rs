//! Small blocks from one allocator, large ones straight from the kernel.
//!
//! mimalloc serves the many small allocations of an EVM 5 to 8 % faster than glibc. But some
//! official tests grow one buffer to half a gigabyte, or fill tables of 200 MB. There a copy for
//! each growth, and a page fault for every 4 KiB, cost a quarter of the whole run. A mapping of its
//! own grows by moving its pages, may use huge pages, and is gone from memory when it is freed.

#![expect(unsafe_code, reason = "an allocator cannot be written without")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    ptr,
    sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
};

/// From this size on, the large allocator is asked.
static LARGE: AtomicUsize = AtomicUsize::new(4 << 20);

/// From here on all blocks are small ones, and mimalloc keeps freed memory: a run of a benchmark
/// should not pay for pages that the run before has given back. Tables of some 10 MB are read all over the
/// place; huge pages spare the walks to them.
///
/// # Safety
/// No block of 4 MiB or more may have been allocated yet: it would be freed by the wrong allocator.
/// So it is the first thing that a process does.
pub(crate) unsafe fn keep_memory() {
    LARGE.store(usize::MAX, Ordering::Relaxed);
    // SAFETY: an option of the allocator, set before it has anything to purge.
    #[cfg(not(miri))]
    unsafe {
        // mimalloc.h: `mi_option_purge_delay`, and -1 for never; `mi_option_allow_thp`, and 1 for where
        // the kernel likes.
        const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
        const NEVER: libc::c_long = -1;
        const ALLOW_HUGE_PAGES: libmimalloc_sys::mi_option_t = 43;
        libmimalloc_sys::mi_option_set(ALLOW_HUGE_PAGES, 1);
        libmimalloc_sys::mi_option_set(PURGE_DELAY, NEVER);
    }
}

/// Each block is a mapping of its own.
#[derive(Debug)]
pub(crate) struct Mappings;

/// The largest alignment that a mapping has by itself.
const PAGE: usize = 4096;

impl Mappings {
    /// Whether a mapping would be aligned as asked.
    const fn serves(layout: Layout) -> bool {
        layout.align() <= PAGE
    }
}

// SAFETY: a fresh anonymous mapping is `size` bytes of zeroes with no other owner, aligned to a
// page; `mremap` keeps the content up to the smaller size; `munmap` gets the size that the block was
// mapped or remapped with. The kernel rounds all of them to whole pages alike. Blocks that need a
// larger alignment are the system allocator's, at every call, by their layout.
unsafe impl GlobalAlloc for Mappings {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !Self::serves(layout) {
            // SAFETY: the caller upholds the contract of `alloc`.
            return unsafe { System.alloc(layout) };
        }
        let (protection, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping, wherever the kernel likes, touches no memory that is in use.
        let block = unsafe { libc::mmap(ptr::null_mut(), layout.size(), protection, flags, -1, 0) };
        if block == libc::MAP_FAILED {
            return ptr::null_mut();
        }
        // SAFETY: advice about our own fresh mapping; where it is refused nothing changes.
        unsafe { libc::madvise(block, layout.size(), libc::MADV_HUGEPAGE) };
        block.cast()
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if Self::serves(layout) {
            // SAFETY: the caller upholds the contract; a fresh mapping is zeroed.
            unsafe { self.alloc(layout) }
        } else {
            // SAFETY: the caller upholds the contract of `alloc_zeroed`.
            unsafe { System.alloc_zeroed(layout) }
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if Self::serves(layout) {
            // SAFETY: the block is a mapping of this size, and the caller is done with it.
            unsafe { libc::munmap(block.cast(), layout.size()) };
        } else {
            // SAFETY: the caller upholds the contract of `dealloc`.
            unsafe { System.dealloc(block, layout) };
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if !Self::serves(layout) {
            // SAFETY: the caller upholds the contract of `realloc`.
            return unsafe { System.realloc(block, layout, new_size) };
        }
        // SAFETY: the block is a mapping of this size; the old address is not used again where the
        // kernel moves it.
        let moved =
            unsafe { libc::mremap(block.cast(), layout.size(), new_size, libc::MREMAP_MAYMOVE) };
        if moved == libc::MAP_FAILED {
            return ptr::null_mut();
        }
        // SAFETY: advice about our own mapping; where it is refused nothing changes.
        unsafe { libc::madvise(moved, new_size, libc::MADV_HUGEPAGE) };
        moved.cast()
    }
}

/// Lets mappings have huge pages, which mimalloc, built without them, has switched off for the whole
/// process. For small blocks they cost more memory than they save time.
pub(crate) fn allow_huge_pages() {
    // SAFETY: a switch of this process; where the kernel refuses, pages stay small.
    unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 0, 0, 0, 0) };
}

/// Counts the bytes of another allocator, while counting is on.
#[derive(Debug)]
pub(crate) struct Counted<A>(A);

static COUNTING: AtomicBool = AtomicBool::new(false);
/// Bytes given out since the count began, less those that came back; others may come back too.
static LIVE: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);

impl<A> Counted<A> {
    pub(crate) const fn new(allocator: A) -> Self {
        Self(allocator)
    }
}

/// Begins to count.
pub(crate) fn start_counting() {
    LIVE.store(0, Ordering::Relaxed);
    PEAK.store(0, Ordering::Relaxed);
    COUNTING.store(true, Ordering::Relaxed);
}

/// Ends the count; gives the most bytes that were out at once.
pub(crate) fn stop_counting() -> u64 {
    COUNTING.store(false, Ordering::Relaxed);
    PEAK.load(Ordering::Relaxed).unsigned_abs()
}

fn count(bytes: i64) {
    if COUNTING.load(Ordering::Relaxed) {
        let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
        PEAK.fetch_max(live, Ordering::Relaxed);
    }
}

// SAFETY: every call is passed on with its arguments unchanged.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counted<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller upholds the contract of `alloc`.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller upholds the contract of `alloc_zeroed`.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: the caller upholds the contract of `dealloc`.
        unsafe { self.0.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size as i64 - layout.size() as i64);
        // SAFETY: the caller upholds the contract of `realloc`.
        unsafe { self.0.realloc(block, layout, new_size) }
    }
}

/// Makes mimalloc give memory back to the kernel that it keeps for later.
#[cfg(not(miri))]
pub(crate) fn release_memory() {
    // SAFETY: may be called from any thread at any time; it frees nothing that is in use.
    unsafe { libmimalloc_sys::mi_collect(true) };
}

/// Miri knows no foreign allocator.
#[cfg(miri)]
pub(crate) fn release_memory() {}

/// Serves each block by its size.
#[derive(Debug)]
pub(crate) struct SplitBySize<S, L> {
    small: S,
    large: L,
}

impl<S, L> SplitBySize<S, L> {
    pub(crate) const fn new(small: S, large: L) -> Self {
        Self { small, large }
    }
}

/// Which allocator owns a block follows from its size alone, and callers must give the same layout
/// to `dealloc` and `realloc` that the block was allocated with: so each block goes back to where it
/// came from. [`keep_memory`] moves the border while there is no block above it.
fn is_large(size: usize) -> bool {
    size >= LARGE.load(Ordering::Relaxed)
}

// SAFETY: every call is passed on, with its arguments unchanged, to the allocator that owns the
// block (see `is_large`); only a `realloc` that crosses the border allocates, copies and frees.
unsafe impl<S: GlobalAlloc, L: GlobalAlloc> GlobalAlloc for SplitBySize<S, L> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller upholds the contract of `alloc`.
        unsafe {
            if is_large(layout.size()) {
                self.large.alloc(layout)
            } else {
                self.small.alloc(layout)
            }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller upholds the contract of `alloc_zeroed`.
        unsafe {
            if is_large(layout.size()) {
                self.large.alloc_zeroed(layout)
            } else {
                self.small.alloc_zeroed(layout)
            }
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block came from the allocator that its size names.
        unsafe {
            if is_large(layout.size()) {
                self.large.dealloc(block, layout);
            } else {
                self.small.dealloc(block, layout);
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the block came from the allocator that its size names; where the new size names
        // the same one, the call is passed on. Otherwise the new block is a different one, at least
        // `new_size` long, and the caller guarantees that `new_size` makes a valid layout.
        unsafe {
            match (is_large(layout.size()), is_large(new_size)) {
                (true, true) => self.large.realloc(block, layout, new_size),
                (false, false) => self.small.realloc(block, layout, new_size),
                _ => {
                    let new_layout = Layout::from_size_align_unchecked(new_size, layout.align());
                    let moved = self.alloc(new_layout);
                    if !moved.is_null() {
                        ptr::copy_nonoverlapping(block, moved, layout.size().min(new_size));
                        self.dealloc(block, layout);
                    }
                    moved
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clean under valgrind, and fit for Miri: each block goes back with the layout it came with.
    #[test]
    fn blocks_keep_their_content_across_the_border() {
        let split = SplitBySize::new(System, System);
        let border = LARGE.load(Ordering::Relaxed);
        let sizes = [1, 100, border - 1, border, border + 1, 2 * border, border - 1, border, 10];
        let mut layout = Layout::from_size_align(1, 1).unwrap();
        // SAFETY: the layout is never empty, and always the one of the current block.
        unsafe {
            let mut block = split.alloc(layout);
            block.write(42);
            for size in sizes {
                block = split.realloc(block, layout, size);
                layout = Layout::from_size_align(size, 1).unwrap();
                assert_eq!(block.read(), 42);
                block.add(size - 1).write(if size == 1 { 42 } else { 7 });
            }
            split.dealloc(block, layout);
        }
    }
}
