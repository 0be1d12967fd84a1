//! A clock for each core: whoever is earliest takes the next step.
//!
//! Every worker has a core of its own, and a time on it. A step takes what was measured for it; claims and reports
//! take turns at the scheduler's lock; a worker that was woken begins when it was woken, and later if it had
//! fallen asleep. So what a step sees is what the others had done by that time.

use super::costs::Costs;
use lockstep_model::{Happened, Incarnation, NextStep, Steering, StepKind};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What threads cost on this machine, in ns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine {
    /// From the invitation of a helper, or its being woken, until it runs.
    pub(super) wake_up: f64,
    /// To invite or wake one.
    pub(super) call: f64,
    /// A worker without a task looks so long whether there is one before it sleeps.
    pub(super) spin: f64,
    /// Until a core has what another one has written last.
    pub(super) hand_over: f64,
    /// How much longer everything takes while all cores work.
    pub(super) crowded: f64,
}

/// Where the time of all cores went, in ns.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Spent {
    /// Executions whose results stand.
    pub(super) useful: f64,
    /// Executions that were stale, or given up.
    pub(super) wasted: f64,
    /// Checks and commits.
    pub(super) committing: f64,
    /// Asking for tasks, and telling of them.
    pub(super) scheduling: f64,
    /// Without a task, or waiting for the scheduler's lock.
    pub(super) waiting: f64,
}

/// What came out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Simulated {
    /// When the last worker was done, in ns after the start.
    pub(super) end: f64,
    /// Where the time went.
    pub(super) spent: Spent,
    /// Transactions that are committed.
    pub(super) committed: u32,
    /// Executions after the first of each transaction.
    pub(super) re_executions: u64,
}

/// Steers the workers by their clocks.
pub(super) struct Clock {
    costs: Arc<Costs>,
    machine: Machine,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When each worker is at its next step.
    at: Vec<f64>,
    woken: Vec<bool>,
    /// The step that is being taken, since when, and what happened in it.
    taking: Option<(NextStep, f64)>,
    happened: Vec<Happened>,
    /// When the scheduler's lock is free.
    lock_free: f64,
    /// Who had it last, and who published each transaction.
    last_holder: u32,
    publishers: BTreeMap<u32, u32>,
    /// Reads of the execution that each transaction is at, and what it has cost.
    reads: BTreeMap<u32, usize>,
    spent_on: BTreeMap<u32, f64>,
    now: f64,
    result: Simulated,
}

