//! The pre-state overlaid with the list, as one index in the block sees it.

use super::plan::{AccountPlan, Index, Listed, Plan, SlotBelow, SlotPlan};
use crate::{
    codes::{Codes, WorkerCodes},
    evm::{ReadError, StorageProbe, revm_info, transfer::TransferState},
    sync::{Arc, AtomicBool, OnceLock, Ordering},
};
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256};
use lockstep_faults::access_lists::{
    LISTED_ACCOUNT_STAYS_ABSENT, OWN_CHANGES_VISIBLE, REMOVED_CODE_SERVED_FROM_PRE_STATE,
};
use lockstep_model::{AccountInfo, Read, ReadObserver, StateReader};
use revm::{
    Database,
    state::{AccountInfo as RevmInfo, Bytecode},
};
use std::fmt;

/// State shared by the workers of one run: the list, the pre-state values read so far, and the touched
/// entries.
pub(super) struct Overlay {
    pub(super) plan: Arc<Plan>,
    pub(super) pre_state: Arc<dyn StateReader>,
    accounts: Box<[Known<Option<AccountInfo>>]>,
    slots: Box<[Known<U256>]>,
    codes: Codes,
}

/// Something of the list.
#[derive(Debug)]
struct Known<T> {
    /// The value in the pre-state, read once.
    pre: OnceLock<T>,
    touched: AtomicBool,
}

impl<T: Copy> Known<T> {
    fn all(count: usize) -> Box<[Self]> {
        let unknown = || Self { pre: OnceLock::new(), touched: AtomicBool::new(false) };
        std::iter::repeat_with(unknown).take(count).collect()
    }

    fn get(&self, read: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
        if let Some(value) = self.pre.get() {
            return Ok(*value);
        }
        // Two may read at once; they read the same.
        let value = read()?;
        Ok(*self.pre.get_or_init(|| value))
    }

    fn touch(&self) {
        // Looking first keeps the line shared.
        if !self.touched.load(Ordering::Relaxed) {
            self.touched.store(true, Ordering::Relaxed);
        }
    }
}

impl Overlay {
    pub(super) fn new(plan: Arc<Plan>, pre_state: Arc<dyn StateReader>) -> Self {
        let codes = Codes::default();
        codes.add(plan.codes.iter().map(|(hash, code)| (*hash, code.clone())).collect());
        Self {
            accounts: Known::all(plan.accounts.len()),
            slots: Known::all(plan.slots),
            codes,
            plan,
            pre_state,
        }
    }

    /// The account in the pre-state.
    pub(super) fn pre(&self, number: usize) -> Result<Option<AccountInfo>, ReadError> {
        let address = self.plan.accounts[number].address;
        self.accounts[number].get(|| Ok(self.pre_state.account(address)?))
    }

    pub(super) fn info_below(
        &self,
        (number, account): Listed<'_>,
        index: Index,
    ) -> Result<Option<AccountInfo>, ReadError> {
        let pre = self.pre(number)?;
        if LISTED_ACCOUNT_STAYS_ABSENT.is_planted() && pre.is_none() {
            return Ok(None);
        }
        let seen = if OWN_CHANGES_VISIBLE.is_planted() { index + 1 } else { index };
        let mut info = account.info_below(seen, pre);
        if REMOVED_CODE_SERVED_FROM_PRE_STATE.is_planted()
            && let (Some(info), Some(before)) = (&mut info, pre)
            && info.code_hash == KECCAK256_EMPTY
        {
            info.code_hash = before.code_hash;
        }
        Ok(info)
    }

    /// The slot in the pre-state.
    pub(super) fn pre_slot(
        &self,
        account: &AccountPlan,
        key: U256,
        slot: &SlotPlan,
    ) -> Result<U256, ReadError> {
        self.slots[slot.id].get(|| Ok(self.pre_state.storage(account.address, key)?))
    }

    pub(super) fn touch(&self, number: usize) {
        self.accounts[number].touch();
    }

    pub(super) fn touch_slot(&self, slot: &SlotPlan) {
        self.slots[slot.id].touch();
    }

    /// Whether everything that is listed was touched.
    pub(super) fn all_touched(&self) -> bool {
        let touched = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        self.accounts.iter().all(|account| touched(&account.touched))
            && self.slots.iter().all(|slot| touched(&slot.touched))
    }
}

