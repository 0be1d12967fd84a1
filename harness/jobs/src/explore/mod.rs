//! `lockstep explore`: schedules instead of inputs.
//!
//! One block is run again and again, each time under another order of the workers' steps. An executor that follows
//! a [`Steering`](lockstep_model::Steering) is controlled step by step, and any run can be repeated; of another one only the reads of the
//! state before the block can be held back ([`outside`]).
//!
//! * [`schedule`]: a run's choices as text. * [`strategy`]: who takes the next step. * [`record`]: what happened.
//! * [`coverage`]: who has read what from whom. * `shrink`: as few switches as it takes. * [`diagram`]: a run
//!   as a picture.

pub mod coverage;
pub mod diagram;
pub mod outside;
pub mod record;
pub mod schedule;
mod shrink;
pub mod strategy;

use crate::{
    finding::{Failure, Kind},
    minimise::{Needs, NotShrunk, Suspect},
};
use coverage::{Coverage, Pairs};
use lockstep_judge::runnable::Runnable;
use lockstep_model::{Outcome, RunOptions};
use record::{Record, Recorder, is_event};
use schedule::{Schedule, block_hash};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use strategy::{Known, Replay, Strategy, StrategyKind, Switches, strategy};

/// How a block is explored.
#[derive(Debug, Clone)]
pub struct Plan {
    /// In turns.
    pub strategies: Vec<StrategyKind>,
    /// The most schedules.
    pub schedules: u64,
    /// The number of the first schedule.
    pub first: u64,
    /// Ends after so many schedules without a new pair of reader and writer.
    pub dry: u64,
    /// Ends after this time.
    pub time: Option<Duration>,
    /// Of all random choices.
    pub seed: u64,
    /// Changes of priority in PCT, and one.
    pub depth: u32,
    /// Whether a failing schedule is left as it was found.
    pub as_found: bool,
    /// Set from outside to end early.
    pub interrupted: Arc<AtomicBool>,
}

impl Plan {
    /// Why no more schedules are run: after so many, of which `last_new` was the last that showed something new.
    fn ends(&self, schedules: u64, last_new: u64, start: Instant) -> Option<Ended> {
        if self.interrupted.load(Ordering::SeqCst) {
            Some(Ended::Interrupted)
        } else if schedules >= self.schedules {
            Some(Ended::Schedules)
        } else if schedules - last_new >= self.dry {
            Some(Ended::Dry)
        } else if self.time.is_some_and(|time| start.elapsed() >= time) {
            Some(Ended::Time)
        } else {
            None
        }
    }
}

/// Why a block could not be explored.
#[derive(Debug, thiserror::Error)]
pub enum NotExplored {
    /// The reference could not run it.
    #[error(transparent)]
    Reference(#[from] NotShrunk),
    /// Two runs under the same choices took different steps: something else decides as well.
    #[error(
        "schedule {number} of {strategy}, run twice, gave different steps: something else than the \
         schedule decides what the executor does"
    )]
    Unrepeatable {
        /// The strategy.
        strategy: String,
        /// The number of the schedule.
        number: u64,
    },
    /// The schedule is not one of this block and executor.
    #[error("{0}")]
    Misfit(String),
}

/// Why an exploration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// A schedule failed.
    Failed,
    /// No new pair in a long time.
    Dry,
    /// As many schedules as were asked for.
    Schedules,
    /// The time was up.
    Time,
    /// It was interrupted.
    Interrupted,
}

/// What one strategy has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Which one.
    pub strategy: StrategyKind,
    /// Schedules.
    pub schedules: u64,
    /// Pairs that it was the first to show.
    pub new_pairs: usize,
}

