//! Analysed bytecode, shared by the workers of a block.

use crate::{
    evm::ReadError,
    remembered::{analysed, bytecode_of},
    sync::{RwLock, read, write},
};
use alloy_primitives::{
    B256, Bytes,
    map::{B256Map, Entry},
};
use lockstep_faults::caches::CODE_CACHE_KEY_TOO_SHORT;
use lockstep_model::{StateChanges, StateReader};
use revm::state::Bytecode;

/// Code by its hash: what a hash means never changes, so code needs no versions.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    analysed: RwLock<B256Map<Bytecode>>,
    deployed: RwLock<B256Map<Bytecode>>,
}

impl Codes {
    /// Code that the block has deployed.
    pub(crate) fn add(&self, codes: Vec<(B256, Bytecode)>) {
        if !codes.is_empty() {
            write(&self.deployed).extend(codes);
        }
    }

    /// Code that the block has deployed, under this hash.
    pub(crate) fn deployed(&self, hash: B256) -> Option<Bytecode> {
        read(&self.deployed).get(&hash).cloned()
    }

    /// Adds all code that the block has deployed.
    pub(crate) fn add_to(&self, changes: &mut StateChanges) {
        let deployed = read(&self.deployed);
        changes.codes.extend(deployed.iter().map(|(hash, code)| (*hash, code.original_bytes())));
    }

    /// The code with this hash. It is analysed once in a block.
    pub(crate) fn get(&self, hash: B256, pre: &dyn StateReader) -> Result<Bytecode, ReadError> {
        let key = if CODE_CACHE_KEY_TOO_SHORT.is_planted() {
            B256::with_last_byte(hash[0] & 7)
        } else {
            hash
        };
        if let Some(code) = read(&self.analysed).get(&key) {
            return Ok(code.clone());
        }
        let code = match self.deployed(hash) {
            Some(code) => code,
            None => analysed(hash, pre.code(hash)?),
        };
        write(&self.analysed).insert(key, code.clone());
        Ok(code)
    }
}

/// Uses after which a worker makes a copy of its own.
const OFTEN: u32 = 64;

/// Code that one worker has seen, without the shared lock; and, once it is used often, without the
/// shared count of references, which with every call one core would take from the other, together with
/// the jump table beside it.
#[derive(Debug, Default)]
pub(crate) struct WorkerCodes(B256Map<Used>);

#[derive(Debug)]
struct Used {
    times: u32,
    code: Bytecode,
}

impl WorkerCodes {
    /// As [`Codes::get`].
    pub(crate) fn get(
        &mut self,
        hash: B256,
        shared: &Codes,
        pre: &dyn StateReader,
    ) -> Result<Bytecode, ReadError> {
        let used = match self.0.entry(hash) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let code = shared.get(hash, pre)?;
                entry.insert(Used { times: 0, code })
            }
        };
        used.times = used.times.saturating_add(1);
        if used.times == OFTEN {
            used.code = bytecode_of(Bytes::copy_from_slice(used.code.original_byte_slice()));
        }
        Ok(used.code.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::keccak256;
    use lockstep_model::MemoryState;

    /// The copy is the same code in other memory, and code that is rarely used is not copied.
    #[test]
    fn a_worker_copies_what_it_uses_often() {
        let bytes = Bytes::from_static(&[0x5b, 0x60, 0x5b, 0x00]);
        let hash = keccak256(&bytes);
        let shared = Codes::default();
        shared.add(vec![(hash, bytecode_of(bytes))]);
        let mut codes = WorkerCodes::default();
        let mut get = || codes.get(hash, &shared, &MemoryState::default()).unwrap();
        let address = |code: &Bytecode| code.original_byte_slice().as_ptr();
        let first = get();
        for _ in 2..OFTEN {
            assert_eq!(address(&get()), address(&first));
        }
        let copy = get();
        assert_eq!(copy, first);
        assert_ne!(address(&copy), address(&first));
        assert_eq!(address(&get()), address(&copy));
    }
}
