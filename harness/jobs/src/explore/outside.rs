//! Executors that follow no schedule: only their reads of the state before the block can be held back.
//!
//! A schedule is then a list of *holds*: the read of one place waits until another place has been read. A run that
//! fails under a strategy is repeated with single holds, of which one is often enough; else with the whole
//! order of its reads, made shorter. As threads are free between two reads, a schedule may not always fail: how
//! often it does is said.

use super::{
    Ended, NotExplored, Plan,
    record::Recorder,
    strategy::{Known, Strategy, strategy},
};
use crate::{
    explore::schedule::block_hash,
    finding::{Failure, Kind},
    minimise::{Needs, Suspect},
};
use lockstep_engine::instrument::HeldReads;
use lockstep_judge::runnable::Runnable;
use lockstep_model::{Case, NextStep, Outcome, RunOptions};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

/// The read of `then` waits until `first` was read. Places are hashes of 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hold {
    /// What must have been read.
    pub first: u32,
    /// What waits for it.
    pub then: u32,
}

/// A schedule of reads: `o1:BLOCK:FIRST-THEN.FIRST-THEN…`, each of 8 hexadecimal digits. Without a hold the reads
/// go in the order in which they come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holds {
    /// The block, as in [`super::schedule`].
    pub block: u32,
    /// In no order.
    pub holds: Vec<Hold>,
}

impl fmt::Display for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "o1:{:08x}:", self.block)?;
        for (index, Hold { first, then }) in self.holds.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            write!(f, "{dot}{first:08x}-{then:08x}")?;
        }
        Ok(())
    }
}

impl FromStr for Holds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ["o1", block, holds] = text.trim().split(':').collect::<Vec<_>>()[..] else {
            return Err("expected `o1:BLOCK:FIRST-THEN.FIRST-THEN…`: is it cut short?".to_owned());
        };
        let hex = |text: &str| {
            let number = (text.len() == 8).then(|| u32::from_str_radix(text, 16).ok()).flatten();
            number.ok_or_else(|| format!("`{text}`: expected 8 hexadecimal digits"))
        };
        let hold = |text: &str| {
            let parts = text.split_once('-');
            let (first, then) = parts.ok_or_else(|| format!("`{text}`: expected FIRST-THEN"))?;
            Ok(Hold { first: hex(first)?, then: hex(then)? })
        };
        let holds = holds.split('.').filter(|hold| !hold.is_empty());
        let holds: Result<_, String> = holds.map(hold).collect();
        Ok(Self { block: hex(block)?, holds: holds? })
    }
}

/// Lets reads go as holds say; else the first that waits.
struct Keep {
    holds: Vec<Hold>,
    read: BTreeSet<u32>,
}

impl Strategy for Keep {
    fn choose(&mut self, ready: &[NextStep]) -> Result<usize, String> {
        let is_held = |step: &NextStep| {
            let place = step.place as u32;
            let mut holds = self.holds.iter();
            holds.any(|hold| hold.then == place && !self.read.contains(&hold.first))
        };
        // Where all are held, what they wait for does not come: it cannot be kept.
        let chosen = ready.iter().position(|step| !is_held(step)).unwrap_or(0);
        self.read.insert(ready[chosen].place as u32);
        Ok(chosen)
    }
}

/// How long nothing happens until a read is let go.
const SETTLE: Duration = Duration::from_micros(150);

/// The same where holds have to be kept: what they wait for may come late.
const PATIENCE: Duration = Duration::from_millis(4);

/// Runs of a schedule that fails not always, until it counts as one that does not fail.
const TRIES: u32 = 4;

/// Single holds that are tried.
const MOST_HOLDS: usize = 250;

/// Repetitions of a failing schedule.
pub const REPLAYS: u32 = 10;

/// More reads of a run are not ordered by pairs.
const MOST_ORDERED: usize = 200;

