//! A transition tool over an executor: makes a block of transactions, and leaves out those that cannot be in it.
//!
//! An executor judges whole blocks. Where it rejects one for a transaction, that transaction is left out, and
//! the block runs again: any executor can be driven so.

use alloy_consensus::Transaction as _;
use alloy_eips::eip4844::DATA_GAS_PER_BLOB;
use alloy_primitives::{Address, B256, Bytes, U256};
use lockstep_engine::{NoExecution, Slot};
use lockstep_formats::t8n::{
    Failure, Rejected, Transition, TransitionResult, block_reward, body, post_alloc, rewards,
    text_of,
};
use lockstep_model::{
    AccountChange, AccountInfo, At, Block, BlockOutcome, Case, ExecutorError, Fork, MemoryState,
    Outcome, Phases, Rejection, RunOptions, StateChanges, StateError, StateReader, Transaction,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// What a transition gave.
#[derive(Debug)]
pub struct Made {
    /// Accounts after the block.
    pub alloc: Value,
    /// Roots, receipts, rejected transactions.
    pub result: TransitionResult,
    /// The RLP of the list of the transactions in the block.
    pub body: Bytes,
    /// The block that was made.
    pub case: Case,
    /// What it did; nothing where the block as a whole is invalid.
    pub outcome: BlockOutcome,
}

/// Options of a transition.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The proof-of-work reward in wei; `None`: no reward, and no ommers'.
    pub reward: Option<U256>,
    /// Whether system calls, requests, withdrawals and rewards are left out, as in a state test.
    pub transactions_only: bool,
    /// Whether the outcome must hold the changes of each transaction.
    pub changes_by_transaction: bool,
}

/// Makes the block.
///
/// # Errors
/// When the executor breaks or panics, or asks for a block hash that is not given.
pub fn make(transition: &Transition, options: &Options, slot: &mut Slot) -> Result<Made, Failure> {
    let plan = Plan::new(transition, options)?;
    let mut rejected: BTreeMap<usize, String> = transition
        .transactions
        .iter()
        .filter_map(|transaction| transaction.as_ref().err())
        .map(|Rejected { index, error }| (*index, error.clone()))
        .collect();
    loop {
        let (included, too_many_blobs) = included(transition, &rejected);
        let case = plan.case(transition, &included);
        let rejection = match plan.run(&case, slot)? {
            Outcome::Accepted(outcome) => {
                rejected.extend(too_many_blobs);
                return made(transition, case, *outcome, &rejected, &plan);
            }
            Outcome::Rejected(rejection) => rejection,
        };
        match rejection {
            Rejection { at: At::Transaction(at), rule } => {
                let Some(&index) = included.get(at) else {
                    return Err(Failure::evm(format!(
                        "{}: rejected transaction {at} of {}",
                        slot.label,
                        included.len()
                    )));
                };
                rejected.insert(index, text_of(&rule));
            }
            Rejection { rule, .. } => {
                rejected.extend(too_many_blobs);
                let mut made = made(transition, case, BlockOutcome::default(), &rejected, &plan)?;
                made.result.block_exception = Some(text_of(&rule));
                return Ok(made);
            }
        }
    }
}

/// The indices of the transactions that go into the block, and those that its blobs have no room for.
fn included(
    transition: &Transition,
    rejected: &BTreeMap<usize, String>,
) -> (Vec<usize>, BTreeMap<usize, String>) {
    let (mut included, mut without_room, mut blobs) = (Vec::new(), BTreeMap::new(), 0);
    for (index, transaction) in transition.transactions.iter().enumerate() {
        let Ok(transaction) = transaction else { continue };
        if rejected.contains_key(&index) {
            continue;
        }
        let own =
            transaction.envelope.blob_versioned_hashes().map_or(0, |hashes| hashes.len() as u64);
        if transition.rules.fork >= Fork::Cancun && blobs + own > transition.most_blobs {
            let (gas, most) = (own * DATA_GAS_PER_BLOB, transition.most_blobs * DATA_GAS_PER_BLOB);
            let rule = lockstep_model::Rule::BlobGasAllowanceExceeded;
            without_room.insert(
                index,
                format!("blob gas ({gas}) would exceed maximum allowance {most} ({rule})"),
            );
            continue;
        }
        blobs += own;
        included.push(index);
    }
    (included, without_room)
}

/// How the block runs.
struct Plan {
    phases: Phases,
    run: RunOptions,
    /// Rewards that the executor does not pay.
    rewards: Vec<(Address, U256)>,
    reader: Arc<KnownHashes>,
}