/// The schedules of a block, and what they showed.
#[derive(Debug)]
pub struct Explored {
    /// Schedules that were run.
    pub schedules: u64,
    /// Steps in all of them.
    pub steps: u64,
    /// How long they took.
    pub time: Duration,
    /// Pairs of reader and writer.
    pub pairs: Pairs,
    /// Pairs seen after so many schedules, each time that there were more.
    pub growth: Vec<(u64, usize)>,
    /// By strategy.
    pub shares: Vec<Share>,
    /// Schedules that were run twice, and gave the same steps.
    pub repeated: u64,
    /// Why it ended.
    pub ended: Ended,
    /// The last schedule that agreed.
    pub last: Option<Schedule>,
    /// The schedule that failed.
    pub failing: Option<Failing>,
}

/// A schedule on which the executor is wrong.
#[derive(Debug)]
pub struct Failing {
    /// How it fails.
    pub failure: Failure,
    /// Which strategy made it, and which of its schedules it is.
    pub strategy: StrategyKind,
    /// See [`Failing::strategy`].
    pub number: u64,
    /// Switches between workers as it was found.
    pub switches_before: usize,
    /// The same failure with as few switches as were found; `None` where its process died, so that the steps
    /// are not known.
    pub run: Option<FailingRun>,
}

/// A failing run, step by step.
#[derive(Debug)]
pub struct FailingRun {
    /// All its choices.
    pub schedule: Schedule,
    /// Everything that happened.
    pub record: Record,
    /// Schedules that were tried to come there.
    pub tries: u32,
    /// Of so many repetitions from its text, how many gave the same steps and the same failure.
    pub replays: (u32, u32),
}

/// A run of a given schedule.
#[derive(Debug)]
pub struct Replayed {
    /// How it fails, if it does.
    pub failure: Option<Failure>,
    /// Everything that happened.
    pub record: Record,
}

/// Steps for each transaction of a run whose length is not known, after which it would never end.
const MOST_STEPS: u64 = 5_000;

/// A run that takes so many times as many steps as the first one would never end.
const MOST_STRETCH: u64 = 50;

/// No run is that short.
const LEAST_STEPS: u64 = 20_000;

/// Every so manieth schedule is run twice, to see that nothing but the schedule decides.
const TWICE: u64 = 16;

/// Schedules that are tried to make a failing one simpler.
const MOST_TRIES: u32 = 1_000;

/// Repetitions of a failing schedule.
const REPLAYS: u32 = 3;

/// A block, and an executor that is to be explored on it.
#[derive(Debug)]
pub struct Explorer<'a> {
    block: &'a Runnable,
    suspect: &'a mut Suspect,
    workers: usize,
    right: Option<Outcome>,
    most_steps: u64,
}

/// One run under a strategy.
struct Ran {
    failure: Option<Failure>,
    record: Record,
}

impl<'a> Explorer<'a> {
    /// `workers` are the threads that the executor was made for.
    pub fn new(block: &'a Runnable, suspect: &'a mut Suspect, workers: usize) -> Self {
        let transactions = block.case.block.transactions.len() as u64;
        let most_steps = (transactions * MOST_STEPS).max(LEAST_STEPS);
        Self { block, suspect, workers, right: None, most_steps }
    }

    fn run(&mut self, strategy: Box<dyn Strategy>) -> Result<Ran, NotExplored> {
        self.run_for(Needs::Answer, strategy)
    }

    fn run_for(&mut self, needs: Needs, strategy: Box<dyn Strategy>) -> Result<Ran, NotExplored> {
        let recorder = Arc::new(Recorder::new(strategy, self.most_steps));
        let steering = Some(recorder.clone() as Arc<_>);
        let options = RunOptions { steering, ..RunOptions::of(&self.block.case) };
        let failure = self.suspect.try_once((self.block, &options), &mut self.right, needs)?;
        Ok(Ran { failure, record: recorder.take() })
    }

    /// Without a schedule.
    fn run_freely(&mut self) -> Result<Ran, NotExplored> {
        let options = RunOptions::of(&self.block.case);
        let failure =
            self.suspect.try_once((self.block, &options), &mut self.right, Needs::Answer)?;
        Ok(Ran { failure, record: Record::default() })
    }

