//! The state below and above the journal of a whole block.

use super::changes::{account_after, add_changes};
use crate::{
    evm::{ReadError, StorageProbe, StrictEvm, credited, model_info, revm_info},
    reference::SessionDb,
    remembered::{analysed, bytecode_of},
    sync::Arc,
};
use alloy_evm::Evm as _;
use alloy_primitives::{
    Address, B256, U256,
    map::{AddressMap, B256Map, U256Map},
};
use lockstep_model::{AccountChange, AccountInfo, StateChanges, StateReader};
use revm::{
    Database,
    state::{Account, AccountInfo as RevmInfo, AccountStatus, Bytecode, EvmState},
};
use std::fmt;

/// The pre-state with the changes that a block has made so far.
pub(crate) struct Overlaid {
    reader: Arc<dyn StateReader>,
    changes: AddressMap<Overlay>,
    codes: B256Map<Bytecode>,
}

/// One changed account.
struct Overlay {
    info: Option<AccountInfo>,
    storage_cleared: bool,
    storage: U256Map<U256>,
}

impl fmt::Debug for Overlaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Overlaid")
    }
}

impl Overlaid {
    pub(crate) fn new(reader: Arc<dyn StateReader>, changes: &StateChanges) -> Self {
        let overlay = |(address, change): (Address, AccountChange)| {
            let AccountChange { info, storage_cleared, storage } = change;
            (address, Overlay { info, storage_cleared, storage: storage.into_iter().collect() })
        };
        let codes = changes.codes.iter().map(|(hash, code)| (*hash, bytecode_of(code.clone())));
        let changes = changes.by_account().into_iter().map(overlay).collect();
        Self { reader, changes, codes: codes.collect() }
    }
}

impl Database for Overlaid {
    type Error = ReadError;

    fn basic(&mut self, address: Address) -> Result<Option<RevmInfo>, ReadError> {
        let info = match self.changes.get(&address) {
            Some(change) => change.info,
            None => self.reader.account(address)?,
        };
        Ok(info.map(revm_info))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, ReadError> {
        match self.codes.get(&code_hash) {
            Some(code) => Ok(code.clone()),
            None => Ok(analysed(code_hash, self.reader.code(code_hash)?)),
        }
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, ReadError> {
        if let Some(change) = self.changes.get(&address) {
            let written = change.storage.get(&slot);
            if written.is_some() || change.storage_cleared {
                return Ok(written.copied().unwrap_or_default());
            }
        }
        Ok(self.reader.storage(address, slot)?)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, ReadError> {
        Ok(self.reader.block_hash(number)?)
    }
}

impl StorageProbe for Overlaid {
    /// As the reference: the pre-state has storage, and the account was not destroyed on the way.
    fn has_storage(&mut self, address: Address) -> Result<bool, ReadError> {
        let is_gone = |change: &Overlay| change.storage_cleared || change.info.is_none();
        if self.changes.get(&address).is_some_and(is_gone) {
            return Ok(false);
        }
        Ok(self.reader.has_storage(address)?)
    }
}

/// The database behind the journal of many transactions: the state below them, the fee recipient's pay so
/// far, and code that was analysed before.
pub(crate) struct BlockState<DB> {
    below: DB,
    codes: B256Map<Bytecode>,
    beneficiary: Address,
    /// The amount owed to the fee recipient while it is not in the journal.
    owed: Option<U256>,
    /// Whether it was paid on its way into the journal, which knows of no change then.
    paid: bool,
    has_empty_accounts: bool,
}

impl<DB> fmt::Debug for BlockState<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlockState")
    }
}

impl<DB: SessionDb> BlockState<DB> {
    pub(crate) fn new(below: DB, beneficiary: Address) -> Self {
        Self {
            below,
            codes: B256Map::default(),
            beneficiary,
            owed: None,
            paid: false,
            has_empty_accounts: false,
        }
    }

    /// Adds to what the fee recipient is owed. It is not in the journal.
    pub(crate) fn owe(&mut self, amount: U256) {
        *self.owed.get_or_insert_default() += amount;
    }

    /// Whether an empty account that exists has been seen.
    pub(crate) const fn has_empty_accounts(&self) -> bool {
        self.has_empty_accounts
    }

    /// The account with what it is owed.
    pub(super) fn account(&mut self, address: Address) -> Result<Option<RevmInfo>, ReadError> {
        let info = self.below.basic(address)?;
        match self.owed {
            Some(amount) if address == self.beneficiary => {
                Ok(credited(info.as_ref().map(model_info), amount, true).map(revm_info))
            }
            _ => Ok(info),
        }
    }
}

impl<DB: SessionDb> Database for BlockState<DB> {
    type Error = ReadError;

