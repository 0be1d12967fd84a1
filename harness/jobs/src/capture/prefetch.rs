//! The reads of a block, as far as a node tells them beforehand: fewer requests then. None of it is trusted.

use super::{
    chain_state::ChainState,
    number_tag,
    rpc::{Rpc, RpcError},
};
use alloy_primitives::{Address, B256, Bytes, U256};
use lockstep_formats::real_block::BlockAlone;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The source of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `debug_executionWitness`: the nodes themselves.
    Witness,
    /// `eth_getBlockAccessList`: accounts and slots, then their proofs.
    AccessList,
    /// `debug_traceBlockByNumber` with the prestate tracer: the same, with gaps.
    Prestate,
    /// Proofs alone, as execution asks for them.
    Proofs,
}

impl Source {
    /// In the order in which they are tried.
    const ALL: [Self; 3] = [Self::Witness, Self::AccessList, Self::Prestate];
}

/// Most slots of one request for proofs.
const MOST_SLOTS: usize = 256;

type Touched = BTreeMap<Address, BTreeSet<U256>>;

/// Fetches ahead by the first source that the node offers; gives the methods that were used.
///
/// # Errors
/// When the node does not offer the source that the user names.
pub(super) fn prefetch(
    rpc: &Rpc,
    state: &ChainState,
    alone: &BlockAlone,
    wanted: Option<Source>,
) -> Result<Vec<String>, String> {
    if wanted == Some(Source::Proofs) {
        return Ok(Vec::new());
    }
    let sources = wanted.map_or_else(|| Source::ALL.to_vec(), |source| vec![source]);
    for source in sources {
        let found = match source {
            Source::Witness => witness(rpc, state, alone).map(|()| Touched::new()),
            Source::AccessList => access_list(rpc, alone),
            Source::Prestate => prestate(rpc, alone),
            Source::Proofs => Ok(Touched::new()),
        };
        match found {
            Ok(touched) => {
                for (address, slots) in touched {
                    let slots: Vec<U256> = slots.into_iter().collect();
                    for part in slots.chunks(MOST_SLOTS).chain(slots.is_empty().then_some(&[][..]))
                    {
                        state.fetch(address, part)?;
                    }
                }
                return Ok(vec![method(source).to_owned()]);
            }
            // A source that is not there, or not for this block, is no reason to stop: proofs are enough.
            Err(error) if wanted.is_some() => return Err(error.to_string()),
            Err(RpcError::Transport { .. }) => {}
            Err(_) => {}
        }
    }
    Ok(Vec::new())
}

const fn method(source: Source) -> &'static str {
    match source {
        Source::Witness => "debug_executionWitness",
        Source::AccessList => "eth_getBlockAccessList",
        Source::Prestate => "debug_traceBlockByNumber",
        Source::Proofs => "eth_getProof",
    }
}

/// Nodes and codes, as a list or by their hash.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Blobs {
    List(Vec<Bytes>),
    ByHash(BTreeMap<B256, Bytes>),
}

impl Blobs {
    fn into_vec(self) -> Vec<Bytes> {
        match self {
            Self::List(blobs) => blobs,
            Self::ByHash(blobs) => blobs.into_values().collect(),
        }
    }
}

fn witness(rpc: &Rpc, state: &ChainState, alone: &BlockAlone) -> Result<(), RpcError> {
    #[derive(Deserialize)]
    struct Witness {
        state: Blobs,
        codes: Blobs,
    }
    let params = json!([number_tag(alone.header.number)]);
    let witness: Witness = rpc.call("debug_executionWitness", "state and codes", params)?;
    state.add(witness.state.into_vec(), witness.codes.into_vec());
    Ok(())
}

fn access_list(rpc: &Rpc, alone: &BlockAlone) -> Result<Touched, RpcError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Account {
        address: Address,
        #[serde(default)]
        storage_changes: Vec<Change>,
        #[serde(default)]
        storage_reads: Vec<U256>,
    }
    #[derive(Deserialize)]
    struct Change {
        #[serde(alias = "slot")]
        key: U256,
    }
    let params = json!([number_tag(alone.header.number)]);
    let list: Vec<Account> = rpc.call("eth_getBlockAccessList", "an access list", params)?;
    let of = |account: Account| {
        let changed = account.storage_changes.into_iter().map(|change| change.key);
        (account.address, changed.chain(account.storage_reads).collect())
    };
    Ok(list.into_iter().map(of).collect())
}

fn prestate(rpc: &Rpc, alone: &BlockAlone) -> Result<Touched, RpcError> {
    #[derive(Deserialize)]
    struct Traced {
        result: BTreeMap<Address, Account>,
    }
    #[derive(Deserialize)]
    struct Account {
        #[serde(default)]
        storage: BTreeMap<B256, Value>,
    }
    let tracer = json!({ "tracer": "prestateTracer", "timeout": "120s" });
    let params = json!([number_tag(alone.header.number), tracer]);
    let traces: Vec<Traced> = rpc.call("debug_traceBlockByNumber", "prestate traces", params)?;
    let mut touched = Touched::new();
    for (address, account) in traces.into_iter().flat_map(|traced| traced.result) {
        let slots = account.storage.keys().map(|slot| U256::from_be_bytes(slot.0));
        touched.entry(address).or_default().extend(slots);
    }
    // No transaction reads these: the phases do.
    touched.entry(alone.header.beneficiary).or_default();
    for withdrawal in alone.block.withdrawals.iter().flatten() {
        touched.entry(withdrawal.address).or_default();
    }
    Ok(touched)
}
