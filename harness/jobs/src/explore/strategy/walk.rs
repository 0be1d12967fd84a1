//! A random walk.

use super::{Strategy, below};
use lockstep_model::NextStep;
use rand_chacha::ChaCha8Rng;

/// Each step by one of those that can take one.
pub(super) struct Walk(pub(super) ChaCha8Rng);

impl Strategy for Walk {
    fn choose(&mut self, ready: &[NextStep]) -> Result<usize, String> {
        Ok(below(&mut self.0, ready.len()))
    }
}
