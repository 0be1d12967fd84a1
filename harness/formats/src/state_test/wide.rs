//! Prices of which a whole transaction's gas costs 2^128 wei and more.
//!
//! The execution specs know no largest price: the sender can pay, or lacks funds. alloy's transactions hold
//! prices of 128 bits, and revm computes fees in 128 bits. So such a transaction gets a price that fits, and
//! its sender a balance that is smaller by the rest: see [`WidePrice`]. `GASPRICE` alone could tell.

use super::{format::Template, transaction::Fields};
use crate::hex::Number;
use alloy_eips::eip4844::DATA_GAS_PER_BLOB;
use alloy_primitives::{Address, U256, U512};
use lockstep_judge::{expected::WidePrice, state::PreState};
use lockstep_model::Rule;
use std::sync::Arc;

/// The price that executors see: times any gas limit it fits 128 bits, and no base fee is higher.
pub(super) const SHOWN: u128 = u64::MAX as u128;

/// The opcode that could tell.
const GASPRICE: u8 = 0x3a;

/// The prices of a transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prices {
    /// `gasPrice`, or `maxFeePerGas`.
    most: U256,
    priority: Option<U256>,
    blob: U256,
}

impl Prices {
    /// The prices of a template.
    ///
    /// # Errors
    /// When a price has more than 256 bits.
    pub(super) fn of(template: &Template) -> Result<Self, Rule> {
        let value = |number: Option<&Number>| match number {
            None => Ok(None),
            Some(Number::Fits(value)) => Ok(Some(*value)),
            Some(Number::TooLarge) => Err(Rule::NumberTooLarge),
        };
        let most = template.max_fee_per_gas.as_ref().or(template.gas_price.as_ref());
        let priority = template.max_priority_fee_per_gas.as_ref();
        let has_priority = template.max_fee_per_gas.is_some();
        Ok(Self {
            most: value(most)?.unwrap_or_default(),
            priority: value(priority)?.or(has_priority.then_some(U256::ZERO)),
            blob: value(template.max_fee_per_blob_gas.as_ref())?.unwrap_or_default(),
        })
    }

    /// Whether 128 bits are not enough for the gas of the transaction.
    pub(super) fn are_wide(&self, gas_limit: u64) -> bool {
        let too_wide = |price: U256| price.bit_len() > 128;
        let product = self.most.checked_mul(U256::from(gas_limit));
        product.is_none_or(too_wide) || self.priority.is_some_and(too_wide) || too_wide(self.blob)
    }

    /// The prices that executors see. An order that is against the rules (EIP-1559) stays so.
    pub(super) fn shown(&self) -> Shown {
        let shown = |price: U256| u128::try_from(price).unwrap_or(SHOWN).min(SHOWN);
        let priority = self.priority.map(shown).unwrap_or_default();
        let is_out_of_order = self.priority.is_some_and(|priority| priority > self.most);
        let most = shown(self.most);
        Shown {
            most: if is_out_of_order { most.min(priority - 1) } else { most },
            priority,
            blob: shown(self.blob),
        }
    }

    /// The effective price of one unit of gas (EIP-1559).
    fn effective(&self, base_fee: u64) -> U256 {
        match self.priority {
            None => self.most,
            Some(priority) => self.most.min(priority.saturating_add(U256::from(base_fee))),
        }
    }

    /// The most that the transaction may cost, its value included.
    fn cost(&self, gas_limit: u64, value: U256, blobs: usize) -> U512 {
        let gas = U512::from(self.most) * U512::from(gas_limit);
        let blob_gas = U512::from(blobs as u64 * DATA_GAS_PER_BLOB);
        gas + U512::from(self.blob) * blob_gas + U512::from(value)
    }
}

/// Prices that fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub(super) most: u128,
    pub(super) priority: u128,
    pub(super) blob: u128,
}

/// A sender and a fee recipient with what a price means for them.
pub(super) struct Parties {
    pub(super) sender: Address,
    pub(super) beneficiary: Address,
    pub(super) base_fee: u64,
}

/// The pre-state that executors see, and the rest of the price, which is left to settle.
pub(super) fn settle_later(
    pre: &Arc<PreState>,
    prices: &Prices,
    fields: &Fields,
    parties: &Parties,
) -> (Arc<PreState>, WidePrice) {
    let &Parties { sender, beneficiary, base_fee } = parties;
    let gas_limit = fields.gas_limit;
    let balance = pre.state.get(sender).map(|account| account.info.balance).unwrap_or_default();
    let shown = prices.shown();
    let shown_prices = Prices {
        most: U256::from(shown.most),
        priority: prices.priority.map(|_| U256::from(shown.priority)),
        blob: U256::from(shown.blob),
    };
    let excess = prices.effective(base_fee).saturating_sub(shown_prices.effective(base_fee));
    let can_pay = prices.cost(gas_limit, fields.value, fields.blobs) <= U512::from(balance);
    // A sender that cannot pay the price must not be able to pay the one that executors see.
    let left = if can_pay { balance - excess * U256::from(gas_limit) } else { U256::ZERO };
    let mut state = (*pre.state).clone();
    state.set_balance(sender, left);
    let wide = WidePrice { pre: pre.clone(), excess, sender, beneficiary, gas_limit };
    (PreState::new(state), wide)
}

/// Whether any code could ask for the price: that of an account, or what a creation runs.
pub(super) fn may_be_seen(pre: &PreState, input: &[u8]) -> bool {
    let codes = pre
        .state
        .accounts()
        .filter_map(|(_, account)| pre.state.code_by_hash(account.info.code_hash));
    codes.map(|code| code.as_ref()).chain([input]).any(|code| code.contains(&GASPRICE))
}
