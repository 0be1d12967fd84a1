//! Ctrl-C, for commands that then take what there is.

use anyhow::{Context, Result};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// A flag that Ctrl-C sets.
pub(crate) fn flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = flag.clone();
    // A second handler is refused: a test runs commands in one process.
    let _ = ctrlc::set_handler(move || set.store(true, Ordering::SeqCst));
    flag
}

/// Exit status after an interruption, as a shell reports SIGINT.
pub(crate) const EXIT_INTERRUPTED: u8 = 130;

/// The first Ctrl-C ends the run and prints the results so far; the second ends the process.
pub(crate) fn stop_or_exit(interrupted: &Arc<AtomicBool>) -> Result<()> {
    let interrupted = interrupted.clone();
    ctrlc::set_handler(move || {
        if interrupted.swap(true, Ordering::Relaxed) {
            #[expect(clippy::exit, reason = "the user has asked twice")]
            std::process::exit(EXIT_INTERRUPTED.into());
        }
    })
    .context("cannot listen for Ctrl-C")
}
