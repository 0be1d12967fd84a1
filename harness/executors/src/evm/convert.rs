//! Between the model's state types and revm's.

use alloy_primitives::map::AddressSet;
use lockstep_model::{AccountChange, AccountInfo, StateChanges};
use revm::{
    Database,
    database::{BundleAccount, State, states::bundle_state::BundleRetention},
    state::AccountInfo as RevmInfo,
};

/// revm's account. Code is left out: revm asks for it by hash.
pub(crate) const fn revm_info(info: AccountInfo) -> RevmInfo {
    RevmInfo {
        balance: info.balance,
        nonce: info.nonce,
        code_hash: info.code_hash,
        account_id: None,
        code: None,
    }
}

/// The model's account.
pub(crate) const fn model_info(info: &RevmInfo) -> AccountInfo {
    AccountInfo { balance: info.balance, nonce: info.nonce, code_hash: info.code_hash }
}

/// Everything that was committed to a `State` since the last call.
pub(crate) fn take_changes<DB: Database>(state: &mut State<DB>) -> StateChanges {
    // revm's status says for the rest of the block that an account was destroyed in it. Writes since then
    // that were taken before must not be cleared again.
    let transitions = state.transition_state.iter().flat_map(|all| &all.transitions);
    let destroyed: AddressSet = transitions
        .filter(|(_, transition)| transition.storage_was_destroyed)
        .map(|(address, _)| *address)
        .collect();
    state.merge_transitions(BundleRetention::PlainState);
    let bundle = state.take_bundle();
    let codes = bundle.contracts.into_iter().map(|(hash, code)| (hash, code.original_bytes()));
    let accounts = bundle.state.into_iter().map(|(address, account)| {
        (address, account_change(&account, destroyed.contains(&address)))
    });
    StateChanges { accounts: accounts.collect(), codes: codes.collect() }
}

fn account_change(account: &BundleAccount, was_destroyed: bool) -> AccountChange {
    let slots = account.storage.iter();
    AccountChange {
        info: account.info.as_ref().map(model_info),
        storage_cleared: was_destroyed || account.info.is_none(),
        storage: slots.map(|(slot, value)| (*slot, value.present_value)).collect(),
    }
}
