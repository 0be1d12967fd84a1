//! Workers, and a watchdog over them.

use super::{Checked, FuzzPlan, Lanes, Status, Tally};
use crate::finding::{Finding, Kind};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use lockstep_engine::panic_text;
use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How often the watchdog looks, and the status is told.
const LOOK: Duration = Duration::from_millis(200);

/// More workers than this are not abandoned: their threads are in the way of all others.
const MOST_HUNG: usize = 3;

/// What the workers share.
struct Shared {
    plan: FuzzPlan,
    next: AtomicU64,
    stop: AtomicBool,
}

/// What a worker is at, and since when.
type Desk = Arc<Mutex<Option<(u64, Instant)>>>;

struct Worker {
    desk: Desk,
    turn: Arc<AtomicUsize>,
    /// Set when the watchdog has given it up: what it may still say is not heard.
    abandoned: Arc<AtomicBool>,
}

/// Runs a campaign to its end. `tell` hears of each finding whose signature is new, and now and then
/// how far the campaign is.
///
/// # Errors
/// When a worker cannot go on: that is a bug of the harness.
pub fn run(
    plan: FuzzPlan,
    tell: &mut dyn FnMut(Status<'_>, Option<&Finding>),
) -> Result<Tally, String> {
    let start = Instant::now();
    let mut campaign = Campaign::new(plan);
    let (events, heard) = bounded(1024);
    let mut workers: Vec<Worker> =
        (0..campaign.shared.plan.jobs).map(|_| campaign.hire(&events)).collect();
    let mut looked = Instant::now();
    while !campaign.is_over(start) {
        campaign.hear(&heard, start, tell)?;
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            for finding in campaign.hung(&mut workers, &events) {
                tell(Status { tally: &campaign.tally, elapsed: start.elapsed() }, Some(&finding));
            }
            tell(Status { tally: &campaign.tally, elapsed: start.elapsed() }, None);
        }
    }
    campaign.shared.stop.store(true, Ordering::SeqCst);
    drop(events);
    // What is in flight still counts; who does not come back is not waited for.
    let patience = Instant::now();
    while patience.elapsed() < campaign.shared.plan.hang_after {
        match heard.recv_timeout(LOOK) {
            Ok(event) => campaign.take(event?, start, tell),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if campaign.hung > 0 => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
    Ok(campaign.tally)
}

/// The blocks of one seed.
type Event = Result<Vec<Checked>, String>;

struct Campaign {
    shared: Arc<Shared>,
    tally: Tally,
    /// Done, with something below them that is not.
    done_ahead: BTreeSet<u64>,
    hung: usize,
}

impl Campaign {
    fn new(plan: FuzzPlan) -> Self {
        let seed = plan.seed;
        let shared = Shared { next: AtomicU64::new(0), stop: AtomicBool::new(false), plan };
        Self {
            shared: Arc::new(shared),
            tally: Tally::new(seed),
            done_ahead: BTreeSet::new(),
            hung: 0,
        }
    }

    fn is_over(&self, start: Instant) -> bool {
        let plan = &self.shared.plan;
        plan.interrupted.load(Ordering::Relaxed)
            || self.hung > MOST_HUNG
            || plan.stops_at_first && !self.tally.findings.is_empty()
            || plan.time.is_some_and(|time| start.elapsed() >= time)
            || plan.blocks.is_some_and(|blocks| self.finished() >= blocks)
    }

    /// Blocks that are done or will never be.
    fn finished(&self) -> u64 {
        self.tally.next_seed.wrapping_sub(self.shared.plan.seed) + self.done_ahead.len() as u64
    }

    fn hire(&self, events: &Sender<Event>) -> Worker {
        let worker =
            Worker { desk: Desk::default(), turn: Arc::default(), abandoned: Arc::default() };
        let (shared, events) = (self.shared.clone(), events.clone());
        let (desk, turn) = (worker.desk.clone(), worker.turn.clone());
        let abandoned = worker.abandoned.clone();
        thread::spawn(move || {
            let lanes = Lanes::new(&shared.plan, turn);
            let work = AssertUnwindSafe(|| work(&shared, lanes, &desk, &abandoned, &events));
            if let Err(panic) = catch_unwind(work) {
                let _ = events.send(Err(format!("a worker panicked: {}", panic_text(&*panic))));
            }
        });
        worker
    }

    fn hear(
        &mut self,
        heard: &Receiver<Event>,
        start: Instant,
        tell: &mut dyn FnMut(Status<'_>, Option<&Finding>),
    ) -> Result<(), String> {
        // Everything that is there, so that telling is rare.
        if let Ok(event) = heard.recv_timeout(LOOK) {
            self.take(event?, start, tell);
        }
        while let Ok(event) = heard.try_recv() {
            self.take(event?, start, tell);
            if self.is_over(start) {
                break;
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        checked: Vec<Checked>,
        start: Instant,
        tell: &mut dyn FnMut(Status<'_>, Option<&Finding>),
    ) {
        if let Some(first) = checked.first() {
            self.done(first.seed);
        }
        for block in checked {
            for finding in self.tally.add(block) {
                let status = Status { tally: &self.tally, elapsed: start.elapsed() };
                tell(status, Some(&finding));
            }
        }
    }

    fn done(&mut self, seed: u64) {
        self.done_ahead.insert(seed);
        while self.done_ahead.remove(&self.tally.next_seed) {
            self.tally.next_seed = self.tally.next_seed.wrapping_add(1);
        }
    }

    /// Gives up workers whose block takes too long, and hires others.
    fn hung(&mut self, workers: &mut [Worker], events: &Sender<Event>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for worker in workers {
            let at = *worker.desk.lock().unwrap_or_else(PoisonError::into_inner);
            let Some((seed, since)) = at else { continue };
            if since.elapsed() < self.shared.plan.hang_after {
                continue;
            }
            worker.abandoned.store(true, Ordering::SeqCst);
            self.hung += 1;
            self.done(seed);
            findings.extend(self.tally.add_finding(Finding {
                seed,
                link: 0,
                block: format!("generated::seed={seed}"),
                executor: self.shared.plan.label(worker.turn.load(Ordering::Relaxed)).to_owned(),
                kind: Kind::Hung,
                differences: Vec::new(),
                reason: Some(format!("not done after {:?}", since.elapsed())),
            }));
            *worker = self.hire(events);
        }
        findings
    }
}

fn work(
    shared: &Shared,
    mut lanes: Lanes,
    desk: &Desk,
    abandoned: &AtomicBool,
    events: &Sender<Event>,
) {
    loop {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        let is_enough = shared.plan.blocks.is_some_and(|blocks| number >= blocks);
        if is_enough || shared.stop.load(Ordering::Relaxed) {
            return;
        }
        let seed = shared.plan.seed.wrapping_add(number);
        let set = |at| *desk.lock().unwrap_or_else(PoisonError::into_inner) = at;
        set(Some((seed, Instant::now())));
        let checked = lanes.check(seed, &shared.plan.limits);
        set(None);
        if abandoned.load(Ordering::SeqCst) || events.send(Ok(checked)).is_err() {
            return;
        }
    }
}
