//! Claims on what was locked on another chain, with Merkle proofs.

use super::{
    Scene,
    contracts::{Contract, word},
    draft::Draft,
};
use alloy_primitives::{Address, B256, U256, keccak256};

const GAS_LIMIT: u64 = 300_000;
/// Levels of a tree above its leaves.
const DEPTH: usize = 12;
const CLAIMS: usize = 1 << DEPTH;

/// Each sender claims once; a bridge whose claims are used up is followed by another one.
pub(super) struct Bridges {
    name: &'static str,
    used_up: Vec<Contract>,
    bridge: Option<Bridge>,
}

struct Bridge {
    contract: Contract,
    recipients: Vec<Address>,
    /// The tree, leaves first.
    levels: Vec<Vec<B256>>,
    claimed: usize,
}

impl Bridges {
    pub(super) fn naive(_: &mut Draft, _: usize) -> Box<dyn Scene> {
        Box::new(Self { name: "BridgeNaive", used_up: Vec::new(), bridge: None })
    }

    pub(super) fn friendly(_: &mut Draft, _: usize) -> Box<dyn Scene> {
        Box::new(Self { name: "Bridge", used_up: Vec::new(), bridge: None })
    }
}

impl Bridge {
    fn new(draft: &mut Draft, name: &'static str) -> Self {
        let mut contract = Contract::new(draft, name);
        let recipients: Vec<Address> = (0..CLAIMS).map(|_| draft.address()).collect();
        let leaf =
            |(index, to): (usize, &Address)| hash(&[U256::from(index), word(*to), amount(index)]);
        let mut levels = vec![recipients.iter().enumerate().map(leaf).collect::<Vec<B256>>()];
        for level in 0..DEPTH {
            let (pairs, _) = levels[level].as_chunks::<2>();
            levels.push(pairs.iter().map(|[left, right]| hash(&[*left, *right])).collect());
        }
        contract.set(0, levels[DEPTH][0].into());
        // One bit of every slot is set, and something was paid.
        if name == "BridgeNaive" {
            (0..CLAIMS / 256).for_each(|slot| contract.map(2, U256::from(slot), U256::ZERO));
            contract.set(3, U256::from(1));
        }
        Self { contract, recipients, levels, claimed: 0 }
    }

    fn claim(&mut self, draft: &mut Draft) {
        let index = self.claimed;
        self.claimed += 1;
        let mut words = vec![U256::from(index), word(self.recipients[index]), amount(index)];
        let beside = |level: usize| self.levels[level][(index >> level) ^ 1];
        words.extend((0..DEPTH).map(|level| U256::from_be_bytes(beside(level).0)));
        let from = draft.sender();
        let function = "claim(uint256,address,uint256,bytes32[12])";
        self.contract.send(draft, from, function, &words, GAS_LIMIT);
    }
}

fn amount(index: usize) -> U256 {
    U256::from(100 + index)
}

/// keccak-256 of words.
fn hash<T: Copy + Into<U256>>(words: &[T]) -> B256 {
    let bytes = words.iter().flat_map(|word| (*word).into().to_be_bytes::<32>());
    keccak256(bytes.collect::<Vec<u8>>())
}

impl Scene for Bridges {
    fn act(&mut self, draft: &mut Draft) {
        if let Some(bridge) = self.bridge.take_if(|bridge| bridge.claimed == CLAIMS) {
            self.used_up.push(bridge.contract);
        }
        let name = self.name;
        self.bridge.get_or_insert_with(|| Bridge::new(draft, name)).claim(draft);
    }

    fn deploy(self: Box<Self>, draft: &mut Draft) {
        let last = self.bridge.map(|bridge| bridge.contract);
        self.used_up.into_iter().chain(last).for_each(|contract| contract.deploy(draft));
    }
}