/// The schedules of a block, and what they showed.
#[derive(Debug)]
pub struct Steered {
    /// Schedules that were run.
    pub schedules: u64,
    /// How long they took.
    pub time: Duration,
    /// Threads that read.
    pub readers: usize,
    /// Reads of a run.
    pub reads: usize,
    /// Of two reads by different threads, which one came first: orders that were seen.
    pub orders: usize,
    /// Of how many: two for each pair of reads by different threads.
    pub possible: usize,
    /// Why it ended.
    pub ended: Ended,
    /// What fails.
    pub failing: Option<Held>,
}

/// An order of reads under which the executor is wrong.
#[derive(Debug)]
pub struct Held {
    /// How it fails.
    pub failure: Failure,
    /// The strategy that found it, and the number of its schedule.
    pub found_by: (String, u64),
    /// The schedule; `None` where the process died, or no holds brought the failure back.
    pub holds: Option<Holds>,
    /// Each hold in words.
    pub words: Vec<String>,
    /// Schedules that were tried to come there.
    pub tries: u32,
    /// Of so many repetitions, how many failed.
    pub replays: (u32, u32),
}

/// A block, and an executor that is steered from outside.
#[derive(Debug)]
pub struct Outside<'a> {
    block: &'a Runnable,
    suspect: &'a mut Suspect,
    threads: usize,
    right: Option<Outcome>,
    names: BTreeMap<u64, String>,
}

struct Ran {
    failure: Option<Failure>,
    reads: Vec<(u32, u64)>,
    readers: usize,
}

impl<'a> Outside<'a> {
    /// `threads` are those that the executor was made for.
    pub const fn new(block: &'a Runnable, suspect: &'a mut Suspect, threads: usize) -> Self {
        Self { block, suspect, threads, right: None, names: BTreeMap::new() }
    }

    fn run(&mut self, strategy: Box<dyn Strategy>, settle: Duration) -> Result<Ran, NotExplored> {
        self.run_for(Needs::Answer, strategy, settle)
    }

    fn run_for(
        &mut self,
        needs: Needs,
        strategy: Box<dyn Strategy>,
        settle: Duration,
    ) -> Result<Ran, NotExplored> {
        let recorder = Arc::new(Recorder::new(strategy, u64::MAX));
        let pre_state = self.block.case.pre_state.clone();
        let reader = Arc::new(HeldReads::new(pre_state, recorder.clone(), self.threads, settle));
        let case = Case { pre_state: reader.clone(), ..self.block.case.clone() };
        let block = Runnable { case, ..self.block.clone() };
        let options = RunOptions::of(&block.case);
        if self.right.is_none() {
            self.right = Some(self.suspect.right(self.block, &options)?);
        }
        let failure = self.suspect.try_once((&block, &options), &mut self.right, needs)?;
        self.names.append(&mut reader.names());
        Ok(Ran { failure, reads: recorder.take().reads, readers: reader.readers() })
    }

    /// Runs the block under many orders of its reads, until one fails.
    ///
    /// # Errors
    /// When the reference cannot run the block, or the executor gives nothing to hold.
    pub fn explore(
        &mut self,
        plan: &Plan,
        tell: &mut dyn FnMut(u64),
    ) -> Result<Steered, NotExplored> {
        let start = Instant::now();
        let known = Known {
            workers: self.threads,
            steps: 0,
            is_chosen: |_| true,
            chosen: Vec::new(),
            depth: plan.depth,
        };
        let pilot = Box::new(Keep { holds: Vec::new(), read: BTreeSet::new() });
        let pilot = self.run_for(Needs::Run, pilot, SETTLE)?;
        if pilot.failure.is_none() {
            self.can_be_steered(&pilot)?;
        }
        let known = Known { steps: pilot.reads.len() as u64, ..known };
        let (mut orders, mut met) = (BTreeSet::new(), BTreeSet::new());
        let (mut schedules, mut last_new, mut failing) = (0, 0, None);
        let ended = loop {
            if let Some(ended) = plan.ends(schedules, last_new, start) {
                break ended;
            }
            let number = plan.first + schedules;
            let kind = plan.strategies[number as usize % plan.strategies.len()];
            let ran = self.run(strategy(kind, plan.seed, number, &known), SETTLE)?;
            schedules += 1;
            if let Some(failure) = ran.failure {
                let found_by = (kind.to_string(), number);
                failing = Some(self.held(failure, &ran.reads, found_by, plan)?);
                break Ended::Failed;
            }
            if add_orders(&ran.reads, &mut orders, &mut met) {
                last_new = schedules;
            }
            tell(schedules);
        };
        Ok(Steered {
            schedules,
            time: start.elapsed(),
            readers: pilot.readers,
            reads: pilot.reads.len(),
            orders: orders.len(),
            possible: 2 * met.len(),
            ended,
            failing,
        })
    }

