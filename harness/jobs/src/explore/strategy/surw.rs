//! Selectively uniform random walk: the next of the chosen steps is one of worker `w` with the probability that
//! its share of the chosen steps still to come has, so that each order of them is as likely as any other. All
//! other steps are a random walk (Zhao et al., ASPLOS 2025). How many are to come is known from the run before.

use super::{Known, Strategy, below};
use lockstep_model::{NextStep, StepKind};
use rand_chacha::ChaCha8Rng;

pub(super) struct Surw {
    random: ChaCha8Rng,
    is_chosen: fn(StepKind) -> bool,
    /// Chosen steps that are to come, by worker.
    left: Vec<u32>,
    /// Who takes the next of them.
    intended: Option<u32>,
}

impl Surw {
    pub(super) fn new(random: ChaCha8Rng, known: &Known) -> Self {
        let mut left = known.chosen.clone();
        left.resize(known.workers, 0);
        // Any worker may take any task: what one run gave to one of them another one may give to the next.
        let mean = left.iter().sum::<u32>() / (known.workers.max(1) as u32);
        left.iter_mut().for_each(|left| *left = (*left + mean) / 2 + 1);
        Self { random, is_chosen: known.is_chosen, left, intended: None }
    }

    fn intend(&mut self, ready: &[NextStep]) -> u32 {
        let weight =
            |step: &NextStep| self.left.get(step.worker as usize).map_or(1, |left| 1 + *left);
        let total: u32 = ready.iter().map(weight).sum();
        let mut at = below(&mut self.random, total as usize) as u32;
        for step in ready {
            let weight = weight(step);
            if at < weight {
                return step.worker;
            }
            at -= weight;
        }
        ready[0].worker
    }
}

impl Strategy for Surw {
    fn choose(&mut self, ready: &[NextStep]) -> Result<usize, String> {
        let is_there = |worker: u32| ready.iter().any(|step| step.worker == worker);
        let intended = match self.intended {
            Some(worker) if is_there(worker) => worker,
            _ => self.intend(ready),
        };
        self.intended = Some(intended);
        // Others wait with their chosen steps.
        let may = |step: &NextStep| step.worker == intended || !(self.is_chosen)(step.kind);
        let free: Vec<usize> = (0..ready.len()).filter(|index| may(&ready[*index])).collect();
        let chosen = free[below(&mut self.random, free.len())];
        let step = ready[chosen];
        if (self.is_chosen)(step.kind) {
            if let Some(left) = self.left.get_mut(step.worker as usize) {
                *left = left.saturating_sub(1);
            }
            self.intended = None;
        }
        Ok(chosen)
    }
}
