//! Changes from a journal that ran a whole block.

use crate::evm::model_info;
use alloy_primitives::Address;
use lockstep_model::{AccountChange, AccountInfo, StateChanges};
use revm::state::{Account, EvmState};

/// The changes in the journal of one transaction.
pub(crate) fn changes_of(journal: EvmState) -> StateChanges {
    let mut changes = StateChanges::default();
    add_changes(journal, None, &mut changes);
    changes
}

/// Adds the changes in a journal, and those of `also`, which changed on its way into it.
///
/// Original values are those of the last transaction, so what changed in the block cannot be told:
/// every slot of a touched account is listed, as [`StateChanges`] allows.
pub(crate) fn add_changes(journal: EvmState, also: Option<Address>, changes: &mut StateChanges) {
    let mut piece = Vec::with_capacity(journal.len());
    let changed = journal.into_iter().filter(|(address, account)| {
        account.is_touched() || account.is_selfdestructed() || also == Some(*address)
    });
    changed.for_each(|(address, account)| {
        add_code(&account, changes);
        piece.push((address, change_of(&account)));
    });
    changes.accounts.append(piece);
}

fn change_of(account: &Account) -> AccountChange {
    let Some(info) = account_after(account) else {
        return AccountChange { storage_cleared: true, ..AccountChange::default() };
    };
    let slots = account.storage.iter().map(|(slot, value)| (*slot, value.present_value));
    AccountChange {
        info: Some(info),
        storage_cleared: account.is_created() || account.is_selfdestructed(),
        storage: slots.collect(),
    }
}

/// The account as the last transaction left it, from Spurious Dragon on.
pub(crate) fn account_after(account: &Account) -> Option<AccountInfo> {
    // An empty account that is in the pre-state stays until something touches it (EIP-161).
    let is_gone = account.is_touched() || account.is_loaded_as_not_existing();
    // Destroyed by the last transaction that loaded it: no later one has reset it.
    if account.is_selfdestructed_locally() || account.is_empty() && is_gone {
        return None;
    }
    Some(model_info(&account.info))
}

/// Code comes into a block by creation and by delegation alone.
fn add_code(account: &Account, changes: &mut StateChanges) {
    if let Some(code) = &account.info.code
        && !code.is_empty()
        && (account.is_created() || code.is_eip7702())
    {
        changes.codes.insert(account.info.code_hash, code.original_bytes());
    }
}
