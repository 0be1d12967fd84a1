//! Schedules: who of the workers of an executor takes the next step.

use std::fmt;

/// One execution of one transaction of a block: its index, and how often it was executed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation {
    /// Index of the transaction in its block.
    pub transaction: u32,
    /// 0 is the first execution.
    pub number: u32,
}

/// What a worker is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepKind {
    /// Ask for a task.
    Claim,
    /// Read a place of the state.
    Read,
    /// Make what an execution wrote visible to the others.
    Publish,
    /// Check the reads of an execution early.
    Validate,
    /// Check the reads of executions for good, and commit them.
    Commit,
    /// Tell that its task has ended.
    Report,
    /// Go on after a sleep: it was woken.
    Wake,
}

impl StepKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Claim,
        Self::Read,
        Self::Publish,
        Self::Validate,
        Self::Commit,
        Self::Report,
        Self::Wake,
    ];

    /// Its letter in a schedule.
    pub const fn letter(self) -> char {
        match self {
            Self::Claim => 'c',
            Self::Read => 'r',
            Self::Publish => 'p',
            Self::Validate => 'v',
            Self::Commit => 'k',
            Self::Report => 'e',
            Self::Wake => 'w',
        }
    }

    /// The kind with this letter.
    pub fn of_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.letter() == letter)
    }
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Claim => "claim",
            Self::Read => "read",
            Self::Publish => "publish",
            Self::Validate => "validate",
            Self::Commit => "commit",
            Self::Report => "report",
            Self::Wake => "wake",
        })
    }
}

/// The next step of one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextStep {
    /// Which worker, from 0 on.
    pub worker: u32,
    /// What it is about to do.
    pub kind: StepKind,
    /// For which execution, where it is for one.
    pub incarnation: Option<Incarnation>,
    /// A hash of the place that is read; 0 where none is.
    pub place: u64,
}

/// Something that happened in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// An execution has begun.
    Began(Incarnation),
    /// An execution has read a place.
    Read {
        /// Who read.
        reader: Incarnation,
        /// A hash of the place.
        place: u64,
        /// Who wrote what it found; `None` is the state before the transactions.
        writer: Option<Incarnation>,
    },
    /// An execution was given up at a value that this transaction is about to write again.
    Suspended(Incarnation, u32),
    /// An execution waits, where it is, for a value that this transaction is about to write.
    Waited(Incarnation, u32),
    /// What an execution has read so far is stale: it begins again.
    Restarted(Incarnation),
    /// What an execution wrote is visible.
    Published(Incarnation),
    /// The reads of an execution are stale: it will be executed again.
    Aborted(Incarnation),
    /// The transaction with this index is committed.
    Committed(u32),
}

/// Decides the order of the steps of an executor. An executor that can be steered runs one worker at a time, up
/// to its next step, and asks each time which one goes on. The same answers give the same run, step by step.
pub trait Steering: Send + Sync {
    /// Which of these, by its index, goes on. There is at least one, and they are in the order of their workers.
    ///
    /// # Errors
    /// A sentence that says why none is to go on. The run ends with it.
    fn choose(&self, ready: &[NextStep]) -> Result<usize, String>;

    /// Is told what happens.
    fn tell(&self, happened: Happened) {
        let _ = happened;
    }
}