impl Plan {
    fn new(transition: &Transition, options: &Options) -> Result<Self, Failure> {
        let (rules, block) = (&transition.rules, &transition.block);
        // The executor pays what its fork has, and nothing where that is nothing.
        let is_own = options.reward == block_reward(rules.fork)
            || rules.fork >= Fork::Paris && options.reward.is_none_or(|reward| reward.is_zero());
        let rewards = match options.reward {
            Some(reward) if !is_own => rewards(reward, block.beneficiary, &transition.ommers),
            _ => Vec::new(),
        };
        let has_own_phases = is_own || rules.fork >= Fork::Paris;
        if !has_own_phases && rules.dao_drain {
            let problem = "--state.reward: expected that of the fork in the block of the DAO fork";
            return Err(Failure::configuration(problem));
        }
        let is_whole = has_own_phases && !options.transactions_only;
        let changes_by_transaction = rules.fork < Fork::Byzantium || options.changes_by_transaction;
        Ok(Self {
            phases: if is_whole { Phases::Full } else { Phases::TransactionsOnly },
            run: RunOptions { changes_by_transaction, ..RunOptions::default() },
            rewards: if options.transactions_only { Vec::new() } else { rewards },
            reader: Arc::new(KnownHashes {
                state: transition.pre.state.clone(),
                hashes: transition.hashes.clone(),
                missing: Mutex::default(),
            }),
        })
    }

    fn case(&self, transition: &Transition, included: &[usize]) -> Case {
        let transaction = |index: &usize| transition.transactions[*index].clone().ok();
        let transactions: Vec<Transaction> = included.iter().filter_map(transaction).collect();
        let block = Block { transactions, ..transition.block.clone() };
        Case {
            id: Arc::from(format!("t8n block {}", block.number)),
            rules: transition.rules,
            phases: self.phases,
            block: Arc::new(block),
            pre_state: self.reader.clone(),
        }
    }

    fn run(&self, case: &Case, slot: &mut Slot) -> Result<Outcome, Failure> {
        let execution = slot.execute(case, &self.run);
        let missing = *self.reader.missing.lock().unwrap_or_else(PoisonError::into_inner);
        match execution {
            Ok(execution) => Ok(execution.outcome),
            Err(NoExecution::Broke(ExecutorError::State(_))) if missing.is_some() => {
                Err(Failure::missing_block_hash(missing.unwrap_or_default()))
            }
            Err(NoExecution::Broke(ExecutorError::Unsupported(what))) => {
                Err(Failure::configuration(format!("{}: not supported: {what}", slot.label)))
            }
            Err(error) => Err(Failure::evm(error.reason(&slot.label))),
        }
    }
}

fn made(
    transition: &Transition,
    case: Case,
    outcome: BlockOutcome,
    rejected: &BTreeMap<usize, String>,
    plan: &Plan,
) -> Result<Made, Failure> {
    let pre = &transition.pre;
    let mut changes = outcome.changes.clone();
    for (address, amount) in &plan.rewards {
        pay(transition, &mut changes, *address, *amount);
    }
    let mut result = TransitionResult::new(&case, pre, &changes, &outcome).ok_or_else(|| {
        let problem = "the executor gives no changes of each transaction: receipts before \
                           Byzantium hold the states between them";
        Failure::configuration(problem)
    })?;
    let of_index =
        |(index, error): (&usize, &String)| Rejected { index: *index, error: error.clone() };
    result.rejected = rejected.iter().map(of_index).collect();
    let envelopes = case.block.transactions.iter().map(|transaction| &transaction.envelope);
    Ok(Made {
        alloc: post_alloc(&pre.state_after(&changes)),
        result,
        body: body(envelopes),
        case,
        outcome,
    })
}

/// Adds a reward. From Spurious Dragon on an account that stays empty ceases to exist (EIP-161).
fn pay(transition: &Transition, changes: &mut StateChanges, address: Address, amount: U256) {
    let changed = changes.accounts.iter().rev().find(|(changed, _)| *changed == address);
    let before = match changed {
        Some((_, change)) => change.info,
        None => transition.pre.account(address),
    };
    let before = before.unwrap_or_default();
    let info = AccountInfo { balance: before.balance.saturating_add(amount), ..before };
    let is_gone = info.is_empty() && transition.rules.fork >= Fork::SpuriousDragon;
    let change = AccountChange { info: (!is_gone).then_some(info), ..AccountChange::default() };
    changes.accounts.push(address, change);
}

/// The state before the block, which knows some hashes of earlier blocks and says which it lacks.
struct KnownHashes {
    state: Arc<lockstep_model::MemoryState>,
    hashes: BTreeMap<u64, B256>,
    missing: Mutex<Option<u64>>,
}

impl StateReader for KnownHashes {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.state.account(address)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.state.storage(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.state.code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        if let Some(hash) = self.hashes.get(&number) {
            return Ok(*hash);
        }
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(number);
        Err(StateError(format!("no hash of block {number}")))
    }

    fn has_storage(&self, address: Address) -> Result<bool, StateError> {
        self.state.has_storage(address)
    }

    fn whole(&self) -> Option<&MemoryState> {
        Some(&self.state)
    }
}
