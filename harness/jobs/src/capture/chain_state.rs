//! The state before a block as a node proves it: each account and slot that is read and not known is fetched
//! with its proof, and stays.

use super::rpc::{Rpc, RpcError};
use alloy_consensus::Header;
use alloy_primitives::{
    Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256,
    map::{AddressMap, B256Map, HashMap},
};
use alloy_rlp::Decodable;
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use lockstep_judge::state::{Nodes, ProvedState, TrieError};
use lockstep_model::{
    AccountInfo, MemoryState, StateError, StateReader, memory_state::BlockHashes,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

/// The state before a block.
#[derive(Debug)]
pub(super) struct ChainState {
    rpc: Arc<Rpc>,
    parent: Header,
    known: Mutex<Known>,
    /// The first read that failed.
    failure: OnceLock<StateError>,
}

#[derive(Debug, Default)]
struct Known {
    nodes: Nodes,
    codes: B256Map<Bytes>,
    /// An account that has the code.
    owners: BTreeMap<B256, Address>,
    /// Reads: slots by account; of an account that was read alone, none.
    reads: BTreeMap<Address, BTreeSet<U256>>,
    /// Headers from the parent downwards.
    headers: Vec<Header>,
}

/// The answer to `eth_getProof`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Proof {
    balance: U256,
    nonce: U256,
    code_hash: B256,
    account_proof: Vec<Bytes>,
    #[serde(default)]
    storage_proof: Vec<SlotProof>,
}

#[derive(Debug, Deserialize)]
struct SlotProof {
    value: U256,
    proof: Vec<Bytes>,
}

/// A block as a parameter.
pub(super) fn tag(number: u64) -> Value {
    json!(format!("{number:#x}"))
}

impl ChainState {
    pub(super) fn new(rpc: Arc<Rpc>, parent: Header) -> Self {
        let known = Known { headers: vec![parent.clone()], ..Known::default() };
        Self { rpc, parent, known: Mutex::new(known), failure: OnceLock::new() }
    }

