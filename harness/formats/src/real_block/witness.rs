//! `witness.json`: the answer to `debug_executionWitness`, in the dialects of geth and of reth.

use super::{BlockFiles, block::Contents};
use crate::{
    File, SourceError,
    accounts::{JsonAccount, JsonAccounts},
    hex::Ordered,
    json,
};
use alloy_consensus::Header;
use alloy_primitives::{
    Address, B256, Bytes, U256, keccak256,
    map::{B256Map, B256Set, HashMap, HashSet},
};
use alloy_rlp::Decodable;
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use lockstep_judge::state::{Nodes, ProvedState, TrieError};
use lockstep_model::{MemoryState, memory_state::BlockHashes};
use serde::Deserialize;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

#[derive(Debug, Deserialize)]
struct Witness {
    state: Blobs,
    codes: Blobs,
    #[serde(default)]
    keys: Option<Vec<Bytes>>,
    headers: Vec<HeaderOf>,
}

/// Nodes or codes: a list, or an object by hash.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Blobs {
    List(Vec<Bytes>),
    ByHash(Ordered<B256, Bytes>),
}

/// A header: RLP in reth's dialect, an object in geth's.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum HeaderOf {
    Rlp(Bytes),
    Object(Box<alloy_rpc_types_eth::Header>),
}

/// The state before a block, with its proof.
pub(super) struct Proved {
    pub(super) state: MemoryState,
    pub(super) proof: Arc<ProvedState>,
    /// Hashes of codes that the block must deploy: no account before it has them.
    pub(super) deployed: Vec<B256>,
    /// Remarks for the result: the unproved parts.
    pub(super) unproved: Vec<Cow<'static, str>>,
}

/// Reads a witness, and proves the state before the block with it.
///
/// # Errors
/// When the file is malformed, or anything in it does not fit the block.
pub(super) fn read(
    file: &File,
    files: &BlockFiles,
    block: &Contents,
    flat: Option<(MemoryState, &JsonAccounts)>,
    hashes: &HashMap<u64, B256>,
) -> Result<Proved, SourceError> {
    let witness: Witness = json::read_answer(file)?;
    let headers = headers(file, witness.headers, block)?;
    let mut unproved = Vec::new();
    let nodes: Nodes = blobs(file, "state", witness.state)?;
    let codes: Vec<Bytes> = blobs(file, "codes", witness.codes)?;
    let root = match headers.first() {
        Some(parent) => parent.state_root,
        None => {
            unproved.push("state root before: the witness has no header of the parent".into());
            let row = files.index.as_ref().and_then(|index| index.row_of(&files.folder));
            let stated = row.and_then(|row| row.parent_state_root);
            stated.map_or_else(|| only_root(file, &nodes), Ok)?
        }
    };
    let block_hashes = ancestors(file, &headers, hashes)?;
    if !nodes.holds(root) && root != EMPTY_ROOT_HASH {
        let problem =
            format!("expected the root of the parent's state, {root}, found no such node");
        return Err(SourceError::place(&file.path, "state", problem));
    }
    let keys = witness.keys.as_deref().map(|keys| Keys::of(file, keys)).transpose()?;
    if let (Some(keys), Some((_, listed))) = (&keys, &flat) {
        keys.check(file, listed)?;
    }
    let preimages = Preimages::of(keys.as_ref(), flat.as_ref().map(|(flat, _)| flat), block);
    let leaves = Leaves::of(file, &nodes, root)?;
    let deployed = strays(&codes, &leaves);
    // geth lists what a block deploys and gives up again; it lists no keys.
    let (deployed, stray) =
        if keys.is_some() { (deployed, 0) } else { (Vec::new(), deployed.len()) };
    if stray > 0 {
        unproved.push("codes of no account before the block: not compared".into());
    }
    let mut proof = ProvedState::new(
        root,
        nodes,
        codes.iter().cloned(),
        block_hashes.clone(),
        !headers.is_empty(),
    );
    if let Some((flat, listed)) = flat {
        let path = files.pre_state.as_ref().map_or(&*file.path, |file| &*file.path);
        check_flat(file, path, listed, &proof)?;
        proof = proof.with_flat(Arc::new(flat));
    }
    unproved.extend(keys.iter().flat_map(|keys| keys.unproved(&proof)).map(Cow::Owned));
    let state = leaves.known(&preimages, &proof, BlockHashes::Known(Arc::new(block_hashes)));
    Ok(Proved { state, proof: Arc::new(proof), deployed, unproved })
}

