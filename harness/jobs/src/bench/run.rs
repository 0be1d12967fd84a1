//! Runs of rounds of timed runs.
//!
//! In each run everyone prepares the block anew. In each of its rounds everyone runs twice, forwards and
//! then backwards, the baseline first and last (ABBA): what the machine does to one it does to the
//! others, and a drift cancels out. A ratio is taken within a round. Beside the candidates a second copy
//! of the baseline runs, in as fair a place as theirs: what it seems to be faster than the first is what
//! the machine makes up (A/A control).

use super::{
    import::Commitments,
    machine::{self, Cores},
    measured_slot::{MeasuredSlot, QUIET_AFTER, timed},
    plan::BenchPlan,
    storage::Placed,
};
use crate::import::Importer;
use alloy_primitives::B256;
use lockstep_engine::Candidate;
use lockstep_judge::runnable::Runnable;
use lockstep_model::{Case, Dependencies, Executor, Outcome, Prepared, RunOptions};
use lockstep_report::{
    record::Verdict,
    samples::{Bound, SampleSet, Stages, StorageFacts},
};
use rustix::process::Pid;
use std::{collections::BTreeSet, sync::Barrier, thread};

/// Runs of which the fastest time of each transaction is taken, for the bound.
const DEPENDENCY_RUNS: usize = 3;

/// Executors that are kept from block to block.
pub struct Bench {
    plan: BenchPlan,
    cores: Cores,
    /// The helper threads of each executor and importer.
    crews: Vec<Vec<Pid>>,
    reference: Box<dyn Executor>,
    /// The baseline first, its second copy last.
    measured_slots: Vec<Box<dyn Executor>>,
    /// One for each measured_slot, where imports are measured.
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
        let everyone = everyone(&plan);
        let measured_slots = everyone.clone().map(&mut make).collect::<Result<_, _>>()?;
        let importers = everyone.filter(|_| plan.import).map(|candidate| {
            let before = machine::threads();
            let importer = Importer::new(candidate.threads)?;
            crews.push(helpers_since(&before));
            Ok::<_, String>(importer)
        });
        let importers = importers.collect::<Result<_, _>>()?;
        let reference = (plan.reference)(1)?;
        Ok(Self { cores: Cores::allowed(), crews, reference, measured_slots, importers, plan })
    }

    /// Pins every thread, in another way than in the round before but one: cores that are said to be
    /// alike drift apart, and no copy shall always have the better place.
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
        let sets = self.measure_calmly(block);
        self.cores.unpin();
        sets
    }

    /// Repeats the measurement once if the machine was too noisy to tell: a neighbour's burst is over soon.
    /// One attempt is kept as a whole, the one whose control is the narrower.
    fn measure_calmly(&mut self, block: &Runnable) -> Result<Vec<SampleSet>, String> {
        let first = self.measure_here(block)?;
        if !first.iter().any(|set| set.noisy && set.verdict == Verdict::Agreed) {
            return Ok(first);
        }
        let again = self.measure_here(block)?;
        let width = |sets: &[SampleSet]| sets.iter().map(SampleSet::noise).fold(0.0, f64::max);
        let is_right = again.iter().all(|set| set.verdict == Verdict::Agreed);
        Ok(if !is_right || width(&again) < width(&first) { again } else { first })
    }

    /// The right outcome, with the prepared reference and the time of its first run in ns.
    fn right(&mut self, case: &Case) -> Result<(Box<dyn Prepared>, Outcome, u64), String> {
        let reference = self.reference.prepare(case, &RunOptions::of(case));
        let mut reference = reference.map_err(|error| error.to_string())?;
        let (right, first) = timed(&mut *reference);
        let right = right.map_err(|reason| format!("reference: {reason}"))?.outcome;
        Ok((reference, right, first))
    }

    fn measure_here(&mut self, block: &Runnable) -> Result<Vec<SampleSet>, String> {
        let mut storage = Placed::new(self.plan.storage, block)?;
        let mut case = block.case.clone();
        if let Some(reader) = storage.reader() {
            case.pre_state = reader;
        }
        let case = &case;
        let watch = self.plan.watch.clone();
        let (mut reference, right, first) = self.right(case)?;
        block.pre.answer_all(&right);
        let commitments = Commitments::of(block, &right);
        let mut beside = Beside { reference_ns: vec![first], copies_ns: Vec::new() };

        let mut copies = self.copies(case);
        let mut measured_slots: Vec<MeasuredSlot> =
            everyone(&self.plan).map(|who| MeasuredSlot::new(&who.label)).collect();
        for run in 0..self.plan.runs {
            for (measured_slot, executor) in measured_slots.iter_mut().zip(&mut self.measured_slots)
            {
                measured_slot.begin(&mut **executor, case, (block, &right, &watch));
                if let Some(meter) = self.plan.memory.filter(|_| run == 0) {
                    measured_slot.measure_memory(meter);
                }
            }
            storage.begin();
            for round in 0..self.plan.rounds {
                self.pin(run * self.plan.rounds + round);
                forwards_and_backwards(&mut measured_slots, |measured_slot| {
                    measured_slot.run(block, &right, &watch);
                });
                // The machine's ceiling says nothing about storage that takes its time.
                if storage.is_memory() {
                    let pin = self.plan.pin.then_some(&self.cores);
                    let together = copies.as_mut().map(|copies| all_at_once(copies, pin));
                    beside.copies_ns.extend(together);
                }
            }
            if storage.is_memory() {
                beside.reference_ns.push(timed(&mut *reference).1);
            }
            storage.end();
        }
        drop(copies);
        if storage.is_memory() {
            self.watch_receipts(&mut measured_slots, case, (block, &right));
        }
        storage.begin();
        let no_import = self.import(block, &right, commitments.as_ref(), &mut measured_slots);
        storage.end();
        let mut measured_slots = measured_slots.into_iter();
        let (baseline, control) = (measured_slots.next(), measured_slots.next_back());
        let (Some(baseline), Some(control)) = (baseline, control) else { return Ok(Vec::new()) };
        if let Some(wrong) = [&baseline, &control].iter().find(|who| !who.is_right()) {
            let reason = wrong.reason.as_deref().unwrap_or_default();
            return Err(format!("{}: {reason}", self.plan.baseline.label));
        }
        let facts = Facts {
            storage: storage.facts()?,
            dependencies: self.dependencies(block),
            plan: &self.plan,
            case,
            right: &right,
            outcome: commitments.ok().map(|commitments| commitments.digest()),
            beside,
            copies: self.cores.count(),
            no_import,
            baseline,
            control,
        };
        let sets = measured_slots.zip(&self.plan.candidates);
        Ok(sets.map(|(ours, candidate)| facts.sample_set(candidate, ours)).collect())
    }

    fn watch_receipts(
        &mut self,
        measured_slots: &mut [MeasuredSlot],
        case: &Case,
        (block, right): (&Runnable, &Outcome),
    ) {
        for (measured_slot, executor) in measured_slots.iter_mut().zip(&mut self.measured_slots) {
            measured_slot.watch_receipts(&mut **executor, case, (block, right, &self.plan.watch));
        }
    }

    /// Rounds of imports, where they are asked for. Gives why there are none of this block.
    fn import(
        &self,
        block: &Runnable,
        right: &Outcome,
        expected: Result<&Commitments, &String>,
        measured_slots: &mut [MeasuredSlot],
    ) -> Option<String> {
        if self.importers.is_empty() {
            return None;
        }
        let expected = match expected {
            Ok(expected) => expected,
            Err(reason) => return Some(reason.clone()),
        };
        // One more round, to warm up.
        for round in 0..=self.plan.runs * self.plan.rounds {
            self.pin(round);
            in_turn(measured_slots, round, |nth, measured_slot| {
                let importer = &self.importers[nth];
                measured_slot.import(block, right, (importer, expected), &self.plan.watch);
            });
            if round == 0 {
                measured_slots
                    .iter_mut()
                    .for_each(|measured_slot| measured_slot.stages = Stages::default());
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
            executor.prepare(case, &RunOptions::of(case)).ok()
        };
        (0..self.cores.count()).map(copy).collect()
    }
}