    fn can_be_steered(&self, pilot: &Ran) -> Result<(), NotExplored> {
        let label = self.suspect.label();
        match pilot.readers {
            0 => Err(NotExplored::Misfit(format!(
                "{label} reads nothing of the state before the block while it runs: there is nothing to hold"
            ))),
            1 => Err(NotExplored::Misfit(format!(
                "{label} reads the state before the block from one thread alone: there is no order to choose"
            ))),
            _ => Ok(()),
        }
    }

    /// The fewest holds that bring the failure back.
    fn held(
        &mut self,
        failure: Failure,
        reads: &[(u32, u64)],
        found_by: (String, u64),
        plan: &Plan,
    ) -> Result<Held, NotExplored> {
        let mut held =
            Held { failure, found_by, holds: None, words: Vec::new(), tries: 0, replays: (0, 0) };
        if matches!(held.failure.kind, Kind::Hung | Kind::Crashed) {
            return Ok(held);
        }
        // Some bugs need no order at all.
        let always = self.fails_with(&[], &held.failure, TRIES)? == TRIES;
        let mut found = always.then(Vec::new);
        for hold in single_holds(reads) {
            if found.is_some() || plan.interrupted.load(Ordering::SeqCst) {
                break;
            }
            held.tries += 1;
            if self.fails_with(&[hold], &held.failure, TRIES)? == TRIES {
                found = Some(vec![hold]);
                break;
            }
        }
        if found.is_none() {
            let all = chain(reads);
            held.tries += 1;
            found = (self.fails_with(&all, &held.failure, TRIES)? > 0).then_some(all);
        }
        let block = block_hash(&self.block.case);
        let Some(holds) = found else { return Ok(held) };
        held.replays = (self.fails_with(&holds, &held.failure, REPLAYS)?, REPLAYS);
        let name = |place: u32| {
            let known = self.names.get(&u64::from(place)).cloned();
            known.unwrap_or_else(|| format!("{place:08x}"))
        };
        let word = |hold: &Hold| format!("{} waits for {}", name(hold.then), name(hold.first));
        held.words = holds.iter().map(word).collect();
        held.holds = Some(Holds { block, holds });
        Ok(held)
    }

    /// How many of so many runs fail in the same way.
    fn fails_with(
        &mut self,
        holds: &[Hold],
        wanted: &Failure,
        runs: u32,
    ) -> Result<u32, NotExplored> {
        let mut failed = 0;
        for _ in 0..runs {
            let keep = Keep { holds: holds.to_vec(), read: BTreeSet::new() };
            let ran = self.run(Box::new(keep), PATIENCE)?;
            let fails = ran.failure.is_some_and(|found| found.is_like(wanted));
            failed += u32::from(fails);
            if !fails && runs == TRIES {
                break;
            }
        }
        Ok(failed)
    }

    /// Runs a schedule several times; how many failed, and how.
    ///
    /// # Errors
    /// When the reference cannot run the block, or the schedule is one of another.
    pub fn replay(&mut self, holds: &Holds) -> Result<(u32, Option<Failure>), NotExplored> {
        let hash = block_hash(&self.block.case);
        if holds.block != hash {
            return Err(NotExplored::Misfit(format!(
                "the schedule is one of block {:08x}, and {} is block {hash:08x}",
                holds.block, self.block.case.id
            )));
        }
        let (mut failed, mut first) = (0, None);
        for _ in 0..REPLAYS {
            let keep = Keep { holds: holds.holds.clone(), read: BTreeSet::new() };
            let ran = self.run(Box::new(keep), PATIENCE)?;
            failed += u32::from(ran.failure.is_some());
            first = first.or(ran.failure);
        }
        Ok((failed, first))
    }
}

