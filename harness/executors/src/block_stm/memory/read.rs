//! Reads of a transaction from the block below its position, and their validation.

use super::{
    super::{
        cells::{AccountCells, AccountVersions, SlotCells},
        location::{account_hash, slot_hash},
        planted,
        reads::{AccountRead, Origin, Seen, SlotRead, is_modest},
        stamps::{Counter, ReadStamps, Stamp},
        table::BucketSnapshot,
        version::{Cell, Position, Writer},
        writes::InfoWrite,
    },
    MultiVersionMemory,
};
use crate::{
    evm::{ReadError, credited},
    sync::Ordering,
};
use alloy_primitives::{Address, U256};
use lockstep_faults::{
    destruction::REVIVAL_HIDES_CLEARING,
    fee_recipient::{FEE_RECIPIENT_WRITES_LOST, REWARD_DOES_NOT_CREATE},
    memory::PRE_STATE_READS_ALWAYS_CURRENT,
};
use lockstep_model::{AccountChange, AccountInfo, StateChanges};

impl MultiVersionMemory {
    /// The account as a transaction at `position` must see it.
    pub(crate) fn account(
        &self,
        address: Address,
        position: Position,
    ) -> Result<AccountRead, ReadError> {
        self.account_recording(address, position, Seen::Everything, &mut ReadStamps::default())
    }

    /// As [`Self::account`], with a stamp of every place that was looked at. No more than `seen` of it
    /// is right.
    pub(crate) fn account_recording(
        &self,
        address: Address,
        position: Position,
        seen: Seen,
        stamps: &mut ReadStamps,
    ) -> Result<AccountRead, ReadError> {
        let hash = account_hash(address);
        let snapshot = self.tables.accounts.snapshot(hash);
        // Rewards owed to the fee recipient have no stamps.
        let is_paid = address == self.beneficiary;
        if seen == Seen::HasNoCode
            && !is_paid
            && let Some(read) = self.account_below_credits(address, hash, snapshot, stamps)?
        {
            return Ok(read);
        }
        stamps.push(if is_paid { Stamp::RE_READ } else { Stamp::new(Counter::Account, snapshot) });
        if !snapshot.header.may_hold(hash) && !is_paid {
            let (base, origin) = (self.pre_state.account(address)?, Origin::PreState);
            return Ok(AccountRead { address, hash, origin, base, info: base, seen });
        }
        let versions = self.account_versions(address, hash, snapshot, position)?;
        let (origin, base) = self.base(address, &versions)?;
        let info = self.resolve(address, origin, base, versions.credit, position)?;
        Ok(AccountRead { address, hash, origin, base, info, seen })
    }

    /// The account as the pre-state has it, where all that the block did to it so far is to add modest
    /// sums to a modest balance.
    fn account_below_credits(
        &self,
        address: Address,
        hash: u64,
        snapshot: BucketSnapshot,
        stamps: &mut ReadStamps,
    ) -> Result<Option<AccountRead>, ReadError> {
        if snapshot.header.firm() > 0 {
            return Ok(None);
        }
        let base = self.pre_state.account(address)?;
        if base.is_some_and(|info| !is_modest(info.balance)) {
            return Ok(None);
        }
        stamps.push(Stamp::new(Counter::FirmAccount, snapshot));
        let (origin, seen) = (Origin::PreState, Seen::HasNoCode);
        Ok(Some(AccountRead { address, hash, origin, base, info: base, seen }))
    }

    /// The current value of an account that was read before. `None` if it cannot be told without another
    /// look at the pre-state, or is about to change.
    pub(crate) fn account_now(
        &self,
        read: &AccountRead,
        position: Position,
    ) -> Option<Option<AccountInfo>> {
        let snapshot = self.tables.accounts.snapshot(read.hash);
        let versions = self.account_versions(read.address, read.hash, snapshot, position).ok()?;
        let (origin, base) = match versions.set {
            Some((writer, info)) => (Origin::Written(writer), info),
            None if read.origin == Origin::PreState => (Origin::PreState, read.base),
            None => return None,
        };
        self.resolve(read.address, origin, base, versions.credit, position).ok()
    }

