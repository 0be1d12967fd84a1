//! The job's side of a campaign: hands out seeds, and watches over the workers.

use super::{
    FuzzPlan, Status, Tally,
    lanes::reference_of,
    work::{Done, Seeds},
};
use crate::{
    AtWork,
    finding::{Finding, Kind},
};
use crossbeam_channel::{Receiver, RecvTimeoutError};
use lockstep_cases::generate::Recipe;
use lockstep_engine::isolation::{Beat, Cause, Message, Notice, Staff, Worker};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

/// How often the watchdog looks, and the status is told.
const LOOK: Duration = Duration::from_millis(200);

/// Seeds that are handed out at a time, and how many a worker has at most: it should never wait for the next,
/// and little should be lost with it.
const HANDED_OUT: u64 = 16;
const MOST_IN_HAND: usize = 32;

/// Workers that may end in a row without an event: more, and the program itself is broken.
const MOST_IN_VAIN: usize = 20;

/// A kill from outside is no finding before it has happened to the same seed so often.
const KILLS: u32 = 2;

/// Progress callback of a campaign: its status, and a finding whose signature is new.
pub type Tell<'a> = &'a mut dyn FnMut(Status<'_>, Option<&Finding>);

/// Runs a campaign to its end.
///
/// # Errors
/// When no worker can be started, or workers end before they have done anything.
pub fn run(
    plan: &FuzzPlan,
    (staff, heard): (Staff<Seeds, Done>, Receiver<Message<Done>>),
    tell: Tell<'_>,
) -> Result<Tally, String> {
    let mut campaign = Campaign::new(plan, staff);
    let mut looked = Instant::now();
    campaign.fill_up()?;
    while !campaign.is_over() {
        if let Ok(message) = heard.recv_timeout(LOOK) {
            campaign.take(message, tell)?;
        }
        // Everything that is there, so that telling is rare.
        while let Ok(message) = heard.try_recv() {
            campaign.take(message, tell)?;
            if campaign.is_over() {
                break;
            }
        }
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            campaign.pause_or_go_on();
            campaign.end_hung(tell)?;
            campaign.look_at_work();
            campaign.status(tell, None);
        }
    }
    campaign.wind_up(&heard, tell)?;
    campaign.tally.elapsed = campaign.elapsed();
    Ok(campaign.tally)
}

/// A worker, and the seeds that it has and has not told of.
struct Hand {
    worker: Worker<Seeds>,
    seeds: BTreeSet<u64>,
}

struct Campaign<'a> {
    plan: &'a FuzzPlan,
    start: Instant,
    /// Since when the campaign is paused, and how long it was before.
    paused_since: Option<Instant>,
    paused_for: Duration,
    at_work: Vec<AtWork>,
    staff: Staff<Seeds, Done>,
    hands: BTreeMap<u64, Hand>,
    tally: Tally,
    /// The next seed that was never assigned, as its number in the campaign.
    next: u64,
    /// Seeds that were lost with a worker.
    again: VecDeque<u64>,
    /// Done, with something below them that is not.
    done_ahead: BTreeSet<u64>,
    in_vain: usize,
    /// How often a worker with this seed was killed from outside.
    killed: BTreeMap<u64, u32>,
    is_winding_up: bool,
}

impl<'a> Campaign<'a> {
    fn new(plan: &'a FuzzPlan, staff: Staff<Seeds, Done>) -> Self {
        Self {
            plan,
            start: Instant::now(),
            paused_since: None,
            paused_for: Duration::ZERO,
            at_work: Vec::new(),
            staff,
            hands: BTreeMap::new(),
            tally: Tally::new(plan.seed),
            next: 0,
            again: VecDeque::new(),
            done_ahead: BTreeSet::new(),
            in_vain: 0,
            killed: BTreeMap::new(),
            is_winding_up: false,
        }
    }

    fn is_over(&self) -> bool {
        let plan = self.plan;
        plan.interrupted.load(Ordering::Relaxed)
            || plan.stops_at_first && !self.tally.findings.is_empty()
            || plan.time.is_some_and(|time| self.elapsed() >= time)
            || plan.blocks.is_some_and(|blocks| self.finished() >= blocks)
    }

    /// Seeds that are done.
    fn finished(&self) -> u64 {
        self.tally.next_seed.wrapping_sub(self.plan.seed) + self.done_ahead.len() as u64
    }

