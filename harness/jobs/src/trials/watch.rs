//! The job's side: keeps answers, ends workers that hang, hires the next.

use super::{Answer, Event, Past, Report, StuckThread, log::RUNNING};
use crossbeam_channel::{Receiver, RecvTimeoutError};
use lockstep_engine::{
    instrument::MOST_LANES,
    isolation::{Message, Notice, Staff, ThreadState, Worker},
};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How often the watchdog looks.
const LOOK: Duration = Duration::from_millis(50);

/// After an interruption a worker has so long to end with what there is.
const GRACE: Duration = Duration::from_secs(2);

/// A job in a worker process.
#[derive(Debug)]
pub struct Job {
    /// A run of the candidate that takes this long hangs.
    pub hang_after: Duration,
    /// Set from outside to end the job with what there is.
    pub interrupted: Arc<AtomicBool>,
}

/// Runs a job to its end, with as many workers as it takes.
///
/// # Errors
/// When a worker cannot be started, or ends while no candidate runs.
pub fn watch(
    job: &Job,
    (mut staff, heard): (Staff<Past, Event>, Receiver<Message<Event>>),
    tell: &mut dyn FnMut(&str),
) -> Result<Report, String> {
    let start = Instant::now();
    let mut past = Past::default();
    loop {
        past.spent = start.elapsed();
        past.is_stopped = job.interrupted.load(Ordering::SeqCst);
        let hired = staff.hire();
        let mut worker = hired.map_err(|error| format!("a worker cannot be started: {error}"))?;
        // A worker that is gone says so below.
        let _ = worker.assign(past.clone());
        if let Some(report) = follow(job, &mut worker, &heard, &mut past, tell)? {
            return Ok(report);
        }
    }
}

/// Follows one worker to its end; gives the report, where it came to one.
fn follow(
    job: &Job,
    worker: &mut Worker<Past>,
    heard: &Receiver<Message<Event>>,
    past: &mut Past,
    tell: &mut dyn FnMut(&str),
) -> Result<Option<Report>, String> {
    let mut interrupted_at = None;
    loop {
        match heard.recv_timeout(LOOK) {
            Ok(message) if message.worker != worker.number => {}
            Ok(Message { notice: Notice::Event(event), .. }) => match event {
                Event::Answered(number, answer) => drop(past.answers.insert(number, answer)),
                Event::Progress(text) => tell(&text),
                Event::Done(report) => return Ok(Some(report)),
            },
            Ok(Message { notice: Notice::Ended(cause), .. }) => {
                let beat = worker.last_beat();
                if beat.slot != RUNNING {
                    return Err(format!("the worker ended while no candidate ran: {cause}"));
                }
                past.answers.insert(beat.trial, Answer::Crashed(cause));
                return Ok(None);
            }
            Err(RecvTimeoutError::Disconnected) => return Err("no worker is left".to_owned()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if !past.is_stopped && interrupted_at.is_none() && job.interrupted.load(Ordering::SeqCst) {
            interrupted_at = Some(Instant::now());
            worker.interrupt();
        }
        let beat = worker.last_beat();
        let hangs = beat.slot == RUNNING && worker.standstill() >= job.hang_after;
        let is_late = interrupted_at.is_some_and(|at: Instant| at.elapsed() >= GRACE);
        if hangs {
            past.answers.insert(beat.trial, Answer::Hung(stuck_threads(worker)));
        }
        if hangs || is_late {
            worker.kill();
            return Ok(None);
        }
    }
}

fn stuck_threads(worker: &Worker<Past>) -> Vec<StuckThread> {
    let lanes = (1..=MOST_LANES).map(|lane| (worker.pulse().last(lane), lane));
    let reads: HashMap<u64, (u64, usize)> =
        lanes.map(|(beat, lane)| (beat.trial, (beat.part, lane))).collect();
    let stuck = |state: ThreadState| {
        let reads = reads.get(&state.id);
        let reads = reads.map(|(count, lane)| (*count, worker.pulse().note(*lane)));
        StuckThread { state, reads }
    };
    worker.threads().into_iter().map(stuck).collect()
}