    /// The account below credits and rewards.
    fn base(
        &self,
        address: Address,
        versions: &AccountVersions,
    ) -> Result<(Origin, Option<AccountInfo>), ReadError> {
        Ok(match (versions.set, versions.base) {
            (Some((writer, info)), _) => (Origin::Written(writer), info),
            (None, Some(base)) => (Origin::PreState, base),
            (None, None) => (Origin::PreState, self.pre_state.account(address)?),
        })
    }

    /// Adds credits and rewards.
    fn resolve(
        &self,
        address: Address,
        origin: Origin,
        base: Option<AccountInfo>,
        credit: U256,
        position: Position,
    ) -> Result<Option<AccountInfo>, ReadError> {
        let mut info = planted::base_of_credit(self, address, origin, base, credit)?;
        if !credit.is_zero() {
            info = credited(info, credit, self.state_clearing);
        }
        if address == self.beneficiary {
            let after = match origin {
                Origin::Written(writer) => writer.position,
                Origin::PreState | Origin::Cleared(_) => 0,
            };
            let rewards = self.rewards().between(after, position)?;
            let is_unseen = planted::are_rewards_unseen(self, position, origin, base);
            if rewards.payments > 0 && !is_unseen {
                info = credited(info, U256::from(rewards.sum), self.state_clearing);
            }
        }
        Ok(info)
    }

    fn account_versions(
        &self,
        address: Address,
        hash: u64,
        snapshot: BucketSnapshot,
        position: Position,
    ) -> Result<AccountVersions, ReadError> {
        let below = |cells: &AccountCells| cells.below(position);
        let found = self.tables.accounts.read(snapshot.header, hash, address, below);
        found.unwrap_or_else(|| Ok(AccountVersions::default()))
    }

    /// Positions below `position` that wrote the account that was read, ascending, and whether as a whole.
    pub(in crate::block_stm) fn account_writes(
        &self,
        account: &AccountRead,
        position: Position,
    ) -> Vec<(Position, bool)> {
        let AccountRead { address, hash, .. } = *account;
        let is_full = |cell: &Cell<InfoWrite>| matches!(cell.value, InfoWrite::Set(_));
        let writes = |cells: &AccountCells| {
            let written = cells.info.below(position).iter();
            written.map(|cell| (cell.position(), is_full(cell))).collect()
        };
        let header = self.tables.accounts.snapshot(hash).header;
        self.tables.accounts.read(header, hash, address, writes).unwrap_or_default()
    }

    /// The account in these cells at the end, when nothing changes any more.
    pub(in crate::block_stm) fn info_of(
        &self,
        cells: &AccountCells,
        end: Position,
    ) -> Result<Option<AccountInfo>, ReadError> {
        let last = cells.info.below(end).last();
        if let Some(Cell { value: InfoWrite::Set(info), .. }) = last
            && cells.address != self.beneficiary
        {
            return Ok(*info);
        }
        let mut versions = cells.below(end)?;
        if FEE_RECIPIENT_WRITES_LOST.is_planted() && cells.address == self.beneficiary {
            versions.set = None;
        }
        let (origin, base) = self.base(cells.address, &versions)?;
        self.resolve(cells.address, origin, base, versions.credit, end)
    }

    /// Adds the fee recipient where rewards are all that changed it.
    pub(in crate::block_stm) fn add_rewards(
        &self,
        changes: &mut StateChanges,
        end: Position,
    ) -> Result<(), ReadError> {
        let is_lost = REWARD_DOES_NOT_CREATE.is_planted()
            && self.pre_state.account(self.beneficiary)?.is_none();
        if self.rewards().between(0, end)?.payments > 0 && !is_lost {
            let info = self.account(self.beneficiary, end)?.info;
            let change =
                AccountChange { info, storage_cleared: info.is_none(), storage: Vec::new() };
            changes.accounts.push(self.beneficiary, change);
        }
        Ok(())
    }

    /// The slot as a transaction at `position` must see it.
    pub(crate) fn slot(
        &self,
        address: Address,
        slot: U256,
        position: Position,
    ) -> Result<SlotRead, ReadError> {
        self.slot_recording(address, slot, position, &mut ReadStamps::default())
    }

