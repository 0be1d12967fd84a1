//! Makes a block that shows a bug as small as it can be while it still shows that bug.
//!
//! Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002):
//! transactions first, in halves, quarters and so on; then withdrawals, accounts, storage, code, and
//! what each transaction carries. A step stands where the block still fails in the same way; where a bug
//! shows only now and then, a step is tried often enough that it would have shown.
//!
//! * `fields`: a transaction that can be edited.
//! * `draft`: a block that can be edited.
//! * `suspect`: whether a block still fails.

mod draft;
mod fields;
mod suspect;

use crate::finding::Failure;
use draft::Draft;
use lockstep_formats::export;
use lockstep_judge::runnable::Runnable;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
pub(crate) use suspect::Needs;
pub use suspect::{MOST_RUNS, Rate, Suspect};

/// A minimised block.
#[derive(Debug)]
pub struct Shrunk {
    /// The block.
    pub block: Runnable,
    /// How the block failed at first.
    pub first: Failure,
    /// How it fails.
    pub failure: Failure,
    /// How often it fails.
    pub rate: Rate,
    /// Blocks that were tried on the way.
    pub tried: u64,
    /// Whether nothing was left to try; else the time was up.
    pub is_minimal: bool,
}

/// Why a block cannot be made smaller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotShrunk {
    /// It does not fail.
    #[error("it does not fail: {runs} runs agree with the reference")]
    Agrees {
        /// How often it was run.
        runs: u32,
    },
    /// As the first block of a chain it does something else.
    #[error(
        "it does not fail as the first block of a chain, which a fixture has to be: what it does \
         depends on its number, or on the hashes of earlier blocks"
    )]
    DoesNotTravel,
    /// The reference could not run it.
    #[error("the reference could not run it: {0}")]
    Reference(String),
    /// It cannot be signed anew.
    #[error(transparent)]
    UnknownKey(#[from] export::UnknownKey),
}

/// When to stop.
#[derive(Debug, Clone)]
pub struct Patience {
    /// How long, in all.
    pub time: Duration,
    /// Set from outside to take what there is by then.
    pub interrupted: Arc<AtomicBool>,
}

/// Makes the block smaller. `tell` hears how many transactions are left, and how many blocks were tried.
///
/// # Errors
/// When there is nothing to make smaller; see [`NotShrunk`].
pub fn shrink(
    block: &Runnable,
    suspect: &mut Suspect,
    patience: &Patience,
    tell: &mut dyn FnMut(usize, u64),
) -> Result<Shrunk, NotShrunk> {
    let start = Instant::now();
    let first = suspect.look(block)?;
    let draft = Draft::new(&export::rebased(block));
    draft.check_keys()?;
    let rebased = draft.block();
    let mut shrinker = Shrinker {
        suspect,
        wanted: first.failure.clone(),
        runs: first.rate.runs_to_be_sure(),
        best: draft,
        tried: 0,
        until: start + patience.time,
        interrupted: patience.interrupted.clone(),
        tell,
    };
    if !shrinker.fails(&rebased) {
        return Err(NotShrunk::DoesNotTravel);
    }
    shrinker.go();
    let is_minimal = !shrinker.is_over();
    let (best, tried) = (shrinker.best.block(), shrinker.tried);
    let last = suspect.look(&best)?;
    Ok(Shrunk {
        block: best,
        first: first.failure,
        failure: last.failure,
        rate: last.rate,
        tried,
        is_minimal,
    })
}

struct Shrinker<'a> {
    suspect: &'a mut Suspect,
    wanted: Failure,
    runs: u32,
    best: Draft,
    tried: u64,
    until: Instant,
    interrupted: Arc<AtomicBool>,
    tell: &'a mut dyn FnMut(usize, u64),
}

impl Shrinker<'_> {
    fn is_over(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed) || Instant::now() >= self.until
    }

    fn fails(&mut self, block: &Runnable) -> bool {
        self.tried += 1;
        (self.tell)(self.best.transactions.len(), self.tried);
        self.suspect.fails_as(block, &self.wanted, self.runs)
    }

    /// Takes the draft if it still fails.
    fn keep_if_failing(&mut self, draft: Draft) -> bool {
        if self.is_over() || draft.check_keys().is_err() {
            return false;
        }
        let fails = self.fails(&draft.block());
        if fails {
            self.best = draft;
        }
        fails
    }

    /// Passes over everything until one changes nothing.
    fn go(&mut self) {
        loop {
            let before = self.best.size();
            self.reduce(Draft::transaction_count, Draft::without_transactions);
            self.reduce(Draft::withdrawal_count, Draft::without_withdrawals);
            self.reduce(Draft::account_count, Draft::without_accounts);
            self.reduce(Draft::slot_count, Draft::without_slots);
            self.simplify_codes();
            self.simplify_transactions();
            if self.best.size() >= before || self.is_over() {
                return;
            }
        }
    }

    /// Leaves out what can be left out, the larger pieces first (ddmin's complements).
    fn reduce(&mut self, count: fn(&Draft) -> usize, without: fn(&Draft, usize, usize) -> Draft) {
        let mut piece = count(&self.best).div_ceil(2);
        while piece > 0 && !self.is_over() {
            // From the end: what comes later depends on what comes before.
            let mut end = count(&self.best);
            while end > 0 && !self.is_over() {
                let start = end.saturating_sub(piece);
                let draft = without(&self.best, start, end);
                self.keep_if_failing(draft);
                end = start;
            }
            piece /= 2;
        }
    }

    /// Code that can be nothing, or end sooner.
    fn simplify_codes(&mut self) {
        for address in self.best.contracts() {
            let mut length = 0;
            while let Some(full) = self.best.code_length(address) {
                if length >= full || self.is_over() {
                    break;
                }
                if self.keep_if_failing(self.best.with_code_cut(address, length)) {
                    break;
                }
                // Half of what is left is kept beyond what was not enough.
                length += (full - length).div_ceil(2);
            }
        }
        self.blank_codes();
    }

    /// Instructions that can be `JUMPDEST`, which does nothing.
    fn blank_codes(&mut self) {
        for address in self.best.contracts() {
            let mut piece = self.best.code_length(address).unwrap_or_default().min(64);
            while piece > 0 && !self.is_over() {
                let length = self.best.code_length(address).unwrap_or_default();
                let mut start = 0;
                while start < length && !self.is_over() {
                    if let Some(draft) = self.best.with_code_blanked(address, start, start + piece)
                    {
                        self.keep_if_failing(draft);
                    }
                    start += piece;
                }
                piece /= 2;
            }
        }
    }

    fn simplify_transactions(&mut self) {
        for index in 0..self.best.transactions.len() {
            for simpler in fields::SIMPLER {
                if self.is_over() {
                    return;
                }
                if let Some(draft) = self.best.with_fields(index, *simpler) {
                    self.keep_if_failing(draft);
                }
            }
        }
    }
}
