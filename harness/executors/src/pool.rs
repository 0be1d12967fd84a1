//! Threads that wait for blocks.

use crate::sync::{Arc, Condvar, Mutex, cores, lock, mpsc, thread, wait};
use lockstep_model::ExecutorError;
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Work on one block that helper threads can join until it is done.
pub(crate) trait SharedWork: Send + Sync {
    /// Takes part as a helper of the thread that owns the block.
    fn help(&self);
}

/// Calls `work`; a panic is an error that says what it said, and must not leave others waiting.
pub(crate) fn guarded(
    work: impl FnOnce() -> Result<(), ExecutorError>,
) -> Result<(), ExecutorError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Err(ExecutorError::Broken(format!("a worker panicked: {text}")))
    })
}

/// Helper threads of one executor. They end when the pool is dropped.
pub(crate) struct Pool {
    helpers: Vec<mpsc::Sender<Invitation>>,
    cores: usize,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("helpers", &self.helpers.len()).finish_non_exhaustive()
    }
}

/// An invitation to help with a block.
struct Invitation {
    block: Arc<dyn SharedWork>,
    crew: Arc<Crew>,
}

/// Helpers attach to a block; after the last one detaches, no references to it remain.
#[derive(Debug, Default)]
pub(crate) struct Crew {
    members: Mutex<Members>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct Members {
    inside: usize,
    ever: usize,
    closed: bool,
}

impl Crew {
    /// False where the block takes no more helpers.
    fn enter(&self) -> bool {
        let mut members = lock(&self.members);
        if !members.closed {
            members.inside += 1;
            members.ever += 1;
        }
        !members.closed
    }

    fn leave(&self) {
        lock(&self.members).inside -= 1;
        self.left.notify_all();
    }

    /// Admits no more helpers and waits until the last one has detached. Returns how many there were.
    pub(crate) fn dismiss(&self) -> usize {
        let mut members = lock(&self.members);
        members.closed = true;
        while members.inside > 0 {
            members = wait(&self.left, members);
        }
        members.ever
    }
}

impl Pool {
    pub(crate) fn new(helpers: usize) -> std::io::Result<Self> {
        let helper = |index: usize| {
            let (sender, invitations) = mpsc::channel::<Invitation>();
            thread::Builder::new().name(format!("lockstep-{}", index + 1)).spawn(move || {
                while let Ok(Invitation { block, crew }) = invitations.recv() {
                    if crew.enter() {
                        block.help();
                        // Before the crew is told: its owner takes the block apart then.
                        drop(block);
                        crew.leave();
                    }
                }
            })?;
            Ok(sender)
        };
        let helpers = (0..helpers).map(helper).collect::<std::io::Result<_>>()?;
        // Asked here and not in a run: the calling thread may be pinned then, and see one core.
        Ok(Self { helpers, cores: cores() })
    }

    /// Threads of a block, the calling one counted.
    pub(crate) const fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Cores that there are.
    pub(crate) const fn cores(&self) -> usize {
        self.cores
    }

    /// Asks up to `useful` helpers to take part in the block. They may be there until the crew is
    /// dismissed.
    pub(crate) fn invite<W: SharedWork + 'static>(
        &self,
        block: &Arc<W>,
        useful: usize,
    ) -> Arc<Crew> {
        let crew = Arc::<Crew>::default();
        for helper in self.helpers.iter().take(useful) {
            let block: Arc<dyn SharedWork> = block.clone();
            let invitation = Invitation { block, crew: crew.clone() };
            // A helper lives as long as its channel: its loop has nothing that could end it.
            helper.send(invitation).expect("helpers outlive the pool");
        }
        crew
    }
}
