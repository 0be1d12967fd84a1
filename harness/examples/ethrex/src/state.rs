//! The state before the block, as ethrex reads it; its changes, as we compare them.

use crate::convert::{hash, our_address, our_word, word};
use alloy_primitives::{B256, U256};
use ethrex_common::{
    H160, H256, U256 as TheirU256,
    constants::EMPTY_TRIE_HASH,
    types::{
        AccountState, AccountUpdate, ChainConfig, Code, CodeMetadata,
        block_access_list::{BlockAccessList, synthesize_bal_updates},
    },
};
use ethrex_vm::{EvmError, VmDatabase};
use lockstep_model::{AccountChange, AccountInfo, StateChanges, StateError, StateReader};
use std::sync::Arc;

/// A state with the rules of the block on it.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) reader: Arc<dyn StateReader>,
    pub(crate) config: ChainConfig,
}

fn failed(error: StateError) -> EvmError {
    EvmError::DB(error.to_string())
}

impl VmDatabase for State {
    fn get_account_state(&self, account: H160) -> Result<Option<AccountState>, EvmError> {
        let account = our_address(account);
        let Some(info) = self.reader.account(account).map_err(failed)? else { return Ok(None) };
        let has_storage = self.reader.has_storage(account).map_err(failed)?;
        Ok(Some(AccountState {
            nonce: info.nonce,
            balance: word(info.balance),
            // Nothing but whether there is storage is read from it.
            storage_root: if has_storage { H256::repeat_byte(1) } else { *EMPTY_TRIE_HASH },
            code_hash: hash(info.code_hash),
        }))
    }

    fn get_storage_slot(&self, account: H160, key: H256) -> Result<Option<TheirU256>, EvmError> {
        let slot = U256::from_be_bytes(key.0);
        let value = self.reader.storage(our_address(account), slot).map_err(failed)?;
        Ok((!value.is_zero()).then(|| word(value)))
    }

    fn get_block_hash(&self, number: u64) -> Result<H256, EvmError> {
        self.reader.block_hash(number).map(hash).map_err(failed)
    }

    fn get_chain_config(&self) -> Result<ChainConfig, EvmError> {
        Ok(self.config)
    }

    fn get_account_code(&self, code_hash: H256) -> Result<Code, EvmError> {
        let code = self.reader.code(B256::from(code_hash.0)).map_err(failed)?;
        Ok(Code::from_bytecode_unchecked(code.0, code_hash))
    }

    fn get_code_metadata(&self, code_hash: H256) -> Result<CodeMetadata, EvmError> {
        let code = self.reader.code(B256::from(code_hash.0)).map_err(failed)?;
        Ok(CodeMetadata { length: code.len() as u64 })
    }
}

/// What ethrex changed.
pub(crate) fn changes(
    updates: Vec<AccountUpdate>,
    before: &dyn StateReader,
) -> Result<StateChanges, StateError> {
    let mut changes = StateChanges::default();
    for update in updates {
        let account = our_address(update.address);
        if let Some(code) = &update.code {
            add_code(&mut changes, code);
        }
        let info = match update.info {
            _ if update.removed => None,
            Some(info) => Some(AccountInfo {
                balance: our_word(info.balance),
                nonce: info.nonce,
                code_hash: info.code_hash.0.into(),
            }),
            None => before.account(account)?,
        };
        let mut storage: Vec<(U256, U256)> = update
            .added_storage
            .iter()
            .map(|(slot, value)| (U256::from_be_bytes(slot.0), our_word(*value)))
            .collect();
        storage.sort_unstable();
        let storage_cleared = update.removed_storage;
        changes.accounts.push(account, AccountChange { info, storage_cleared, storage });
    }
    Ok(changes)
}

/// What a list that was found right says: the import of a block takes it from there.
pub(crate) fn listed(
    list: &BlockAccessList,
    before: &dyn StateReader,
) -> Result<StateChanges, StateError> {
    let mut changes = StateChanges::default();
    for (account, item) in synthesize_bal_updates(list) {
        let account = our_address(account);
        let old = before.account(account)?.unwrap_or_default();
        if let Some(code) = &item.code {
            add_code(&mut changes, code);
        }
        let info = AccountInfo {
            balance: item.balance.map_or(old.balance, our_word),
            nonce: item.nonce.unwrap_or(old.nonce),
            code_hash: item.code_hash.map_or(old.code_hash, |hash| hash.0.into()),
        };
        let mut storage: Vec<(U256, U256)> = item
            .added_storage
            .iter()
            .map(|(slot, value)| (U256::from_be_bytes(slot.0), our_word(*value)))
            .collect();
        storage.sort_unstable();
        // EIP-161: an account that ends empty does not exist.
        let info = (!info.is_empty()).then_some(info);
        changes.accounts.push(account, AccountChange { info, storage, ..AccountChange::default() });
    }
    Ok(changes)
}

fn add_code(changes: &mut StateChanges, code: &Code) {
    changes.codes.insert(code.hash.0.into(), code.code_bytes().into());
}
