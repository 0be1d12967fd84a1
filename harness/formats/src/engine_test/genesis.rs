//! The genesis of an engine test: a header and accounts of its own, or a file that it names.

use super::format::{EngineTest, Environment, PreAlloc};
use crate::{
    File, SourceError,
    accounts::JsonAccounts,
    blockchain_test::{
        build::{Problem, genesis_of},
        format::JsonHeader,
        stated::Stated,
    },
    hex::Quantity,
    json,
};
use alloy_consensus::{EMPTY_ROOT_HASH, Header, constants::EMPTY_OMMER_ROOT_HASH};
use alloy_eip7928::compute_block_access_list_hash;
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{B64, B256, U256};
use lockstep_judge::{chain::Genesis, consensus::Schedule};
use lockstep_model::{Fork, memory_state::BlockHashes};
use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// The genesis of a test that has one.
pub(super) fn own(test: &EngineTest, stated: &mut Stated) -> Result<Genesis, Problem> {
    let missing = |field: &str| {
        let problem = "expected `genesisBlockHeader` and `pre`, or `preHash`".to_owned();
        (field.to_owned(), problem)
    };
    let json = test.genesis_block_header.as_ref().ok_or_else(|| missing("genesisBlockHeader"))?;
    let pre = test.pre.as_ref().ok_or_else(|| missing("pre"))?;
    stated_genesis(json, pre, stated)
}

fn stated_genesis(
    json: &JsonHeader,
    pre: &JsonAccounts,
    stated: &mut Stated,
) -> Result<Genesis, Problem> {
    let header = header(json)?;
    let hash = header.hash_slow();
    stated.header("genesisBlockHeader", json, &header, hash);
    Ok(genesis_of(header, hash, pre, stated))
}

/// A header from its fields.
fn header(json: &JsonHeader) -> Result<Header, Problem> {
    let wide = |field: &str| {
        (format!("genesisBlockHeader.{field}"), "expected at most 64 bits".to_owned())
    };
    let narrow = |field: &str, value: Quantity| value.as_u64().ok_or_else(|| wide(field));
    let optional =
        |field: &str, value: Option<Quantity>| value.map(|value| narrow(field, value)).transpose();
    let nonce = B64::try_from(json.nonce.0.as_ref())
        .map_err(|_| ("genesisBlockHeader.nonce".to_owned(), "expected 8 bytes".to_owned()))?;
    Ok(Header {
        parent_hash: json.parent_hash,
        ommers_hash: json.uncle_hash,
        beneficiary: json.coinbase,
        state_root: json.state_root,
        transactions_root: json.transactions_trie,
        receipts_root: json.receipt_trie,
        logs_bloom: json.bloom,
        difficulty: json.difficulty.0,
        number: narrow("number", json.number)?,
        gas_limit: narrow("gasLimit", json.gas_limit)?,
        gas_used: narrow("gasUsed", json.gas_used)?,
        timestamp: narrow("timestamp", json.timestamp)?,
        extra_data: json.extra_data.0.clone(),
        mix_hash: json.mix_hash,
        nonce,
        base_fee_per_gas: optional("baseFeePerGas", json.base_fee_per_gas)?,
        withdrawals_root: json.withdrawals_root,
        blob_gas_used: optional("blobGasUsed", json.blob_gas_used)?,
        excess_blob_gas: optional("excessBlobGas", json.excess_blob_gas)?,
        parent_beacon_block_root: json.parent_beacon_block_root,
        requests_hash: json.requests_hash,
        block_access_list_hash: json.block_access_list_hash,
        slot_number: optional("slotNumber", json.slot_number)?,
    })
}

/// The header that execution-spec-tests makes of an environment, with one byte of extra data.
fn header_of_environment(env: &Environment, fork: Fork, state_root: B256) -> Option<Header> {
    let since = |first: Fork| fork >= first;
    let optional = |value: Option<Quantity>, first: Fork| match value {
        Some(value) if since(first) => value.as_u64().map(Some),
        None if since(first) => Some(Some(0)),
        _ => Some(None),
    };
    let base_fee = env.current_base_fee.map_or(Some(7), Quantity::as_u64)?;
    Some(Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: env.current_coinbase,
        state_root,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        difficulty: if since(Fork::Paris) { U256::ZERO } else { env.current_difficulty.0 },
        number: env.current_number.as_u64()?,
        gas_limit: env.current_gas_limit,
        timestamp: env.current_timestamp.as_u64()?,
        extra_data: vec![0].into(),
        mix_hash: env.current_random.as_word(),
        base_fee_per_gas: since(Fork::London).then_some(base_fee),
        withdrawals_root: since(Fork::Shanghai).then_some(EMPTY_ROOT_HASH),
        blob_gas_used: optional(env.current_blob_gas_used, Fork::Cancun)?,
        excess_blob_gas: optional(env.current_excess_blob_gas, Fork::Cancun)?,
        parent_beacon_block_root: since(Fork::Cancun)
            .then(|| env.parent_beacon_block_root.unwrap_or_default()),
        requests_hash: since(Fork::Prague).then_some(EMPTY_REQUESTS_HASH),
        block_access_list_hash: since(Fork::Amsterdam).then(|| compute_block_access_list_hash(&[])),
        slot_number: optional(env.slot_number, Fork::Amsterdam)?,
        ..Header::default()
    })
}