type Pairs = BTreeSet<(u64, u64)>;

/// Adds which of two reads by different threads came first. Whether one of them is new.
fn add_orders(reads: &[(u32, u64)], orders: &mut Pairs, met: &mut Pairs) -> bool {
    let before = orders.len();
    let reads = &reads[..reads.len().min(MOST_ORDERED)];
    for (index, (worker, first)) in reads.iter().enumerate() {
        for (other, then) in &reads[index + 1..] {
            if worker != other && first != then {
                orders.insert((*first, *then));
                met.insert((*first.min(then), *first.max(then)));
            }
        }
    }
    orders.len() > before
}

/// Each order of two reads by different threads of a run, those that came soonest after each other first.
fn single_holds(reads: &[(u32, u64)]) -> Vec<Hold> {
    let mut holds = Vec::new();
    for distance in 1..reads.len() {
        for (first, then) in reads.iter().zip(&reads[distance..]) {
            let hold = Hold { first: first.1 as u32, then: then.1 as u32 };
            if first.0 != then.0 && first.1 != then.1 && !holds.contains(&hold) {
                holds.push(hold);
            }
        }
    }
    holds.truncate(MOST_HOLDS);
    holds
}

/// The whole order of a run's reads.
fn chain(reads: &[(u32, u64)]) -> Vec<Hold> {
    let hold = |pair: &[(u32, u64)]| Hold { first: pair[0].1 as u32, then: pair[1].1 as u32 };
    reads.windows(2).map(hold).filter(|hold| hold.first != hold.then).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_of_reads_is_its_text() {
        let text = "o1:1f2e3d4c:0000000a-0000000b.0000000b-0000000c";
        let holds: Holds = text.parse().unwrap();
        assert_eq!(holds.to_string(), text);
        assert_eq!(holds.holds[1], Hold { first: 11, then: 12 });
        for wrong in ["o1:1f2e3d4c", "o1:1f2e3d4c:12", "o1:1f2e3d4c:0000000a-b", "o2:1f2e3d4c:"] {
            assert!(wrong.parse::<Holds>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn orders_are_those_of_different_threads() {
        let (mut orders, mut met) = Default::default();
        assert!(add_orders(&[(0, 1), (0, 2), (1, 3)], &mut orders, &mut met));
        assert_eq!((orders.len(), met.len()), (2, 2));
        assert!(!add_orders(&[(0, 1), (1, 3)], &mut orders, &mut met));
        assert!(add_orders(&[(1, 3), (0, 1)], &mut orders, &mut met));
        assert_eq!((orders.len(), met.len()), (3, 2));
        let holds = single_holds(&[(0, 1), (0, 2), (1, 3)]);
        assert_eq!(holds, [Hold { first: 2, then: 3 }, Hold { first: 1, then: 3 }]);
    }

    #[test]
    fn a_held_read_waits_for_the_other() {
        let step = |worker, place| {
            let kind = lockstep_model::StepKind::Read;
            NextStep { worker, kind, incarnation: None, place }
        };
        let holds = vec![Hold { first: 8, then: 7 }];
        let mut keep = Keep { holds, read: BTreeSet::new() };
        assert_eq!(keep.choose(&[step(0, 7), step(1, 8)]), Ok(1));
        assert_eq!(keep.choose(&[step(0, 7), step(1, 9)]), Ok(0));
        let mut keep = Keep { holds: vec![Hold { first: 8, then: 7 }], read: BTreeSet::new() };
        assert_eq!(keep.choose(&[step(0, 7)]), Ok(0), "what it waits for does not come");
    }
}
