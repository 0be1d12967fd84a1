//! What each step of a block costs on this machine, measured with one worker.
//!
//! The executor runs with one worker in turns, and a clock is read at each step. The steps of such a run are always the
//! same, so that of several runs the shortest time of each step counts. Turns cost time of their own; what a run
//! without them takes tells how much, and each step is that much shorter.

use lockstep_model::{Happened, NextStep, Steering, StepKind};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Measured times, in ns.
#[derive(Debug, Clone, Default)]
pub(super) struct Costs {
    /// By transaction: from the claim to the first read.
    pub(super) start: Vec<f64>,
    /// By transaction: from each read to the next step.
    pub(super) reads: Vec<Vec<f64>>,
    /// By transaction: publication.
    pub(super) publish: Vec<f64>,
    /// Asking for a task.
    pub(super) claim: f64,
    /// Telling that a task has ended.
    pub(super) report: f64,
    /// Checking and committing one transaction.
    pub(super) commit: f64,
    /// Before the first claim.
    pub(super) before: f64,
    /// After the last step.
    pub(super) after: f64,
}

impl Costs {
    /// The k-th read of a transaction. An execution that reads more than the one that was measured is taken to read
    /// at the same rate.
    pub(super) fn read(&self, transaction: u32, number: usize) -> f64 {
        let reads = self.reads.get(transaction as usize).map_or(&[][..], Vec::as_slice);
        let mean = || reads.iter().sum::<f64>() / reads.len().max(1) as f64;
        reads.get(number).copied().unwrap_or_else(mean)
    }
}

/// Lets the only worker go on, and writes down when.
#[derive(Debug, Default)]
pub(super) struct Stopwatch(Mutex<Vec<Mark>>);

/// A step, when it began, and the transactions whose execution began in it.
#[derive(Debug, Clone, Copy)]
struct Mark {
    step: NextStep,
    at: Instant,
    began: Option<u32>,
}

impl Steering for Stopwatch {
    fn choose(&self, ready: &[NextStep]) -> Result<usize, String> {
        let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        marks.push(Mark { step: ready[0], at: Instant::now(), began: None });
        Ok(0)
    }

    fn tell(&self, happened: Happened) {
        if let Happened::Began(by) = happened {
            let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(last) = marks.last_mut() {
                last.began = Some(by.transaction);
            }
        }
    }
}

/// A run with a stopwatch: its steps, and the time of each.
#[derive(Debug, Clone)]
pub(super) struct Timed {
    steps: Vec<(NextStep, Option<u32>, f64)>,
    before: f64,
}

impl Stopwatch {
    /// The run from `start` on, which took so long.
    pub(super) fn timed(&self, start: Instant, took: Duration) -> Timed {
        let marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = marks.iter().skip(1).map(|mark| mark.at).chain([start + took]);
        let ns = |time: Duration| time.as_nanos() as f64;
        let steps = marks.iter().zip(ends);
        Timed {
            steps: steps.map(|(mark, end)| (mark.step, mark.began, ns(end - mark.at))).collect(),
            before: marks.first().map_or(0.0, |first| ns(first.at - start)),
        }
    }
}

impl Timed {
    /// The shorter time of each step of two runs of the same block.
    pub(super) fn fastest(mut self, other: &Self) -> Self {
        self.before = self.before.min(other.before);
        if self.steps.len() == other.steps.len() {
            for (mine, other) in self.steps.iter_mut().zip(&other.steps) {
                mine.2 = mine.2.min(other.2);
            }
        }
        self
    }

    /// The costs, where a run without turns takes `whole_ns`.
    pub(super) fn costs(&self, transactions: usize, whole_ns: f64) -> Costs {
        let total: f64 = self.before + self.steps.iter().map(|(.., ns)| ns).sum::<f64>();
        let each = ((total - whole_ns) / self.steps.len().max(1) as f64).max(0.0);
        let mut costs = Costs {
            start: vec![0.0; transactions],
            reads: vec![Vec::new(); transactions],
            publish: vec![0.0; transactions],
            before: self.before,
            ..Costs::default()
        };
        let (mut claims, mut reports, mut commits) = (Vec::new(), Vec::new(), Vec::new());
        let last = self.steps.len().saturating_sub(1);
        for (index, (step, began, ns)) in self.steps.iter().enumerate() {
            let ns = (ns - each).max(0.0);
            let transaction = step.incarnation.map(|by| by.transaction as usize);
            match (step.kind, transaction) {
                // The last step is a claim that is told that the block is done; what comes after it is in its time.
                _ if index == last => costs.after = ns,
                (StepKind::Claim, _) => match began {
                    Some(transaction) => costs.start[*transaction as usize] = ns,
                    None => claims.push(ns),
                },
                (StepKind::Read, Some(at)) => costs.reads[at].push(ns),
                (StepKind::Publish, Some(at)) => costs.publish[at] = ns,
                (StepKind::Commit, _) => commits.push(ns),
                (StepKind::Report, _) => reports.push(ns),
                _ => {}
            }
        }
        (costs.claim, costs.report) = (median(&mut claims), median(&mut reports));
        costs.commit = mean(&commits);
        for start in &mut costs.start {
            *start = (*start - costs.claim).max(0.0);
        }
        costs.scaled_to(whole_ns)
    }
}

impl Costs {
    /// So that one worker takes `whole_ns` for everything: the shortest time of each step is shorter than any run.
    fn scaled_to(mut self, whole_ns: f64) -> Self {
        let transactions = self.start.len() as f64;
        let lists = [&self.start, &self.publish].into_iter().chain(&self.reads);
        let executing: f64 = lists.flatten().sum();
        // Each transaction is claimed, told of, committed, and that is told of.
        let each = 2.0 * (self.claim + self.report) + self.commit;
        let scale =
            whole_ns / (executing + transactions * each + self.before + self.after).max(1.0);
        let lists = [&mut self.start, &mut self.publish].into_iter().chain(&mut self.reads);
        lists.flatten().for_each(|cost| *cost *= scale);
        for cost in
            [&mut self.claim, &mut self.report, &mut self.commit, &mut self.before, &mut self.after]
        {
            *cost *= scale;
        }
        self
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
