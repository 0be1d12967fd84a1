//! A schedule as text: who took which steps, in which order.
//!
//! ```text
//! s1:3:1f2e3d4c:0c12-1r3-0p4:5be01c77
//! │  │ │        │            └ digest of all steps: kind, transaction, incarnation
//! │  │ │        └ moves: worker 0 took 12 steps from a claim on, then worker 1 took 3 from a read on, …
//! │  │ └ the block
//! │  └ workers
//! └ version of this form
//! ```
//!
//! The letters are those of [`StepKind::letter`].

use lockstep_judge::runnable::Runnable;
use lockstep_model::{Case, NextStep, StepKind};
use std::{fmt, str::FromStr};

/// Steps that one worker takes without another one in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// Which worker.
    pub worker: u32,
    /// The kind of the first of its steps.
    pub kind: StepKind,
    /// How many steps.
    pub steps: u32,
}

/// All choices of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Workers of the executor.
    pub workers: u32,
    /// See [`block_hash`].
    pub block: u32,
    /// In the order in which they were made.
    pub moves: Vec<Move>,
    /// See [`Digest`].
    pub digest: u32,
}

impl Schedule {
    /// Choices in all.
    pub fn steps(&self) -> u64 {
        self.moves.iter().map(|made| u64::from(made.steps)).sum()
    }
}

/// Raised when the steps of the executors change their meaning.
const VERSION: &str = "s1";

/// An FNV-1a hash, in 32 bits: short enough for a command line, and only there to tell slips from intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(u32);

impl Default for Digest {
    fn default() -> Self {
        Self(0x811c_9dc5)
    }
}

impl Digest {
    /// With more bytes.
    #[must_use]
    pub fn with(self, bytes: &[u8]) -> Self {
        let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        Self(bytes.iter().fold(self.0, step))
    }

    /// With a step that was taken.
    #[must_use]
    pub fn with_step(self, step: &NextStep) -> Self {
        let (index, number) =
            step.incarnation.map_or((u32::MAX, 0), |by| (by.transaction, by.number));
        self.with(&[step.kind.letter() as u8, step.worker as u8])
            .with(&index.to_be_bytes())
            .with(&number.to_be_bytes())
    }

    /// As a number.
    pub const fn value(self) -> u32 {
        self.0
    }
}

/// Tells blocks apart: by their fork, number and transactions, not by the file that they stand in.
pub fn block_hash(case: &Case) -> u32 {
    let start = Digest::default()
        .with(case.rules.fork.to_string().as_bytes())
        .with(&case.block.number.to_be_bytes())
        .with(case.block.beneficiary.as_slice());
    let transactions = case.block.transactions.iter();
    transactions.fold(start, |hash, one| hash.with(one.envelope.tx_hash().as_slice())).value()
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{VERSION}:{}:{:08x}:", self.workers, self.block)?;
        for (index, Move { worker, kind, steps }) in self.moves.iter().enumerate() {
            let dash = if index == 0 { "" } else { "-" };
            write!(f, "{dash}{worker}{}{steps}", kind.letter())?;
        }
        write!(f, ":{:08x}", self.digest)
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.trim().split(':').collect();
        if let Some(version) = parts.first()
            && *version != VERSION
            && version.starts_with('s')
            && version.len() > 1
            && version[1..].bytes().all(|byte| byte.is_ascii_digit())
        {
            return Err(format!(
                "a schedule of version `{version}`, expected `{VERSION}`: it is of another lockstep; \
                 explore the block again"
            ));
        }
        let [VERSION, workers, block, moves, digest] = parts[..] else {
            return Err(format!(
                "expected `{VERSION}:WORKERS:BLOCK:MOVES:DIGEST`, found {} parts: is it cut short?",
                parts.len()
            ));
        };
        let hex = |name: &str, text: &str| {
            let number = (text.len() == 8).then(|| u32::from_str_radix(text, 16).ok()).flatten();
            number.ok_or_else(|| format!("{name} `{text}`: expected 8 hexadecimal digits"))
        };
        let workers = workers.parse().ok().filter(|workers| (1..=256).contains(workers));
        Ok(Self {
            workers: workers.ok_or("workers: expected 1 to 256")?,
            block: hex("block", block)?,
            moves: moves.split('-').map(parse_move).collect::<Result<_, _>>()?,
            digest: hex("digest", digest)?,
        })
    }
}

fn parse_move(text: &str) -> Result<Move, String> {
    let wrong =
        || format!("move `{text}`: expected worker, letter of a step, and count, as `0r12`");
    let at = text.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(wrong)?;
    let (worker, rest) = text.split_at(at);
    let mut letters = rest.chars();
    let kind = letters.next().and_then(StepKind::of_letter).ok_or_else(wrong)?;
    let worker = worker.parse().map_err(|_| wrong())?;
    let steps = letters.as_str().parse().ok().filter(|steps| *steps > 0).ok_or_else(wrong)?;
    Ok(Move { worker, kind, steps })
}

impl Schedule {
    /// Whether the schedule is one of this block with so many workers.
    ///
    /// # Errors
    /// A sentence that says why it is not.
    pub fn fits(&self, block: &Runnable, workers: usize) -> Result<(), String> {
        let hash = block_hash(&block.case);
        if self.block != hash {
            return Err(format!(
                "the schedule is one of block {:08x}, and {} is block {hash:08x}",
                self.block, block.case.id
            ));
        }
        if self.workers as usize != workers {
            return Err(format!(
                "the schedule is one of {} workers, and the executor has {workers}: --threads {}",
                self.workers, self.workers
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "s1:3:1f2e3d4c:0c12-1r3-10p4:5be01c77";

    #[test]
    fn a_schedule_is_its_text() {
        let schedule: Schedule = TEXT.parse().unwrap();
        assert_eq!(schedule.to_string(), TEXT);
        assert_eq!((schedule.workers, schedule.steps()), (3, 19));
        assert_eq!(schedule.moves[2], Move { worker: 10, kind: StepKind::Publish, steps: 4 });
    }

    #[test]
    fn a_text_that_is_no_schedule_is_refused_with_a_reason() {
        let reason = |text: &str| text.parse::<Schedule>().unwrap_err();
        assert!(reason("s7:3:1f2e3d4c:0c12:5be01c77").contains("version `s7`"));
        assert!(reason("s1:3:1f2e3d4c:0c12").contains("cut short"));
        assert!(reason("").contains("expected `s1:"));
        assert!(reason("s1:3:1f2e3d4c:0c12-:5be01c77").contains("move ``"));
        assert!(reason("s1:3:1f2e3d4c:0x12:5be01c77").contains("move `0x12`"));
        assert!(reason("s1:3:1f2e3d4c:0c0:5be01c77").contains("move `0c0`"));
        assert!(reason("s1:3:1f2e3d4c:0c99999999999:5be01c77").contains("move"));
        assert!(reason("s1:0:1f2e3d4c:0c1:5be01c77").contains("workers"));
        assert!(reason("s1:3:1f2e:0c1:5be01c77").contains("block `1f2e`"));
        assert!(reason("s1:3:1f2e3d4c:0c1:5be01c7").contains("digest"));
    }
}
