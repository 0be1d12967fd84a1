//! A block as a folder of a real block: `block.rlp` and `witness.json`.
//!
//! The witness has every node of the state before, so that any executor can run on it.

use super::{
    fixture::{encoded, header, hex},
    rebase::genesis,
    sign::{UnknownKey, sign},
};
use crate::networks::Network;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_trie::{HashBuilder, Nibbles, TrieAccount, proof::ProofRetainer};
use lockstep_judge::runnable::Runnable;
use lockstep_model::{BlockOutcome, MemoryState, memory_state::StoredAccount};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// The files of a real block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealBlock {
    /// `block.rlp`.
    pub block: String,
    /// `witness.json`.
    pub witness: String,
    /// The configuration of the network, as geth reads it.
    pub genesis: String,
}

/// The folder of a [rebased](super::rebased) block, with what the reference made of it.
///
/// # Errors
/// A transaction that cannot be signed.
pub fn real_block(block: &Runnable, outcome: &BlockOutcome) -> Result<RealBlock, UnknownKey> {
    let transactions = sign(&block.case.block.transactions)?;
    let parent = genesis(&block.case, &block.pre);
    let header = header(block, &transactions, outcome);
    let rlp = encoded(header, transactions, block);
    let Witness { nodes, codes, keys } = Witness::of(&block.pre.state);
    let witness = json!({
        "state": nodes,
        "codes": codes,
        "keys": keys,
        "headers": [Bytes::from(alloy_rlp::encode(&parent))],
    });
    let witness = serde_json::to_string_pretty(&witness).expect("strings") + "\n";
    let genesis = Network::all_at_once(&block.case.rules);
    let genesis = serde_json::to_string_pretty(&genesis).expect("numbers") + "\n";
    Ok(RealBlock { block: hex(&rlp) + "\n", witness, genesis })
}

/// Tries, codes and keys of a whole state, each in an order of its own.
struct Witness {
    nodes: BTreeSet<Bytes>,
    codes: BTreeSet<Bytes>,
    keys: Vec<Bytes>,
}

impl Witness {
    fn of(state: &MemoryState) -> Self {
        let accounts: BTreeMap<&Address, &StoredAccount> = state.accounts().collect();
        let (mut nodes, mut codes) = (BTreeSet::new(), BTreeSet::new());
        let (mut leaves, mut slots) = (BTreeMap::new(), BTreeSet::new());
        for (address, StoredAccount { info, storage }) in &accounts {
            let hashed = storage.iter().map(|(slot, value)| {
                (keccak256(slot.to_be_bytes::<32>()), alloy_rlp::encode(value))
            });
            let account = TrieAccount {
                nonce: info.nonce,
                balance: info.balance,
                storage_root: trie(&hashed.collect(), &mut nodes),
                code_hash: info.code_hash,
            };
            leaves.insert(keccak256(address), alloy_rlp::encode(account));
            slots.extend(storage.keys().map(|slot| Bytes::from(slot.to_be_bytes_vec())));
            codes.extend(state.code_by_hash(info.code_hash).cloned());
        }
        trie(&leaves, &mut nodes);
        let keys = accounts.keys().map(|address| Bytes::copy_from_slice(address.as_slice()));
        Self { nodes, codes, keys: keys.chain(slots).collect() }
    }
}

/// The root of a trie; adds its nodes that are referred to by hash.
fn trie(leaves: &BTreeMap<B256, Vec<u8>>, nodes: &mut BTreeSet<Bytes>) -> B256 {
    if leaves.is_empty() {
        return alloy_trie::EMPTY_ROOT_HASH;
    }
    let targets = leaves.keys().map(Nibbles::unpack).collect();
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(targets));
    for (key, value) in leaves {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    let root = builder.root();
    let known = builder.take_proof_nodes().into_inner().into_values();
    nodes.extend(known.filter(|node| node.len() >= 32 || keccak256(node) == root));
    root
}
