//! Accounts with storage and neither code nor nonce (EIP-7610), which revm's `State` does not know.
//!
//! `State` takes such an account for one whose storage is all in memory as soon as anything of it changes
//! (`AccountStatus::on_changed`), and reads its other slots as zero from then on. It shows where the account
//! is an EIP-7702 authority: its delegate must read the slots that are there, as in the execution specs. No
//! such account on mainnet has a known key.

use super::session::Session;
use crate::{
    evm::{ReadError, ReaderDb, StorageProbe},
    sync::Arc,
};
use alloy_primitives::{Address, B256, U256};
use lockstep_faults::empty_accounts::STORAGE_ONLY_ACCOUNT_READS_ZERO;
use lockstep_model::StateReader;
use revm::{
    Database,
    database::AccountStatus,
    state::{AccountInfo, Bytecode},
};

/// The pre-state, with a note of each such account that was read.
#[derive(Debug)]
pub(crate) struct OrphanReader {
    reader: ReaderDb,
    orphans: Vec<Address>,
}

impl OrphanReader {
    pub(crate) fn new(pre_state: Arc<dyn StateReader>) -> Self {
        Self { reader: ReaderDb(pre_state), orphans: Vec::new() }
    }
}

impl Database for OrphanReader {
    type Error = ReadError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, ReadError> {
        let info = self.reader.basic(address)?;
        if info.as_ref().is_some_and(AccountInfo::has_no_code_and_nonce)
            && self.reader.has_storage(address)?
        {
            self.orphans.push(address);
        }
        Ok(info)
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, ReadError> {
        self.reader.code_by_hash(code_hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, ReadError> {
        self.reader.storage(address, slot)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, ReadError> {
        self.reader.block_hash(number)
    }
}

impl StorageProbe for OrphanReader {
    fn has_storage(&mut self, address: Address) -> Result<bool, ReadError> {
        self.reader.has_storage(address)
    }
}

/// Lets `State` ask the pre-state for slots of such accounts, after each transaction. Nothing can be created
/// where one is (EIP-7610), so that `InMemoryChange` has no other meaning there.
pub(crate) fn keep_storage(session: &mut Session<OrphanReader>) {
    let state = session.evm.db_mut();
    if STORAGE_ONLY_ACCOUNT_READS_ZERO.is_planted() {
        return;
    }
    for address in &state.database.orphans {
        if let Some(account) = state.cache.accounts.get_mut(address)
            && account.status == AccountStatus::InMemoryChange
        {
            account.status = AccountStatus::Changed;
        }
        let transitions = state.transition_state.as_mut();
        let transition = transitions.and_then(|state| state.transitions.get_mut(address));
        if let Some(transition) = transition
            && transition.status == AccountStatus::InMemoryChange
        {
            transition.status = AccountStatus::Changed;
            // A change of an account that was there: from an empty one `State` expects a balance alone.
            if transition.previous_status == AccountStatus::LoadedEmptyEIP161 {
                transition.previous_status = AccountStatus::Loaded;
            }
        }
    }
}
