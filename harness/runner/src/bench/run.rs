//! Rounds of timed runs.
//!
//! In each round everyone runs once, the baseline among them, in an order that turns round by
//! round: what the machine does to one it does to the others. A ratio is taken within a round.

use super::{
    machine::{self, Cores},
    plan::{BenchPlan, MemoryMeter},
    sample::{SampleSet, Usage},
};
use crate::{
    check::{Candidate, panic_text},
    compare::compare_outcomes,
    instrument::LatencyReader,
    record::Verdict,
    test::Runnable,
};
use lockstep_model::{
    Case, Execution, Executor, ExecutorError, Mode, Outcome, Prepared, Telemetry,
};
use rustix::process::Pid;
use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Barrier},
    thread,
    time::{Duration, Instant},
};

/// How long helper threads may go on after a run until their time counts for nobody.
const QUIET_AFTER: Duration = Duration::from_millis(1);

/// Rounds in which the machine's ceiling is measured as well.
const MOST_CEILINGS: usize = 5;

/// Executors that are kept from block to block.
pub struct Bench {
    plan: BenchPlan,
    cores: Cores,
    reference: Box<dyn Executor>,
    /// The baseline first.
    contestants: Vec<Box<dyn Executor>>,
}

impl std::fmt::Debug for Bench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bench").field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// One executor on one block.
struct Contestant {
    label: String,
    prepared: Result<Box<dyn Prepared>, String>,
    times: Vec<u64>,
    usage: Usage,
    verdict: Verdict,
    reason: Option<String>,
    telemetry: Telemetry,
}

impl Bench {
    /// Makes the executors; their threads are pinned where the plan says so.
    ///
    /// # Errors
    /// When an executor cannot be made.
    pub fn new(plan: BenchPlan) -> Result<Self, String> {
        let cores = Cores::allowed();
        let make = |candidate: &Candidate| {
            let before = machine::threads();
            let executor = (candidate.factory)(candidate.threads)?;
            if plan.pin {
                pin_helpers(&cores, &before);
            }
            Ok::<_, String>(executor)
        };
        let everyone = std::iter::once(&plan.baseline).chain(&plan.candidates);
        let contestants = everyone.map(make).collect::<Result<_, _>>()?;
        let reference = (plan.reference)(1)?;
        Ok(Self { cores, reference, contestants, plan })
    }

    /// Measures every candidate on one block.
    ///
    /// # Errors
    /// When the reference cannot run it: then nothing can be said.
    pub fn measure(&mut self, block: &Runnable) -> Result<Vec<SampleSet>, String> {
        if self.plan.pin {
            self.cores.pin(None, 0);
        }
        let sets = self.measure_here(block);
        self.cores.unpin();
        sets
    }

    fn measure_here(&mut self, block: &Runnable) -> Result<Vec<SampleSet>, String> {
        let slow = self
            .plan
            .latency
            .map(|latency| Arc::new(LatencyReader::new(block.case.pre_state.clone(), latency)));
        let mut case = block.case.clone();
        if let Some(reader) = &slow {
            case.pre_state = reader.clone();
        }
        let case = &case;
        // Only timed runs wait for storage.
        let clocked = |arm: bool| {
            if let Some(reader) = &slow {
                reader.arm(arm);
            }
        };
        let mut reference = self.reference.prepare(case).map_err(|error| error.to_string())?;
        let (right, first) = timed(&mut *reference);
        let right = right.map_err(|reason| format!("reference: {reason}"))?.outcome;
        let mut reference_ns = vec![first];

        let mut copies = self.copies(case);
        let labels = std::iter::once(&self.plan.baseline).chain(&self.plan.candidates);
        let mut contestants: Vec<Contestant> = labels
            .zip(&mut self.contestants)
            .map(|(who, executor)| Contestant::new(&who.label, &mut **executor, case))
            .collect();
        for contestant in &mut contestants {
            if let Some(meter) = self.plan.memory {
                contestant.measure_memory(meter);
            }
            contestant.warm_up(block, &right);
        }
        let mut copies_ns = Vec::new();
        clocked(true);
        for round in 0..self.plan.rounds {
            in_turn(&mut contestants, round, |contestant| contestant.run(block, &right));
            // Of storage that sleeps, the machine's ceiling says nothing.
            if round < MOST_CEILINGS && slow.is_none() {
                reference_ns.push(timed(&mut *reference).1);
                let pin = self.plan.pin.then_some(&self.cores);
                copies_ns.extend(copies.as_mut().map(|copies| all_at_once(copies, pin)));
            }
        }
        clocked(false);
        let baseline = contestants.remove(0);
        if baseline.verdict != Verdict::Agreed {
            let reason = baseline.reason.unwrap_or_default();
            return Err(format!("{}: {reason}", self.plan.baseline.label));
        }
        let read_ns = slow.and_then(|reader| reader.measured()).map(nanoseconds);
        let facts = Facts {
            read_ns,
            case,
            right: &right,
            reference_ns,
            copies_ns,
            copies: self.cores.count(),
        };
        let sets = contestants.into_iter().zip(&self.plan.candidates);
        Ok(sets.map(|(ours, candidate)| facts.sample_set(candidate, &baseline, ours)).collect())
    }

    /// One prepared copy of the baseline's work for each core.
    fn copies(&self, case: &Case) -> Option<Vec<Box<dyn Prepared>>> {
        let copy = |_| {
            let mut executor = (self.plan.baseline.factory)(1).ok()?;
            executor.prepare(case).ok()
        };
        (0..self.cores.count()).map(copy).collect()
    }
}

