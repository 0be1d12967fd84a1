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
            hand_over: handing_over(),
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

/// How long a line that one core has written takes to another one.
fn handing_over() -> f64 {
    const ROUNDS: u64 = 4_000;
    let ball = AtomicU64::new(0);
    // The faster of several games: a thread that is put aside for a while takes milliseconds.
    let game = |_| {
        let together = Barrier::new(2);
        ball.store(0, Ordering::SeqCst);
        let play = |mine: u64| {
            together.wait();
            let start = Instant::now();
            for round in 0..ROUNDS {
                let mut looks = 0_u32;
                while ball.load(Ordering::Acquire) != 2 * round + mine {
                    spin_loop();
                    looks += 1;
                    if looks.is_multiple_of(10_000) {
                        thread::yield_now();
                    }
                }
                ball.store(2 * round + mine + 1, Ordering::Release);
            }
            start.elapsed().as_nanos() as f64 / (2 * ROUNDS) as f64
        };
        thread::scope(|scope| {
            let other = scope.spawn(|| play(1));
            let time = play(0);
            let _ = other.join();
            time
        })
    };
    (0..5).map(game).fold(f64::INFINITY, f64::min)
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
