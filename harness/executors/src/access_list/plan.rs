//! A list, sorted for look-ups: by account, by slot, by index.

use crate::reference::Beside;
use alloy_eip7928::{AccountChanges, BlockAccessIndex, validate_block_access_list};
use alloy_primitives::{
    Address, B256, Bytes, U256,
    map::{AddressMap, B256Map, U256Map},
};
use lockstep_faults::access_lists::{
    INDEX_PAST_THE_END_TOLERATED, LIST_ORDER_UNCHECKED, MALFORMED_DELEGATION_PANICS,
};
use lockstep_model::AccountInfo;
use revm::state::Bytecode;

/// An index in the block: 0 before the transactions, `i + 1` at transaction `i`, `n + 1` after them.
pub(super) type Index = u64;

/// The values that something has in a block, in the order of indices.
#[derive(Debug, Clone)]
pub(super) struct Timeline<T>(Vec<(Index, T)>);

impl<T: Copy> Timeline<T> {
    fn new(changes: impl Iterator<Item = (BlockAccessIndex, T)>) -> Self {
        Self(changes.map(|(index, value)| (index.get(), value)).collect())
    }

    /// How many stand below the index.
    fn count_below(&self, index: Index) -> usize {
        let (Some((first, _)), Some((last, _))) = (self.0.first(), self.0.last()) else { return 0 };
        // Most things change once or twice, and what changes often, like the fee recipient, at every index.
        if *last < index {
            return self.0.len();
        }
        let dense = index.saturating_sub(*first) as usize;
        if self.0.get(dense).is_some_and(|(at, _)| *at == index) {
            return dense;
        }
        self.0.partition_point(|(at, _)| *at < index)
    }

    /// The last value below the index, and where it stands.
    fn below(&self, index: Index) -> Option<(Index, T)> {
        self.count_below(index).checked_sub(1).map(|at| self.0[at])
    }

    /// The value that is stated at the very index.
    pub(super) fn at(&self, index: Index) -> Option<T> {
        let (at, value) = self.0.get(self.count_below(index))?;
        (*at == index).then_some(*value)
    }

    pub(super) fn indices(&self) -> impl Iterator<Item = Index> {
        self.0.iter().map(|(index, _)| *index)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One account of the list.
#[derive(Debug)]
pub(super) struct AccountPlan {
    pub(super) address: Address,
    pub(super) balance: Timeline<U256>,
    pub(super) nonce: Timeline<u64>,
    pub(super) code: Timeline<B256>,
    pub(super) slots: U256Map<SlotPlan>,
    /// Indices at which all storage was cleared.
    pub(super) cleared: Timeline<()>,
    exists: Timeline<bool>,
}

/// One slot of the list.
#[derive(Debug)]
pub(super) struct SlotPlan {
    /// Counts the slots of the whole list.
    pub(super) id: usize,
    pub(super) values: Timeline<U256>,
}

/// The value of a slot below an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SlotBelow {
    /// As the pre-state has it.
    PreState,
    Value(U256),
}

impl AccountPlan {
    /// The account below an index, given what the pre-state has.
    pub(super) fn info_below(&self, index: Index, pre: Option<AccountInfo>) -> Option<AccountInfo> {
        let mut info = pre.unwrap_or_default();
        let mut changed = false;
        if let Some((_, balance)) = self.balance.below(index) {
            (info.balance, changed) = (balance, true);
        }
        if let Some((_, nonce)) = self.nonce.below(index) {
            (info.nonce, changed) = (nonce, true);
        }
        if let Some((_, code_hash)) = self.code.below(index) {
            (info.code_hash, changed) = (code_hash, true);
        }
        let stated = self.exists.below(index).map(|(_, exists)| exists);
        let exists = !info.is_empty() || stated.unwrap_or(pre.is_some() || changed);
        exists.then_some(info)
    }

    pub(super) fn is_cleared_below(&self, index: Index) -> bool {
        self.cleared.below(index).is_some()
    }

    pub(super) fn slot_below(&self, slot: &SlotPlan, index: Index) -> SlotBelow {
        let cleared = self.cleared.below(index).map(|(at, ())| at);
        match slot.values.below(index) {
            // Within one index the clearing comes first.
            Some((at, value)) if cleared.is_none_or(|cleared| cleared <= at) => {
                SlotBelow::Value(value)
            }
            _ if cleared.is_some() => SlotBelow::Value(U256::ZERO),
            _ => SlotBelow::PreState,
        }
    }

    /// Whether the block changes anything of it.
    pub(super) fn is_changed(&self) -> bool {
        !(self.balance.is_empty()
            && self.nonce.is_empty()
            && self.code.is_empty()
            && self.cleared.is_empty()
            && self.exists.is_empty())
            || self.slots.values().any(|slot| !slot.values.is_empty())
    }

    /// Every index at which something of it changes, again and again.
    pub(super) fn changed_at(&self) -> impl Iterator<Item = Index> {
        let fields = self.balance.indices().chain(self.nonce.indices()).chain(self.code.indices());
        let slots = self.slots.values().flat_map(|slot| slot.values.indices());
        fields.chain(slots).chain(self.cleared.indices()).chain(self.exists.indices())
    }
}

/// The whole list.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) accounts: Vec<AccountPlan>,
    by_address: AddressMap<usize>,
    pub(super) slots: usize,
    /// How many values are stated at each index.
    pub(super) stated_at: Vec<u32>,
    /// Code that comes into the block.
    pub(super) codes: B256Map<Bytecode>,
}

