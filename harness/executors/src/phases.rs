//! The phases before and after the transactions, run by the reference's own code on the state of
//! the calling executor.

use crate::{
    commit::OrderedCommit,
    evm::take_changes,
    planted,
    reference::{
        SessionDb, Stop, corrections, deposit_receipt, has_access_list, ommer_headers, session,
    },
};
use alloy_evm::EvmEnv;
use alloy_primitives::Bytes;
use lockstep_faults::{
    gas_and_receipts::DEPOSITS_OUT_OF_ORDER,
    phases::{NO_WITHDRAWALS_NO_POST_BLOCK, REQUESTS_REVERSED, SMALL_BLOCK_SKIPS_SYSTEM_CALLS},
};
use lockstep_model::{Case, Phases, StateChanges};
use revm::state::bal::Bal;

/// Results of the pre-block phase.
#[derive(Default)]
pub(crate) struct Start {
    pub(crate) changes: StateChanges,
    pub(crate) access_list: Option<Bal>,
}

/// Results of the post-block phase.
#[derive(Default)]
pub(crate) struct End {
    pub(crate) changes: StateChanges,
    pub(crate) requests: Vec<Bytes>,
    pub(crate) access_list: Option<Bal>,
}

/// Runs the pre-block phase on the state before the block.
pub(crate) fn pre_block(case: &Case, env: &EvmEnv, state: impl SessionDb) -> Result<Start, Stop> {
    pre_block_with(case, env, state, has_access_list(case))
}

/// As [`pre_block`], with a list of what was accessed where `lists` says so.
pub(crate) fn pre_block_with(
    case: &Case,
    env: &EvmEnv,
    state: impl SessionDb,
    lists: bool,
) -> Result<Start, Stop> {
    let is_small = || case.block.transactions.len() == 1;
    if case.phases == Phases::TransactionsOnly
        || SMALL_BLOCK_SKIPS_SYSTEM_CALLS.is_planted() && is_small()
    {
        return Ok(Start::default());
    }
    let mut session = session(case, env, &[], state, lists);
    corrections::pre_block(&mut session, case)?;
    let changes = take_changes(session.evm.db_mut());
    Ok(Start { changes, access_list: session.evm.db_mut().take_built_bal() })
}

/// Runs the post-block phase on the state after all transactions.
pub(crate) fn post_block(
    case: &Case,
    env: &EvmEnv,
    state: impl SessionDb,
    gas: &OrderedCommit,
) -> Result<End, Stop> {
    post_block_with(case, env, state, gas, has_access_list(case))
}

/// As [`post_block`], with a list of what was accessed where `lists` says so.
pub(crate) fn post_block_with(
    case: &Case,
    env: &EvmEnv,
    state: impl SessionDb,
    gas: &OrderedCommit,
    lists: bool,
) -> Result<End, Stop> {
    let has_withdrawals = case.block.withdrawals.as_ref().is_some_and(|all| !all.is_empty());
    if case.phases == Phases::TransactionsOnly
        || NO_WITHDRAWALS_NO_POST_BLOCK.is_planted() && !has_withdrawals
    {
        return Ok(End::default());
    }
    let ommers = ommer_headers(case);
    let case = &planted::one_withdrawal_for_each(case);
    let mut session = session(case, env, &ommers, state, lists);
    session.receipts = deposit_receipt(&case.rules, gas.receipts()).into_iter().collect();
    if DEPOSITS_OUT_OF_ORDER.is_planted() {
        session.receipts.iter_mut().for_each(|receipt| receipt.logs.reverse());
    }
    session.cumulative_tx_gas_used = gas.cumulative_gas();
    session.block_regular_gas_used = gas.regular_gas();
    session.block_state_gas_used = gas.state_gas();
    session.blob_gas_used = gas.blob_gas();
    let (mut state, result) = corrections::post_block(session, case)?;
    let mut changes = take_changes(&mut state);
    planted::add_empty_recipients(case, &mut changes);
    let mut requests: Vec<Bytes> = result.requests.into_iter().collect();
    if REQUESTS_REVERSED.is_planted() {
        requests.reverse();
    }
    Ok(End { changes, requests, access_list: state.take_built_bal() })
}
