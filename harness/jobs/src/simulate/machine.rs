//! What threads cost on this machine.

use super::clock::Machine;
use lockstep_model::Prepared;
use std::{
    hint::spin_loop,
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

/// How often a thread is woken.
const WAKE_UPS: usize = 60;

/// Looks of a worker of `block_stm` before it sleeps.
const SPINS: u32 = 2_000;

impl Machine {
    /// Measures it; it takes a few milliseconds.
    pub(super) fn measured() -> Self {
        let (to, woken) = mpsc::channel::<Instant>();
        let (tell, told) = mpsc::channel();
        let sleeper = thread::spawn(move || {
            while let Ok(sent) = woken.recv() {
                let _ = tell.send(sent.elapsed());
            }
        });
        let (mut wake_ups, mut calls) = (Vec::new(), Vec::new());
        for _ in 0..WAKE_UPS {
            // Long enough that it sleeps.
            thread::sleep(Duration::from_micros(150));
            let sent = Instant::now();
            let _ = to.send(sent);
            calls.push(sent.elapsed());
            wake_ups.extend(told.recv());
        }
        drop(to);
        let _ = sleeper.join();
        Self {
            wake_up: median(&mut wake_ups),
            call: median(&mut calls),
            spin: spinning(),
            crowded: 1.0,
        }
    }
}

fn spinning() -> f64 {
    let looked_at = AtomicU64::new(0);
    let start = Instant::now();
    for _ in 0..SPINS {
        if looked_at.load(Ordering::Relaxed) != 0 {
            break;
        }
        spin_loop();
    }
    start.elapsed().as_nanos() as f64
}

/// Two copies of the baseline's work.
pub(super) type Copies = [Box<dyn Prepared>; 2];

/// Runs both at the same time; the mean of their times, in ns.
pub(super) fn run_both(copies: &mut Copies) -> f64 {
    let together = Barrier::new(2);
    let times = thread::scope(|scope| {
        let runs = copies.each_mut().map(|copy| {
            let together = &together;
            scope.spawn(move || {
                together.wait();
                let start = Instant::now();
                let _ = copy.run();
                start.elapsed().as_nanos() as f64
            })
        });
        runs.map(|run| run.join().unwrap_or_default())
    });
    (times[0] + times[1]) / 2.0
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_nanos() as f64)
}