/// A genesis that several tests share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) network: String,
    pub(super) genesis: Genesis,
    /// Statements of its file that contradict the genesis.
    pub(super) broken: Vec<lockstep_judge::difference::Difference>,
}

/// Why a test has no genesis.
#[derive(Debug, Clone)]
pub(super) enum NoGenesis {
    /// The release does not hold it: it was too large, or is kept elsewhere.
    LeftOut,
    /// It cannot be read, or is not where it should be.
    Unreadable(SourceError),
}

impl From<SourceError> for NoGenesis {
    fn from(error: SourceError) -> Self {
        Self::Unreadable(error)
    }
}

type Outcome = Result<Arc<Shared>, NoGenesis>;

/// The `pre_alloc` files that were met on the way, each read once, when a test asks for it.
#[derive(Debug, Default)]
pub struct PreAllocs {
    files: HashMap<(String, String), File>,
    /// Those of which only the name is there.
    pointers: HashSet<String>,
    read: Mutex<HashMap<(String, String), Outcome>>,
}

impl PreAllocs {
    /// Keeps a file of a `pre_alloc` folder.
    pub fn add(&mut self, file: File) {
        self.files.insert((file.origin.clone(), hash_of(&file.path)), file);
    }

    /// Takes note of a file of a `pre_alloc` folder that is kept elsewhere.
    pub fn add_pointer(&mut self, path: &str) {
        self.pointers.insert(hash_of(path));
    }

    /// Every file.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        self.files.values()
    }

    /// The genesis of this name, for a test in this file.
    pub(super) fn get(&self, file: &File, hash: &str, schedule: &Schedule) -> Outcome {
        let key = (file.origin.clone(), hash.to_owned());
        let known = |read: &HashMap<_, Outcome>| read.get(&key).cloned();
        if let Some(outcome) = known(&self.read.lock().unwrap_or_else(PoisonError::into_inner)) {
            return outcome;
        }
        let outcome = match self.files.get(&key).cloned().or_else(|| beside(file, hash)) {
            Some(alloc) => shared(&alloc, schedule).map(Arc::new).map_err(NoGenesis::from),
            None if file.is_in_archive() || self.pointers.contains(hash) => Err(NoGenesis::LeftOut),
            None => {
                let place = format!("pre_alloc/{hash}.json");
                let problem = "expected this file beside the tests that name it, found none";
                Err(SourceError::place(&file.path, place, problem).into())
            }
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.entry(key).or_insert(outcome).clone()
    }
}

fn hash_of(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.trim_end_matches(".json").to_owned()
}

/// The file of a test that was named alone: `pre_alloc` stands in one of the folders above it.
fn beside(file: &File, hash: &str) -> Option<File> {
    let is_name = hash.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let folders = Path::new(&file.path).ancestors().skip(1).filter(|_| is_name);
    let paths = folders.map(|folder| folder.join("pre_alloc").join(format!("{hash}.json")));
    paths.into_iter().find_map(|path| {
        let text = std::fs::read_to_string(&path).ok()?;
        Some(File {
            origin: file.origin.clone(),
            ..File::of_text(path.display().to_string(), &text)
        })
    })
}

fn shared(file: &File, schedule: &Schedule) -> Result<Shared, SourceError> {
    let wrong = |(place, problem): Problem| SourceError::place(&file.path, place, problem);
    let alloc: PreAlloc = json::read(file)?;
    let mut stated = Stated::default();
    let genesis = match (&alloc.genesis, &alloc.environment) {
        (Some(json), _) => stated_genesis(json, &alloc.pre, &mut stated).map_err(wrong)?,
        (None, Some(env)) => {
            let state = alloc.pre.state(BlockHashes::default());
            let state = lockstep_judge::state::PreState::new(state);
            let root = lockstep_judge::state::roots::state_root(&state, &Default::default());
            let time = env.current_timestamp.as_u64().unwrap_or_default();
            let fork = schedule.era(0, time, U256::ZERO).fork;
            let header = header_of_environment(env, fork, root).ok_or_else(|| {
                wrong(("environment".to_owned(), "expected numbers of at most 64 bits".to_owned()))
            })?;
            let hash = header.hash_slow();
            genesis_of(header, hash, &alloc.pre, &mut stated)
        }
        (None, None) => {
            let problem = "expected `genesis` or `environment`, found neither".to_owned();
            return Err(wrong((String::from("genesis"), problem)));
        }
    };
    Ok(Shared { network: alloc.network, genesis, broken: stated.into_differences() })
}
