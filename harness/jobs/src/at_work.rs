//! What each worker is at, for views of a run.

use serde::{Deserialize, Serialize};

/// One worker, or one thread of a worker that has several.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtWork {
    /// Its number.
    pub worker: u64,
    /// The executor that runs there; empty where none does.
    pub executor: String,
    /// The block or test; empty where there is none.
    pub trial: String,
}
