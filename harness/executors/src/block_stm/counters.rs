//! What workers count.

use crate::sync::{AtomicU64, Ordering};
use lockstep_model::{Mode, Telemetry};

/// Figures of one block, of all workers.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) executions: AtomicU64,
    pub(crate) re_executions: AtomicU64,
    pub(crate) validations: AtomicU64,
    pub(crate) suspensions: AtomicU64,
    pub(crate) mended: AtomicU64,
    /// Only a fault counts it.
    pub(crate) gas_completed: AtomicU64,
}

impl Counters {
    /// The figures as an executor reports them; its threads are not among them.
    pub(crate) fn telemetry(&self, mode: Mode) -> Telemetry {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Telemetry {
            mode,
            threads: 0,
            executions: count(&self.executions),
            re_executions: count(&self.re_executions),
            validations: count(&self.validations),
            suspensions: count(&self.suspensions),
            mended: count(&self.mended),
            shared_ns: 0,
        }
    }
}
