//! Storage on disk.

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use lockstep_model::{AccountInfo, MemoryState, StateError, StateReader};
use redb::{Database, ReadOnlyTable, ReadableDatabase, TableDefinition, WriteTransaction};
use std::{
    fmt::Display,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::NamedTempFile;

type AddressKey = [u8; 20];
type SlotKey = [u8; 52];
type Word = [u8; 32];
/// Balance, nonce, code hash.
type AccountRow = [u8; 72];

const ACCOUNTS: TableDefinition<'_, &AddressKey, &AccountRow> = TableDefinition::new("accounts");
const SLOTS: TableDefinition<'_, &SlotKey, &Word> = TableDefinition::new("slots");
const CODES: TableDefinition<'_, &Word, &[u8]> = TableDefinition::new("codes");

/// Bytes of the database's own cache; all other reads go through the system's page cache.
const CACHE_BYTES: usize = 16 << 20;

/// Accounts that are read to learn how long a read takes.
const PROBES: usize = 4096;

/// A state in a `redb` database (a B+ tree in one file), in a temporary file that goes with it.
///
/// The file has just been written, so it stands in the system's page cache, and a read is a call to the
/// system and a copy: this measures the database warm. `/proc/self/io` counts the bytes that the device
/// delivered nevertheless.
pub struct DiskState {
    accounts: ReadOnlyTable<&'static AddressKey, &'static AccountRow>,
    slots: ReadOnlyTable<&'static SlotKey, &'static Word>,
    codes: ReadOnlyTable<&'static Word, &'static [u8]>,
    /// Answers `BLOCKHASH`, which is no part of the state.
    ancestors: Arc<MemoryState>,
    // Dropped after the tables, and the file after the database.
    _database: Database,
    _file: NamedTempFile,
}

impl std::fmt::Debug for DiskState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiskState").finish_non_exhaustive()
    }
}

impl DiskState {
    /// Writes a state to a file in the system's folder for temporary files (`TMPDIR`).
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn new(state: &Arc<MemoryState>) -> Result<Self, StateError> {
        let file = NamedTempFile::with_prefix("lockstep-").map_err(unreadable)?;
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create(file.path())
            .map_err(unreadable)?;
        let writing = database.begin_write().map_err(unreadable)?;
        write(&writing, state)?;
        writing.commit().map_err(unreadable)?;
        let reading = database.begin_read().map_err(unreadable)?;
        Ok(Self {
            accounts: reading.open_table(ACCOUNTS).map_err(unreadable)?,
            slots: reading.open_table(SLOTS).map_err(unreadable)?,
            codes: reading.open_table(CODES).map_err(unreadable)?,
            ancestors: state.clone(),
            _database: database,
            _file: file,
        })
    }

    /// How long a read of an account takes, in the mean; `None` where there is none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn measured(&self) -> Result<Option<Duration>, StateError> {
        let addresses: Vec<Address> =
            self.ancestors.accounts().map(|(address, _)| *address).take(PROBES).collect();
        let start = Instant::now();
        for address in &addresses {
            self.account(*address)?;
        }
        let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        Ok(start.elapsed().checked_div(count))
    }
}

fn write(to: &WriteTransaction, state: &MemoryState) -> Result<(), StateError> {
    let mut accounts = to.open_table(ACCOUNTS).map_err(unreadable)?;
    let mut slots = to.open_table(SLOTS).map_err(unreadable)?;
    let mut codes = to.open_table(CODES).map_err(unreadable)?;
    // In the order of keys, as a node that is synced has them.
    let mut sorted: Vec<_> = state.accounts().collect();
    sorted.sort_unstable_by_key(|(address, _)| **address);
    for (address, account) in sorted {
        accounts.insert(&address.0.0, &row(&account.info)).map_err(unreadable)?;
        let hash = account.info.code_hash;
        if let Some(code) = state.code_by_hash(hash) {
            codes.insert(&hash.0, &code[..]).map_err(unreadable)?;
        }
        let mut storage: Vec<_> = account.storage.iter().collect();
        storage.sort_unstable();
        for (slot, value) in storage {
            let value = value.to_be_bytes();
            slots.insert(&slot_key(*address, *slot), &value).map_err(unreadable)?;
        }
    }
    Ok(())
}

fn row(info: &AccountInfo) -> AccountRow {
    let mut row = [0; 72];
    row[..32].copy_from_slice(&info.balance.to_be_bytes::<32>());
    row[32..40].copy_from_slice(&info.nonce.to_be_bytes());
    row[40..].copy_from_slice(&info.code_hash.0);
    row
}

fn info(row: &AccountRow) -> AccountInfo {
    let mut nonce = [0; 8];
    nonce.copy_from_slice(&row[32..40]);
    AccountInfo {
        balance: U256::from_be_slice(&row[..32]),
        nonce: u64::from_be_bytes(nonce),
        code_hash: B256::from_slice(&row[40..]),
    }
}

fn slot_key(address: Address, slot: U256) -> SlotKey {
    let mut key = [0; 52];
    key[..20].copy_from_slice(&address.0.0);
    key[20..].copy_from_slice(&slot.to_be_bytes::<32>());
    key
}

fn unreadable(error: impl Display) -> StateError {
    StateError(format!("database: {error}"))
}

impl StateReader for DiskState {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let row = self.accounts.get(&address.0.0).map_err(unreadable)?;
        Ok(row.map(|row| info(row.value())))
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let value = self.slots.get(&slot_key(address, slot)).map_err(unreadable)?;
        Ok(value.map_or(U256::ZERO, |value| U256::from_be_bytes(*value.value())))
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytes::new());
        }
        let code = self.codes.get(&hash.0).map_err(unreadable)?;
        let code = code.map(|code| Bytes::copy_from_slice(code.value()));
        code.ok_or_else(|| StateError(format!("no code with hash {hash}")))
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.ancestors.block_hash(number)
    }

    fn has_storage(&self, address: Address) -> Result<bool, StateError> {
        let (first, last) = (slot_key(address, U256::ZERO), slot_key(address, U256::MAX));
        let mut slots = self.slots.range::<&SlotKey>(&first..=&last).map_err(unreadable)?;
        slots.next().transpose().map(|slot| slot.is_some()).map_err(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_reads_as_it_was_written() {
        let mut state = MemoryState::default();
        let address = Address::repeat_byte;
        let slots = [(U256::ZERO, U256::from(7)), (U256::MAX, U256::MAX)];
        state.insert(address(1), U256::MAX, u64::MAX, Bytes::from_static(b"code"), slots);
        state.insert(address(2), U256::from(3), 0, Bytes::new(), []);
        let state = Arc::new(state);
        let disk = DiskState::new(&state).unwrap();
        for address in (0..4).map(address) {
            assert_eq!(disk.account(address), state.account(address));
            assert_eq!(disk.has_storage(address), state.has_storage(address));
            for slot in [U256::ZERO, U256::ONE, U256::MAX] {
                assert_eq!(disk.storage(address, slot), state.storage(address, slot));
            }
        }
        let hash = state.get(address(1)).unwrap().info.code_hash;
        assert_eq!(disk.code(hash), state.code(hash));
        assert_eq!(disk.code(KECCAK256_EMPTY), Ok(Bytes::new()));
        assert!(disk.code(B256::ZERO).is_err());
        assert_eq!(disk.block_hash(5), state.block_hash(5));
        assert!(disk.measured().unwrap().is_some());
    }
}
