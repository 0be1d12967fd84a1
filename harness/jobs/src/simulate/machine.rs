//! What threads cost on this machine.

use super::clock::Machine;
use lockstep_engine::Factory;
use lockstep_model::{Case, RunOptions};
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

/// Runs of two copies at once.
const COPIES: usize = 4;

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

    /// With how much longer this block takes on one core while another one runs it too.
    pub(super) fn crowded_by(self, sequential: &Factory, case: &Case, alone_ns: f64) -> Self {
        let Some(both) = two_copies(sequential, case) else { return self };
        Self { crowded: (both / alone_ns.max(1.0)).clamp(1.0, 2.0), ..self }
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

/// Time of a run while another one runs, the shortest of several, in ns; `None` on one core.
fn two_copies(sequential: &Factory, case: &Case) -> Option<f64> {
    thread::available_parallelism().ok().filter(|cores| cores.get() > 1)?;
    let prepared = || {
        let mut executor = sequential(1).ok()?;
        executor.prepare(case, &RunOptions::of(case)).ok()
    };
    let mut copies = [prepared()?, prepared()?];
    let together = Barrier::new(2);
    let shortest = thread::scope(|scope| {
        let runs = copies.each_mut().map(|copy| {
            let together = &together;
            scope.spawn(move || {
                let run = |_| {
                    together.wait();
                    let start = Instant::now();
                    let _ = copy.run();
                    start.elapsed().as_nanos() as f64
                };
                (0..COPIES).map(run).fold(f64::MAX, f64::min)
            })
        });
        runs.map(|run| run.join().unwrap_or(f64::MAX))
    });
    let mean = (shortest[0] + shortest[1]) / 2.0;
    (mean < f64::MAX / 4.0).then_some(mean)
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_nanos() as f64)
}
