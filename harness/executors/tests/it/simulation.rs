//! Drives the scheduler through task interleavings that threads would rarely produce.
//!
//! The machine under it is a mock: a transaction reads some cells, and what it writes, and where,
//! depends on what it has read. The outcome must be that of the sequential run, whatever the
//! interleaving; and no interleaving may stop. One source decides everything: a seed in the tests, the
//! bytes of libFuzzer in `fuzz/fuzz_targets/schedule.rs`.

use lockstep_executors::block_stm::scheduler::{
    Claims, Scheduler, Task, TransactionIndex, Version,
};
use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
};

const WORKERS: usize = 4;

/// Decides: a number below the given one, which is not zero.
pub(crate) type Choose<'a> = &'a mut dyn FnMut(usize) -> usize;

/// A program: the cells that it reads, and the cells among which it chooses where to write.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    reads: Vec<usize>,
    targets: Vec<usize>,
}

impl Program {
    pub(crate) fn choose(choose: Choose<'_>, cells: usize) -> Self {
        let mut some = |most: usize| {
            let count = choose(most + 1);
            (0..count).map(|_| choose(cells)).collect::<Vec<_>>()
        };
        Self { reads: some(3), targets: some(4) }
    }

    /// The write set for the values read: the set of locations changes with the values.
    fn writes(&self, index: usize, read: &[u64]) -> BTreeMap<usize, u64> {
        let sum = read
            .iter()
            .fold(index as u64 + 1, |sum, value| sum.wrapping_mul(31).wrapping_add(*value));
        let chosen = |(place, cell): (usize, &usize)| {
            (!(sum >> place).is_multiple_of(3)).then_some((*cell, sum.wrapping_add(place as u64)))
        };
        self.targets.iter().enumerate().filter_map(chosen).collect()
    }
}

pub(crate) fn sequential(programs: &[Program], cells: usize) -> Vec<u64> {
    let mut memory = vec![0; cells];
    for (index, program) in programs.iter().enumerate() {
        let read: Vec<u64> = program.reads.iter().map(|cell| memory[*cell]).collect();
        for (cell, value) in program.writes(index, &read) {
            memory[cell] = value;
        }
    }
    memory
}

/// One written version of a cell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    version: Version,
    value: u64,
    estimate: bool,
}

/// Multi-version memory, small enough to be obviously right.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    cells: BTreeMap<(usize, TransactionIndex), Written>,
}

enum Read {
    Value(u64, Option<Version>),
    Blocked(TransactionIndex),
}

impl Memory {
    fn read(&self, cell: usize, reader: TransactionIndex) -> Read {
        match self.cells.range((cell, 0)..(cell, reader)).next_back() {
            None => Read::Value(0, None),
            Some((_, written)) if written.estimate => Read::Blocked(written.version.transaction),
            Some((_, written)) => Read::Value(written.value, Some(written.version)),
        }
    }

    /// Returns whether the set of locations changed.
    fn publish(&mut self, version: Version, writes: &BTreeMap<usize, u64>) -> bool {
        let before: Vec<usize> = self.locations(version.transaction);
        for cell in before.iter().filter(|cell| !writes.contains_key(cell)) {
            self.cells.remove(&(*cell, version.transaction));
        }
        for (cell, value) in writes {
            let written = Written { version, value: *value, estimate: false };
            self.cells.insert((*cell, version.transaction), written);
        }
        before != writes.keys().copied().collect::<Vec<_>>()
    }

    fn locations(&self, transaction: TransactionIndex) -> Vec<usize> {
        let of = |((cell, writer), _): (&(usize, TransactionIndex), _)| {
            (*writer == transaction).then_some(*cell)
        };
        self.cells.iter().filter_map(of).collect()
    }

    fn mark_estimates(&mut self, transaction: TransactionIndex) {
        for ((_, writer), written) in &mut self.cells {
            written.estimate |= *writer == transaction;
        }
    }
}

/// The pending work of a worker: every step is one atomic action, so that others can interleave.
#[derive(Debug, Default)]
pub(crate) struct Hand {
    /// The part of a claimed batch that has not begun.
    batch: VecDeque<Version>,
    /// How executions of the batch ended: told when all of it has.
    ended: Vec<Ended>,
    step: Step,
}

/// How an execution ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Finished { version: Version, wrote_elsewhere: bool },
    Blocked { version: Version, on: TransactionIndex },
}

#[derive(Debug, Default)]
pub(crate) enum Step {
    #[default]
    Idle,
    Executing {
        version: Version,
        read: Vec<(u64, Option<Version>)>,
    },
    Publishing {
        version: Version,
        read: Vec<(u64, Option<Version>)>,
    },
    Validating(Version),
    /// The first so many of the task are found valid.
    Committing(Range<TransactionIndex>, u32),
    Aborting(Version),
    Aborted(Version),
}

impl Hand {
    fn is_empty(&self) -> bool {
        self.batch.is_empty() && self.ended.is_empty() && matches!(self.step, Step::Idle)
    }
}

pub(crate) struct Simulation<'a> {
    programs: &'a [Program],
    pub(crate) scheduler: Scheduler,
    memory: Memory,
    reads: Vec<Vec<Option<Version>>>,
    pub(crate) executions: usize,
}

impl<'a> Simulation<'a> {
    pub(crate) fn new(programs: &'a [Program], claims: Claims) -> Self {
        Self {
            programs,
            scheduler: Scheduler::new(programs.len(), claims),
            memory: Memory::default(),
            reads: vec![Vec::new(); programs.len()],
            executions: 0,
        }
    }

