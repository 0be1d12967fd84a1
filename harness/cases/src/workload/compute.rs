//! Computation: without state, and in contracts that have nothing to do with each other.

use super::{Scene, contracts::Contract, draft::Draft};
use alloy_primitives::U256;

const GAS_LIMIT: u64 = 500_000;
const STEPS: u64 = 250;

/// Each sender computes once, in one contract that stores nothing.
pub(super) struct Compute(Contract);

impl Compute {
    pub(super) fn scene(draft: &mut Draft, _: usize) -> Box<dyn Scene> {
        Box::new(Self(Contract::new(draft, "Compute")))
    }
}

impl Scene for Compute {
    fn act(&mut self, draft: &mut Draft) {
        let who = draft.sender();
        let words = [U256::from(draft.below(1 << 30)), U256::from(STEPS)];
        self.0.send(draft, who, "run(uint256,uint256)", &words, GAS_LIMIT);
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        self.0.deploy(draft);
    }
}

/// Each sender computes once, in a contract of its own that stores the result.
#[derive(Default)]
pub(super) struct Cells(Vec<Contract>);

impl Cells {
    pub(super) fn scene(_: &mut Draft, _: usize) -> Box<dyn Scene> {
        Box::new(Self::default())
    }
}

impl Scene for Cells {
    fn act(&mut self, draft: &mut Draft) {
        let (who, mut cell) = (draft.sender(), Contract::new(draft, "Cell"));
        cell.set(0, U256::from(1));
        let words = [U256::from(draft.below(1 << 30)), U256::from(STEPS)];
        cell.send(draft, who, "run(uint256,uint256)", &words, GAS_LIMIT);
        self.0.push(cell);
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        self.0.into_iter().for_each(|cell| cell.deploy(draft));
    }
}