    fn status(&self, tell: Tell<'_>, finding: Option<&Finding>) {
        let (elapsed, at_work) = (self.elapsed(), self.at_work.as_slice());
        tell(Status { tally: &self.tally, elapsed, at_work }, finding);
    }

    /// For how long it has run, without pauses.
    fn elapsed(&self) -> Duration {
        let pause = self.paused_since.map_or(Duration::ZERO, |since| since.elapsed());
        self.start.elapsed().saturating_sub(self.paused_for + pause)
    }

    /// Does what the plan's flag says. Blocks in flight are finished first.
    fn pause_or_go_on(&mut self) {
        let is_paused = self.plan.paused.load(Ordering::Relaxed) && !self.is_winding_up;
        match self.paused_since {
            None if is_paused => self.paused_since = Some(Instant::now()),
            Some(since) if !is_paused => {
                self.paused_for += since.elapsed();
                self.paused_since = None;
            }
            _ => {}
        }
        self.hands.values_mut().for_each(|hand| hand.worker.pause(is_paused));
    }

    fn look_at_work(&mut self) {
        let at_work = self.hands.iter().map(|(number, hand)| {
            let (worker, beat) = (*number, hand.worker.last_beat());
            if beat.count == 0 {
                return AtWork { worker, ..AtWork::default() };
            }
            let slot = usize::try_from(beat.slot).unwrap_or_default();
            let executor = self.plan.label(slot).to_owned();
            AtWork { worker, executor, trial: format!("seed {}", beat.trial) }
        });
        self.at_work = at_work.collect();
    }

    /// Hires as many workers as the plan has jobs, while there are seeds for them.
    fn fill_up(&mut self) -> Result<(), String> {
        while self.hands.len() < self.plan.jobs && !self.is_winding_up && self.has_seeds() {
            let worker = self
                .staff
                .hire()
                .map_err(|error| format!("a worker cannot be started: {error}"))?;
            let number = worker.number;
            self.hands.insert(number, Hand { worker, seeds: BTreeSet::new() });
            self.hand_out(number);
        }
        Ok(())
    }

    fn has_seeds(&self) -> bool {
        !self.again.is_empty() || self.plan.blocks.is_none_or(|blocks| self.next < blocks)
    }

    /// Gives a worker seeds, so that it has enough for a while.
    fn hand_out(&mut self, number: u64) {
        while self.hands.get(&number).is_some_and(|hand| hand.seeds.len() < MOST_IN_HAND)
            && !self.is_winding_up
        {
            let Some(seeds) = self.next_seeds() else { return };
            let Some(hand) = self.hands.get_mut(&number) else { return };
            hand.seeds.extend((0..seeds.count).map(|number| seeds.first.wrapping_add(number)));
            // A worker that has ended says so itself; its seeds are then handed out again.
            let _ = hand.worker.assign(seeds);
        }
    }

    /// Lost seeds one by one: one of them may have been at fault.
    fn next_seeds(&mut self) -> Option<Seeds> {
        if let Some(first) = self.again.pop_front() {
            return Some(Seeds { first, count: 1 });
        }
        let left = self.plan.blocks.map_or(u64::MAX, |blocks| blocks - self.next.min(blocks));
        let count = left.min(HANDED_OUT);
        let first = self.plan.seed.wrapping_add(self.next);
        self.next += count;
        (count > 0).then_some(Seeds { first, count })
    }

    fn take(&mut self, message: Message<Done>, tell: Tell<'_>) -> Result<(), String> {
        // A worker that was given up is heard no more.
        let Some(hand) = self.hands.get_mut(&message.worker) else { return Ok(()) };
        match message.notice {
            Notice::Event(done) => {
                for seed in &done.seeds {
                    hand.seeds.remove(seed);
                }
                self.in_vain = 0;
                self.add(done, tell);
                self.hand_out(message.worker);
                Ok(())
            }
            Notice::Ended(cause) => {
                let hand = self.hands.remove(&message.worker).expect("just looked at");
                self.ended(hand, cause, tell)?;
                self.fill_up()
            }
        }
    }

    fn add(&mut self, done: Done, tell: Tell<'_>) {
        done.seeds.iter().for_each(|seed| self.done(*seed));
        for finding in self.tally.add(done) {
            self.status(tell, Some(&finding));
        }
    }