    /// One step of one worker. `None` where it has to wait, `Some(false)` where all is done.
    pub(crate) fn step(&mut self, hand: &mut Hand) -> Option<bool> {
        hand.step = match std::mem::take(&mut hand.step) {
            Step::Idle => return self.next(hand),
            Step::Executing { version, read } => self.read_one(version, read, hand),
            Step::Publishing { version, read } => {
                let index = version.transaction as usize;
                let (values, origins): (Vec<u64>, Vec<_>) = read.into_iter().unzip();
                let writes = self.programs[index].writes(index, &values);
                let wrote_elsewhere = self.memory.publish(version, &writes);
                self.reads[index] = origins;
                self.executions += 1;
                hand.ended.push(Ended::Finished { version, wrote_elsewhere });
                Step::Idle
            }
            Step::Validating(version) => {
                let valid = self.is_current(version.transaction);
                let aborted = self.scheduler.finish_validation(version, valid);
                if aborted { Step::Aborting(version) } else { Step::Idle }
            }
            Step::Committing(task, valid) => {
                let next = task.start + valid;
                if next < task.end && self.is_current(next) {
                    Step::Committing(task, valid + 1)
                } else {
                    let aborted = self.scheduler.finish_commit(task, valid);
                    aborted.map_or(Step::Idle, Step::Aborting)
                }
            }
            Step::Aborting(version) => {
                self.memory.mark_estimates(version.transaction);
                Step::Aborted(version)
            }
            Step::Aborted(version) => {
                self.scheduler.finish_abort(version);
                Step::Idle
            }
        };
        Some(true)
    }

    /// The next of the batch; after the last, the batch is reported, and then the next task is taken.
    fn next(&mut self, hand: &mut Hand) -> Option<bool> {
        if let Some(version) = hand.batch.pop_front() {
            hand.step = Step::Executing { version, read: Vec::new() };
            return Some(true);
        }
        if !hand.ended.is_empty() {
            for ended in hand.ended.drain(..) {
                match ended {
                    Ended::Finished { version, wrote_elsewhere } => {
                        self.scheduler.finish_execution(version, wrote_elsewhere);
                    }
                    Ended::Blocked { version, on } => self.scheduler.suspend(version, on),
                }
            }
            return Some(true);
        }
        let has_task = self.scheduler.has_task();
        let task = self.scheduler.next_task();
        assert_eq!(has_task, !matches!(task, Task::Wait | Task::Done), "{task:?}");
        match task {
            Task::Execute(batch) => hand.batch = batch.versions().collect(),
            Task::Validate(version) => hand.step = Step::Validating(version),
            Task::Commit(task) => hand.step = Step::Committing(task, 0),
            Task::Wait => return None,
            Task::Done => return Some(false),
        }
        Some(true)
    }

    fn read_one(
        &mut self,
        version: Version,
        mut read: Vec<(u64, Option<Version>)>,
        hand: &mut Hand,
    ) -> Step {
        let program = &self.programs[version.transaction as usize];
        let Some(cell) = program.reads.get(read.len()) else {
            return Step::Publishing { version, read };
        };
        match self.memory.read(*cell, version.transaction) {
            Read::Value(value, origin) => {
                read.push((value, origin));
                Step::Executing { version, read }
            }
            Read::Blocked(on) => {
                hand.ended.push(Ended::Blocked { version, on });
                Step::Idle
            }
        }
    }

    fn is_current(&self, transaction: TransactionIndex) -> bool {
        let index = transaction as usize;
        let cells = self.programs[index].reads.iter();
        cells.zip(&self.reads[index]).all(|(cell, origin)| {
            matches!(self.memory.read(*cell, transaction), Read::Value(_, now) if now == *origin)
        })
    }
}

/// Batches of any size, down to one at a time, and some transactions before their turn.
fn claims(transactions: usize, choose: Choose<'_>) -> Claims {
    let most = (0..transactions).map(|_| 1 + choose(39) as u16).collect();
    let early = (0..choose(4)).map(|_| choose(transactions.max(1)) as TransactionIndex).collect();
    Claims { workers: 1 + choose(3), most, early, is_fair: choose(2) == 0 }
}

/// Runs one block under one interleaving; gives the memory afterwards and the executions.
pub(crate) fn run(programs: &[Program], cells: usize, choose: Choose<'_>) -> (Vec<u64>, usize) {
    let mut simulation = Simulation::new(programs, claims(programs.len(), choose));
    let mut hands: Vec<Hand> = std::iter::repeat_with(Hand::default).take(WORKERS).collect();
    let mut waits = 0;
    for _ in 0..1_000_000 {
        let worker = choose(WORKERS);
        match simulation.step(&mut hands[worker]) {
            Some(_) => waits = 0,
            None => waits += 1,
        }
        assert!(
            waits < 10_000 || hands.iter().any(|hand| !hand.is_empty()),
            "every worker waits and nothing is in flight"
        );
        let idle = hands.iter().all(Hand::is_empty);
        if simulation.scheduler.is_done() && idle {
            let last = programs.len() as TransactionIndex;
            let value = |cell| match simulation.memory.read(cell, last) {
                Read::Value(value, _) => value,
                Read::Blocked(on) => panic!("transaction {on} is committed and an estimate"),
            };
            return ((0..cells).map(value).collect(), simulation.executions);
        }
    }
    panic!("the interleaving does not end");
}
