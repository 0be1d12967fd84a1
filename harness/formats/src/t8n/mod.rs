//! The documents of a transition tool: `alloc`, `env` and `txs` in, `alloc`, `result` and `body` out, as geth's
//! `evm t8n` and the Python specs' `ethereum-spec-evm t8n` have them.
//!
//! * `env`: the block without its transactions. * `transactions`: as JSON or RLP. * `result`: what came of it.
//! * `inputs`, `answer`: the other side: a case as inputs, and an answer as an outcome. * `texts`: geth's words for a transaction that is rejected.

mod answer;
mod env;
mod inputs;
mod result;
mod texts;
mod transactions;

pub use crate::body::body;
pub use answer::Answer;
pub use env::{Blobs, Target};
pub use inputs::{Inputs, inputs};
pub use result::{Rejected, TransitionLog, TransitionReceipt, TransitionResult, post_alloc};
pub use texts::{rule_of_text, text_of, text_of_reason};

use crate::accounts::JsonAccounts;
use alloy_primitives::{Address, B256, U256};
use lockstep_judge::state::PreState;
use lockstep_model::{Block, Fork, Rules, Transaction, memory_state::BlockHashes};
use serde_json::Value;
use std::{collections::BTreeMap, fmt, sync::Arc};

/// Why there is no result, with the exit status that geth's tool has for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit status.
    pub status: u8,
    /// The problem.
    pub problem: String,
}

impl Failure {
    /// Execution failed.
    pub fn evm(problem: impl ToString) -> Self {
        Self { status: 2, problem: problem.to_string() }
    }

    /// An option, or a member of `env` that the fork needs, is missing or wrong.
    pub fn configuration(problem: impl ToString) -> Self {
        Self { status: 3, problem: problem.to_string() }
    }

    /// `BLOCKHASH` of a block that `blockHashes` does not have.
    pub fn missing_block_hash(number: u64) -> Self {
        let problem = format!("getHash({number}) invoked, blockhash for that block not provided");
        Self { status: 4, problem }
    }

    /// A document that is not what it should be.
    pub fn json(document: &str, problem: impl fmt::Display) -> Self {
        Self { status: 10, problem: format!("{document}: {problem}") }
    }

    /// A file that cannot be read or written.
    pub fn io(problem: impl ToString) -> Self {
        Self { status: 11, problem: problem.to_string() }
    }

    /// Transactions that are no RLP list.
    pub fn rlp(problem: impl fmt::Display) -> Self {
        Self { status: 12, problem: format!("txs: {problem}") }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ERROR({}): {}", self.status, self.problem)
    }
}

impl std::error::Error for Failure {}

/// The inputs, as JSON.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    /// Accounts before the block.
    pub alloc: Value,
    /// The block without its transactions.
    pub env: Value,
    /// A list of transactions, or a string with the RLP of one.
    pub txs: Value,
    /// Blob parameters instead of the fork's.
    pub blob_params: Option<Value>,
}

/// A block that is to be made.
#[derive(Debug, Clone)]
pub struct Transition {
    /// The rules of the block.
    pub rules: Rules,
    /// The block, without transactions.
    pub block: Block,
    /// The state before.
    pub pre: Arc<PreState>,
    /// Hashes of blocks before, as far as they are known.
    pub hashes: BTreeMap<u64, B256>,
    /// The transactions, or the text that rejects one.
    pub transactions: Vec<Result<Transaction, Rejected>>,
    /// The ommers, and the distance of each: before Paris they are paid too.
    pub ommers: Vec<(Address, u64)>,
    /// Most blobs of the block.
    pub most_blobs: u64,
}

impl Transition {
    /// Reads the documents.
    ///
    /// # Errors
    /// A document that cannot be read, or lacks what the fork needs.
    pub fn read(documents: &Documents, target: &Target<'_>) -> Result<Self, Failure> {
        let accounts: JsonAccounts = from_value("alloc", &documents.alloc)?;
        if let Some((address, problem)) = accounts.contradiction() {
            return Err(Failure::json("alloc", format!("{address}: {problem}")));
        }
        let blobs = documents.blob_params.as_ref().filter(|value| !value.is_null());
        let blobs = blobs.map(|value| from_value("blobParams", value)).transpose()?;
        let env = env::read(from_value("env", &documents.env)?, target, blobs)?;
        let known = env.hashes.iter().map(|(number, hash)| (*number, *hash)).collect();
        let state = accounts.state(BlockHashes::Known(Arc::new(known)));
        let transactions = transactions::read(&documents.txs, &env.rules)?;
        Ok(Self {
            rules: env.rules,
            block: env.block,
            pre: PreState::new(state),
            hashes: env.hashes,
            transactions,
            ommers: env.ommers,
            most_blobs: env.most_blobs,
        })
    }
}

/// Reads a document; the error names the place in it.
fn from_value<T: serde::de::DeserializeOwned>(name: &str, value: &Value) -> Result<T, Failure> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!("at {path}: ") };
        Failure::json(name, format!("{place}{}", error.inner()))
    })
}

/// The block reward of a fork (Yellow Paper 11.3, EIP-649, EIP-1234); none from Paris on.
pub fn block_reward(fork: Fork) -> Option<U256> {
    let ether = match fork {
        _ if fork >= Fork::Paris => return None,
        _ if fork >= Fork::Constantinople => 2,
        _ if fork >= Fork::Byzantium => 3,
        _ => 5,
    };
    Some(U256::from(ether) * U256::from(10).pow(U256::from(18)))
}

/// Proof-of-work rewards: the miner's, and those of ommers at their distance (Yellow Paper 11.3).
pub fn rewards(
    reward: U256,
    beneficiary: Address,
    ommers: &[(Address, u64)],
) -> Vec<(Address, U256)> {
    let of_ommer = |&(address, delta): &(Address, u64)| {
        (address, reward * U256::from(8_u64.saturating_sub(delta)) / U256::from(8))
    };
    let more = reward / U256::from(32) * U256::from(ommers.len());
    ommers.iter().map(of_ommer).chain([(beneficiary, reward + more)]).collect()
}