/// What is known of a block beside its samples.
struct Facts<'a> {
    read_ns: Option<u64>,
    case: &'a Case,
    right: &'a Outcome,
    reference_ns: Vec<u64>,
    copies_ns: Vec<u64>,
    copies: usize,
}

impl Facts<'_> {
    fn sample_set(
        &self,
        candidate: &Candidate,
        baseline: &Contestant,
        ours: Contestant,
    ) -> SampleSet {
        let gas = match self.right {
            Outcome::Accepted(block) => block.gas_used,
            Outcome::Rejected(_) => 0,
        };
        let (name, _) = candidate.label.split_once('@').unwrap_or((&candidate.label, ""));
        SampleSet {
            workload: self.case.id.to_string(),
            executor: name.to_owned(),
            threads: candidate.threads,
            mode: Mode::default(),
            transactions: self.case.block.transactions.len(),
            gas,
            baseline_ns: baseline.times.clone(),
            candidate_ns: ours.times,
            reference_ns: self.reference_ns.clone(),
            copies_ns: self.copies_ns.clone(),
            copies: self.copies,
            read_ns: self.read_ns,
            baseline_usage: baseline.usage.clone(),
            candidate_usage: ours.usage,
            re_executions: 0,
            speedup: None,
            speedup_low: None,
            speedup_high: None,
            verdict: ours.verdict,
            reason: ours.reason,
        }
        .conclude(ours.telemetry)
    }
}

impl Contestant {
    fn new(label: &str, executor: &mut dyn Executor, case: &Case) -> Self {
        Self {
            label: label.to_owned(),
            prepared: guarded(|| executor.prepare(case)),
            times: Vec::new(),
            usage: Usage::default(),
            verdict: Verdict::Agreed,
            reason: None,
            telemetry: Telemetry::default(),
        }
    }

    /// A first run that is judged and not timed.
    fn warm_up(&mut self, block: &Runnable, right: &Outcome) {
        self.run(block, right);
        self.times.clear();
        self.usage.processor_ns.clear();
    }

    fn run(&mut self, block: &Runnable, right: &Outcome) {
        // Whoever was wrong once has no time any more.
        if self.verdict != Verdict::Agreed {
            return;
        }
        let prepared = match &mut self.prepared {
            Ok(prepared) => prepared,
            Err(reason) => {
                (self.verdict, self.reason) = (Verdict::Inconclusive, Some(reason.clone()));
                return;
            }
        };
        let before = machine::processor_time();
        let (outcome, time) = timed(&mut **prepared);
        thread::sleep(QUIET_AFTER);
        let processor = machine::processor_time().saturating_sub(before);
        match outcome {
            Ok(execution) => {
                self.telemetry = execution.telemetry;
                self.times.push(time);
                self.usage.processor_ns.push(nanoseconds(processor));
                let found = compare_outcomes(&block.pre, right, &execution.outcome, &self.label);
                if let Some(difference) = found.first() {
                    (self.verdict, self.reason) = (Verdict::Diverged, Some(difference.to_string()));
                }
            }
            Err(reason) => (self.verdict, self.reason) = (Verdict::Inconclusive, Some(reason)),
        }
    }

    /// One more run, which is not timed: the first of a block, for what is kept between runs counts.
    fn measure_memory(&mut self, meter: MemoryMeter) {
        let Ok(prepared) = &mut self.prepared else { return };
        (meter.start)();
        let execution = guarded(|| prepared.run());
        let peak = (meter.stop)();
        if execution.is_ok() {
            self.usage.peak_bytes = Some(peak);
        }
    }
}

/// Calls everyone once, forwards in even rounds and backwards in odd ones.
fn in_turn<T>(everyone: &mut [T], round: usize, mut call: impl FnMut(&mut T)) {
    if round.is_multiple_of(2) {
        everyone.iter_mut().for_each(&mut call);
    } else {
        everyone.iter_mut().rev().for_each(&mut call);
    }
}

/// Runs it, and says what came of it and how long it took, in ns.
fn timed(prepared: &mut dyn Prepared) -> (Result<Execution, String>, u64) {
    let start = Instant::now();
    let outcome = guarded(|| prepared.run());
    (outcome, nanoseconds(start.elapsed()))
}

/// A panic is an answer too.
fn guarded<T>(call: impl FnOnce() -> Result<T, ExecutorError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => Err(format!("panicked: {}", panic_text(&*panic))),
    }
}

/// Time until the last of the copies is done, in ns.
fn all_at_once(copies: &mut [Box<dyn Prepared>], pin: Option<&Cores>) -> u64 {
    let start = Barrier::new(copies.len());
    let time = |nth: usize, prepared: &mut dyn Prepared| {
        if let Some(cores) = pin {
            cores.pin(None, nth);
        }
        start.wait();
        timed(prepared).1
    };
    let times = thread::scope(|scope| {
        let copies = copies.iter_mut().enumerate();
        let threads: Vec<_> =
            copies.map(|(nth, copy)| scope.spawn(move || time(nth, &mut **copy))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_default()).max()
    });
    times.unwrap_or_default()
}

/// Pins the threads that have come since: the first to the second core, for the calling thread has
/// the first.
fn pin_helpers(cores: &Cores, before: &BTreeSet<i32>) {
    // A thread shows itself once it has started.
    thread::sleep(QUIET_AFTER);
    for (nth, thread) in machine::threads().difference(before).enumerate() {
        cores.pin(Pid::from_raw(*thread), nth + 1);
    }
}

fn nanoseconds(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}
