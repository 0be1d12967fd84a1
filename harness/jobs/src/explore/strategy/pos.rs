//! Partial-order sampling: each step that a worker is about to take has a random priority, and the highest goes
//! first. Steps that meet the one that was taken, because they touch the same place, draw anew; so each partial
//! order of the run is about as likely as any other (Yuan et al., CAV 2018).

use super::{Strategy, below};
use lockstep_model::{NextStep, StepKind};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

pub(super) struct Pos {
    random: ChaCha8Rng,
    /// The next step of each worker, and its priority.
    drawn: BTreeMap<u32, (NextStep, usize)>,
}

impl Pos {
    pub(super) const fn new(random: ChaCha8Rng) -> Self {
        Self { random, drawn: BTreeMap::new() }
    }

    fn priority(&mut self, step: NextStep) -> usize {
        match self.drawn.get(&step.worker) {
            Some((known, priority)) if *known == step => *priority,
            _ => {
                let priority = below(&mut self.random, usize::MAX);
                self.drawn.insert(step.worker, (step, priority));
                priority
            }
        }
    }
}

/// Whether the order of two steps can matter. What a publication writes is not known before, so that it may
/// meet every step that reads.
const fn meet(one: &NextStep, other: &NextStep) -> bool {
    use StepKind::{Claim, Commit, Publish, Read, Report, Validate, Wake};
    match (one.kind, other.kind) {
        (Publish, Read | Publish | Validate | Commit) | (Read | Validate | Commit, Publish) => true,
        // They change, or ask, the scheduler.
        (Claim | Report | Wake, Claim | Report | Wake) => true,
        _ => false,
    }
}

impl Strategy for Pos {
    fn choose(&mut self, ready: &[NextStep]) -> Result<usize, String> {
        let mut best = (0, 0);
        for (index, step) in ready.iter().enumerate() {
            let priority = self.priority(*step);
            if index == 0 || priority > best.1 {
                best = (index, priority);
            }
        }
        let taken = ready[best.0];
        self.drawn.retain(|worker, (step, _)| *worker != taken.worker && !meet(&taken, step));
        Ok(best.0)
    }
}
