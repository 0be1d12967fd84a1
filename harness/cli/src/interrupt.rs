//! Ctrl-C, for commands that then take what there is.

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
