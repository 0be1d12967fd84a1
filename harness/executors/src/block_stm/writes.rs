//! What a finished transaction wrote, location by location.
//!
//! The rules are those of revm's `CacheState::apply_account_state` and `JournalInner::finalize`,
//! read from the journal before either of them has seen it.

use crate::evm::{TransactionRun, bytecode_of, model_info};
use alloy_primitives::{Address, B256, U256};
use lockstep_model::{AccountInfo, StateChanges};
use revm::{
    context::result::ExecutionResult,
    state::{Account, Bytecode},
};

/// The writes of one incarnation.
#[derive(Debug, Default)]
pub(crate) struct WriteSet {
    pub(crate) accounts: Vec<AccountWrites>,
    pub(crate) codes: Vec<(B256, Bytecode)>,
}

/// The writes to one account.
#[derive(Debug)]
pub(crate) struct AccountWrites {
    pub(crate) address: Address,
    pub(crate) info: Option<InfoWrite>,
    /// All storage is cleared before the slots are written.
    pub(crate) cleared: bool,
    pub(crate) slots: Vec<(U256, U256)>,
}

/// A write to balance, nonce and code hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InfoWrite {
    /// The account is this afterwards; `None`: it does not exist.
    Set(Option<AccountInfo>),
    /// Its balance is this much higher afterwards, whatever it was. Zero touches the account.
    Credit(U256),
}

impl WriteSet {
    /// The changes of a phase.
    pub(crate) fn of_phase(changes: &StateChanges) -> Self {
        let accounts = changes.accounts.iter().map(|(address, change)| AccountWrites {
            address: *address,
            info: Some(InfoWrite::Set(change.info)),
            cleared: change.storage_cleared,
            slots: change.storage.clone(),
        });
        let codes = changes.codes.iter().map(|(hash, code)| (*hash, bytecode_of(code.clone())));
        Self { accounts: accounts.collect(), codes: codes.collect() }
    }
}

/// Sorts what a transaction did into the result and the writes.
pub(crate) fn write_set(
    run: TransactionRun,
    beneficiary: Address,
    state_clearing: bool,
) -> (ExecutionResult, WriteSet) {
    let mut writes = WriteSet::default();
    // In no order: each location is written once, wherever it stands in the set.
    let touched = run.state.into_iter().filter(|(_, account)| account.is_touched());
    touched.for_each(|(address, account)| {
        add_account(&mut writes, address, account, state_clearing);
    });
    if let Some(amount) = run.owed_reward {
        let info = Some(InfoWrite::Credit(amount));
        let slots = Vec::new();
        writes.accounts.push(AccountWrites { address: beneficiary, info, cleared: false, slots });
    }
    (run.result, writes)
}

fn add_account(writes: &mut WriteSet, address: Address, account: Account, state_clearing: bool) {
    if account.is_selfdestructed() {
        let info = Some(InfoWrite::Set(None));
        writes.accounts.push(AccountWrites { address, info, cleared: true, slots: Vec::new() });
        return;
    }
    let existed = !account.is_loaded_as_not_existing();
    let created = account.is_created();
    // EIP-161: a touched account that is empty ceases to exist. Before, touching creates one.
    let dies = state_clearing && !created && account.is_empty();
    if dies {
        if existed {
            let info = Some(InfoWrite::Set(None));
            writes.accounts.push(AccountWrites { address, info, cleared: true, slots: Vec::new() });
        }
        return;
    }
    let before = existed.then(|| model_info(&account.original_info()));
    let after = Some(model_info(&account.info));
    if let Some(code) = &account.info.code
        && before.is_none_or(|before| before.code_hash != account.info.code_hash)
        && !code.is_empty()
    {
        writes.codes.push((account.info.code_hash, code.clone()));
    }
    let info = (before != after || created).then_some(InfoWrite::Set(after));
    let slots = account.changed_storage_slots().map(|(slot, value)| (*slot, value.present_value));
    let slots: Vec<_> = slots.collect();
    if info.is_some() || created || !slots.is_empty() {
        writes.accounts.push(AccountWrites { address, info, cleared: created, slots });
    }
}
