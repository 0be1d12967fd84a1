//! Items of a supply chain, one by one and by the pallet.

use super::{
    Scene,
    contracts::{Contract, word},
    draft::Draft,
};
use alloy_primitives::{Address, U256};

const GAS_LIMIT: u64 = 600_000;
/// Items on a pallet.
const PALLET: usize = 8;

/// Each sender scans once: an item, or one time in eight a pallet.
pub(super) struct Provenance {
    contract: Contract,
    pallets: usize,
    scanned: usize,
}

impl Provenance {
    pub(super) fn naive(draft: &mut Draft, transactions: usize) -> Box<dyn Scene> {
        let mut provenance = Self::of(draft, "ProvenanceNaive", transactions);
        provenance.contract.set(1, U256::from(1));
        provenance.contract.set(2, U256::from(1));
        Box::new(provenance)
    }

    pub(super) fn friendly(draft: &mut Draft, transactions: usize) -> Box<dyn Scene> {
        Box::new(Self::of(draft, "Provenance", transactions))
    }

    fn of(draft: &mut Draft, name: &'static str, transactions: usize) -> Self {
        let mut contract = Contract::new(draft, name);
        // `holder`, `state` and `scannedAt` share a slot, from the low end.
        let first = word(Address::repeat_byte(1)) | U256::from(1) << 160 | U256::from(999) << 192;
        for id in 0..transactions * PALLET {
            contract.map(0, U256::from(id), first);
        }
        Self { contract, pallets: transactions, scanned: 0 }
    }
}

impl Scene for Provenance {
    fn act(&mut self, draft: &mut Draft) {
        let who = draft.sender();
        let first = draft.choose_or(self.scanned, self.pallets) * PALLET;
        self.scanned += 1;
        let (function, items) = match draft.below(8) {
            0 => ("scanBatch(uint256[8])", PALLET),
            _ => ("scan(uint256)", 1),
        };
        let words: Vec<U256> = (first..first + items).map(U256::from).collect();
        self.contract.send(draft, who, function, &words, GAS_LIMIT);
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        self.contract.deploy(draft);
    }
}
