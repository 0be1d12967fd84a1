//! A metamorphic check, which needs no reference: an unrelated transaction changes none of the others.

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, U256, address};
use lockstep_cases::generate::{Feature, Generated};
use lockstep_formats::placeholder;
use lockstep_judge::{runnable::Runnable, state::PreState};
use lockstep_model::{Block, Case, Fork, MemoryState, Outcome, Receipt, Transaction};
use std::sync::Arc;

/// Its sender and its recipient.
const STRANGER: Address = address!("0x57a6000000000000000000000000000000000001");
const FRIEND: Address = address!("0x57a6000000000000000000000000000000000002");

const GAS: u64 = 21_000;

/// The block with a stranger's transfer in front, which pays the fee recipient nothing; `None` where
/// code could tell, by the block's gas limit or by what an earlier transaction leaves of it.
pub(super) fn with_stranger(generated: &Generated) -> Option<Runnable> {
    let Runnable { case, pre, .. } = &generated.block;
    // From London on a tip can be nothing. From Amsterdam on gas is counted in two ways.
    let is_fit = (Fork::London..Fork::Amsterdam).contains(&case.rules.fork);
    let tells = [Feature::Environment, Feature::Full, Feature::Invalid];
    if !is_fit || tells.into_iter().any(|feature| generated.features.has(feature)) {
        return None;
    }
    let mut state = MemoryState::clone(&pre.state);
    state.insert(STRANGER, U256::from(u64::MAX), 0, Default::default(), []);
    let pre = PreState::new(state);
    let transfer = placeholder::signed(TxEip1559 {
        chain_id: case.rules.chain_id,
        gas_limit: GAS,
        max_fee_per_gas: case.block.base_fee.into(),
        to: FRIEND.into(),
        value: U256::from(1),
        ..TxEip1559::default()
    });
    let mut block = Block::clone(&case.block);
    block.gas_limit += GAS;
    block.transactions.insert(0, Transaction::new(STRANGER, transfer.into()));
    let case = Case { block: Arc::new(block), pre_state: pre.state.clone(), ..case.clone() };
    Some(Runnable { case, pre, ..generated.block.clone() })
}

/// The first transaction of the block that is not as it was without the stranger, if any.
pub(super) fn first_changed(alone: &Outcome, with: &Outcome) -> Option<String> {
    let (Outcome::Accepted(alone), Outcome::Accepted(with)) = (alone, with) else {
        let is_same = matches!((alone, with), (Outcome::Rejected(_), Outcome::Rejected(_)));
        return (!is_same).then(|| "the block's verdict".to_owned());
    };
    let own = |receipt: &Receipt| {
        (receipt.success, receipt.gas_used, receipt.logs.clone(), receipt.transaction_type)
    };
    let pairs = alone.receipts.iter().zip(with.receipts.iter().skip(1));
    let changed = pairs.enumerate().find(|(_, (alone, with))| own(alone) != own(with));
    changed.map(|(index, _)| format!("transaction {index}"))
}