    fn basic(&mut self, address: Address) -> Result<Option<RevmInfo>, ReadError> {
        let info = self.account(address)?;
        if address == self.beneficiary {
            self.paid |= self.owed.take().is_some();
        }
        self.has_empty_accounts |= info.as_ref().is_some_and(RevmInfo::is_empty);
        Ok(info)
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, ReadError> {
        if let Some(code) = self.codes.get(&code_hash) {
            return Ok(code.clone());
        }
        let code = self.below.code_by_hash(code_hash)?;
        self.codes.insert(code_hash, code.clone());
        Ok(code)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, ReadError> {
        self.below.storage(address, slot)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, ReadError> {
        self.below.block_hash(number)
    }
}

impl<DB: SessionDb> StorageProbe for BlockState<DB> {
    fn has_storage(&mut self, address: Address) -> Result<bool, ReadError> {
        self.below.has_storage(address)
    }
}

/// Ends every empty account that exists and was touched (EIP-161), once its transaction is over.
pub(crate) fn end_empty_accounts(state: &mut EvmState) {
    let ended = state.values_mut().filter(|account| {
        account.is_touched() && account.is_empty() && !account.is_loaded_as_not_existing()
    });
    ended.for_each(end);
}

/// Ends those of these accounts that an earlier transaction touched and left empty, or destroyed.
///
/// EIP-7702 asks whether an authority exists, and revm infers the answer from `Touched`, which the
/// journal never takes back. No transaction is running: nothing here can be reverted.
pub(crate) fn end_authorities(
    state: &mut EvmState,
    authorities: impl IntoIterator<Item = Address>,
) {
    for address in authorities {
        if let Some(account) = state.get_mut(&address)
            && has_ended(account)
        {
            end(account);
        }
    }
}

/// Whether the transaction that touched the account was its end (EIP-161, EIP-6780).
fn has_ended(account: &Account) -> bool {
    account.is_selfdestructed_locally() || account.is_touched() && account.is_empty()
}

/// Leaves the account as a fresh journal would load it: absent, and without storage. `Created` keeps
/// revm from asking the pre-state for slots of the account that has ended, and `SelfDestructed` lists
/// the end among the changes.
fn end(account: &mut Account) {
    account.selfdestruct();
    account.status =
        AccountStatus::LoadedAsNotExisting | AccountStatus::SelfDestructed | AccountStatus::Created;
}

/// The state that the transactions left, for the post-block phase.
pub(crate) struct AfterTransactions<DB> {
    below: BlockState<DB>,
    journal: EvmState,
}

impl<DB> fmt::Debug for AfterTransactions<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AfterTransactions")
    }
}

impl<DB: SessionDb> AfterTransactions<DB> {
    pub(crate) fn new(mut evm: StrictEvm<BlockState<DB>>) -> Self {
        let journal = std::mem::take(&mut evm.context().journaled_state.inner.state);
        Self { below: evm.finish().0, journal }
    }

    /// Adds what the transactions changed.
    pub(crate) fn add_to(mut self, changes: &mut StateChanges) -> Result<(), ReadError> {
        let beneficiary = self.below.beneficiary;
        let unpaid = self.below.owed.is_some().then(|| self.below.account(beneficiary));
        let unpaid = unpaid.transpose()?.map(|info| info.as_ref().map(model_info));
        add_changes(self.journal, self.below.paid.then_some(beneficiary), changes);
        if let Some(info) = unpaid {
            let storage_cleared = info.is_none();
            let change = AccountChange { info, storage_cleared, storage: Vec::new() };
            changes.accounts.push(beneficiary, change);
        }
        Ok(())
    }
}

impl<DB: SessionDb> Database for &mut AfterTransactions<DB> {
    type Error = ReadError;

    fn basic(&mut self, address: Address) -> Result<Option<RevmInfo>, ReadError> {
        match self.journal.get(&address) {
            Some(account) => Ok(account_after(account).map(|_| account.info.clone())),
            None => self.below.account(address),
        }
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, ReadError> {
        self.below.code_by_hash(code_hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, ReadError> {
        if let Some(account) = self.journal.get(&address) {
            if account.is_selfdestructed_locally() {
                return Ok(U256::ZERO);
            }
            if let Some(slot) = account.storage.get(&slot) {
                return Ok(slot.present_value);
            }
            if account.is_created() || account.is_selfdestructed() {
                return Ok(U256::ZERO);
            }
        }
        self.below.storage(address, slot)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, ReadError> {
        self.below.block_hash(number)
    }
}

impl<DB: SessionDb> StorageProbe for &mut AfterTransactions<DB> {
    fn has_storage(&mut self, address: Address) -> Result<bool, ReadError> {
        let account = self.journal.get(&address);
        if account.is_some_and(|account| account.is_selfdestructed() || account.is_created()) {
            return Ok(false);
        }
        self.below.has_storage(address)
    }
}
