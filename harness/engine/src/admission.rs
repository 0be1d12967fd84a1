//! Admission: which cases may run at the same time, so that memory stays within bounds.
//!
//! The memory that a case needs is not known before it has run. Two things are: a transaction with an
//! enormous gas limit may fill half a gigabyte; and where memory has grown since quieter moments,
//! such a case is running. So no case starts while memory has grown much; and an enormous case
//! starts after the allocator has given back what it keeps for later, and has none but ordinary
//! company until it has run for a while without growing.

use std::{
    fs,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// From this gas limit on a case is enormous: half a gigabyte of EVM memory costs about as much.
const ENORMOUS_GAS: u64 = 1_000_000_000;

/// Up to this gas limit a case is ordinary: EIP-7825's cap for a transaction, 95 in 100 of the
/// official tests. It could still fill much memory, and none is known to.
pub const ORDINARY_GAS: u64 = 1 << 24;

/// Growth of resident memory from which on no case starts.
const MOST_GROWTH: usize = 384 << 20;

/// Growth that shows nothing of a case that fills memory.
const CALM_GROWTH: usize = 48 << 20;

/// A case that fills memory shows it by then: it takes a fifth of a second to fill half a gigabyte.
const TIME_TO_SHOW: Duration = Duration::from_millis(50);

/// A case that runs shorter than this is not worth asking the kernel about.
const SHORT: Duration = Duration::from_millis(2);

/// How often a waiting worker looks at memory again.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// The door to execution.
#[derive(Debug)]
pub struct Admission {
    state: Mutex<State>,
    changed: Condvar,
    /// Asks the allocator to give back what it does not need.
    release_memory: fn(),
}

#[derive(Debug, Default)]
struct State {
    /// Cases that run.
    running: usize,
    /// Whether the one that runs must have no company at all.
    alone: bool,
    /// How many of them are more than ordinary.
    large: usize,
    /// How many of those are enormous.
    enormous: usize,
    /// How many enormous cases wait: no other large one starts meanwhile, or they would wait for
    /// ever.
    waiting: usize,
    /// When the last large case started.
    last_large_start: Option<Instant>,
    /// When the last case started.
    last_start: Option<Instant>,
    /// Resident memory in quieter moments: the least that was seen, slowly forgotten.
    quiet_bytes: usize,
}

/// Permit that a worker holds while it runs a case. Its return is explicit: an abandoned worker never
/// returns it, and the watchdog does so instead.
#[derive(Debug, Clone, Copy)]
pub struct Ticket {
    large: bool,
    enormous: bool,
    alone: bool,
}

impl Ticket {
    /// Whether the case runs alone.
    pub const fn is_alone(self) -> bool {
        self.alone
    }
}

impl Admission {
    /// `release_memory` asks the allocator to give back memory that it keeps for later.
    pub fn new(release_memory: fn()) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), release_memory }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a case with this gas limit may run.
    pub fn enter(&self, gas_limit: u64) -> Ticket {
        let (large, enormous) = (gas_limit > ORDINARY_GAS, gas_limit >= ENORMOUS_GAS);
        self.enter_with(Ticket { large, enormous, alone: false })
    }

    /// Waits until no case runs, and admits no other.
    pub fn enter_alone(&self) -> Ticket {
        self.enter_with(Ticket { large: true, enormous: true, alone: true })
    }

    fn enter_with(&self, ticket: Ticket) -> Ticket {
        let mut state = self.state();
        state.waiting += usize::from(ticket.enormous);
        while !state.admits(ticket) {
            let woken = self.changed.wait_timeout(state, LOOK_AGAIN);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.waiting -= usize::from(ticket.enormous);
        state.running += 1;
        state.alone |= ticket.alone;
        state.large += usize::from(ticket.large);
        state.enormous += usize::from(ticket.enormous);
        state.last_start = Some(Instant::now());
        if ticket.large {
            state.last_large_start = state.last_start;
        }
        drop(state);
        if ticket.enormous {
            (self.release_memory)();
        }
        ticket
    }

    /// The case has ended, or its worker was abandoned.
    pub fn leave(&self, ticket: Ticket) {
        let mut state = self.state();
        state.running -= 1;
        state.alone &= !ticket.alone;
        state.large -= usize::from(ticket.large);
        state.enormous -= usize::from(ticket.enormous);
        drop(state);
        self.changed.notify_all();
    }
}

impl State {
    fn admits(&mut self, ticket: Ticket) -> bool {
        if self.alone || ticket.alone {
            self.running == 0
        } else if ticket.enormous {
            self.large == 0 || self.is_calm()
        } else if self.enormous > 0 {
            !ticket.large || self.is_calm()
        } else {
            !(ticket.large && self.waiting > 0) && (self.running == 0 || !self.is_pressed())
        }
    }

    /// Whether the large cases that run have had the time to fill memory, and have not.
    fn is_calm(&mut self) -> bool {
        self.last_large_start.is_none_or(|start| start.elapsed() >= TIME_TO_SHOW)
            && self.growth() <= CALM_GROWTH
    }

    /// Whether memory has grown more than a case may start with.
    fn is_pressed(&mut self) -> bool {
        if self.last_start.is_some_and(|start| start.elapsed() < SHORT) {
            return false;
        }
        self.growth() > MOST_GROWTH
    }

    /// How much more memory is resident than in quieter moments.
    fn growth(&mut self) -> usize {
        let now = resident_bytes();
        self.quiet_bytes = if self.quiet_bytes == 0 || now < self.quiet_bytes {
            now
        } else {
            self.quiet_bytes + (now - self.quiet_bytes) / 256
        };
        now - self.quiet_bytes
    }
}

/// Resident memory of this process; zero where the system does not say; then no case waits.
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

    const GAS: [u64; 3] = [ORDINARY_GAS, ORDINARY_GAS + 1, ENORMOUS_GAS];

    #[test]
    fn an_enormous_case_has_ordinary_company_alone_and_all_run() {
        let admission = Arc::new(Admission::new(|| {}));
        let (large, entered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let worker = |number: usize| {
            let (admission, large, entered) = (admission.clone(), large.clone(), entered.clone());
            thread::spawn(move || {
                for round in 0..200 {
                    let gas = GAS[(round + number) % 3];
                    let ticket = admission.enter(gas);
                    large.fetch_add(usize::from(ticket.large), Ordering::SeqCst);
                    thread::yield_now();
                    // No case here runs for as long as it takes to show that it is calm.
                    if ticket.enormous {
                        assert_eq!(large.load(Ordering::SeqCst), 1);
                    }
                    large.fetch_sub(usize::from(ticket.large), Ordering::SeqCst);
                    entered.fetch_add(1, Ordering::SeqCst);
                    admission.leave(ticket);
                }
            })
        };
        let workers: Vec<_> = (0..4).map(worker).collect();
        for worker in workers {
            worker.join().unwrap();
        }
        assert_eq!(entered.load(Ordering::SeqCst), 800);
        let state = admission.state();
        assert_eq!((state.running, state.large, state.enormous, state.waiting), (0, 0, 0, 0));
    }

    #[test]
    fn ordinary_cases_run_beside_an_enormous_one() {
        let admission = Admission::new(|| {});
        let enormous = admission.enter(ENORMOUS_GAS);
        let ordinary = admission.enter(ORDINARY_GAS);
        assert_eq!(admission.state().running, 2);
        assert_eq!(admission.state().large, 1);
        admission.leave(ordinary);
        admission.leave(enormous);
        assert_eq!(admission.state().running, 0);
    }
}