    /// A seed may be done twice: a worker can end after it has told of the last one.
    fn done(&mut self, seed: u64) {
        let number = |seed: u64| seed.wrapping_sub(self.plan.seed);
        if number(seed) < number(self.tally.next_seed) {
            return;
        }
        self.done_ahead.insert(seed);
        while self.done_ahead.remove(&self.tally.next_seed) {
            self.tally.next_seed = self.tally.next_seed.wrapping_add(1);
        }
    }

    /// A worker has ended by itself: with nothing in hand that is as it should be, else an executor has
    /// ended it.
    fn ended(&mut self, mut hand: Hand, cause: Cause, tell: Tell<'_>) -> Result<(), String> {
        let beat = hand.worker.last_beat();
        let is_at_work = beat.count > 0 && !hand.seeds.is_empty();
        if !is_at_work && cause == Cause::Exit(0) {
            return Ok(());
        }
        self.in_vain += 1;
        if self.in_vain > MOST_IN_VAIN {
            return Err(format!("workers end before they have done anything: {cause}"));
        }
        if is_at_work {
            // The last beat may be of a seed that is told of already: then the fault is of a run before.
            let is_in_hand = hand.seeds.remove(&beat.trial);
            if !is_in_hand && cause == Cause::Signal(9) {
                // Killed between two seeds.
                self.tally.killed += 1;
            } else if is_in_hand && self.is_first_kill(beat.trial, &cause) {
                self.tally.killed += 1;
                self.again.push_back(beat.trial);
            } else {
                self.found(beat, Kind::Crashed, Some(cause), tell);
            }
        }
        self.again.extend(hand.seeds);
        Ok(())
    }

    /// Whether a worker with this seed was killed from outside, and not yet often enough for a finding.
    fn is_first_kill(&mut self, seed: u64, cause: &Cause) -> bool {
        if *cause != Cause::Signal(9) {
            return false;
        }
        let kills = self.killed.entry(seed).or_default();
        *kills += 1;
        *kills < KILLS
    }

    /// Ends workers that stand still, and hires others.
    fn end_hung(&mut self, tell: Tell<'_>) -> Result<(), String> {
        let (plan, hang_after) = (self.plan, self.plan.hang_after);
        let hung: Vec<u64> = self
            .hands
            .iter_mut()
            .filter_map(|(number, hand)| {
                let stands = hand.worker.standstill();
                let slot = usize::try_from(hand.worker.last_beat().slot).unwrap_or_default();
                let stands = stands >= plan.limit(slot);
                (stands && !hand.seeds.is_empty()).then_some(*number)
            })
            .collect();
        for number in hung {
            let Some(mut hand) = self.hands.remove(&number) else { continue };
            hand.worker.kill();
            let beat = hand.worker.last_beat();
            if beat.count == 0 {
                return Err(format!("a worker has not begun after {hang_after:?}"));
            }
            hand.seeds.remove(&beat.trial);
            self.again.extend(hand.seeds);
            self.tally.hung += 1;
            self.found(beat, Kind::Hung, None, tell);
        }
        self.fill_up()
    }

    /// The executor of a beat did not come to an outcome.
    fn found(&mut self, beat: Beat, kind: Kind, cause: Option<Cause>, tell: Tell<'_>) {
        let recipe = Recipe { seed: beat.trial, link: beat.part, limits: self.plan.limits.clone() };
        let label = self.plan.label(usize::try_from(beat.slot).unwrap_or_default());
        let reason = match &cause {
            Some(cause) => cause.to_string(),
            None => {
                let slot = usize::try_from(beat.slot).unwrap_or_default();
                format!("did not end within {:?}", self.plan.limit(slot))
            }
        };
        let finding = Finding::new(recipe, label, kind);
        let reference = reference_of(beat.known);
        let finding = Finding { reference, cause, reason: Some(reason), ..finding };
        self.done(beat.trial);
        if let Some(finding) = self.tally.add_finding(finding) {
            self.status(tell, Some(&finding));
        }
    }

    /// Seeds in flight still count; a worker that does not end is ended.
    fn wind_up(&mut self, heard: &Receiver<Message<Done>>, tell: Tell<'_>) -> Result<(), String> {
        self.is_winding_up = true;
        self.pause_or_go_on();
        self.hands.values_mut().for_each(|hand| hand.worker.dismiss());
        let until = Instant::now() + self.plan.hang_after;
        while !self.hands.is_empty() && Instant::now() < until {
            match heard.recv_timeout(LOOK) {
                Ok(message) => self.take(message, tell)?,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => self.end_hung(tell)?,
            }
        }
        self.hands.clear();
        Ok(())
    }
}