    /// Whether the executor follows a schedule at all, and how long a run of it is.
    ///
    /// # Errors
    /// When the reference cannot run the block.
    fn pilot(&mut self, depth: u32) -> Result<(Ran, Known), NotExplored> {
        let workers = self.workers;
        let known = Known { workers, steps: 0, is_chosen: is_event, chosen: Vec::new(), depth };
        let pilot = strategy(StrategyKind::Random, 0, u64::MAX, &known);
        let ran = self.run_for(Needs::Run, pilot)?;
        let steps = ran.record.steps;
        if ran.failure.is_none() && steps > 0 {
            self.most_steps = (steps * MOST_STRETCH).max(LEAST_STEPS);
        }
        let chosen = ran.record.events.clone();
        Ok((ran, Known { steps, chosen, ..known }))
    }

    /// Runs the block under many schedules, until one fails. `None` where the executor follows no schedule.
    ///
    /// # Errors
    /// When the reference cannot run the block, or two runs of the same schedule differ.
    pub fn explore(
        &mut self,
        plan: &Plan,
        tell: &mut dyn FnMut(u64, Pairs),
    ) -> Result<Option<Explored>, NotExplored> {
        let start = Instant::now();
        let (pilot, known) = self.pilot(plan.depth)?;
        if pilot.record.steps == 0 {
            return Ok(None);
        }
        let mut done = Progress::new(plan, start);
        let (mut number, mut last) = (plan.first, None);
        let ended = loop {
            if let Some(ended) = plan.ends(done.schedules, done.last_new, start) {
                break ended;
            }
            let kind = plan.strategies[number as usize % plan.strategies.len()];
            let make = || strategy(kind, plan.seed, number, &known);
            let is_free = kind == StrategyKind::Threads;
            let ran = if is_free { self.run_freely()? } else { self.run(make())? };
            if let Some(failure) = ran.failure {
                let failing = self.failing(failure, ran.record, (kind, number), plan)?;
                done.count(kind, 0);
                done.failing = Some(failing);
                break Ended::Failed;
            }
            let is_run_twice = number.is_multiple_of(TWICE) && !is_free;
            if is_run_twice && self.run(make())?.record.digest != ran.record.digest {
                return Err(NotExplored::Unrepeatable { strategy: kind.to_string(), number });
            }
            done.repeated += u64::from(is_run_twice);
            done.add(kind, &ran.record);
            last = Some(ran.record);
            if done.schedules.is_multiple_of(TWICE) {
                tell(done.schedules, done.coverage.pairs());
            }
            number += 1;
        };
        let last = last.map(|record| self.schedule(&record));
        Ok(Some(Explored { last, ..done.into_explored(ended) }))
    }

    fn failing(
        &mut self,
        failure: Failure,
        record: Record,
        (strategy, number): (StrategyKind, u64),
        plan: &Plan,
    ) -> Result<Failing, NotExplored> {
        let switches_before = record.moves.len();
        let is_lost = matches!(failure.kind, Kind::Hung | Kind::Crashed) || record.steps == 0;
        let run = if is_lost { None } else { Some(self.simplest(&failure, record, plan)?) };
        Ok(Failing { failure, strategy, number, switches_before, run })
    }

