//! The list of a block, made by the reference.

use crate::{
    evm::{ReaderDb, bundle_changes, evm_env, transaction_env},
    reference::{Session, Stop, corrections, ommer_headers, session_with, stop, take_changes},
};
use alloy_consensus::transaction::Recovered;
use alloy_eip7928::BlockAccessList;
use alloy_evm::block::BlockExecutor;
use alloy_primitives::Address;
use lockstep_model::{At, Case, ExecutorError, Phases, StateChanges};
use revm::database::states::bundle_state::BundleRetention;
use std::collections::BTreeMap;

/// A list, and what lists before Amsterdam cannot say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MadeList {
    /// The list.
    pub list: BlockAccessList,
    /// What stands beside it.
    pub beside: Beside,
}

/// What a list cannot say, by account and index in the block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// All storage of the account was cleared, before slots were written.
    pub cleared: BTreeMap<Address, Vec<u64>>,
    /// The account is empty afterwards, and exists or does not.
    pub exists: BTreeMap<Address, Vec<(u64, bool)>>,
}

impl Beside {
    fn add(&mut self, index: u64, changes: &StateChanges) {
        for (address, change) in changes.by_account() {
            // An account that is created anew has lost its storage when it ended. revm's own flag stays up
            // for the rest of the block.
            if change.info.is_none() {
                self.cleared.entry(address).or_default().push(index);
            }
            if change.info.is_none_or(|info| info.is_empty()) {
                let exists = change.info.is_some();
                self.exists.entry(address).or_default().push((index, exists));
            }
        }
    }
}

/// Runs the block in the reference. Of a block that is rejected, the list goes as far as the block did.
pub(super) fn make(case: &Case) -> Result<MadeList, ExecutorError> {
    match made(case, case.phases == Phases::Full) {
        Ok(list) => Ok(list),
        // The list is lost with the phase that failed: what comes before it is made again.
        Err(Stop::Rejected(_)) => made(case, false).map_err(|stop| match stop {
            Stop::Broken(error) => error,
            Stop::Rejected(rejection) => ExecutorError::Broken(rejection.to_string()),
        }),
        Err(Stop::Broken(error)) => Err(error),
    }
}

fn made(case: &Case, with_end: bool) -> Result<MadeList, Stop> {
    let ommers = ommer_headers(case);
    let reader = ReaderDb(case.pre_state.clone());
    let mut session = session_with(case, &evm_env(case), &ommers, reader, true);
    let mut beside = Beside::default();
    if case.phases == Phases::Full {
        match corrections::pre_block(&mut session, case) {
            Err(Stop::Rejected(_)) => return Ok(finish(session, beside)),
            other => other?,
        }
    }
    beside.add(0, &take_changes(&mut session));
    for (nth, transaction) in case.block.transactions.iter().enumerate() {
        let index = nth as u64 + 1;
        let recovered = Recovered::new_unchecked(transaction.envelope.clone(), transaction.sender);
        corrections::set_access_index(&mut session, index);
        let executed = session.execute_transaction((transaction_env(transaction), recovered));
        match executed.map_err(|error| stop(error, At::Transaction(nth))) {
            Ok(_) => {}
            Err(Stop::Rejected(_)) => return Ok(finish(session, beside)),
            Err(broken) => return Err(broken),
        }
        beside.add(index, &take_changes(&mut session));
    }
    if !with_end {
        return Ok(finish(session, beside));
    }
    let (mut state, _) = corrections::post_block(session, case)?;
    state.merge_transitions(BundleRetention::PlainState);
    let end = case.block.transactions.len() as u64 + 1;
    beside.add(end, &bundle_changes(state.take_bundle()));
    let list = state.take_built_alloy_bal().unwrap_or_default();
    Ok(MadeList { list, beside })
}

fn finish(mut session: Session<'_, ReaderDb>, beside: Beside) -> MadeList {
    let list = session.evm.db_mut().take_built_alloy_bal().unwrap_or_default();
    MadeList { list, beside }
}