    /// The first read that failed: an executor may lose the error on its way.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.get().map(ToString::to_string)
    }

    fn noted<T>(&self, answer: Result<T, StateError>) -> Result<T, StateError> {
        if let Err(error) = &answer {
            self.failure.get_or_init(|| error.clone());
        }
        answer
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds nodes and codes, of which none is believed: they are found by their hashes.
    pub(super) fn add(&self, nodes: Vec<Bytes>, codes: Vec<Bytes>) {
        let mut known = self.known();
        known.nodes.extend(nodes);
        known.codes.extend(codes.into_iter().map(|code| (keccak256(&code), code)));
    }

    /// Fetches an account and slots of it with their proofs.
    pub(super) fn fetch(&self, address: Address, slots: &[U256]) -> Result<(), String> {
        let proof =
            self.proof(address, slots, self.parent.number).map_err(|error| error.to_string())?;
        let mut known = self.known();
        known.nodes.extend(proof.account_proof.iter().cloned());
        for slot in &proof.storage_proof {
            known.nodes.extend(slot.proof.iter().cloned());
        }
        drop(known);
        self.check(address, slots, &proof)
    }

    /// The nodes of the proof of an account and slots of it in the state after the block.
    pub(super) fn nodes_after(
        &self,
        address: Address,
        slots: &[U256],
    ) -> Result<Vec<Bytes>, RpcError> {
        let proof = self.proof(address, slots, self.parent.number + 1)?;
        let slots = proof.storage_proof.into_iter().flat_map(|slot| slot.proof);
        Ok(proof.account_proof.into_iter().chain(slots).collect())
    }

    /// In what an account after the block is another one in the node than here; `None` where in nothing.
    pub(super) fn compare_after(
        &self,
        address: Address,
        info: Option<AccountInfo>,
        slots: &[(U256, U256)],
    ) -> Result<Option<String>, RpcError> {
        let number = self.parent.number + 1;
        let names: Vec<U256> = slots.iter().map(|(slot, _)| *slot).collect();
        let stated = self.proof(address, &names, number)?;
        let info = info.unwrap_or_default();
        if (stated.balance, stated.nonce) != (info.balance, U256::from(info.nonce)) {
            return Ok(Some(format!(
                "account {address} after block {number}: balance {}, nonce {}; the node states balance {}, nonce {}",
                info.balance, info.nonce, stated.balance, stated.nonce
            )));
        }
        let mut pairs = slots.iter().zip(&stated.storage_proof);
        let differs = pairs.find(|((_, value), stated)| stated.value != *value);
        Ok(differs.map(|((slot, value), stated)| {
            format!(
                "slot {slot:#x} of account {address} after block {number}: {value:#x}; the node states {:#x}",
                stated.value
            )
        }))
    }

    fn proof(&self, address: Address, slots: &[U256], number: u64) -> Result<Proof, RpcError> {
        let keys: Vec<B256> = slots.iter().map(|slot| B256::from(*slot)).collect();
        let params = json!([address, keys, tag(number)]);
        self.rpc.call("eth_getProof", "an account with its proof", params)
    }

    /// Checks the values that the node states against its own proof.
    fn check(&self, address: Address, slots: &[U256], stated: &Proof) -> Result<(), String> {
        let wrong = |what: String| format!("eth_getProof: account {address}: {what}");
        let proved = self.look_up(address);
        let proved =
            proved.map_err(|error| wrong(format!("its proof does not prove it: {error}")))?;
        let proved = proved.unwrap_or_default();
        if (stated.balance, stated.nonce) != (proved.balance, U256::from(proved.nonce)) {
            return Err(wrong(format!(
                "the node states balance {}, nonce {}, and proves balance {}, nonce {}",
                stated.balance, stated.nonce, proved.balance, proved.nonce
            )));
        }
        // Nodes state the hash of an absent account's code in two ways.
        if stated.code_hash != proved.code_hash && !stated.code_hash.is_zero() {
            return Err(wrong(format!(
                "the node states code {}, and proves {}",
                stated.code_hash, proved.code_hash
            )));
        }
        for (slot, stated) in slots.iter().zip(&stated.storage_proof) {
            let proved = self.look_up_slot(&proved, *slot);
            let proved =
                proved.map_err(|error| wrong(format!("slot {slot:#x} is not proved: {error}")))?;
            if proved != stated.value {
                return Err(wrong(format!(
                    "the node states {:#x} in slot {slot:#x}, and proves {proved:#x}",
                    stated.value
                )));
            }
        }
        Ok(())
    }

    fn look_up(&self, address: Address) -> Result<Option<TrieAccount>, TrieError> {
        let rlp = self.known().nodes.get(self.parent.state_root, keccak256(address))?;
        Ok(rlp.and_then(|rlp| TrieAccount::decode(&mut rlp.as_slice()).ok()))
    }

    fn look_up_slot(&self, account: &TrieAccount, slot: U256) -> Result<U256, TrieError> {
        if account.storage_root == EMPTY_ROOT_HASH {
            return Ok(U256::ZERO);
        }
        let key = keccak256(slot.to_be_bytes::<32>());
        let rlp = self.known().nodes.get(account.storage_root, key)?;
        Ok(rlp.and_then(|rlp| U256::decode(&mut rlp.as_slice()).ok()).unwrap_or_default())
    }

    /// An account; fetched where it is not known.
    fn read(&self, address: Address) -> Result<Option<TrieAccount>, StateError> {
        self.known().reads.entry(address).or_default();
        let account = match self.look_up(address) {
            Err(TrieError::Missing { .. }) => {
                self.fetch(address, &[]).map_err(StateError)?;
                self.look_up(address)
            }
            account => account,
        };
        let account = account.map_err(|error| StateError(format!("account {address}: {error}")))?;
        if let Some(account) = &account {
            self.known().owners.entry(account.code_hash).or_insert(address);
        }
        Ok(account)
    }

    /// A code; fetched where it is not known.
    fn fetch_code(&self, hash: B256, owner: Address) -> Result<Bytes, StateError> {
        let params = json!([owner, tag(self.parent.number)]);
        let code: Result<Bytes, RpcError> = self.rpc.call("eth_getCode", "code", params);
        let code = code.map_err(|error| StateError(error.to_string()))?;
        let found = keccak256(&code);
        if found != hash {
            return Err(StateError(format!(
                "eth_getCode: account {owner}: expected code with the hash {hash}, found {found}"
            )));
        }
        self.known().codes.insert(hash, code.clone());
        Ok(code)
    }

    /// The header below the lowest known one, by the hash that that one names.
    fn fetch_header(&self, hash: B256, number: u64) -> Result<(), StateError> {
        let params = json!([hash, false]);
        let header: Result<alloy_rpc_types_eth::Block, RpcError> =
            self.rpc.call("eth_getBlockByHash", "a block", params);
        let header = header.map_err(|error| StateError(error.to_string()))?.header.inner;
        if header.hash_slow() != hash || header.number != number {
            return Err(StateError(format!(
                "eth_getBlockByHash: expected block {number} with the hash {hash}, found block {} with {}",
                header.number,
                header.hash_slow()
            )));
        }
        self.known().headers.push(header);
        Ok(())
    }

    /// Fetches the code of every account that was read: another executor may run what this one did not.
    pub(super) fn complete_codes(&self) -> Result<(), StateError> {
        let owners: Vec<(B256, Address)> = {
            let known = self.known();
            let unknown = known.owners.iter().filter(|(hash, _)| !known.codes.contains_key(*hash));
            unknown.map(|(hash, owner)| (*hash, *owner)).collect()
        };
        for (hash, owner) in owners {
            if hash != KECCAK256_EMPTY {
                self.fetch_code(hash, owner)?;
            }
        }
        Ok(())
    }

    /// Everything that was read, for the files of the block.
    pub(super) fn finish(&self) -> Captured {
        let known = self.known();
        let mut hashes = HashMap::default();
        for header in &known.headers {
            hashes.insert(header.number, header.hash_slow());
            if let Some(number) = header.number.checked_sub(1) {
                hashes.insert(number, header.parent_hash);
            }
        }
        Captured {
            root: self.parent.state_root,
            nodes: known.nodes.clone(),
            codes: known.codes.clone(),
            headers: known.headers.clone(),
            hashes,
            reads: known.reads.clone(),
        }
    }
}

