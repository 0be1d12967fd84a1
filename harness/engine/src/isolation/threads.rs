//! States of the threads of a worker process, as the system reports them.

use serde::{Deserialize, Serialize};
use std::{fs, path::Path};

/// A thread of a worker process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadState {
    /// The system's number of it.
    pub id: u64,
    /// Its name; the system keeps 15 bytes of it.
    pub name: String,
    /// Whether it runs, or could: else it waits.
    pub runs: bool,
    /// The function of the kernel that it waits in, where the system tells.
    pub waits_in: Option<String>,
}

/// All threads of a process; none where it has ended, or the system does not tell.
pub(super) fn threads_of(process: u32) -> Vec<ThreadState> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let mut threads: Vec<ThreadState> = tasks.filter_map(|task| thread(&task.path())).collect();
    threads.sort_by_key(|thread| thread.id);
    threads
}

fn thread(task: &Path) -> Option<ThreadState> {
    let read = |file: &str| fs::read_to_string(task.join(file)).ok();
    let id = task.file_name()?.to_str()?.parse().ok()?;
    // `id (name) state …`; a name may hold brackets itself. See proc_pid_stat(5).
    let state = read("stat")?.rsplit_once(") ")?.1.chars().next()?;
    let waits_in = read("wchan").filter(|function| !matches!(function.as_str(), "" | "0"));
    Some(ThreadState {
        id,
        name: read("comm")?.trim_end().to_owned(),
        runs: state == 'R',
        waits_in,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{process, sync::mpsc, thread};

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_that_waits_is_told_from_one_that_runs() {
        let (sender, receiver) = mpsc::channel::<()>();
        let waits = thread::Builder::new().name("one that waits".to_owned());
        let waits = waits.spawn(move || receiver.recv()).unwrap();
        let state = loop {
            let threads = threads_of(process::id());
            let this = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
            assert!(threads.iter().any(|thread| thread.id == u64::from(this) && thread.runs));
            let named = threads.into_iter().find(|thread| thread.name == "one that waits");
            // It may not have come to wait yet.
            if let Some(state) = named.filter(|state| !state.runs) {
                break state;
            }
        };
        assert!(!state.runs);
        drop(sender);
        let _ = waits.join().unwrap();
    }
}