/// The overlay at one index.
pub(super) struct OverlayView {
    overlay: Arc<Overlay>,
    index: Index,
    codes: WorkerCodes,
    observer: Option<Arc<dyn ReadObserver>>,
    /// Sender and recipient of the last plain transfer, by their numbers.
    transfer: [Option<usize>; 2],
}

impl fmt::Debug for OverlayView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OverlayView").field("index", &self.index).finish_non_exhaustive()
    }
}

impl OverlayView {
    pub(super) fn new(overlay: Arc<Overlay>, index: Index) -> Self {
        Self { overlay, index, codes: WorkerCodes::default(), observer: None, transfer: [None; 2] }
    }

    /// Reports the reads of transactions. An observer must not rely on them before the list has turned out
    /// to be right.
    pub(super) fn observed_by(self, observer: Option<Arc<dyn ReadObserver>>) -> Self {
        Self { observer, ..self }
    }

    fn tell(&self, read: Read) {
        if let Some(observer) = &self.observer {
            observer.rests_on(self.index as usize - 1, read);
        }
    }

    pub(super) const fn move_to(&mut self, index: Index) {
        self.index = index;
    }

    /// Sender and recipient of the plain transfer that was done last: their numbers, if they are listed.
    pub(super) const fn transfer(&self) -> [Option<usize>; 2] {
        self.transfer
    }

    fn account(&self, address: Address) -> Result<Option<AccountInfo>, ReadError> {
        self.info(address, self.overlay.plan.get(address))
    }

    /// Unlisted accounts are read from the pre-state; a touched one ends the block later.
    fn info(
        &self,
        address: Address,
        listed: Option<Listed<'_>>,
    ) -> Result<Option<AccountInfo>, ReadError> {
        match listed {
            Some(listed) => self.overlay.info_below(listed, self.index),
            None => Ok(self.overlay.pre_state.account(address)?),
        }
    }

    /// As [`Self::account`], of one of the two in a plain transfer.
    fn party(&mut self, which: usize, address: Address) -> Result<Option<AccountInfo>, ReadError> {
        let listed = self.overlay.plan.get(address);
        let info = self.info(address, listed)?;
        self.transfer[which] = listed.map(|(number, _)| number);
        Ok(info)
    }

    fn slot(&self, address: Address, key: U256) -> Result<U256, ReadError> {
        let overlay = &self.overlay;
        if let Some((_, account)) = overlay.plan.get(address) {
            if let Some(slot) = account.slots.get(&key) {
                return match account.slot_below(slot, self.index) {
                    SlotBelow::Value(value) => Ok(value),
                    SlotBelow::PreState => overlay.pre_slot(account, key, slot),
                };
            }
            if account.is_cleared_below(self.index) {
                return Ok(U256::ZERO);
            }
        }
        Ok(overlay.pre_state.storage(address, key)?)
    }
}

impl Database for OverlayView {
    type Error = ReadError;

    fn basic(&mut self, address: Address) -> Result<Option<RevmInfo>, ReadError> {
        let info = self.account(address)?;
        self.tell(Read::Account(address, info));
        Ok(info.map(revm_info))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, ReadError> {
        self.codes.get(code_hash, &self.overlay.codes, &*self.overlay.pre_state)
    }

    fn storage(&mut self, address: Address, key: U256) -> Result<U256, ReadError> {
        let value = self.slot(address, key)?;
        self.tell(Read::Slot(address, key, value));
        Ok(value)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, ReadError> {
        Ok(self.overlay.pre_state.block_hash(number)?)
    }
}

impl StorageProbe for OverlayView {
    fn has_storage(&mut self, address: Address) -> Result<bool, ReadError> {
        let plan = self.overlay.plan.get(address);
        let is_cleared = plan.is_some_and(|(_, account)| account.is_cleared_below(self.index));
        if is_cleared || self.account(address)?.is_none() {
            return Ok(false);
        }
        Ok(self.overlay.pre_state.has_storage(address)?)
    }
}

impl TransferState for OverlayView {
    fn sender(&mut self, address: Address) -> Result<Option<AccountInfo>, ReadError> {
        let info = self.party(0, address)?;
        self.tell(Read::Account(address, info));
        Ok(info)
    }

    fn can_receive(&mut self, address: Address) -> Result<bool, ReadError> {
        let info = self.party(1, address)?.unwrap_or_default();
        let can = info.code_hash == KECCAK256_EMPTY && info.balance.bit_len() <= 254;
        if can {
            self.tell(Read::NoCode(address));
        }
        Ok(can)
    }
}
