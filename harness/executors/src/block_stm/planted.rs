//! Planted faults of `block_stm`, one function a seam. Without the feature each of these functions gives
//! its input back, and is inlined.

use super::{
    access_list::Accesses,
    memory::MultiVersionMemory,
    reads::{AccountRead, Origin},
    version::Position,
};
use crate::{evm::ReadError, planted::first_code_of};
use alloy_primitives::{Address, KECCAK256_EMPTY, U256};
use lockstep_faults::{
    access_lists::{
        BUILDER_COMPARES_WITH_NEW_VALUE, CODE_CHANGES_UNLISTED, NONCE_CHANGES_UNLISTED,
        OWN_ACCESS_LIST_COUNTS_AS_ACCESS, SLOT_READS_UNLISTED, UNCHANGED_ABSENT_UNLISTED,
    },
    caches::CODE_CACHED_BY_ADDRESS,
    delegation::{
        AUTHORISATION_OF_ANY_CHAIN, AUTHORITY_NONCE_DROPPED, CLEARED_DELEGATION_SEEN,
        DELEGATED_ACCOUNT_LOSES_STORAGE, DELEGATED_CREATE_NONCE_LOST, DELEGATED_EMPTY_ABSENT,
        FIRST_AUTHORISATION_WINS, LAST_AUTHORISATION_DROPPED, NONCE_ONLY_ACCOUNT_ABSENT,
        OLD_DELEGATION_RUNS, SELF_AUTHORISATION_ONE_NONCE_SHORT, TORN_ACCOUNT_READ,
    },
    destruction::{DESTROYED_READ_UNRECORDED, PAYMENT_AFTER_DESTRUCTION_ADDS_TO_OLD_BALANCE},
    empty_accounts::{ABSENT_READ_UNRECORDED, EMPTY_ACCOUNT_ABSENT_TOO_EARLY},
    fee_recipient::{
        REWARDS_AFTER_DESTRUCTION_LOST, REWARDS_INVISIBLE_TO_CODE, WITHDRAWAL_OVERWRITES_REWARDS,
    },
    memory::{CODE_CHANGE_UNNOTICED, NONCE_CHANGE_UNNOTICED},
    nonces::{CREATED_NONCE_TOO_EARLY, CREATION_DROPS_BALANCE, NONCE_WRITE_UNSEEN},
    output::READ_ONLY_ACCOUNTS_UNLISTED,
    phases::{ABORTED_ACCESSES_LISTED, POST_BLOCK_READS_STALE, WITHDRAWALS_FROM_STALE_STATE},
    transfers::{BALANCE_READER_MISSES_CREDIT, RECIPIENT_CODE_FROM_PRE_STATE},
};
use lockstep_model::AccountInfo;
use revm::{
    bytecode::eip7702::EIP7702_MAGIC_BYTES,
    context::{TxEnv, either::Either},
    context_interface::transaction::{
        AccessList, Authorization, AuthorizationTr, RecoveredAuthority, RecoveredAuthorization,
    },
    state::{Account, TransactionId},
};
use std::borrow::Cow;

fn has_code(info: &AccountInfo) -> bool {
    info.code_hash != KECCAK256_EMPTY
}

/// Whether the account's code is a delegation (EIP-7702).
fn is_delegated(memory: &MultiVersionMemory, info: &AccountInfo) -> bool {
    let deployed = memory.codes.deployed(info.code_hash).map(|code| code.original_bytes());
    let code = deployed.or_else(|| memory.pre_state().code(info.code_hash).ok());
    has_code(info) && code.is_some_and(|code| code.starts_with(EIP7702_MAGIC_BYTES))
}

/// Whether the position is that of the post-block phase.
fn is_post_block(memory: &MultiVersionMemory, position: Position) -> bool {
    memory.rewards().transactions() < position as usize
}

/// Whether a read of an account is not recorded.
#[inline]
pub(super) fn is_unrecorded(read: &AccountRead) -> bool {
    read.info.is_none()
        && (DESTROYED_READ_UNRECORDED.is_planted() && read.origin != Origin::PreState
            || ABSENT_READ_UNRECORDED.is_planted() && read.origin == Origin::PreState)
}

/// An account of which the nonce was read before the rest.
#[inline]
pub(super) fn mixed(before: Option<AccountInfo>, info: Option<AccountInfo>) -> Option<AccountInfo> {
    match (before, info) {
        (Some(before), Some(info)) => Some(AccountInfo { nonce: before.nonce, ..info }),
        _ => info,
    }
}

