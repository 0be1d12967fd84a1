//! Buffers that a transaction fills, and that are empty again once it is committed.
//!
//! The committing worker has mostly not executed the transaction. Would it keep the buffers, each of their
//! lines had to come from the other core when they are filled again; so they go back to the worker who
//! filled them.

use super::{location::Location, reads::ReadSet};
use crate::{
    evm::operations::OperationLog,
    sync::{AtomicUsize, Mutex, Ordering, lock},
};

/// The buffers of one transaction. Their contents mean nothing any more.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    pub(super) reads: Box<ReadSet>,
    pub(super) locations: Vec<Location>,
    /// Where transactions are mended.
    pub(super) operations: Option<Box<OperationLog>>,
}

/// Per-worker return queues.
#[derive(Debug)]
pub(super) struct BufferPool {
    /// By worker.
    returned: Box<[Mutex<Vec<Buffers>>]>,
    workers: AtomicUsize,
}

/// One worker's buffers.
#[derive(Debug)]
pub(super) struct WorkerBuffers<'a> {
    pool: &'a BufferPool,
    worker: usize,
    spare: Vec<Buffers>,
    #[expect(clippy::vec_box, reason = "they move between slots and workers as they are")]
    spare_operations: Vec<Box<OperationLog>>,
}

impl BufferPool {
    /// For so many workers, one at least.
    pub(super) fn of(workers: usize) -> Self {
        let returned = std::iter::repeat_with(Mutex::default).take(workers.max(1)).collect();
        Self { returned, workers: AtomicUsize::new(0) }
    }

    /// The buffers of one more worker.
    pub(super) fn of_worker(&self) -> WorkerBuffers<'_> {
        // Were there ever more workers than were expected, two would share.
        let worker = self.workers.fetch_add(1, Ordering::Relaxed) % self.returned.len();
        WorkerBuffers { pool: self, worker, spare: Vec::new(), spare_operations: Vec::new() }
    }
}

impl WorkerBuffers<'_> {
    /// Number of the worker that owns these buffers.
    pub(super) const fn worker(&self) -> usize {
        self.worker
    }

    /// Buffers to fill.
    pub(super) fn take(&mut self) -> Buffers {
        if self.spare.is_empty() {
            self.spare.append(&mut lock(&self.pool.returned[self.worker]));
        }
        let mut buffers = self.spare.pop().unwrap_or_default();
        self.spare_operations.extend(buffers.operations.take());
        buffers.reads.clear();
        buffers.locations.clear();
        buffers
    }

    /// Room for the operations of a transaction.
    pub(super) fn operations(&mut self) -> Box<OperationLog> {
        self.spare_operations.pop().unwrap_or_default()
    }

    /// Puts buffers back that are this worker's.
    pub(super) fn keep(&mut self, buffers: Buffers) {
        self.spare.push(buffers);
    }

    /// Puts buffers where their worker finds them.
    pub(super) fn give_back(&mut self, worker: usize, buffers: Buffers) {
        if worker == self.worker {
            self.keep(buffers);
        } else {
            lock(&self.pool.returned[worker]).push(buffers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_to_who_filled_them_and_are_empty() {
        let pool = BufferPool::of(2);
        let (mut first, mut second) = (pool.of_worker(), pool.of_worker());
        let mut buffers = first.take();
        buffers.locations.reserve(100);
        let room = buffers.locations.capacity();
        second.give_back(first.worker(), buffers);
        assert_eq!(second.take().locations.capacity(), 0, "they are not the second one's");
        let again = first.take();
        assert_eq!((again.locations.capacity(), again.locations.len()), (room, 0));
        first.give_back(first.worker(), again);
        assert_eq!(first.take().locations.capacity(), room);
    }
}