/// A list that has not even the form of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed;

impl Plan {
    /// Sorts a list. Its form is checked: canonical order, each thing once, indices of the block, code
    /// that is code.
    pub(super) fn compile(
        list: &[AccountChanges],
        beside: &Beside,
        transactions: usize,
    ) -> Result<Self, Malformed> {
        let is_well_formed = validate_block_access_list(list, transactions).is_ok();
        if !is_well_formed
            && !INDEX_PAST_THE_END_TOLERATED.is_planted()
            && !LIST_ORDER_UNCHECKED.is_planted()
        {
            return Err(Malformed);
        }
        let mut plan = Self {
            accounts: Vec::with_capacity(list.len()),
            by_address: AddressMap::default(),
            slots: 0,
            stated_at: vec![0; transactions + 2],
            codes: B256Map::default(),
        };
        for account in list {
            let account = plan.account(account, beside)?;
            plan.by_address.insert(account.address, plan.accounts.len());
            plan.accounts.push(account);
        }
        Ok(plan)
    }

    fn account(
        &mut self,
        listed: &AccountChanges,
        beside: &Beside,
    ) -> Result<AccountPlan, Malformed> {
        let code = listed.code_changes.iter().map(|change| {
            let code = Bytecode::new_raw_checked(change.new_code.clone());
            assert!(!MALFORMED_DELEGATION_PANICS.is_planted() || code.is_ok(), "a list holds code");
            let code = code.map_err(|_| Malformed)?;
            let hash = code.hash_slow();
            self.codes.insert(hash, code);
            Ok((change.block_access_index, hash))
        });
        let code = code.collect::<Result<Vec<_>, Malformed>>()?;
        let balance = listed.balance_changes.iter();
        let nonce = listed.nonce_changes.iter();
        let extra = |index: &u64| BlockAccessIndex::new(*index);
        let cleared = beside.cleared.get(&listed.address).into_iter().flatten();
        let exists = beside.exists.get(&listed.address).into_iter().flatten();
        let mut account = AccountPlan {
            address: listed.address,
            balance: Timeline::new(
                balance.map(|change| (change.block_access_index, change.post_balance)),
            ),
            nonce: Timeline::new(nonce.map(|change| (change.block_access_index, change.new_nonce))),
            code: Timeline::new(code.into_iter()),
            slots: U256Map::default(),
            cleared: Timeline::new(cleared.map(|index| (extra(index), ()))),
            exists: Timeline::new(exists.map(|(index, exists)| (extra(index), *exists))),
        };
        for written in &listed.storage_changes {
            let changes = written.changes.iter();
            let values =
                Timeline::new(changes.map(|change| (change.block_access_index, change.new_value)));
            self.add_slot(&mut account, written.slot, values);
        }
        for slot in &listed.storage_reads {
            self.add_slot(&mut account, *slot, Timeline(Vec::new()));
        }
        let fields = account.balance.indices().chain(account.nonce.indices());
        let slots = account.slots.values().flat_map(|slot| slot.values.indices());
        for index in fields.chain(account.code.indices()).chain(slots) {
            match self.stated_at.get_mut(index as usize) {
                Some(count) => *count += 1,
                None if INDEX_PAST_THE_END_TOLERATED.is_planted() => {}
                None => return Err(Malformed),
            }
        }
        Ok(account)
    }

    fn add_slot(&mut self, account: &mut AccountPlan, slot: U256, values: Timeline<U256>) {
        account.slots.insert(slot, SlotPlan { id: self.slots, values });
        self.slots += 1;
    }

    /// Code that comes into the block, by its hash.
    pub(super) fn deployed_codes(&self) -> impl Iterator<Item = (B256, Bytes)> {
        self.codes.iter().map(|(hash, code)| (*hash, code.original_bytes()))
    }

    /// The account and its number, if it is listed.
    pub(super) fn get(&self, address: Address) -> Option<Listed<'_>> {
        let number = *self.by_address.get(&address)?;
        Some(self.listed(number))
    }

    /// The account with this number.
    pub(super) fn listed(&self, number: usize) -> Listed<'_> {
        (number, &self.accounts[number])
    }
}

/// An account of the list, and its number there.
pub(super) type Listed<'a> = (usize, &'a AccountPlan);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_says_what_is_below_and_at_an_index() {
        let indices: [&[Index]; 6] =
            [&[], &[3], &[1, 2, 3, 4], &[4, 5, 6, 9, 10], &[0, 7], &[2, 4, 5, 6, 7]];
        for written in indices {
            let timeline = Timeline(written.iter().map(|index| (*index, index * 10)).collect());
            for index in 0..13 {
                let last = written.iter().copied().filter(|at| *at < index).max();
                assert_eq!(timeline.below(index), last.map(|at| (at, at * 10)), "{written:?}");
                let at = written.contains(&index).then_some(index * 10);
                assert_eq!(timeline.at(index), at, "{written:?} at {index}");
            }
        }
    }
}
