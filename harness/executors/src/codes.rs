//! Analysed bytecode, shared by the workers of a block.

use crate::{
    evm::{ReadError, bytecode_of},
    sync::{RwLock, read, write},
};
use alloy_primitives::{B256, map::B256Map};
use lockstep_faults::caches::L4;
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
        let key = if L4.is_planted() { B256::with_last_byte(hash[0] & 7) } else { hash };
        if let Some(code) = read(&self.analysed).get(&key) {
            return Ok(code.clone());
        }
        let code = match self.deployed(hash) {
            Some(code) => code,
            None => bytecode_of(pre.code(hash)?),
        };
        write(&self.analysed).insert(key, code.clone());
        Ok(code)
    }
}