    /// The same failure with as few switches as can be found.
    fn simplest(
        &mut self,
        failure: &Failure,
        record: Record,
        plan: &Plan,
    ) -> Result<FailingRun, NotExplored> {
        let found = self.schedule(&record);
        let mut broken = None;
        let most_tries = if plan.as_found { 0 } else { MOST_TRIES };
        let (switches, tries) = shrink::fewest(Switches::of(&found), most_tries, &mut |switches| {
            if plan.interrupted.load(Ordering::SeqCst) || broken.is_some() {
                return false;
            }
            match self.run(Box::new(Switches::new(switches))) {
                Ok(ran) => ran.failure.is_some_and(|found| found.is_like(failure)),
                Err(error) => {
                    broken = Some(error);
                    false
                }
            }
        });
        if let Some(error) = broken {
            return Err(error);
        }
        let small = self.run(Box::new(Switches::new(&switches)))?;
        let record = if small.failure.is_some() { small.record } else { record };
        let schedule = self.schedule(&record);
        let mut same = 0;
        for _ in 0..REPLAYS {
            let replayed = self.run(Box::new(Replay::new(schedule.clone())))?;
            let fails = replayed.failure.is_some_and(|found| found.is_like(failure));
            same += u32::from(fails && replayed.record.digest == record.digest);
        }
        Ok(FailingRun { schedule, record, tries, replays: (same, REPLAYS) })
    }

    fn schedule(&self, record: &Record) -> Schedule {
        record.schedule(self.workers as u32, block_hash(&self.block.case))
    }

    /// Runs one schedule, to the letter.
    ///
    /// # Errors
    /// When the reference cannot run the block, or the schedule does not fit.
    pub fn replay(&mut self, schedule: &Schedule) -> Result<Replayed, NotExplored> {
        schedule.fits(self.block, self.workers).map_err(NotExplored::Misfit)?;
        let Ran { failure, record } = self.run(Box::new(Replay::new(schedule.clone())))?;
        if let Some(reason) = record.stopped {
            return Err(NotExplored::Misfit(reason));
        }
        if record.steps == 0 && failure.is_none() {
            let text = "the executor follows no schedule".to_owned();
            return Err(NotExplored::Misfit(text));
        }
        let (taken, planned) = (record.steps, schedule.steps());
        if taken < planned {
            return Err(NotExplored::Misfit(format!(
                "the block was done after {taken} choices, and the schedule has {planned}: it is too \
                 long, or one of another executor"
            )));
        }
        if record.digest.value() != schedule.digest {
            return Err(NotExplored::Misfit(format!(
                "all {taken} choices fit, but the steps were others than those written down (digest \
                 {:08x}, expected {:08x}): the schedule is of another version of the executor",
                record.digest.value(),
                schedule.digest
            )));
        }
        Ok(Replayed { failure, record })
    }
}

/// How far an exploration is.
struct Progress {
    start: Instant,
    schedules: u64,
    steps: u64,
    repeated: u64,
    coverage: Coverage,
    growth: Vec<(u64, usize)>,
    /// The last schedule that showed a new pair.
    last_new: u64,
    shares: BTreeMap<StrategyKind, (u64, usize)>,
    failing: Option<Failing>,
}

impl Progress {
    fn new(plan: &Plan, start: Instant) -> Self {
        Self {
            start,
            schedules: 0,
            steps: 0,
            repeated: 0,
            coverage: Coverage::default(),
            growth: Vec::new(),
            last_new: 0,
            shares: plan.strategies.iter().map(|kind| (*kind, (0, 0))).collect(),
            failing: None,
        }
    }

    fn count(&mut self, kind: StrategyKind, new: usize) {
        self.schedules += 1;
        let share = self.shares.entry(kind).or_default();
        *share = (share.0 + 1, share.1 + new);
    }

    fn add(&mut self, kind: StrategyKind, record: &Record) {
        let new = self.coverage.add(record.pairs_read());
        self.count(kind, new);
        self.steps += record.steps;
        if new > 0 {
            self.last_new = self.schedules;
            self.growth.push((self.schedules, self.coverage.pairs().seen));
        }
    }

    fn into_explored(self, ended: Ended) -> Explored {
        let share = |(strategy, (schedules, new_pairs))| Share { strategy, schedules, new_pairs };
        Explored {
            schedules: self.schedules,
            steps: self.steps,
            time: self.start.elapsed(),
            pairs: self.coverage.pairs(),
            growth: self.growth,
            shares: self.shares.into_iter().map(share).collect(),
            repeated: self.repeated,
            ended,
            last: None,
            failing: self.failing,
        }
    }
}
