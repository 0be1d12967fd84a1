//! The job's side of a run: hires a worker, watches over its threads, and goes on behind it where it is lost.

use super::{
    events::{Assignment, Event, Rest},
    lane::{FIRST_CANDIDATE, NOTHING, REFERENCE, TestName},
    lost::{crashed, hung},
    plan::Plan,
};
use crate::AtWork;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use lockstep_engine::isolation::{Beat, Cause, Message, Notice, Staff, Standstill, Worker};
use lockstep_formats::{OtherFile, SourceError};
use lockstep_judge::definition::SourceKind;
use lockstep_model::Mode;
use lockstep_report::record::{Overlap, TestResult};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

/// How often the watchdog looks.
const LOOK: Duration = Duration::from_millis(50);

/// A candidate that has ended a worker so often is not run any more.
const MOST_CRASHES: usize = 100;

/// A kill from outside is no finding before it has happened to the same test so often.
const KILLS: u32 = 2;

/// Workers that may end in a row without a result or a suspect: more, and the program itself is broken.
const MOST_IN_VAIN: usize = 3;

/// Runs everything and calls `tell` for each event, on the calling thread. Returns when all is done, or soon
/// after `plan.interrupted` is set.
///
/// # Errors
/// When no worker can be started, or workers end before they have done anything.
pub fn run(
    plan: &Plan,
    (staff, heard): (Staff<Assignment, Event>, Receiver<Message<Event>>),
    tell: &mut dyn FnMut(Event),
) -> Result<(), String> {
    let mut run = Run::new(plan, staff, heard);
    run.assign(&|run| Assignment::Tests(run.rest.clone()), tell)?;
    for number in 0..plan.candidates.len() {
        if run.is_interrupted() {
            break;
        }
        run.prove(number, tell)?;
    }
    Ok(())
}

/// Why a worker was listened to no longer.
enum Ended {
    Finished,
    Interrupted,
    /// It has ended by itself.
    Crashed(Cause),
    /// It stands still in this lane, since this beat.
    Hung(usize, Beat),
}

/// A test in flight.
#[derive(Debug, Clone)]
struct InFlight {
    lane: usize,
    test: TestName,
    beat: Beat,
}

struct Run<'a> {
    plan: &'a Plan,
    staff: Staff<Assignment, Event>,
    heard: Receiver<Message<Event>>,
    worker: Option<Worker<Assignment>>,
    rest: Rest,
    /// Inputs that a worker has reported: another one reads them again, and they are not reported again.
    unreadable: Reported<SourceError>,
    others: Reported<OtherFile>,
    /// Trials of this worker with a result.
    finished: HashSet<u64>,
    /// Partial results of the tests in its lanes.
    so_far: HashMap<usize, TestResult>,
    /// Candidates that were parallel in some run, by their own word.
    claims: HashSet<String>,
    hangs: BTreeMap<String, usize>,
    crashes: BTreeMap<String, usize>,
    /// How often a worker was killed from outside when this test ran alone.
    kills: HashMap<String, u32>,
    in_vain: usize,
}

impl<'a> Run<'a> {
    fn new(
        plan: &'a Plan,
        staff: Staff<Assignment, Event>,
        heard: Receiver<Message<Event>>,
    ) -> Self {
        Self {
            plan,
            staff,
            heard,
            worker: None,
            rest: Rest::default(),
            unreadable: Reported::default(),
            others: Reported::default(),
            finished: HashSet::new(),
            so_far: HashMap::new(),
            claims: HashSet::new(),
            hangs: BTreeMap::new(),
            crashes: BTreeMap::new(),
            kills: HashMap::new(),
            in_vain: 0,
        }
    }

    fn is_interrupted(&self) -> bool {
        self.plan.interrupted.load(Ordering::Relaxed)
    }

    /// Assigns the tests until a worker has finished them.
    fn assign(
        &mut self,
        assignment: &dyn Fn(&Self) -> Assignment,
        tell: &mut dyn FnMut(Event),
    ) -> Result<(), String> {
        loop {
            let assignment = assignment(self);
            self.hire(assignment)?;
            match self.listen(tell) {
                Ended::Finished | Ended::Interrupted => return Ok(()),
                Ended::Crashed(cause) => self.crashed(&cause, tell)?,
                Ended::Hung(lane, beat) => self.hung(lane, beat, tell)?,
            }
        }
    }

    fn hire(&mut self, assignment: Assignment) -> Result<(), String> {
        if self.worker.is_none() {
            let hired = self.staff.hire();
            let hired = hired.map_err(|error| format!("a worker cannot be started: {error}"))?;
            self.worker = Some(hired);
            self.finished.clear();
            self.so_far.clear();
            self.unreadable.again();
            self.others.again();
        }
        // A worker that has ended says so itself.
        let _ = self.worker.as_mut().map(|worker| worker.assign(assignment));
        Ok(())
    }

