//! Actions of planted faults, and the state that they keep from one transaction to the next. Without the
//! feature each of these functions is empty, and inlined.

use crate::sync::Arc;
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, TxKind, map::AddressMap};
use lockstep_faults::{
    destruction::{DESTROYING_LOGS_CUT, WORKER_DESTROYS_AGAIN},
    empty_accounts::ZERO_WITHDRAWAL_CREATES,
    gas_and_receipts::{LOGS_REVERSED, TRANSIENT_STORAGE_SURVIVES},
    memory::ODD_TRANSACTIONS_UNVALIDATED,
    nonces::HIGH_NONCE_FINAL,
    phases::{BLOCK_HASH_CACHE_RACES, ONE_WITHDRAWAL_FOR_EACH},
    transfers::{FAILED_CALL_CREDITS_PRECOMPILE, FUNDED_SENDER_REFUSED},
};
use lockstep_model::{AccountChange, AccountInfo, Block, Case, Rule, StateChanges};
use revm::{
    context::TxEnv,
    state::{EvmState, TransientStorage},
};
use std::{
    borrow::Cow,
    cell::RefCell,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

thread_local! {
    static CODES: RefCell<AddressMap<B256>> = RefCell::default();
    static DESTROYED: RefCell<Vec<Address>> = const { RefCell::new(Vec::new()) };
    static TRANSIENT: RefCell<TransientStorage> = RefCell::default();
}

/// The code hash that this thread saw first at the address.
pub(crate) fn first_code_of(address: Address, code_hash: B256) -> B256 {
    CODES.with_borrow_mut(|codes| *codes.entry(address).or_insert(code_hash))
}

/// Remembers that this thread destroyed the account.
#[inline]
pub(crate) fn remember_destroyed(address: Address) {
    if WORKER_DESTROYS_AGAIN.is_planted() {
        DESTROYED.with_borrow_mut(|destroyed| destroyed.push(address));
    }
}

/// Whether an account counts as destroyed because this thread has ever destroyed it.
#[inline]
pub(crate) fn was_destroyed(address: Address) -> bool {
    WORKER_DESTROYS_AGAIN.is_planted()
        && DESTROYED.with_borrow(|destroyed| destroyed.contains(&address))
}

/// Leaves transient storage for the next transaction of this thread.
#[inline]
pub(crate) fn leave_transient(storage: &TransientStorage) {
    if TRANSIENT_STORAGE_SURVIVES.is_planted() {
        TRANSIENT.set(storage.clone());
    }
}

/// Takes the transient storage that the last transaction of this thread has left.
#[inline]
pub(crate) fn take_transient(storage: &mut TransientStorage) {
    if TRANSIENT_STORAGE_SURVIVES.is_planted() {
        *storage = TRANSIENT.take();
    }
}

/// The number of the block whose hash a fault keeps.
static NUMBER: AtomicU64 = AtomicU64::new(u64::MAX);

/// A block begins: by the fault no hash is known yet.
#[inline]
pub(crate) fn forget_block_hash() {
    if BLOCK_HASH_CACHE_RACES.is_planted() {
        NUMBER.store(u64::MAX, Ordering::Relaxed);
    }
}

/// The hash of a block; by the fault from a cache of two places that are not written together.
#[inline]
pub(crate) fn cached_block_hash<E>(
    number: u64,
    read: impl FnOnce() -> Result<B256, E>,
) -> Result<B256, E> {
    if !BLOCK_HASH_CACHE_RACES.is_planted() {
        return read();
    }
    static HASH: Mutex<B256> = Mutex::new(B256::ZERO);
    if NUMBER.load(Ordering::Relaxed) != number {
        NUMBER.store(number, Ordering::Relaxed);
        let hash = read()?;
        *HASH.lock().unwrap_or_else(PoisonError::into_inner) = hash;
    }
    Ok(*HASH.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Credits a precompile with the value of a call that failed.
#[inline]
pub(crate) fn credit_failed_precompile(tx: &TxEnv, succeeded: bool, state: &mut EvmState) {
    if !FAILED_CALL_CREDITS_PRECOMPILE.is_planted() || succeeded {
        return;
    }
    if let TxKind::Call(to) = tx.kind
        && to[..19].iter().all(|byte| *byte == 0)
        && let Some(account) = state.get_mut(&to)
    {
        account.info.balance = account.info.balance.saturating_add(tx.value);
        account.mark_touch();
    }
}

/// How many logs a fault cuts off a transaction that leaves this state.
#[inline]
pub(crate) fn logs_to_cut(state: &EvmState) -> usize {
    let destroys = || state.values().any(revm::state::Account::is_selfdestructed);
    usize::from(DESTROYING_LOGS_CUT.is_planted() && destroys())
}

/// Logs as faults leave them.
#[inline]
pub(crate) fn spoil_logs<T>(logs: &mut Vec<T>, cut: usize) {
    if cut > 0 {
        logs.truncate(logs.len().saturating_sub(cut));
    }
    if LOGS_REVERSED.is_planted() {
        logs.reverse();
    }
}

/// Whether a fault commits a transaction without a look at its reads.
#[inline]
pub(crate) fn is_unvalidated<T>(index: u32, result: Option<&Result<T, Rule>>) -> bool {
    let is_refused_for = |rule: Rule| matches!(result, Some(Err(found)) if *found == rule);
    ODD_TRANSACTIONS_UNVALIDATED.is_planted() && index % 2 == 1
        || FUNDED_SENDER_REFUSED.is_planted() && is_refused_for(Rule::InsufficientAccountFunds)
        || HIGH_NONCE_FINAL.is_planted() && is_refused_for(Rule::NonceTooHigh)
}

/// The case; by fault I14 with the last withdrawal to each account alone.
#[inline]
pub(crate) fn one_withdrawal_for_each(case: &Case) -> Cow<'_, Case> {
    let Some(withdrawals) = &case.block.withdrawals else { return Cow::Borrowed(case) };
    if !ONE_WITHDRAWAL_FOR_EACH.is_planted() {
        return Cow::Borrowed(case);
    }
    let is_last = |(index, one): &(usize, &Withdrawal)| {
        withdrawals[index + 1..].iter().all(|later| later.address != one.address)
    };
    let last = withdrawals.iter().enumerate().filter(is_last).map(|(_, one)| *one);
    let block = Block { withdrawals: Some(last.collect()), ..Block::clone(&case.block) };
    Cow::Owned(Case { block: Arc::new(block), ..case.clone() })
}

/// Applies fault F4: a withdrawal of zero creates its absent recipient.
#[inline]
pub(crate) fn add_empty_recipients(case: &Case, changes: &mut StateChanges) {
    if !ZERO_WITHDRAWAL_CREATES.is_planted() {
        return;
    }
    let withdrawals = case.block.withdrawals.iter().flatten();
    for withdrawal in withdrawals.filter(|withdrawal| withdrawal.amount == 0) {
        if matches!(case.pre_state.account(withdrawal.address), Ok(None)) {
            let info = Some(AccountInfo::default());
            let change = AccountChange { info, ..AccountChange::default() };
            changes.accounts.push(withdrawal.address, change);
        }
    }
}
