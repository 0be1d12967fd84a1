//! A case as the inputs of a transition tool.

use super::{block_reward, body};
use crate::export;
use lockstep_model::{Case, Fork, Phases, StateReader as _};
use serde_json::{Value, json};

/// `BLOCKHASH` reaches so far back.
const HASHES: u64 = 256;

/// The inputs, as JSON.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Accounts before the block.
    pub alloc: Value,
    /// The block without its transactions.
    pub env: Value,
    /// The signed transactions: the RLP of their list, as one string.
    pub rlp: Value,
    /// The same, as objects.
    pub txs: Value,
    /// `BlobParams` where they are not the fork's own.
    pub blob_params: Option<Value>,
    /// The fork's name.
    pub fork: &'static str,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The block reward in wei; -1: none.
    pub reward: i128,
    /// Whether nothing but transactions runs.
    pub transactions_only: bool,
}

/// Said of a block that cannot be signed.
const UNKNOWN_KEY: &str = "the key of a sender is not known";

/// The fork's name for tools: all of them know these.
fn tool_name(fork: Fork) -> &'static str {
    match fork {
        Fork::Tangerine => "TangerineWhistle",
        Fork::SpuriousDragon => "SpuriousDragon",
        other => other.fixture_name(),
    }
}

/// The inputs of a case.
///
/// # Errors
/// Why there are none: a pre-state that is not there as a whole, a sender whose key is not known, or a block that
/// no header could have.
pub fn inputs(case: &Case) -> Result<Inputs, String> {
    let state = case.pre_state.whole().ok_or("the whole state before the block is not known")?;
    let transactions = export::sign(&case.block.transactions).map_err(|_| UNKNOWN_KEY)?;
    if export::has_too_many_blobs(case) {
        return Err("more blobs than a header may have".to_owned());
    }
    if export::may_overflow(case) {
        return Err("rewards may overflow the fee recipient's balance".to_owned());
    }
    if case.rules.dao_drain {
        return Err("the block of the DAO fork".to_owned());
    }
    let number = case.block.number;
    let transactions_only = case.phases == Phases::TransactionsOnly;
    // A tool takes the parent's hash, which EIP-2935 stores, out of the hashes that BLOCKHASH gives.
    let parent = number.checked_sub(1).and_then(|parent| state.block_hash(parent).ok());
    let stores_parent = case.rules.fork >= Fork::Prague && !transactions_only;
    if stores_parent && parent.is_some_and(|parent| parent != case.block.parent_hash) {
        return Err("BLOCKHASH gives another hash of the parent than the block states".to_owned());
    }
    let hashes = (number.saturating_sub(HASHES)..number)
        .filter_map(|earlier| Some((earlier, state.block_hash(earlier).ok()?)));
    Ok(Inputs {
        alloc: export::accounts(state),
        env: export::env(case, hashes),
        rlp: json!(body(transactions.iter())),
        txs: transactions.iter().map(|tx| json!(tx)).collect(),
        blob_params: None,
        fork: tool_name(case.rules.fork),
        chain_id: case.rules.chain_id,
        reward: match block_reward(case.rules.fork) {
            None if !transactions_only => 0,
            Some(reward) if !transactions_only => reward.to::<i128>(),
            _ => -1,
        },
        transactions_only,
    })
}