    fn listen(&mut self, tell: &mut dyn FnMut(Event)) -> Ended {
        let mut standstills: Vec<Standstill> = vec![Standstill::default(); self.plan.jobs];
        let mut looked = Instant::now();
        loop {
            match self.heard.recv_timeout(LOOK) {
                Ok(message) => {
                    if let Some(ended) = self.take(message, tell) {
                        return ended;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if looked.elapsed() < LOOK {
                continue;
            }
            looked = Instant::now();
            if self.is_interrupted() {
                self.end_worker(tell);
                return Ended::Interrupted;
            }
            let is_paused = self.plan.paused.load(Ordering::Relaxed);
            if let Some(worker) = &mut self.worker {
                worker.pause(is_paused);
            }
            tell(Event::AtWork(self.at_work()));
            if let Some((lane, beat)) = self.standing_still(&mut standstills) {
                return Ended::Hung(lane, beat);
            }
        }
    }

    fn standing_still(&self, standstills: &mut [Standstill]) -> Option<(usize, Beat)> {
        let pulse = self.worker.as_ref()?.pulse();
        standstills.iter_mut().enumerate().find_map(|(lane, standstill)| {
            let beat = pulse.last(lane);
            let stands = standstill.look(beat);
            (beat.slot != NOTHING && stands > Duration::from_millis(beat.known))
                .then_some((lane, beat))
        })
    }

    fn take(&mut self, message: Message<Event>, tell: &mut dyn FnMut(Event)) -> Option<Ended> {
        // A worker that was given up is heard no more.
        if self.worker.as_ref().is_none_or(|worker| worker.number != message.worker) {
            return None;
        }
        let event = match message.notice {
            Notice::Ended(cause) => return Some(Ended::Crashed(cause)),
            Notice::Event(event) => event,
        };
        match event {
            Event::Finished => return Some(Ended::Finished),
            Event::SoFar { lane, result } => {
                self.so_far.insert(lane, *result);
            }
            Event::Test { trial, result } => {
                self.finished.insert(trial);
                self.claim(&result);
                self.report(*result, tell);
            }
            Event::Unreadable(error) => {
                if self.unreadable.is_new(&error) {
                    tell(Event::Unreadable(error));
                }
            }
            Event::Other(other) => {
                if self.others.is_new(&other) {
                    tell(Event::Other(other));
                }
            }
            Event::Packed(_) | Event::Overlap { .. } | Event::AtWork(_) | Event::Complaint(_) => {
                tell(event)
            }
        }
        None
    }

    /// An executor that says in every run that it is sequential makes no claim to be parallel.
    fn claim(&mut self, result: &TestResult) {
        let parallel = |run: &&lockstep_report::record::Run| run.telemetry.mode != Mode::Sequential;
        for run in result.runs.iter().filter(parallel) {
            if !self.claims.contains(&run.executor) {
                self.claims.insert(run.executor.clone());
            }
        }
    }

    fn report(&mut self, result: TestResult, tell: &mut dyn FnMut(Event)) {
        self.in_vain = 0;
        *self.rest.done.entry(result.id.clone()).or_default() += 1;
        tell(Event::Test { trial: 0, result: Box::new(result) });
    }

    /// Ends the worker, and takes what it has said.
    fn end_worker(&mut self, tell: &mut dyn FnMut(Event)) {
        let messages: Vec<_> = self.heard.try_iter().collect();
        for message in messages {
            let _ = self.take(message, tell);
        }
        self.worker = None;
    }

    fn at_work(&self) -> Vec<AtWork> {
        let at_work = |InFlight { lane, test, beat }: InFlight| AtWork {
            worker: lane as u64 + 1,
            executor: self.label(beat.slot).to_owned(),
            trial: test.id,
        };
        self.in_flight().into_iter().map(at_work).collect()
    }

    fn in_flight(&self) -> Vec<InFlight> {
        let Some(worker) = &self.worker else { return Vec::new() };
        let pulse = worker.pulse();
        let in_lane = |lane| {
            let beat = pulse.last(lane);
            let is_at_work = beat.trial > 0 && !self.finished.contains(&beat.trial);
            let test = serde_json::from_str(&pulse.note(lane));
            is_at_work.then_some(InFlight { lane, test: test.ok()?, beat })
        };
        (0..self.plan.jobs).filter_map(in_lane).collect()
    }

    fn label(&self, slot: u64) -> &str {
        let number = slot.checked_sub(FIRST_CANDIDATE).and_then(|number| number.try_into().ok());
        let candidate: Option<&_> =
            number.and_then(|number: usize| self.plan.candidates.get(number));
        match (slot, candidate) {
            (REFERENCE, _) => &self.plan.reference.label,
            (_, Some(candidate)) => &candidate.label,
            (_, None) => "the harness itself",
        }
    }

    fn hung(
        &mut self,
        lane: usize,
        since: Beat,
        tell: &mut dyn FnMut(Event),
    ) -> Result<(), String> {
        if let Some(worker) = &mut self.worker {
            worker.kill();
        }
        // It may have ended after all, just now.
        let messages: Vec<_> = self.heard.try_iter().collect();
        for message in messages {
            let _ = self.take(message, tell);
        }
        let still = |lost: &InFlight| lost.lane == lane && lost.beat == since;
        let found = self.in_flight().into_iter().find(still);
        if let Some(InFlight { test, beat, .. }) = found {
            let label = self.label(beat.slot).to_owned();
            let so_far = self.so_far.remove(&lane).filter(|known| known.id == test.id);
            let limit = Duration::from_millis(beat.known);
            self.report(hung(test, &label, limit, so_far), tell);
            let hangs = self.hangs.entry(label.clone()).or_default();
            *hangs += 1;
            if *hangs >= self.plan.most_hangs {
                let why = format!("{label} was not run: it has hung {hangs} times (--most-hangs)");
                self.give_up(label, why);
            }
        }
        self.worker = None;
        // A name that cannot be read, or a run that has ended just now.
        self.in_vain += 1;
        if self.in_vain > MOST_IN_VAIN {
            return Err(
                "workers hang, and no test is known to be at fault: a bug of ours".to_owned()
            );
        }
        Ok(())
    }

    /// The reference is always run: without it there is no verdict.
    fn give_up(&mut self, label: String, why: String) {
        if self.plan.candidates.iter().any(|candidate| candidate.label == label) {
            self.rest.given_up.insert(label, why);
        }
    }

    /// One test in flight is at fault. If there are several, each runs alone next, to find out.
    fn crashed(&mut self, cause: &Cause, tell: &mut dyn FnMut(Event)) -> Result<(), String> {
        let in_flight = self.in_flight();
        self.in_vain += 1;
        if in_flight.is_empty() && self.in_vain > MOST_IN_VAIN {
            return Err(format!("{cause}, and no test was running: this is a bug of ours"));
        }
        self.rest.suspects = in_flight.iter().map(|lost| lost.test.id.clone()).collect();
        if let [InFlight { lane, test, beat }] = in_flight.as_slice()
            && self.is_to_blame(&test.id, cause)
        {
            let label = self.label(beat.slot).to_owned();
            let so_far = self.so_far.remove(lane).filter(|known| known.id == test.id);
            self.report(crashed(test.clone(), &label, &cause.to_string(), so_far), tell);
            self.count_crash(label);
        }
        self.worker = None;
        Ok(())
    }

    /// A kill from outside may have nothing to do with the test: it gets another try.
    fn is_to_blame(&mut self, id: &str, cause: &Cause) -> bool {
        let kills = self.kills.entry(id.to_owned()).or_default();
        *kills += 1;
        *cause != Cause::Signal(9) || *kills >= KILLS
    }

    fn count_crash(&mut self, label: String) {
        let crashes = self.crashes.entry(label.clone()).or_default();
        *crashes += 1;
        if *crashes >= MOST_CRASHES {
            let why = format!("{label} was not run: it has ended the process {crashes} times");
            self.give_up(label, why);
        }
    }

    /// Telemetry is an executor's own word: an executor with two or more threads must show an overlap.
    fn prove(&mut self, number: usize, tell: &mut dyn FnMut(Event)) -> Result<(), String> {
        let candidate = &self.plan.candidates[number];
        let executor = candidate.label.clone();
        let overlap = |overlap| Event::Overlap { executor: executor.clone(), overlap };
        if candidate.threads < 2 {
            tell(overlap(Overlap::NotAsked));
            return Ok(());
        }
        if !self.claims.contains(&executor) {
            tell(overlap(Overlap::NotClaimed));
            return Ok(());
        }
        let id = format!("proof that {executor} is parallel");
        loop {
            self.hire(Assignment::Proof(number))?;
            let Ended::Crashed(cause) = self.listen(tell) else { return Ok(()) };
            self.worker = None;
            if self.is_to_blame(&id, &cause) {
                let (origin, fork) = (String::new(), String::new());
                let test = TestName { id, origin, source: SourceKind::BuiltIn, fork };
                self.report(crashed(test, &executor, &cause.to_string(), None), tell);
                return Ok(());
            }
        }
    }
}

/// Reported items, each as often as it occurs in one reading of all inputs.
struct Reported<T> {
    reported: Vec<T>,
    /// Those that the worker of now has not come to again.
    expected: Vec<T>,
}

impl<T> Default for Reported<T> {
    fn default() -> Self {
        Self { reported: Vec::new(), expected: Vec::new() }
    }
}

impl<T: Clone + PartialEq> Reported<T> {
    /// All inputs are read again.
    fn again(&mut self) {
        self.expected.clone_from(&self.reported);
    }

    fn is_new(&mut self, one: &T) -> bool {
        if let Some(index) = self.expected.iter().position(|expected| expected == one) {
            self.expected.swap_remove(index);
            return false;
        }
        self.reported.push(one.clone());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_input_is_reported_once_for_each_time_it_occurs() {
        let mut reported = Reported::default();
        assert!(reported.is_new(&"a") && reported.is_new(&"a"));
        reported.again();
        let found = ["a", "a", "a"].map(|one| reported.is_new(&one));
        assert_eq!(found, [false, false, true]);
    }
}