impl Clock {
    pub(super) fn new(costs: Arc<Costs>, machine: Machine) -> Self {
        Self { costs, machine, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What came out, when the run is over.
    pub(super) fn result(&self) -> Simulated {
        let mut state = self.state();
        self.end_step(&mut state);
        let end = state.at.iter().copied().fold(0.0, f64::max);
        let idle: f64 = state.at.iter().map(|at| end - at).sum();
        let mut result = state.result;
        result.end = end;
        result.spent.waiting += idle;
        result
    }

    /// The step that was chosen is over: its worker is at the next one.
    fn end_step(&self, state: &mut State) {
        let Some((step, start)) = state.taking.take() else { return };
        let happened = std::mem::take(&mut state.happened);
        let crowded = if state.at.len() > 1 { self.machine.crowded } else { 1.0 };
        let executing = crowded * self.executing(state, &step, &happened);
        let rest = crowded
            * match step.kind {
                StepKind::Claim | StepKind::Wake => self.costs.claim,
                StepKind::Report => self.costs.report,
                StepKind::Validate => self.costs.commit / 2.0,
                StepKind::Commit => self.costs.commit * committed(&happened).max(1.0),
                StepKind::Read | StepKind::Publish => 0.0,
            };
        let rest = rest + self.machine.hand_over * state.lines(&step, &happened);
        let spent = &mut state.result.spent;
        match step.kind {
            StepKind::Claim | StepKind::Report | StepKind::Wake => spent.scheduling += rest,
            StepKind::Validate | StepKind::Commit => spent.committing += rest,
            // Until what another one wrote is here.
            StepKind::Read | StepKind::Publish => spent.waiting += rest,
        }
        let end = start + rest + executing;
        if matches!(step.kind, StepKind::Claim | StepKind::Report) {
            // What a claim begins is done without the lock.
            state.lock_free = start + rest;
        }
        state.at[step.worker as usize] = end;
        for one in happened {
            state.note(one);
        }
    }

    /// Time that the step spent on executing.
    fn executing(&self, state: &mut State, step: &NextStep, happened: &[Happened]) -> f64 {
        let mut all = 0.0;
        if let Some(Incarnation { transaction, .. }) = step.incarnation {
            let cost = match step.kind {
                StepKind::Read => {
                    let number = state.reads.entry(transaction).or_default();
                    *number += 1;
                    self.costs.read(transaction, *number - 1)
                }
                StepKind::Publish => self.costs.publish[transaction as usize],
                _ => 0.0,
            };
            *state.spent_on.entry(transaction).or_default() += cost;
            all += cost;
        }
        for one in happened {
            if let Happened::Began(by) = one {
                let cost = self.costs.start[by.transaction as usize];
                state.reads.insert(by.transaction, 0);
                // What an execution before it has cost was wasted.
                let before = state.spent_on.insert(by.transaction, cost).unwrap_or_default();
                state.result.spent.wasted += before;
                state.result.re_executions += u64::from(by.number > 0);
                all += cost;
            }
        }
        all
    }
}

/// Lines that a worker has written into the scheduler's state, and the next one who asks gets from it.
const LINES_OF_THE_SCHEDULER: f64 = 3.0;

/// Lines of a transaction's result, its reads, and what its writer has noted of its writes.
const LINES_OF_A_RESULT: f64 = 14.0;

/// Lines of a value in the memory: its bucket, its entry, the versions.
const LINES_OF_A_VALUE: f64 = 3.0;

impl State {
    /// Lines that this step gets from the cores of other workers.
    fn lines(&mut self, step: &NextStep, happened: &[Happened]) -> f64 {
        match step.kind {
            StepKind::Claim | StepKind::Report => {
                let last = std::mem::replace(&mut self.last_holder, step.worker);
                if last == step.worker { 0.0 } else { LINES_OF_THE_SCHEDULER }
            }
            StepKind::Publish => {
                let index = step.incarnation.map(|by| by.transaction);
                self.publishers.extend(index.map(|index| (index, step.worker)));
                0.0
            }
            StepKind::Commit => {
                let others = happened.iter().filter(|one| {
                    matches!(one, Happened::Committed(index)
                        if self.publishers.get(index) != Some(&step.worker))
                });
                LINES_OF_A_RESULT * others.count() as f64
            }
            StepKind::Read => {
                let others = happened.iter().filter(|one| {
                    matches!(one, Happened::Read { writer: Some(writer), .. }
                        if self.publishers.get(&writer.transaction) != Some(&step.worker))
                });
                LINES_OF_A_VALUE * others.count() as f64
            }
            _ => 0.0,
        }
    }

    fn note(&mut self, happened: Happened) {
        if let Happened::Committed(transaction) = happened {
            self.result.committed += 1;
            self.result.spent.useful += self.spent_on.remove(&transaction).unwrap_or_default();
        }
    }

    /// Workers that are seen for the first time begin when they have been called; those that were woken, now.
    fn welcome(&mut self, ready: &[NextStep], machine: &Machine) {
        if self.at.is_empty() {
            let workers = ready.iter().map(|step| step.worker as usize + 1).max().unwrap_or(1);
            // The owner of the block calls one helper after the other, and begins.
            let calls = machine.call * (workers - 1) as f64;
            self.at = (0..workers)
                .map(|worker| {
                    if worker == 0 { calls } else { machine.call * worker as f64 + machine.wake_up }
                })
                .collect();
            self.woken = vec![false; workers];
            self.result.spent.waiting += self.at.iter().sum::<f64>();
        }
        for step in ready {
            let worker = step.worker as usize;
            let is_woken = step.kind == StepKind::Wake;
            if is_woken && !self.woken[worker] {
                let slept = self.now - self.at[worker];
                let late = if slept > machine.spin { machine.wake_up } else { 0.0 };
                let wakes = self.at[worker].max(self.now) + late;
                self.result.spent.waiting += wakes - self.at[worker];
                self.at[worker] = wakes;
            }
            self.woken[worker] = is_woken;
        }
    }
}

/// Transactions that were committed.
fn committed(happened: &[Happened]) -> f64 {
    happened.iter().filter(|one| matches!(one, Happened::Committed(_))).count() as f64
}

impl Steering for Clock {
    fn choose(&self, ready: &[NextStep]) -> Result<usize, String> {
        let state = &mut *self.state();
        self.end_step(state);
        state.welcome(ready, &self.machine);
        let earliest = |one: &usize, other: &usize| {
            let at = |index: usize| state.at[ready[index].worker as usize];
            at(*one).total_cmp(&at(*other))
        };
        let chosen = (0..ready.len()).min_by(earliest).unwrap_or_default();
        let step = ready[chosen];
        let at = state.at[step.worker as usize];
        let needs_lock = matches!(step.kind, StepKind::Claim | StepKind::Report);
        let start = if needs_lock { at.max(state.lock_free) } else { at };
        state.result.spent.waiting += start - at;
        state.now = start;
        state.taking = Some((step, start));
        Ok(chosen)
    }

    fn tell(&self, happened: Happened) {
        self.state().happened.push(happened);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: Machine =
        Machine { wake_up: 50.0, call: 5.0, spin: 20.0, hand_over: 0.0, crowded: 1.0 };

    fn costs() -> Arc<Costs> {
        Arc::new(Costs {
            start: vec![10.0; 2],
            reads: vec![vec![100.0]; 2],
            publish: vec![30.0; 2],
            claim: 4.0,
            report: 6.0,
            commit: 8.0,
            before: 0.0,
            after: 0.0,
        })
    }

    fn step(worker: u32, kind: StepKind, transaction: Option<u32>) -> NextStep {
        let incarnation = transaction.map(|transaction| Incarnation { transaction, number: 0 });
        NextStep { worker, kind, incarnation, place: 0 }
    }

    #[test]
    fn one_worker_pays_for_each_step() {
        let clock = Clock::new(costs(), MACHINE);
        let take = |step: NextStep| assert_eq!(clock.choose(&[step]), Ok(0));
        take(step(0, StepKind::Claim, None));
        clock.tell(Happened::Began(Incarnation { transaction: 0, number: 0 }));
        take(step(0, StepKind::Read, Some(0)));
        take(step(0, StepKind::Publish, Some(0)));
        take(step(0, StepKind::Report, None));
        take(step(0, StepKind::Commit, Some(0)));
        clock.tell(Happened::Committed(0));
        let result = clock.result();
        assert_eq!(result.end, 4.0 + 10.0 + 100.0 + 30.0 + 6.0 + 8.0);
        assert_eq!((result.spent.useful, result.spent.committing), (140.0, 8.0));
        assert_eq!((result.committed, result.spent.wasted, result.spent.waiting), (1, 0.0, 0.0));
    }

    #[test]
    fn the_earliest_goes_first_and_the_lock_is_held_by_one() {
        let clock = Clock::new(costs(), MACHINE);
        let claims = [step(0, StepKind::Claim, None), step(1, StepKind::Claim, None)];
        assert_eq!(clock.choose(&claims), Ok(0), "the helper is only called");
        clock.tell(Happened::Began(Incarnation { transaction: 0, number: 0 }));
        // Worker 0 is at its read 14 ns after its call; worker 1 wakes after 55.
        let next = [step(0, StepKind::Read, Some(0)), claims[1]];
        assert_eq!(clock.choose(&next), Ok(0));
        let next = [step(0, StepKind::Publish, Some(0)), claims[1]];
        assert_eq!(clock.choose(&next), Ok(1), "it woke while worker 0 read");
        assert_eq!(clock.result().end, 5.0 + 4.0 + 10.0 + 100.0);
    }

    #[test]
    fn who_slept_long_wakes_late() {
        let clock = Clock::new(costs(), MACHINE);
        let claims = [step(0, StepKind::Claim, None), step(1, StepKind::Claim, None)];
        clock.choose(&claims).unwrap();
        clock.tell(Happened::Began(Incarnation { transaction: 0, number: 0 }));
        // Worker 1 has found nothing and sleeps.
        clock.choose(&[step(0, StepKind::Read, Some(0))]).unwrap();
        clock.choose(&[step(0, StepKind::Report, None)]).unwrap();
        let both = [step(0, StepKind::Claim, None), step(1, StepKind::Wake, None)];
        assert_eq!(clock.choose(&both), Ok(0), "119 + 6 ns, before the other has woken");
        assert!(clock.result().end >= 119.0 + 50.0);
    }
}