/// The headers from the parent on downwards, each the parent of the one before.
fn headers(
    file: &File,
    headers: Vec<HeaderOf>,
    block: &Contents,
) -> Result<Vec<Header>, SourceError> {
    let mut decoded = Vec::with_capacity(headers.len());
    for (index, header) in headers.into_iter().enumerate() {
        let header = match header {
            HeaderOf::Object(header) => header.inner,
            HeaderOf::Rlp(rlp) => {
                let mut rest: &[u8] = &rlp;
                let header = Header::decode(&mut rest);
                let header = header.map_err(|error| error.to_string()).and_then(|header| {
                    rest.is_empty().then_some(header).ok_or_else(|| "bytes behind it".to_owned())
                });
                header.map_err(|problem| {
                    let problem = format!("expected the RLP of a header: {problem}");
                    SourceError::place(&file.path, format!("headers[{index}]"), problem)
                })?
            }
        };
        decoded.push((index, header));
    }
    // geth's are ascending, reth's descending.
    decoded.sort_by_key(|(_, header)| std::cmp::Reverse(header.number));
    let (mut hash, mut number) = (block.header.parent_hash, block.header.number);
    for (index, header) in &decoded {
        let found = header.hash_slow();
        if found != hash || header.number.checked_add(1) != Some(number) {
            let problem = format!(
                "expected the header of block {} with the hash {hash}, found block {} with {found}",
                number.saturating_sub(1),
                header.number
            );
            return Err(SourceError::place(&file.path, format!("headers[{index}]"), problem));
        }
        (hash, number) = (header.parent_hash, header.number);
    }
    Ok(decoded.into_iter().map(|(_, header)| header).collect())
}

/// Hashes of ancestors: by the headers, and those that are only stated.
fn ancestors(
    file: &File,
    headers: &[Header],
    stated: &HashMap<u64, B256>,
) -> Result<HashMap<u64, B256>, SourceError> {
    let mut hashes = stated.clone();
    for header in headers {
        let parent = header.number.checked_sub(1).map(|number| (number, header.parent_hash));
        for (number, hash) in
            [Some((header.number, header.hash_slow())), parent].into_iter().flatten()
        {
            if let Some(stated) = stated.get(&number).filter(|stated| **stated != hash) {
                let problem = format!(
                    "the headers give block {number} the hash {hash}, `block_hashes.json` states {stated}"
                );
                return Err(SourceError::place(&file.path, "headers", problem));
            }
            hashes.insert(number, hash);
        }
    }
    Ok(hashes)
}

fn blobs<T: FromIterator<Bytes>>(file: &File, name: &str, blobs: Blobs) -> Result<T, SourceError> {
    let blobs = match blobs {
        Blobs::List(blobs) => blobs,
        Blobs::ByHash(blobs) => {
            let wrong = blobs.0.iter().find(|(hash, blob)| keccak256(blob) != *hash);
            if let Some((hash, blob)) = wrong {
                let problem = format!("expected bytes with this hash, found {}", keccak256(blob));
                return Err(SourceError::place(&file.path, format!("{name}.{hash}"), problem));
            }
            blobs.0.into_iter().map(|(_, blob)| blob).collect()
        }
    };
    let mut first = HashMap::<&Bytes, usize>::default();
    for (index, blob) in blobs.iter().enumerate() {
        if let Some(first) = first.insert(blob, index) {
            let problem = format!("expected each once, found that of {name}[{first}] again");
            return Err(SourceError::place(&file.path, format!("{name}[{index}]"), problem));
        }
    }
    drop(first);
    Ok(blobs.into_iter().collect())
}

