//! The files of a captured block, written as a whole or not at all.

use super::chain_state::Captured;
use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256, map::B256Set};
use alloy_rlp::Decodable;
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use lockstep_formats::{
    File,
    networks::Network,
    real_block::{BlockAlone, BlockFiles},
};
use lockstep_judge::state::{NormalChanges, PreState};
use lockstep_model::BlockOutcome;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

const INDEX: &str = "INDEX.json";

/// A row of the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The folder that its network has.
    pub network: String,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The block's number.
    pub number: u64,
    /// The block's hash.
    pub hash: B256,
    /// The rules that hold for it.
    pub fork: String,
    /// Transactions.
    pub transactions: usize,
    /// Gas used.
    pub gas_used: u64,
    /// The root before the block.
    pub parent_state_root: Option<B256>,
    /// Methods of the node that its state was captured by.
    pub source: Vec<String>,
    /// Whether the files alone give the root after the block that the header states.
    pub post_root: bool,
}

impl Row {
    pub(super) fn of(
        alone: &BlockAlone,
        network: &Network,
        source: Vec<String>,
        post_root: bool,
    ) -> Self {
        let header = &alone.header;
        Self {
            network: folder_name(network),
            chain_id: network.chain_id,
            number: header.number,
            hash: header.hash_slow(),
            fork: network.fork(header.number, header.timestamp).to_string(),
            transactions: alone.block.transactions.len(),
            gas_used: header.gas_used,
            parent_state_root: None,
            source,
            post_root,
        }
    }
}

/// The name of a network's folder.
fn folder_name(network: &Network) -> String {
    match Network::named(&network.name) {
        Some(_) => network.name.to_string(),
        None => format!("chain-{}", network.chain_id),
    }
}

/// The folder of a block.
pub(super) fn folder(out: &Path, network: &Network, number: u64) -> PathBuf {
    out.join(folder_name(network)).join(number.to_string())
}

/// The row of a block that was captured before.
///
/// # Errors
/// When the index is there and cannot be read.
pub(super) fn row_of(out: &Path, network: &Network, number: u64) -> Result<Option<Row>, String> {
    let name = folder_name(network);
    let is_it = |row: &Value| row["number"] == json!(number) && row["network"] == json!(name);
    let found = rows(out)?.into_iter().find(is_it);
    Ok(found.and_then(|row| serde_json::from_value(row).ok()))
}

