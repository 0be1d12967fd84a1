//! Whether the list states at an index what was done there: all of it, and nothing else.

use super::{
    overlay::Overlay,
    plan::{Index, Listed},
};
use crate::evm::ReadError;
use alloy_primitives::{Address, U256};
use lockstep_faults::access_lists::{
    DESTROYED_SLOTS_KEEP_VALUES, LISTED_VALUES_BELIEVED, MISSING_SLOTS_TOLERATED,
    UNSTATED_CHANGES_TOLERATED,
};
use revm::state::{Account, AccountInfo, EvmState, bal::Bal};

/// Compares one index.
pub(super) struct Verifier<'a> {
    overlay: &'a Overlay,
    index: Index,
    /// Values that were changed and are stated.
    matched: u32,
    /// Something was touched that is not listed, or changed to something else.
    failed: bool,
}

impl<'a> Verifier<'a> {
    pub(super) const fn new(overlay: &'a Overlay, index: Index) -> Self {
        Self { overlay, index, matched: 0, failed: false }
    }

    /// Whether nothing else is stated at the index.
    pub(super) fn finish(self) -> bool {
        !self.failed && self.overlay.plan.stated_at[self.index as usize] == self.matched
    }

    /// Notes a value that was changed, or was not.
    fn value<T: PartialEq>(&mut self, before: &T, after: &T, stated: impl FnOnce() -> Option<T>) {
        if before != after {
            let stated = stated();
            if stated.as_ref() == Some(after)
                || LISTED_VALUES_BELIEVED.is_planted() && stated.is_some()
            {
                self.matched += 1;
            } else if !(UNSTATED_CHANGES_TOLERATED.is_planted() && stated.is_none()) {
                self.failed = true;
            }
        }
    }

    /// Notes that an account was touched, by its number in the list. One that is not listed is wrong.
    fn touched(&mut self, number: Option<usize>) -> Option<Listed<'a>> {
        match number {
            Some(number) => self.overlay.touch(number),
            None => self.failed = true,
        }
        number.map(|number| self.overlay.plan.listed(number))
    }

    fn number_of(&self, address: Address) -> Option<usize> {
        self.overlay.plan.get(address).map(|(number, _)| number)
    }

    /// Notes the changes that a transaction left in revm's journal. The rules are those of revm's list
    /// builder (`AccountBal::update`).
    pub(super) fn journal(&mut self, state: &mut EvmState) {
        let accounts = state.iter_mut();
        accounts.for_each(|(address, account)| self.account(*address, account));
    }

    fn account(&mut self, address: Address, account: &mut Account) {
        let Some((_, plan)) = self.touched(self.number_of(address)) else { return };
        let index = self.index;
        let destroyed = account.is_selfdestructed_locally();
        let nothing = AccountInfo::default();
        let after = if destroyed { &nothing } else { &account.info };
        let (nonce, balance, code) = (after.nonce, after.balance, after.code_hash);
        let before: &AccountInfo = account.original_info_mut();
        self.value(&before.nonce, &nonce, || plan.nonce.at(index));
        self.value(&before.balance, &balance, || plan.balance.at(index));
        self.value(&before.code_hash, &code, || plan.code.at(index));
        let slots = account.storage.iter();
        slots.for_each(|(key, slot)| {
            let Some(listed) = plan.slots.get(key) else {
                self.failed |= !MISSING_SLOTS_TOLERATED.is_planted();
                return;
            };
            self.overlay.touch_slot(listed);
            let after = if destroyed && !DESTROYED_SLOTS_KEEP_VALUES.is_planted() {
                U256::ZERO
            } else {
                slot.present_value
            };
            self.value(&slot.original_value, &after, || listed.values.at(index));
        });
    }

    /// A balance that was raised without a look at the account.
    pub(super) fn credit(&mut self, to: Option<usize>, amount: U256) -> Result<(), ReadError> {
        let Some(listed) = self.touched(to) else { return Ok(()) };
        let before = self.overlay.info_below(listed, self.index)?.unwrap_or_default().balance;
        let after = before.checked_add(amount).unwrap_or(before);
        let index = self.index;
        self.value(&before, &after, || listed.1.balance.at(index));
        Ok(())
    }

    /// Nonce and balance of the sender of a plain transfer.
    pub(super) fn sender(
        &mut self,
        number: Option<usize>,
        before: lockstep_model::AccountInfo,
        after: lockstep_model::AccountInfo,
    ) {
        let Some((_, plan)) = self.touched(number) else { return };
        let index = self.index;
        self.value(&before.nonce, &after.nonce, || plan.nonce.at(index));
        self.value(&before.balance, &after.balance, || plan.balance.at(index));
    }

    /// Notes the changes of a phase, from the list that was built of it alone.
    pub(super) fn phase(&mut self, built: &Bal) {
        for (address, account) in &built.accounts {
            let Some((_, plan)) = self.touched(self.number_of(*address)) else { continue };
            let info = &account.account_info;
            self.built(&info.nonce.writes, |index| plan.nonce.at(index));
            self.built(&info.balance.writes, |index| plan.balance.at(index));
            let codes: Vec<_> = info.code.writes.iter().map(|(at, code)| (*at, code.0)).collect();
            self.built(&codes, |index| plan.code.at(index));
            for (key, values) in &account.storage.storage {
                let Some(listed) = plan.slots.get(key) else {
                    self.failed = true;
                    continue;
                };
                self.overlay.touch_slot(listed);
                self.built(&values.writes, |index| listed.values.at(index));
            }
        }
    }

    fn built<T: PartialEq>(
        &mut self,
        writes: &[(revm::state::bal::BlockAccessIndex, T)],
        stated: impl Fn(Index) -> Option<T>,
    ) {
        for (index, value) in writes {
            if index.get() == self.index && stated(self.index).as_ref() == Some(value) {
                self.matched += 1;
            } else {
                self.failed = true;
            }
        }
    }
}