impl StateReader for ChainState {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let account = self.noted(self.read(address))?;
        Ok(account.map(|TrieAccount { balance, nonce, code_hash, .. }| AccountInfo {
            balance,
            nonce,
            code_hash,
        }))
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let Some(account) = self.noted(self.read(address))? else { return Ok(U256::ZERO) };
        self.known().reads.entry(address).or_default().insert(slot);
        let value = match self.look_up_slot(&account, slot) {
            Err(TrieError::Missing { .. }) => {
                self.noted(self.fetch(address, &[slot]).map_err(StateError))?;
                self.look_up_slot(&account, slot)
            }
            value => value,
        };
        let what = |error| StateError(format!("slot {slot:#x} of account {address}: {error}"));
        self.noted(value.map_err(what))
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytes::new());
        }
        let (code, owner) = {
            let known = self.known();
            (known.codes.get(&hash).cloned(), known.owners.get(&hash).copied())
        };
        match (code, owner) {
            (Some(code), _) => Ok(code),
            (None, Some(owner)) => self.noted(self.fetch_code(hash, owner)),
            (None, None) => Err(StateError(format!("code {hash}: no account has it"))),
        }
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        loop {
            let lowest = {
                let known = self.known();
                let found = known.headers.iter().find(|header| header.number == number);
                if let Some(header) = found {
                    return Ok(header.hash_slow());
                }
                known.headers.last().map(|header| (header.number, header.parent_hash))
            };
            match lowest {
                Some((lowest, parent)) if number.checked_add(1) == Some(lowest) => {
                    return Ok(parent);
                }
                Some((lowest, parent)) if lowest > number => {
                    self.noted(self.fetch_header(parent, lowest - 1))?;
                }
                _ => return Ok(B256::ZERO),
            }
        }
    }

    fn has_storage(&self, address: Address) -> Result<bool, StateError> {
        Ok(self.read(address)?.is_some_and(|account| account.storage_root != EMPTY_ROOT_HASH))
    }
}

/// The captured part of the state before a block.
#[derive(Debug, Clone)]
pub(super) struct Captured {
    pub(super) root: B256,
    pub(super) nodes: Nodes,
    pub(super) codes: B256Map<Bytes>,
    pub(super) headers: Vec<Header>,
    pub(super) hashes: HashMap<u64, B256>,
    pub(super) reads: BTreeMap<Address, BTreeSet<U256>>,
}

impl Captured {
    pub(super) fn proved(&self) -> ProvedState {
        let codes = self.codes.values().cloned();
        ProvedState::new(self.root, self.nodes.clone(), codes, self.hashes.clone(), true)
    }

    /// The values that were read, as a state.
    pub(super) fn state(&self, proof: &ProvedState) -> MemoryState {
        let mut state = MemoryState::new(BlockHashes::Known(Arc::new(self.hashes.clone())));
        for (address, slots) in &self.reads {
            let Ok(Some(account)) = proof.account(*address) else { continue };
            let values =
                slots.iter().filter_map(|slot| Some((*slot, proof.slot(*address, *slot).ok()?)));
            let code = self.codes.get(&account.code_hash).cloned().unwrap_or_default();
            let is_unknown = code.is_empty();
            state.insert(*address, account.balance, account.nonce, code, values);
            if is_unknown {
                state.set_unknown_code(*address, account.code_hash);
            }
        }
        state
    }

    /// Slots that were read, by account, with their values; zero ones too.
    pub(super) fn slots(&self, proof: &ProvedState) -> AddressMap<Vec<(U256, U256)>> {
        let of = |(address, slots): (&Address, &BTreeSet<U256>)| {
            let values =
                slots.iter().filter_map(|slot| Some((*slot, proof.slot(*address, *slot).ok()?)));
            (*address, values.collect())
        };
        self.reads.iter().map(of).collect()
    }
}
