//! The write set of a finished transaction.
//!
//! The rules are those of revm's `CacheState::apply_account_state` and `JournalInner::finalize`,
//! read from the journal before either of them has seen it.

use super::{planted, reads::could_overflow, view::View};
use crate::{
    evm::model_info,
    planted::{remember_destroyed, was_destroyed},
    remembered::bytecode_of,
};
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256};
use lockstep_faults::{
    destruction::{DESTROYED_ACCOUNT_READABLE, HEIR_UNPAID, RECREATED_ACCOUNT_SEES_OLD_STORAGE},
    empty_accounts::TOUCHED_EMPTY_ACCOUNT_STAYS,
    fee_recipient::{DESTROYED_FEE_RECIPIENT_STAYS, FEE_RECIPIENT_VISIT_IS_WRITE},
    transfers::ZERO_TRANSFER_WRITES_EMPTY,
};
use lockstep_model::{AccountInfo, StateChanges};
use revm::state::{Account, Bytecode, EvmState};

/// The writes of one incarnation.
#[derive(Debug, Default)]
pub(crate) struct WriteSet {
    pub(crate) accounts: Vec<AccountWrites>,
    pub(crate) slots: Vec<(Address, U256, U256)>,
    pub(crate) codes: Vec<(B256, Bytecode)>,
}

/// The writes to one account.
#[derive(Debug)]
pub(crate) struct AccountWrites {
    pub(crate) address: Address,
    pub(crate) info: Option<InfoWrite>,
    /// All storage is cleared before slots are written.
    pub(crate) cleared: bool,
}

/// A write to balance, nonce and code hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InfoWrite {
    /// The account is this afterwards; `None`: it does not exist.
    Set(Option<AccountInfo>),
    /// Its balance is higher afterwards, whatever it was.
    Credit {
        /// By this much; never zero.
        amount: U256,
        /// By this much since the last full write below, all credits in between together. The memory
        /// keeps it, so that a reader need not add up.
        total: U256,
        /// The account in the pre-state, as far as the writer has seen it.
        base: Base,
    },
}

/// An account in the pre-state as far as it is known, in few bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    /// Nothing.
    Unknown,
    /// It does not exist.
    Absent,
    /// It exists and has no code.
    Codeless {
        /// Its balance.
        balance: U256,
        /// Its nonce.
        nonce: u64,
    },
}

impl Base {
    pub(crate) fn of(account: Option<AccountInfo>) -> Self {
        match account {
            None => Self::Absent,
            Some(info) if info.code_hash == KECCAK256_EMPTY => {
                Self::Codeless { balance: info.balance, nonce: info.nonce }
            }
            Some(_) => Self::Unknown,
        }
    }

    /// The account, if it is known whether it exists.
    pub(crate) fn account(self) -> Option<Option<AccountInfo>> {
        match self {
            Self::Unknown => None,
            Self::Absent => Some(None),
            Self::Codeless { balance, nonce } => {
                Some(Some(AccountInfo { balance, nonce, code_hash: KECCAK256_EMPTY }))
            }
        }
    }
}

impl WriteSet {
    /// The changes of a phase.
    pub(crate) fn of_phase(changes: &StateChanges) -> Self {
        let mut writes = Self::default();
        for (address, change) in &changes.by_account() {
            writes.set(*address, change.info, change.storage_cleared);
            let slots = change.storage.iter().map(|(slot, value)| (*address, *slot, *value));
            writes.slots.extend(slots);
        }
        let codes = changes.codes.iter().map(|(hash, code)| (*hash, bytecode_of(code.clone())));
        writes.codes.extend(codes);
        writes
    }

    pub(crate) fn set(&mut self, address: Address, info: Option<AccountInfo>, cleared: bool) {
        let info = Some(InfoWrite::Set(info.filter(|_| !was_destroyed(address))));
        self.accounts.push(AccountWrites { address, info, cleared });
    }

    pub(crate) fn credit(&mut self, address: Address, amount: U256, base: Base) {
        let info = Some(InfoWrite::Credit { amount, total: amount, base });
        self.accounts.push(AccountWrites { address, info, cleared: false });
    }

    /// Takes what a transaction did out of revm's journal. Accounts of which a transaction wrote more
    /// than a credit count as observed: the write holds their balance.
    pub(crate) fn take(&mut self, state: &mut EvmState, view: &mut View<'_>, state_clearing: bool) {
        // In no order: each place is written once, wherever it stands in the set.
        let heirs_are_unpaid =
            HEIR_UNPAID.is_planted() && state.values().any(Account::is_selfdestructed);
        let touched = state.iter_mut().filter(|(_, account)| {
            account.is_touched() && !(heirs_are_unpaid && planted::is_richer(account))
        });
        touched.for_each(|(address, account)| {
            self.add_account(*address, account, view, state_clearing);
        });
    }

    fn add_account(
        &mut self,
        address: Address,
        account: &mut Account,
        view: &mut View<'_>,
        state_clearing: bool,
    ) {
        if account.is_selfdestructed() {
            view.observe(address);
            remember_destroyed(address);
            let stays =
                DESTROYED_FEE_RECIPIENT_STAYS.is_planted() && view.is_fee_recipient(address);
            if !DESTROYED_ACCOUNT_READABLE.is_planted() && !stays {
                self.set(address, None, !RECREATED_ACCOUNT_SEES_OLD_STORAGE.is_planted());
            }
            return;
        }
        let existed = !account.is_loaded_as_not_existing();
        let created = account.is_created();
        // EIP-161: a touched account that is empty ceases to exist. Before, touching creates one.
        if state_clearing && !created && account.is_empty() {
            view.observe(address);
            if existed && !TOUCHED_EMPTY_ACCOUNT_STAYS.is_planted() {
                self.set(address, None, true);
            } else if ZERO_TRANSFER_WRITES_EMPTY.is_planted() {
                self.set(address, Some(AccountInfo::default()), false);
            }
            return;
        }
        let before = existed.then(|| model_info(account.original_info_mut()));
        let after = model_info(&account.info);
        let is_lost = planted::is_write_lost(before, after, created);
        if FEE_RECIPIENT_VISIT_IS_WRITE.is_planted()
            && before == Some(after)
            && view.is_fee_recipient(address)
        {
            self.set(address, Some(after), false);
        }
        if (before != Some(after) || created) && !is_lost {
            self.add_info(address, before, account, view);
        }
        let slots = account.changed_storage_slots();
        self.slots.extend(slots.map(|(slot, value)| (address, *slot, value.present_value)));
    }

    fn add_info(
        &mut self,
        address: Address,
        before: Option<AccountInfo>,
        account: &Account,
        view: &mut View<'_>,
    ) {
        let (mut after, created) = (model_info(&account.info), account.is_created());
        planted::miswrite(before, &mut after, created);
        if let Some(before) = before
            && !created
            && (before.nonce, before.code_hash) == (after.nonce, after.code_hash)
            && after.balance > before.balance
            && !could_overflow(before.balance)
            && !view.has_observed(address)
        {
            let base = view.pre_state_of(address);
            self.credit(address, after.balance - before.balance, base);
            return;
        }
        view.observe(address);
        if let Some(code) = &account.info.code
            && before.is_none_or(|before| before.code_hash != after.code_hash)
            && !code.is_empty()
        {
            self.codes.push((after.code_hash, code.clone()));
        }
        self.set(address, Some(after), created && !RECREATED_ACCOUNT_SEES_OLD_STORAGE.is_planted());
    }
}
