//! Who may run at the same time, so that memory stays within bounds.
//!
//! What a case needs is not known before it has run. Two things are: a transaction with an
//! enormous gas limit may fill half a gigabyte; and where memory has grown since quieter moments,
//! somebody is at such a case. So nobody starts where memory has grown much, and enormous cases
//! neither start nor have company where it has grown at all.

use std::{
    fs,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// From this gas limit on a case is enormous: half a gigabyte of EVM memory costs about as much.
const ENORMOUS_GAS: u64 = 1_000_000_000;

/// Growth of resident memory that keeps everybody from starting.
const MOST_GROWTH: usize = 384 << 20;

/// Growth that keeps enormous cases from starting, and others from starting beside one.
const CALM_GROWTH: usize = 48 << 20;

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
    /// How many of those are enormous.
    enormous: usize,
    /// When the last case started.
    last_start: Option<Instant>,
    /// Resident memory in quieter moments: the least that was seen, slowly forgotten.
    quiet_bytes: usize,
}

/// What a worker holds while it runs a case. It is given back by hand: an abandoned worker never
/// will, and the watchdog does it then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    enormous: bool,
}

impl Admission {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a case with this gas limit may run.
    pub(crate) fn enter(&self, gas_limit: u64) -> Ticket {
        let enormous = gas_limit >= ENORMOUS_GAS;
        let mut state = self.state();
        while state.running > 0 && state.is_pressed(enormous) {
            let woken = self.changed.wait_timeout(state, LOOK_AGAIN);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.running += 1;
        state.enormous += usize::from(enormous);
        state.last_start = Some(Instant::now());
        Ticket { enormous }
    }

    /// The case has ended, or its worker was abandoned.
    pub(crate) fn leave(&self, ticket: Ticket) {
        let mut state = self.state();
        state.running -= 1;
        state.enormous -= usize::from(ticket.enormous);
        drop(state);
        self.changed.notify_all();
    }
}

impl State {
    /// Whether memory has grown more than a case like this one may start with.
    fn is_pressed(&mut self, enormous: bool) -> bool {
        // Two enormous cases at once could both grow before anyone has looked.
        if enormous && self.enormous > 0 {
            return true;
        }
        let mixed = enormous || self.enormous > 0;
        if !mixed && self.last_start.is_some_and(|start| start.elapsed() < SHORT) {
            return false;
        }
        let now = resident_bytes();
        self.quiet_bytes = if self.quiet_bytes == 0 || now < self.quiet_bytes {
            now
        } else {
            self.quiet_bytes + (now - self.quiet_bytes) / 256
        };
        now - self.quiet_bytes > if mixed { CALM_GROWTH } else { MOST_GROWTH }
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
    fn no_two_enormous_cases_at_once_and_all_run() {
        let admission = Arc::new(Admission::default());
        let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let worker = |number: u64| {
            let (admission, inside, most) = (admission.clone(), inside.clone(), most.clone());
            thread::spawn(move || {
                for round in 0..200 {
                    let enormous = (round + number).is_multiple_of(3);
                    let ticket = admission.enter(if enormous { ENORMOUS_GAS } else { 21_000 });
                    let now = inside.fetch_add(usize::from(enormous), Ordering::SeqCst);
                    most.fetch_max(now + usize::from(enormous), Ordering::SeqCst);
                    thread::yield_now();
                    inside.fetch_sub(usize::from(enormous), Ordering::SeqCst);
                    admission.leave(ticket);
                }
            })
        };
        let workers: Vec<_> = (0..4).map(worker).collect();
        for worker in workers {
            worker.join().unwrap();
        }
        assert_eq!(most.load(Ordering::SeqCst), 1);
        assert_eq!(admission.state().running, 0);
    }
}
