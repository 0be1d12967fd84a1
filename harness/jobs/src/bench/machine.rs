//! Processor time of a run, and the cores of its threads.
//!
//! If the system cannot answer, there is no figure: nothing is made up.

use rustix::{
    process::Pid,
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
    time::{ClockId, clock_gettime},
};
use std::{collections::BTreeSet, fs, time::Duration};

/// Processor time of the whole process.
pub(super) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs().try_into().unwrap_or(0))
}

/// The cores that this process may use.
#[derive(Debug, Clone)]
pub(super) struct Cores(Vec<usize>);

impl Cores {
    pub(super) fn allowed() -> Self {
        let set = sched_getaffinity(None).unwrap_or_default();
        Self((0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect())
    }

    pub(super) fn count(&self) -> usize {
        self.0.len().max(1)
    }

    /// Keeps a thread on one core: the n-th that is allowed, and round again. `None` is the calling
    /// thread. Best effort: a thread may have ended.
    pub(super) fn pin(&self, thread: Option<Pid>, nth: usize) {
        if self.0.is_empty() {
            return;
        }
        let mut set = CpuSet::new();
        set.set(self.0[nth % self.0.len()]);
        let _ = sched_setaffinity(thread, &set);
    }

    /// Lets the calling thread run anywhere again.
    pub(super) fn unpin(&self) {
        let mut set = CpuSet::new();
        self.0.iter().for_each(|core| set.set(*core));
        let _ = sched_setaffinity(None, &set);
    }
}

/// The threads of this process.
pub(super) fn threads() -> BTreeSet<i32> {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else { return BTreeSet::new() };
    let ids = tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok());
    ids.collect()
}

/// Bytes that this process made block devices deliver (`read_bytes` of proc(5)).
pub(super) fn device_bytes_read() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/io").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("read_bytes: "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_machine_answers() {
        assert!(Cores::allowed().count() >= 1);
        assert!(!threads().is_empty());
        let before = processor_time();
        let mut sum = 0_u64;
        while processor_time() == before {
            sum = std::hint::black_box(sum + 1);
        }
    }
}