/// An account as a transaction sees it that has read it.
#[inline]
pub(super) fn misread(
    memory: &MultiVersionMemory,
    position: Position,
    address: Address,
    info: Option<AccountInfo>,
) -> Result<Option<AccountInfo>, ReadError> {
    if is_post_block(memory, position)
        && (WITHDRAWAL_OVERWRITES_REWARDS.is_planted() && address == memory.beneficiary()
            || WITHDRAWALS_FROM_STALE_STATE.is_planted())
    {
        return Ok(memory.pre_state().account(address)?);
    }
    if EMPTY_ACCOUNT_ABSENT_TOO_EARLY.is_planted() && info.is_some_and(|info| info.is_empty())
        || NONCE_ONLY_ACCOUNT_ABSENT.is_planted()
            && info.is_some_and(|info| info.balance.is_zero() && !has_code(&info))
    {
        return Ok(None);
    }
    let Some(mut known) = info else { return Ok(None) };
    if DELEGATED_EMPTY_ABSENT.is_planted()
        && known.balance.is_zero()
        && is_delegated(memory, &known)
    {
        return Ok(None);
    }
    misread_code(memory, address, &mut known)?;
    Ok(Some(known))
}

fn misread_code(
    memory: &MultiVersionMemory,
    address: Address,
    known: &mut AccountInfo,
) -> Result<(), ReadError> {
    if (OLD_DELEGATION_RUNS.is_planted() && has_code(known)
        || CLEARED_DELEGATION_SEEN.is_planted() && !has_code(known))
        && let Some(before) = memory.pre_state().account(address)?.filter(has_code)
    {
        known.code_hash = before.code_hash;
    }
    if TORN_ACCOUNT_READ.is_planted() {
        let end = memory.rewards().transactions() as Position + 1;
        if let Ok(last) = memory.account(address, end)
            && let Some(last) = last.info
        {
            known.code_hash = last.code_hash;
        }
    }
    if CODE_CACHED_BY_ADDRESS.is_planted() && has_code(known) {
        known.code_hash = first_code_of(address, known.code_hash);
    }
    Ok(())
}

/// The account whose code decides whether it can be paid without running it.
#[inline]
pub(super) fn stale_recipient(
    memory: &MultiVersionMemory,
    address: Address,
) -> Result<Option<Option<AccountInfo>>, ReadError> {
    if RECIPIENT_CODE_FROM_PRE_STATE.is_planted() {
        Ok(Some(memory.pre_state().account(address)?))
    } else {
        Ok(None)
    }
}

/// The value that is read of a slot in place of the right one.
#[inline]
pub(super) fn wrong_slot(
    memory: &MultiVersionMemory,
    position: Position,
    address: Address,
    slot: U256,
) -> Result<Option<U256>, ReadError> {
    if DELEGATED_ACCOUNT_LOSES_STORAGE.is_planted() {
        let code = |info: Option<AccountInfo>| info.map(|info| info.code_hash);
        let before = code(memory.pre_state().account(address)?);
        if before != code(memory.account(address, position)?.info) {
            return Ok(Some(U256::ZERO));
        }
    }
    if POST_BLOCK_READS_STALE.is_planted() && is_post_block(memory, position) {
        return Ok(Some(memory.slot(address, slot, 1)?.value));
    }
    Ok(None)
}

/// Whether a read of a balance counts as current though credits came between.
#[inline]
pub(super) fn misses_credit(read: &AccountRead, now: Option<AccountInfo>) -> bool {
    BALANCE_READER_MISSES_CREDIT.is_planted() && now.is_some() && read.origin == Origin::PreState
}

/// Whether a read counts as current though code or nonce have changed.
#[inline]
pub(super) fn misses_change(read: &AccountRead, now: Option<AccountInfo>) -> bool {
    let (Some(before), Some(now)) = (read.info, now) else { return false };
    CODE_CHANGE_UNNOTICED.is_planted() && before.code_hash != now.code_hash
        || NONCE_CHANGE_UNNOTICED.is_planted() && before.nonce != now.nonce
}

/// What credits are added to.
#[inline]
pub(super) fn base_of_credit(
    memory: &MultiVersionMemory,
    address: Address,
    origin: Origin,
    base: Option<AccountInfo>,
    credit: U256,
) -> Result<Option<AccountInfo>, ReadError> {
    let is_destroyed = base.is_none() && origin != Origin::PreState;
    if PAYMENT_AFTER_DESTRUCTION_ADDS_TO_OLD_BALANCE.is_planted()
        && is_destroyed
        && !credit.is_zero()
    {
        Ok(memory.pre_state().account(address)?)
    } else {
        Ok(base)
    }
}

/// Whether a read at this position does not see the rewards of the fee recipient.
#[inline]
pub(super) fn are_rewards_unseen(
    memory: &MultiVersionMemory,
    position: Position,
    origin: Origin,
    base: Option<AccountInfo>,
) -> bool {
    REWARDS_INVISIBLE_TO_CODE.is_planted() && !is_post_block(memory, position)
        || REWARDS_AFTER_DESTRUCTION_LOST.is_planted()
            && base.is_none()
            && origin != Origin::PreState
}

/// Whether the account has more than before the transaction.
#[inline]
pub(super) fn is_richer(account: &Account) -> bool {
    !account.is_selfdestructed() && account.info.balance > account.original_info().balance
}

