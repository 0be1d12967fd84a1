//! Threads that wait for blocks.

use super::run::BlockRun;
use crate::sync::{Arc, mpsc, thread};

/// Helper threads of one executor. They end when the pool is dropped.
#[derive(Debug)]
pub(crate) struct Pool {
    helpers: Vec<mpsc::Sender<Arc<BlockRun>>>,
}

impl Pool {
    pub(crate) fn new(helpers: usize) -> std::io::Result<Self> {
        let helper = |index: usize| {
            let (sender, blocks) = mpsc::channel::<Arc<BlockRun>>();
            thread::Builder::new().name(format!("block-stm-{}", index + 1)).spawn(move || {
                while let Ok(block) = blocks.recv() {
                    block.help();
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

    /// Runs the block on the calling thread and on as many helpers as it has further
    /// transactions. When it returns, helpers may still gather what was written.
    pub(crate) fn run(&self, block: &Arc<BlockRun>) {
        let useful = block.transactions().saturating_sub(1);
        for helper in self.helpers.iter().take(useful) {
            // A helper lives as long as its channel: its loop has nothing that could end it.
            helper.send(block.clone()).expect("helpers outlive the pool");
        }
        block.work();
    }
}
