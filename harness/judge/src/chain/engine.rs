//! Rules of `engine_newPayloadVN` for a payload, beside those of its block.
//!
//! After execution-apis (`src/engine/{paris,shanghai,cancun,prague,amsterdam}.md`): the form of the
//! parameters belongs to the version of the method, a version belongs to certain forks, the payload states
//! the hash of its block, and the hashes of its blobs come beside it.

use super::ChainBlock;
use crate::consensus::{BlockRule, Broken};
use alloy_consensus::Transaction as _;
use alloy_primitives::B256;
use lockstep_model::Fork;

/// A call of `engine_newPayloadVN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// N.
    pub version: u64,
    /// Why the parameters do not have the form of that version.
    pub malformed: Option<String>,
    /// The hash that the payload states.
    pub block_hash: B256,
    /// The hashes of blobs that the consensus layer expects, from version 3 on.
    pub versioned_hashes: Option<Vec<B256>>,
}

/// Every rule of the call that a payload breaks.
pub fn broken(call: &Call, arrived: &ChainBlock) -> Vec<Broken> {
    let mut broken = Vec::new();
    if call.malformed.is_some() {
        broken.push(BlockRule::EngineParameters.into());
    }
    if let Ok(block) = &arrived.decoded {
        if block.hash != call.block_hash {
            broken.push(BlockRule::BlockHash.into());
        }
        let transactions = block.transactions.iter();
        let hashes = transactions.filter_map(|transaction| transaction.blob_versioned_hashes());
        let hashes: Vec<B256> = hashes.flatten().copied().collect();
        if call.versioned_hashes.as_ref().is_some_and(|stated| *stated != hashes) {
            broken.push(BlockRule::VersionedHashes.into());
        }
    }
    broken
}

/// Whether the version of the method is one for another fork.
pub fn wrong_fork(call: &Call, fork: Fork) -> Option<Broken> {
    let fits = match call.version {
        1 => fork == Fork::Paris,
        2 => (Fork::Paris..=Fork::Shanghai).contains(&fork),
        3 => fork == Fork::Cancun,
        4 => (Fork::Prague..=Fork::Osaka).contains(&fork),
        _ => fork >= Fork::Amsterdam,
    };
    (!fits).then(|| BlockRule::EngineFork.into())
}
