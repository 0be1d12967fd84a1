//! Threads that wait for blocks.

use super::run::BlockRun;
use crate::sync::{Arc, Condvar, Mutex, lock, mpsc, thread, wait};

/// Helper threads of one executor. They end when the pool is dropped.
#[derive(Debug)]
pub(crate) struct Pool {
    helpers: Vec<mpsc::Sender<Invitation>>,
}

/// A block to help with.
struct Invitation {
    block: Arc<BlockRun>,
    crew: Arc<Crew>,
}

/// Who helps with a block. When the last has left, nobody holds a part of it any more.
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
    /// False where the block needs nobody any more.
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

    /// Lets nobody in any more and waits until the last has left. Gives how many there were.
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
            thread::Builder::new().name(format!("block-stm-{}", index + 1)).spawn(move || {
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
        Ok(Self { helpers: (0..helpers).map(helper).collect::<std::io::Result<_>>()? })
    }

    /// Threads of a block, the calling one counted.
    pub(crate) const fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Runs the block on the calling thread and on as many helpers as it has further transactions.
    /// When it returns, helpers may still gather what was written, until the crew is dismissed.
    pub(crate) fn run(&self, block: &Arc<BlockRun>) -> Arc<Crew> {
        let crew = Arc::<Crew>::default();
        let useful = block.transactions().saturating_sub(1);
        for helper in self.helpers.iter().take(useful) {
            let invitation = Invitation { block: block.clone(), crew: crew.clone() };
            // A helper lives as long as its channel: its loop has nothing that could end it.
            helper.send(invitation).expect("helpers outlive the pool");
        }
        block.work();
        crew
    }
}
