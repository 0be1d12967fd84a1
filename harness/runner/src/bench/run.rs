//! Rounds of timed runs.
//!
//! In each round everyone runs once, the baseline among them, in an order that turns round by
//! round: what the machine does to one it does to the others. A ratio is taken within a round.

use super::{
    contestant::{Contestant, QUIET_AFTER, timed},
    import::{Commitments, Stages},
    machine::{self, Cores},
    plan::BenchPlan,
    sample::{Bound, SampleSet},
    storage::{Placed, StorageFacts},
};
use crate::{check::Candidate, import::Importer, record::Verdict, test::Runnable};
use lockstep_model::{Case, Dependencies, Executor, Mode, Outcome, Prepared};
use rustix::process::Pid;
use std::{collections::BTreeSet, sync::Barrier, thread};

/// Rounds in which the machine's ceiling is measured as well.
const MOST_CEILINGS: usize = 5;

/// Runs of which the fastest time of each transaction is taken, for the bound.
const DEPENDENCY_RUNS: usize = 3;

/// Executors that are kept from block to block.
pub struct Bench {
    plan: BenchPlan,
    cores: Cores,
    /// The helper threads of each executor and importer.
    crews: Vec<Vec<Pid>>,
    reference: Box<dyn Executor>,
    /// The baseline first.
    contestants: Vec<Box<dyn Executor>>,
    /// One for each contestant, where imports are measured.
    importers: Vec<Importer>,
}

impl std::fmt::Debug for Bench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bench").field("plan", &self.plan).finish_non_exhaustive()
    }
}

impl Bench {
    /// Makes the executors.
    ///
    /// # Errors
    /// When an executor cannot be made.
    pub fn new(plan: BenchPlan) -> Result<Self, String> {
        let mut crews = Vec::new();
        let mut make = |candidate: &Candidate| {
            let before = machine::threads();
            let executor = (candidate.factory)(candidate.threads)?;
            crews.push(helpers_since(&before));
            Ok::<_, String>(executor)
        };
        let everyone = std::iter::once(&plan.baseline).chain(&plan.candidates);
        let contestants = everyone.clone().map(&mut make).collect::<Result<_, _>>()?;
        let importers = everyone.filter(|_| plan.import).map(|candidate| {
            let before = machine::threads();
            let importer = Importer::new(candidate.threads)?;
            crews.push(helpers_since(&before));
            Ok::<_, String>(importer)
        });
        let importers = importers.collect::<Result<_, _>>()?;
        let reference = (plan.reference)(1)?;
        Ok(Self { cores: Cores::allowed(), crews, reference, contestants, importers, plan })
    }

    /// Pins every thread, in another way than in the round before but one: cores that are said to be
    /// alike drift apart, and nobody shall always have the better one.
    fn pin(&self, round: usize) {
        if self.plan.pin {
            let first = round / 2;
            self.cores.pin(None, first);
            for crew in &self.crews {
                let helpers = crew.iter().enumerate();
                helpers.for_each(|(nth, thread)| self.cores.pin(Some(*thread), first + 1 + nth));
            }
        }
    }

    /// Measures every candidate on one block.
    ///
    /// # Errors
    /// When the reference cannot run it: then nothing can be said.
    pub fn measure(&mut self, block: &Runnable) -> Result<Vec<SampleSet>, String> {
        self.pin(0);
        let sets = self.measure_here(block);
        self.cores.unpin();
        sets
    }

    fn measure_here(&mut self, block: &Runnable) -> Result<Vec<SampleSet>, String> {
        let mut storage = Placed::new(self.plan.storage, block)?;
        let mut case = block.case.clone();
        if let Some(reader) = storage.reader() {
            case.pre_state = reader;
        }
        let case = &case;
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
        storage.begin();
        for round in 0..self.plan.rounds {
            self.pin(round);
            in_turn(&mut contestants, round, |_, contestant| contestant.run(block, &right));
            // Of storage that takes its time, the machine's ceiling says nothing.
            if round < MOST_CEILINGS && storage.is_memory() {
                reference_ns.push(timed(&mut *reference).1);
                let pin = self.plan.pin.then_some(&self.cores);
                copies_ns.extend(copies.as_mut().map(|copies| all_at_once(copies, pin)));
            }
        }
        let no_import = self.import(block, &right, &mut contestants);
        let storage = storage.end()?;
        let baseline = contestants.remove(0);
        if baseline.verdict != Verdict::Agreed {
            let reason = baseline.reason.unwrap_or_default();
            return Err(format!("{}: {reason}", self.plan.baseline.label));
        }
        let facts = Facts {
            storage,
            dependencies: self.dependencies(block),
            case,
            right: &right,
            reference_ns,
            copies_ns,
            copies: self.cores.count(),
            no_import,
        };
        let sets = contestants.into_iter().zip(&self.plan.candidates);
        Ok(sets.map(|(ours, candidate)| facts.sample_set(candidate, &baseline, ours)).collect())
    }

    /// Rounds of imports, where they are asked for. Gives why there are none of this block.
    fn import(
        &self,
        block: &Runnable,
        right: &Outcome,
        contestants: &mut [Contestant],
    ) -> Option<String> {
        if self.importers.is_empty() {
            return None;
        }
        let expected = match Commitments::of(block, right) {
            Ok(expected) => expected,
            Err(reason) => return Some(reason),
        };
        // One more round, to warm up.
        for round in 0..=self.plan.rounds {
            self.pin(round);
            in_turn(contestants, round, |nth, contestant| {
                contestant.import(block, right, (&self.importers[nth], &expected));
            });
            if round == 0 {
                contestants.iter_mut().for_each(|contestant| contestant.stages = Stages::default());
            }
        }
        None
    }

    /// `None` where they are not asked for, or cannot be found: of an invalid block.
    fn dependencies(&self, block: &Runnable) -> Option<Dependencies> {
        let find = || (self.plan.dependencies?)(&block.case).ok();
        (1..DEPENDENCY_RUNS).try_fold(find()?, |known, _| Some(known.fastest(&find()?)))
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
    storage: Option<StorageFacts>,
    dependencies: Option<Dependencies>,
    case: &'a Case,
    right: &'a Outcome,
    reference_ns: Vec<u64>,
    copies_ns: Vec<u64>,
    copies: usize,
    no_import: Option<String>,
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
            storage: self.storage,
            bound: self.dependencies.as_ref().map(Bound::of),
            baseline_stages: some_stages(&baseline.stages),
            candidate_stages: some_stages(&ours.stages),
            no_import: self.no_import.clone(),
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

fn some_stages(stages: &Stages) -> Option<Stages> {
    (!stages.import_ns.is_empty()).then(|| stages.clone())
}

/// Calls everyone once with their place, forwards in even rounds and backwards in odd ones.
fn in_turn<T>(everyone: &mut [T], round: usize, mut call: impl FnMut(usize, &mut T)) {
    let everyone = everyone.iter_mut().enumerate();
    if round.is_multiple_of(2) {
        everyone.for_each(|(nth, one)| call(nth, one));
    } else {
        everyone.rev().for_each(|(nth, one)| call(nth, one));
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

/// The threads that have come since.
fn helpers_since(before: &BTreeSet<i32>) -> Vec<Pid> {
    // A thread shows itself once it has started.
    thread::sleep(QUIET_AFTER);
    machine::threads().difference(before).filter_map(|thread| Pid::from_raw(*thread)).collect()
}
