//! Probabilistic concurrency testing: the worker with the highest priority goes on; at `depth - 1` random steps
//! the one that would go on falls below all others. A bug that needs `depth` orderings of steps is found with
//! a probability of at least 1 / (workers × steps^(depth - 1)) (Burckhardt et al., ASPLOS 2010).

use super::{Known, Strategy, below};
use lockstep_model::NextStep;
use rand_chacha::ChaCha8Rng;

pub(super) struct Pct {
    /// By worker; higher goes first.
    priorities: Vec<i64>,
    /// Steps at which a priority falls, ascending.
    changes: Vec<u64>,
    step: u64,
    lowest: i64,
}

impl Pct {
    pub(super) fn new(mut random: ChaCha8Rng, known: &Known) -> Self {
        let mut priorities: Vec<i64> = (1..=known.workers as i64).collect();
        for last in (1..priorities.len()).rev() {
            priorities.swap(last, below(&mut random, last + 1));
        }
        let steps = usize::try_from(known.steps).unwrap_or(usize::MAX).max(1);
        let changes = 1..known.depth.max(1);
        let mut changes: Vec<u64> = changes.map(|_| below(&mut random, steps) as u64).collect();
        changes.sort_unstable();
        Self { priorities, changes, step: 0, lowest: 0 }
    }

    fn highest(&self, ready: &[NextStep]) -> usize {
        let priority = |index: &usize| self.priorities.get(ready[*index].worker as usize);
        (0..ready.len()).max_by_key(priority).unwrap_or_default()
    }
}

impl Strategy for Pct {
    fn choose(&mut self, ready: &[NextStep]) -> Result<usize, String> {
        let here = self.changes.iter().take_while(|change| **change <= self.step).count();
        self.changes.drain(..here);
        for _ in 0..here {
            let highest = ready[self.highest(ready)].worker as usize;
            self.lowest -= 1;
            if let Some(priority) = self.priorities.get_mut(highest) {
                *priority = self.lowest;
            }
        }
        self.step += 1;
        Ok(self.highest(ready))
    }
}
