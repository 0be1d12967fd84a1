//! Who may run at the same time, so that memory stays within bounds.
//!
//! What a case needs is not known before it has run. Two things are: a transaction with an
//! enormous gas limit may fill memory that no other limits, so it runs alone; and where memory has
//! grown much since the last quiet moment, somebody is at such a case, so nobody else starts.

use std::{
    fs,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// From this gas limit on a case runs alone: half a gigabyte of EVM memory costs about as much.
const ALONE_FROM_GAS: u64 = 1_000_000_000;

/// Growth of resident memory that keeps others from starting.
const MOST_GROWTH: usize = 384 << 20;

/// A case that runs shorter than this is not worth asking the kernel about.
const SHORT: Duration = Duration::from_millis(2);

/// How often a waiting worker looks at memory again.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// The door to execution.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    alone: bool,
    /// When the last case started.
    last_start: Option<Instant>,
    /// Resident memory when nobody was running.
    quiet_bytes: usize,
}

/// What a worker holds while it runs a case. It is given back by hand: an abandoned worker never
/// will, and the watchdog does it then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    alone: bool,
}

impl Admission {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a case with this gas limit may run.
    pub(crate) fn enter(&self, gas_limit: u64) -> Ticket {
        let alone = gas_limit >= ALONE_FROM_GAS;
        let mut state = self.state();
        while state.running > 0 && (alone || state.alone || state.has_grown()) {
            let woken = self.changed.wait_timeout(state, LOOK_AGAIN);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        if alone {
            // Memory of before must not count against those who come after.
            state.quiet_bytes = state.quiet_bytes.max(resident_bytes());
        }
        state.running += 1;
        state.alone = alone;
        state.last_start = Some(Instant::now());
        Ticket { alone }
    }

    /// The case has ended, or its worker was abandoned.
    pub(crate) fn leave(&self, ticket: Ticket) {
        let mut state = self.state();
        state.running -= 1;
        if ticket.alone {
            state.alone = false;
        }
        drop(state);
        self.changed.notify_all();
    }
}

impl State {
    fn has_grown(&mut self) -> bool {
        if self.last_start.is_none_or(|start| start.elapsed() < SHORT) {
            return false;
        }
        let now = resident_bytes();
        // The least that was seen is the nearest to quiet that there is.
        if self.quiet_bytes == 0 || now < self.quiet_bytes {
            self.quiet_bytes = now;
        }
        now > self.quiet_bytes + MOST_GROWTH
    }
}

/// Resident memory of this process; zero where the system does not say, and then nobody waits.
fn resident_bytes() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split_whitespace().nth(1)?.parse::<usize>().ok());
    pages.unwrap_or_default() * 4096
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        thread,
    };

    #[test]
    fn enormous_cases_run_alone_and_all_run() {
        let admission = Arc::new(Admission::default());
        let (inside, most_beside) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let worker = |number: u64| {
            let (admission, inside) = (admission.clone(), inside.clone());
            let most_beside = most_beside.clone();
            thread::spawn(move || {
                for round in 0..200 {
                    let alone = (round + number).is_multiple_of(3);
                    let ticket = admission.enter(if alone { ALONE_FROM_GAS } else { 21_000 });
                    let others = inside.fetch_add(1, Ordering::SeqCst);
                    if alone {
                        most_beside.fetch_max(others, Ordering::SeqCst);
                    }
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    admission.leave(ticket);
                }
            })
        };
        let workers: Vec<_> = (0..4).map(worker).collect();
        for worker in workers {
            worker.join().unwrap();
        }
        assert_eq!(most_beside.load(Ordering::SeqCst), 0);
        assert_eq!(admission.state().running, 0);
    }
}