/// The one node that no other node refers to.
fn only_root(file: &File, nodes: &Nodes) -> Result<B256, SourceError> {
    let mut roots = nodes.unreferenced();
    match (roots.next(), roots.next()) {
        (Some(root), None) => Ok(root),
        (first, _) => {
            let found = if first.is_some() { "several" } else { "none" };
            let problem = format!(
                "expected one root, for there is no header of the parent to name it, found {found}"
            );
            Err(SourceError::place(&file.path, "state", problem))
        }
    }
}

/// Hashes of codes that no account of the tries has: reth lists what the block deploys among them.
fn strays(codes: &[Bytes], leaves: &Leaves) -> Vec<B256> {
    let named: B256Set = leaves.accounts.values().map(|account| account.code_hash).collect();
    codes.iter().map(keccak256).filter(|hash| !named.contains(hash)).collect()
}

/// `pre_state.json` says nothing else than the tries.
fn check_flat(
    file: &File,
    path: &str,
    listed: &JsonAccounts,
    proof: &ProvedState,
) -> Result<(), SourceError> {
    for (address, account) in &listed.0 {
        let contradiction = match proof.account(*address) {
            // Here this file adds to the tries.
            Err(TrieError::Missing { .. }) => continue,
            Err(error) => Some(error.to_string()),
            Ok(None) => Some("it does not exist".to_owned()),
            Ok(Some(proved)) => contradiction(*address, account, &proved, proof),
        };
        if let Some(what) = contradiction {
            let problem = format!("{} proves something else: {what}", file.path);
            return Err(SourceError::place(path, address.to_string(), problem));
        }
    }
    Ok(())
}

/// The proved value that contradicts the listed account; `None` where there is none.
fn contradiction(
    address: Address,
    listed: &JsonAccount,
    proved: &TrieAccount,
    proof: &ProvedState,
) -> Option<String> {
    if (proved.balance, proved.nonce) != (listed.balance(), listed.nonce.unwrap_or_default()) {
        return Some(format!("balance {}, nonce {}", proved.balance, proved.nonce));
    }
    if proved.code_hash != listed.code_hash() {
        return Some(format!("code with the hash {}", proved.code_hash));
    }
    listed.slots().find_map(|(slot, value)| {
        let proved = proof.slot(address, slot).ok().filter(|proved| *proved != value)?;
        Some(format!("{proved:#x} in slot {slot:#x}"))
    })
}

/// The keys that a witness lists.
struct Keys {
    addresses: HashSet<Address>,
    slots: HashSet<U256>,
}

impl Keys {
    fn of(file: &File, keys: &[Bytes]) -> Result<Self, SourceError> {
        let (mut addresses, mut slots) = (HashSet::default(), HashSet::default());
        for (index, key) in keys.iter().enumerate() {
            match key.len() {
                20 => drop(addresses.insert(Address::from_slice(key))),
                32 => drop(slots.insert(U256::from_be_slice(key))),
                // reth's older dialect: an address with a slot behind it.
                52 => drop(slots.insert(U256::from_be_slice(&key[20..]))),
                length => {
                    let problem = format!("expected 20 bytes or 32, found {length}");
                    return Err(SourceError::place(&file.path, format!("keys[{index}]"), problem));
                }
            }
        }
        Ok(Self { addresses, slots })
    }

    /// The keys of `pre_state.json` are among them, those of slots that are zero too.
    fn check(&self, file: &File, listed: &JsonAccounts) -> Result<(), SourceError> {
        let lacks = |key: String| {
            let problem =
                format!("expected {key} of `pre_state.json` among them, found it missing");
            Err(SourceError::place(&file.path, "keys", problem))
        };
        for (address, account) in &listed.0 {
            if !self.addresses.contains(address) {
                return lacks(format!("account {address}"));
            }
            let mut slots = account.storage.0.iter().map(|(slot, _)| slot.0);
            if let Some(slot) = slots.find(|slot| !self.slots.contains(slot)) {
                return lacks(format!("slot {slot:#x} of account {address}"));
            }
        }
        Ok(())
    }

    /// A remark for each account that the tries leave open.
    fn unproved(&self, proof: &ProvedState) -> Vec<String> {
        let open = self.addresses.iter().filter(|address| !proof.is_proved(**address));
        let mut open: Vec<&Address> = open.collect();
        open.sort_unstable();
        open.into_iter()
            .map(|address| format!("account {address}: the witness has no proof"))
            .collect()
    }
}