/// The rows of the index, whatever else they hold.
fn rows(out: &Path) -> Result<Vec<Value>, String> {
    let index = out.join(INDEX);
    match fs::read_to_string(&index) {
        Ok(text) => serde_json::from_str(&text)
            .map_err(|error| format!("{}: expected a list of rows: {error}", index.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(format!("{}: cannot be read: {error}", index.display())),
    }
}

/// The files of a block.
#[derive(Debug, Clone)]
pub(super) struct Files(Vec<(&'static str, String)>);

impl Files {
    pub(super) fn of(
        block_json: &Value,
        alone: &BlockAlone,
        captured: &Captured,
        outcome: &BlockOutcome,
        is_sure: bool,
    ) -> Result<Self, String> {
        let proof = Arc::new(captured.proved());
        let pre = PreState::proved(captured.state(&proof), proof);
        let hashes: Map<String, Value> = {
            let mut hashes: Vec<_> = captured.hashes.iter().collect();
            hashes.sort_unstable();
            hashes.into_iter().map(|(number, hash)| (number.to_string(), json!(hash))).collect()
        };
        let pretty = |value: &Value| serde_json::to_string_pretty(value).expect("JSON") + "\n";
        let mut files = vec![
            ("block.json", pretty(&with_size(block_json, alone.rlp.len()))),
            ("block.rlp", format!("0x{}\n", hex::encode(&alone.rlp))),
            ("witness.json", pretty(&witness(captured)?)),
            ("pre_state.json", pretty(&pre_state(captured, &pre))),
            ("block_hashes.json", pretty(&Value::Object(hashes))),
        ];
        if is_sure {
            files.push(("post_state.json", pretty(&post_state(&pre, outcome))));
        }
        Ok(Self(files))
    }

    /// The files as `check` finds them in a folder.
    pub(super) fn block_files(&self, folder: &Path, network: Arc<Network>) -> BlockFiles {
        let file = |name: &str| {
            let found = self.0.iter().find(|(other, _)| *other == name);
            found.map(|(name, text)| File::of_text(folder.join(name).display().to_string(), text))
        };
        BlockFiles {
            folder: folder.display().to_string(),
            origin: String::new(),
            block_json: file("block.json"),
            block_rlp: file("block.rlp"),
            pre_state: file("pre_state.json"),
            witness: file("witness.json"),
            block_hashes: file("block_hashes.json"),
            post_state: file("post_state.json"),
            index: None,
            network: Some(network),
        }
    }
}

/// The block with the length of its RLP: nodes count in ways of their own.
fn with_size(block_json: &Value, size: usize) -> Value {
    let mut block = block_json.clone();
    if block.get("size").is_some_and(|size| !size.is_null()) {
        block["size"] = json!(format!("{size:#x}"));
    }
    block
}

/// The nodes that the parent's root leads to, and the codes of accounts among them.
fn witness(captured: &Captured) -> Result<Value, String> {
    let (mut reached, mut accounts) = (B256Set::default(), Vec::new());
    let visited = captured.nodes.leaves(captured.root, &mut reached, &mut |_, rlp| {
        accounts.extend(TrieAccount::decode(&mut rlp.as_slice()));
    });
    visited.map_err(|error| error.to_string())?;
    for account in &accounts {
        if account.storage_root != EMPTY_ROOT_HASH {
            let visited = captured.nodes.leaves(account.storage_root, &mut reached, &mut |_, _| {});
            visited.map_err(|error| error.to_string())?;
        }
    }
    let mut hashes: Vec<B256> = accounts.iter().map(|account| account.code_hash).collect();
    hashes.sort_unstable();
    hashes.dedup();
    let codes: Vec<&Bytes> = hashes.iter().filter_map(|hash| captured.codes.get(hash)).collect();
    let addresses = captured.reads.keys().map(|address| Bytes::copy_from_slice(address.as_slice()));
    let mut slots: Vec<&U256> = captured.reads.values().flatten().collect();
    slots.sort_unstable();
    slots.dedup();
    let slots = slots.into_iter().map(|slot| Bytes::from(slot.to_be_bytes_vec()));
    let keys: Vec<Bytes> = addresses.chain(slots).collect();
    let headers: Vec<Bytes> =
        captured.headers.iter().map(|header| alloy_rlp::encode(header).into()).collect();
    Ok(json!({
        "state": captured.nodes.reached(&reached),
        "codes": codes,
        "keys": keys,
        "headers": headers,
    }))
}

fn address_key(address: &Address) -> String {
    format!("{address:#x}")
}

fn pre_state(captured: &Captured, pre: &PreState) -> Value {
    let proof = pre.proof.as_deref().expect("captured with a proof");
    let slots = captured.slots(proof);
    let account = |address: &Address| {
        let account = pre.account(*address)?;
        let code = captured.codes.get(&account.code_hash).cloned().unwrap_or_default();
        let storage: Map<String, Value> = slots
            .get(address)
            .into_iter()
            .flatten()
            .map(|(slot, value)| (format!("{slot:#x}"), json!(format!("{value:#x}"))))
            .collect();
        let mut json = json!({
            "balance": format!("{:#x}", account.balance),
            "nonce": format!("{:#x}", account.nonce),
            "code": code,
            "storage": storage,
        });
        if keccak256(&code) != account.code_hash {
            json["codeHash"] = json!(account.code_hash);
        }
        Some((address_key(address), json))
    };
    Value::Object(captured.reads.keys().filter_map(account).collect())
}

fn post_state(pre: &PreState, outcome: &BlockOutcome) -> Value {
    let changes = NormalChanges::new(pre, &outcome.changes);
    let mut accounts = Map::new();
    let mut absent = Vec::new();
    for (address, change) in &changes.accounts {
        let Some(info) = change.info else {
            absent.push(address_key(address));
            continue;
        };
        let storage: Map<String, Value> = change
            .storage
            .iter()
            .map(|(slot, value)| (format!("{slot:#x}"), json!(format!("{value:#x}"))))
            .collect();
        let account = json!({
            "balance": format!("{:#x}", info.balance),
            "nonce": format!("{:#x}", info.nonce),
            "codeHash": info.code_hash,
            "storage": storage,
        });
        accounts.insert(address_key(address), account);
    }
    json!({ "accounts": accounts, "absent": absent })
}

/// Writes the folder in a temporary one, and the index after it.
pub(super) fn write(out: &Path, folder: &Path, files: &Files, row: &Row) -> Result<(), String> {
    let wrong = |error: io::Error| format!("{}: cannot be written: {error}", folder.display());
    let mut all = rows(out)?;
    let write = || {
        // Gone with an error; on the same file system, for the rename.
        let part = tempfile::Builder::new().prefix(".capture-").tempdir_in(out)?;
        for (name, text) in &files.0 {
            fs::write(part.path().join(name), text)?;
        }
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder.parent().unwrap_or(out))?;
        fs::rename(part.keep(), folder)
    };
    write().map_err(wrong)?;
    let new = serde_json::to_value(row).expect("JSON");
    all.retain(|other| (&other["number"], &other["network"]) != (&new["number"], &new["network"]));
    all.push(new);
    all.sort_by_key(|row| (row["network"].to_string(), row["number"].as_u64()));
    let text = serde_json::to_string_pretty(&all).expect("JSON") + "\n";
    let mut part = tempfile::NamedTempFile::new_in(out).map_err(wrong)?;
    io::Write::write_all(&mut part, text.as_bytes()).map_err(wrong)?;
    part.persist(out.join(INDEX)).map(drop).map_err(|error| wrong(error.error))
}
