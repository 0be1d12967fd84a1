//! Between the model's state types and revm's.

use alloy_primitives::Bytes;
use lockstep_model::{AccountChange, AccountInfo, StateChanges};
use revm::{
    database::{BundleAccount, BundleState},
    state::{AccountInfo as RevmInfo, Bytecode},
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

/// Analysed bytecode. Code that looks like an EIP-7702 delegation but is not one (it can stand in
/// a pre-state, never be deployed) is ordinary code.
pub(crate) fn bytecode_of(code: Bytes) -> Bytecode {
    Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code))
}

/// The changes that a `State` collected.
pub(crate) fn bundle_changes(bundle: BundleState) -> StateChanges {
    let codes = bundle.contracts.into_iter().map(|(hash, code)| (hash, code.original_bytes()));
    let accounts = bundle.state.into_iter();
    StateChanges {
        accounts: accounts.map(|(address, account)| (address, account_change(account))).collect(),
        codes: codes.collect(),
    }
}

fn account_change(account: BundleAccount) -> AccountChange {
    let slots = account.storage.iter();
    AccountChange {
        info: account.info.as_ref().map(model_info),
        storage_cleared: account.was_destroyed(),
        storage: slots.map(|(slot, value)| (*slot, value.present_value)).collect(),
    }
}