/// The baseline, the candidates, and a second copy of the baseline.
fn everyone(plan: &BenchPlan) -> impl Iterator<Item = &Candidate> + Clone {
    let baseline = std::iter::once(&plan.baseline);
    baseline.clone().chain(&plan.candidates).chain(baseline)
}

/// Times of what runs beside the measured_slots.
struct Beside {
    reference_ns: Vec<u64>,
    copies_ns: Vec<u64>,
}

/// Facts about a block beside its samples.
struct Facts<'a> {
    plan: &'a BenchPlan,
    storage: Option<StorageFacts>,
    dependencies: Option<Dependencies>,
    case: &'a Case,
    right: &'a Outcome,
    outcome: Option<B256>,
    beside: Beside,
    copies: usize,
    no_import: Option<String>,
    baseline: MeasuredSlot,
    control: MeasuredSlot,
}

impl Facts<'_> {
    fn sample_set(&self, candidate: &Candidate, ours: MeasuredSlot) -> SampleSet {
        let gas = match self.right {
            Outcome::Accepted(block) => block.gas_used,
            Outcome::Rejected(_) => 0,
        };
        let (name, _) = candidate.label.split_once('@').unwrap_or((&candidate.label, ""));
        SampleSet {
            workload: self.case.id.to_string(),
            executor: name.to_owned(),
            threads: candidate.threads,
            transactions: self.case.block.transactions.len(),
            gas,
            outcome: self.outcome,
            place: self.plan.storage.to_string(),
            runs: self.plan.runs,
            baseline_ns: self.baseline.times.clone(),
            control_ns: self.control.times.clone(),
            candidate_ns: ours.times,
            reference_ns: self.beside.reference_ns.clone(),
            copies_ns: self.beside.copies_ns.clone(),
            copies: self.copies,
            storage: self.storage,
            bound: self.dependencies.as_ref().map(Bound::of),
            baseline_stages: some_stages(&self.baseline.stages),
            candidate_stages: some_stages(&ours.stages),
            no_import: self.no_import.clone(),
            baseline_usage: self.baseline.usage.clone(),
            candidate_usage: ours.usage,
            baseline_receipts: self.baseline.receipts.clone(),
            candidate_receipts: ours.receipts,
            verdict: ours.verdict,
            reason: ours.reason,
            ..SampleSet::default()
        }
        .conclude(ours.telemetry)
    }
}

/// Calls everyone twice, forwards and then backwards.
fn forwards_and_backwards<T>(everyone: &mut [T], mut call: impl FnMut(&mut T)) {
    everyone.iter_mut().for_each(&mut call);
    everyone.iter_mut().rev().for_each(call);
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
