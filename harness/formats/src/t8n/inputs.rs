//! A case as the inputs of a transition tool.

use super::{block_reward, body};
use crate::export;
use alloy_consensus::TxEnvelope;
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
    /// The signed transactions.
    transactions: Vec<TxEnvelope>,
    /// The fork's name.
    pub fork: &'static str,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The block reward in wei; -1: none.
    pub reward: i128,
    /// Whether nothing but transactions runs.
    pub transactions_only: bool,
}

impl Inputs {
    /// The transactions as one string: the RLP of their list.
    pub fn rlp(&self) -> Value {
        json!(body(self.transactions.iter()))
    }

    /// The transactions as objects.
    pub fn objects(&self) -> Value {
        self.transactions.iter().map(|tx| json!(tx)).collect()
    }

    /// The signed transactions, in block order.
    pub(super) fn transactions(&self) -> &[TxEnvelope] {
        &self.transactions
    }
}

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
    let state = export::showable(case)?;
    let transactions = export::sign(&case.block.transactions).map_err(|_| export::UNKNOWN_KEY)?;
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
        transactions,
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