/// Whether a write of an account is lost.
#[inline]
pub(super) fn is_write_lost(
    before: Option<AccountInfo>,
    after: AccountInfo,
    is_created: bool,
) -> bool {
    let is_bump = || before.is_some_and(|before| before.balance == after.balance);
    NONCE_WRITE_UNSEEN.is_planted() && !is_created && is_bump()
}

/// Changes an account that is about to be written.
#[inline]
pub(super) fn miswrite(before: Option<AccountInfo>, after: &mut AccountInfo, created: bool) {
    let then = before.unwrap_or_default();
    if CREATION_DROPS_BALANCE.is_planted() && created {
        after.balance = after.balance.saturating_sub(then.balance);
    }
    if CREATED_NONCE_TOO_EARLY.is_planted() && created {
        after.nonce = after.nonce.max(1);
    }
    if SELF_AUTHORISATION_ONE_NONCE_SHORT.is_planted()
        && then.code_hash != after.code_hash
        && after.nonce == then.nonce + 2
    {
        after.nonce -= 1;
    }
    if AUTHORITY_NONCE_DROPPED.is_planted() && then.code_hash != after.code_hash && !created {
        after.nonce = then.nonce;
    }
    if DELEGATED_CREATE_NONCE_LOST.is_planted()
        && has_code(&then)
        && then.code_hash == after.code_hash
    {
        after.nonce = then.nonce;
    }
}

/// Changes a transaction before the block begins.
#[inline]
pub(super) fn misprepare(env: &mut TxEnv) {
    if LAST_AUTHORISATION_DROPPED.is_planted() && env.authorization_list.len() > 1 {
        env.authorization_list.pop();
    }
    if AUTHORISATION_OF_ANY_CHAIN.is_planted() {
        for authorization in &mut env.authorization_list {
            if let Either::Right(recovered) = authorization {
                let authority = recovered.authority();
                let authority =
                    authority.map_or(RecoveredAuthority::Invalid, RecoveredAuthority::Valid);
                let inner =
                    Authorization { chain_id: U256::ZERO, ..Authorization::clone(recovered) };
                *recovered = RecoveredAuthorization::new_unchecked(inner, authority);
            }
        }
    }
    if FIRST_AUTHORISATION_WINS.is_planted() {
        let mut seen = Vec::new();
        env.authorization_list.retain(|authorization| {
            let authority = authorization.authority();
            let is_first = !seen.contains(&authority);
            seen.push(authority);
            is_first
        });
    }
}

/// Adds the transaction's own access list to what it accessed.
#[inline]
pub(super) fn add_own_list(accesses: Option<&mut Accesses>, list: &AccessList) {
    if let (true, Some(accesses)) = (OWN_ACCESS_LIST_COUNTS_AS_ACCESS.is_planted(), accesses) {
        for item in &list.0 {
            let absent = || Account::new_not_existing(TransactionId::ZERO);
            accesses.state.entry(item.address).or_insert_with(absent);
        }
    }
}

/// Adds what an earlier incarnation looked at.
#[inline]
pub(super) fn add_aborted(accesses: Option<&mut Accesses>, before: Option<Box<Accesses>>) {
    if let (true, Some(now), Some(before)) =
        (ABORTED_ACCESSES_LISTED.is_planted(), accesses, before)
    {
        before.state.into_iter().for_each(|(address, account)| {
            now.state.entry(address).or_insert_with(|| Account::from(account.original_info()));
        });
    }
}

/// Whether an account that a transaction accessed is left out of the list.
#[inline]
pub(super) fn is_unlisted(account: &Account) -> bool {
    READ_ONLY_ACCOUNTS_UNLISTED.is_planted() && !account.is_touched()
        || UNCHANGED_ABSENT_UNLISTED.is_planted()
            && account.is_loaded_as_not_existing()
            && account.info.is_empty()
}

/// The account as the builder of the list compares it.
#[inline]
pub(super) fn as_compared(account: &Account) -> Cow<'_, Account> {
    let faults = [
        &BUILDER_COMPARES_WITH_NEW_VALUE,
        &CODE_CHANGES_UNLISTED,
        &NONCE_CHANGES_UNLISTED,
        &SLOT_READS_UNLISTED,
    ];
    if !faults.iter().any(|fault| fault.is_planted()) {
        return Cow::Borrowed(account);
    }
    let mut after = account.clone();
    if BUILDER_COMPARES_WITH_NEW_VALUE.is_planted() {
        after.storage.values_mut().for_each(|slot| slot.original_value = slot.present_value);
    }
    if SLOT_READS_UNLISTED.is_planted() {
        after.storage.retain(|_, slot| slot.is_changed());
    }
    let (nonce, code_hash) = (after.info.nonce, after.info.code_hash);
    if NONCE_CHANGES_UNLISTED.is_planted() {
        after.original_info_mut().nonce = nonce;
    }
    if CODE_CHANGES_UNLISTED.is_planted() {
        after.original_info_mut().code_hash = code_hash;
    }
    Cow::Owned(after)
}