/// Addresses and slots by their hashes.
struct Preimages {
    addresses: B256Map<Address>,
    slots: B256Map<U256>,
}

impl Preimages {
    fn of(keys: Option<&Keys>, flat: Option<&MemoryState>, block: &Contents) -> Self {
        let senders = block.transactions.iter().map(|transaction| transaction.sender);
        let recipients = block.withdrawals.iter().flatten().map(|withdrawal| withdrawal.address);
        let listed = keys.into_iter().flat_map(|keys| keys.addresses.iter().copied());
        let flat_accounts = || flat.into_iter().flat_map(MemoryState::accounts);
        let addresses = senders.chain(recipients).chain([block.header.beneficiary]).chain(listed);
        let addresses = addresses.chain(flat_accounts().map(|(address, _)| *address));
        let slots = keys.into_iter().flat_map(|keys| keys.slots.iter().copied());
        let slots =
            slots.chain(flat_accounts().flat_map(|(_, account)| account.storage.keys().copied()));
        Self {
            addresses: addresses.map(|address| (keccak256(address), address)).collect(),
            slots: slots.map(|slot| (keccak256(slot.to_be_bytes::<32>()), slot)).collect(),
        }
    }
}

/// All that the tries show, by hashed keys.
struct Leaves {
    accounts: BTreeMap<B256, TrieAccount>,
    /// Slots by the root of their storage.
    storage: BTreeMap<B256, Vec<(B256, U256)>>,
}

impl Leaves {
    /// Visits every node: one that is not below the root has no business in the witness.
    fn of(file: &File, nodes: &Nodes, root: B256) -> Result<Self, SourceError> {
        let wrong = |problem: String| SourceError::place(&file.path, "state", problem);
        let mut reached = B256Set::default();
        let mut accounts = BTreeMap::new();
        let mut malformed = None;
        let visited = nodes.leaves(root, &mut reached, &mut |key, rlp| match TrieAccount::decode(
            &mut rlp.as_slice(),
        ) {
            Ok(account) => drop(accounts.insert(key, account)),
            Err(error) => malformed = Some(format!("the account with hash {key}: {error}")),
        });
        visited.map_err(|error| wrong(error.to_string()))?;
        let mut storage = BTreeMap::new();
        let roots: BTreeSet<B256> = accounts.values().map(|account| account.storage_root).collect();
        for root in roots {
            let mut slots = Vec::new();
            let visited = nodes.leaves(root, &mut reached, &mut |slot, rlp| match U256::decode(
                &mut rlp.as_slice(),
            ) {
                Ok(value) => slots.push((slot, value)),
                Err(error) => malformed = Some(format!("the slot with hash {slot}: {error}")),
            });
            visited.map_err(|error| wrong(error.to_string()))?;
            storage.insert(root, slots);
        }
        if let Some(problem) = malformed {
            return Err(wrong(problem));
        }
        let mut unreached: Vec<B256> = nodes.unreached(&reached).collect();
        unreached.sort_unstable();
        match unreached.first() {
            None => Ok(Self { accounts, storage }),
            Some(first) => Err(wrong(format!(
                "expected nodes of the parent's state alone, found {} that its root {root} does not lead to, the \
                 first with the hash {first}",
                unreached.len()
            ))),
        }
    }

    /// The part of the state whose keys are known.
    fn known(
        &self,
        preimages: &Preimages,
        proof: &ProvedState,
        block_hashes: BlockHashes,
    ) -> MemoryState {
        let mut state = MemoryState::new(block_hashes);
        for (key, account) in &self.accounts {
            let Some(address) = preimages.addresses.get(key) else { continue };
            let slots = self.storage.get(&account.storage_root).into_iter().flatten();
            let slots =
                slots.filter_map(|(slot, value)| Some((*preimages.slots.get(slot)?, *value)));
            let code = proof.code_by_hash(account.code_hash).cloned().unwrap_or_default();
            let is_unknown = code.is_empty();
            state.insert(*address, account.balance, account.nonce, code, slots);
            if is_unknown {
                state.set_unknown_code(*address, account.code_hash);
            }
        }
        state
    }
}