    /// As [`Self::slot`], with a stamp of every place that was looked at.
    pub(crate) fn slot_recording(
        &self,
        address: Address,
        slot: U256,
        position: Position,
        stamps: &mut ReadStamps,
    ) -> Result<SlotRead, ReadError> {
        let hash = slot_hash(address, slot);
        let clearings = self.clearings();
        stamps.note_clearings(clearings);
        let snapshot = self.tables.slots.snapshot(hash);
        stamps.push(Stamp::new(Counter::Slot, snapshot));
        let (origin, value) = if clearings == 0 && !snapshot.header.may_hold(hash) {
            (Origin::PreState, U256::ZERO)
        } else {
            self.slot_version(address, slot, hash, snapshot, position)?
        };
        let value = match origin {
            Origin::PreState => self.pre_state.storage(address, slot)?,
            _ => value,
        };
        Ok(SlotRead { address, slot, hash, origin, value })
    }

    /// Whether a read would give the same again.
    pub(crate) fn slot_is_current(&self, read: &SlotRead, position: Position) -> bool {
        let snapshot = self.tables.slots.snapshot(read.hash);
        let now = self.slot_version(read.address, read.slot, read.hash, snapshot, position);
        now.is_ok_and(|(origin, value)| {
            PRE_STATE_READS_ALWAYS_CURRENT.is_planted() && read.origin == Origin::PreState
                || origin == read.origin
                || origin != Origin::PreState && value == read.value
        })
    }

    fn slot_version(
        &self,
        address: Address,
        slot: U256,
        hash: u64,
        snapshot: BucketSnapshot,
        position: Position,
    ) -> Result<(Origin, U256), ReadError> {
        let cleared = self.clearing(address, position)?;
        let written = self.last_write(address, slot, hash, snapshot, position)?;
        Ok(match written {
            // Within one transaction the clearing comes first.
            Some((writer, value))
                if cleared.is_none_or(|at| at.position <= writer.position)
                    || REVIVAL_HIDES_CLEARING.is_planted()
                        && self.is_revived(address, position) =>
            {
                (Origin::Written(writer), value)
            }
            _ => (cleared.map_or(Origin::PreState, Origin::Cleared), U256::ZERO),
        })
    }

    /// Only a fault asks.
    fn is_revived(&self, address: Address, position: Position) -> bool {
        let hash = account_hash(address);
        let snapshot = self.tables.accounts.snapshot(hash);
        let versions = self.account_versions(address, hash, snapshot, position);
        versions.is_ok_and(|versions| versions.set.is_some_and(|(_, info)| info.is_some()))
    }

    fn last_write(
        &self,
        address: Address,
        slot: U256,
        hash: u64,
        snapshot: BucketSnapshot,
        position: Position,
    ) -> Result<Option<(Writer, U256)>, ReadError> {
        let last = |cells: &SlotCells| {
            let cell = cells.values.below(position).last()?;
            Some(cell.writer().map(|writer| (writer, cell.value)))
        };
        self.tables.slots.read(snapshot.header, hash, (address, slot), last).flatten().transpose()
    }

    /// The last writer below `position` that cleared the account's storage.
    pub(crate) fn clearing(
        &self,
        address: Address,
        position: Position,
    ) -> Result<Option<Writer>, ReadError> {
        // Most blocks clear nothing.
        if self.clearings() == 0 {
            return Ok(None);
        }
        let hash = account_hash(address);
        let last = |cells: &AccountCells| {
            let cleared = cells.cleared.as_deref()?;
            cleared.below(position).last().map(Cell::writer)
        };
        let header = self.tables.accounts.snapshot(hash).header;
        self.tables.accounts.read(header, hash, address, last).flatten().transpose()
    }

    /// As [`Self::clearing`], with a stamp of what was looked at.
    pub(crate) fn clearing_recording(
        &self,
        address: Address,
        position: Position,
        stamps: &mut ReadStamps,
    ) -> Result<Option<Writer>, ReadError> {
        stamps.note_clearings(self.clearings());
        self.clearing(address, position)
    }

    fn clearings(&self) -> u64 {
        // Acquire, with the Release of the count: see there.
        self.clearings.load(Ordering::Acquire)
    }

    /// Whether nothing was published since these stamps were taken.
    pub(crate) fn are_current(&self, stamps: &ReadStamps) -> bool {
        stamps.are_current(
            || self.clearings(),
            |counter, bucket| match counter {
                Counter::Account | Counter::FirmAccount => self.tables.accounts.header(bucket),
                Counter::Slot => self.tables.slots.header(bucket),
            },
        )
    }
}
