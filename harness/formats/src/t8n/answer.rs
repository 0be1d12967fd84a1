//! What a transition tool answers, as an outcome. Every tool's spelling is read: geth's, and the Python specs'.

use super::{Inputs, Rejected, TransitionResult, from_value, rule_of_text};
use crate::{
    access_list::JsonAccessList,
    accounts::JsonAccounts,
    hex::{Amount, Data},
};
use alloy_consensus::{TxEnvelope, Typed2718 as _};
use alloy_primitives::{Address, B256, Log, LogData, U256};
use lockstep_judge::state::PreState;
use lockstep_model::{
    AccountChange, At, BlockOutcome, Case, Fork, Hidden, MemoryState, Outcome, Phases, Receipt,
    Rejection, Rule, StateChanges,
    memory_state::{BlockHashes, StoredAccount},
};
use serde::Deserialize;
use serde_json::Value;

/// An answer, as JSON.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Accounts after the block.
    pub alloc: Value,
    /// Roots, receipts, rejected transactions.
    pub result: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct JsonResult {
    receipts: Option<Vec<JsonReceipt>>,
    rejected: Option<Vec<Rejected>>,
    gas_used: Option<Amount>,
    blob_gas_used: Option<Amount>,
    requests: Option<Vec<Data>>,
    block_access_list: Option<JsonAccessList>,
    block_exception: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonReceipt {
    transaction_hash: B256,
    #[serde(alias = "post_state", alias = "postState")]
    root: Option<Data>,
    #[serde(default, alias = "succeeded")]
    status: Option<Status>,
    cumulative_gas_used: Amount,
    gas_used: Option<Amount>,
    logs: Option<Vec<JsonLog>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Status {
    Flag(bool),
    Number(Amount),
}

#[derive(Debug, Deserialize)]
struct JsonLog {
    address: Address,
    topics: Vec<B256>,
    data: Data,
}

impl Answer {
    /// The outcome that it tells of, to the inputs of this case.
    ///
    /// # Errors
    /// An answer that cannot be read, that is to another block, or that contradicts itself.
    pub fn outcome(&self, case: &Case, inputs: &Inputs) -> Result<Outcome, String> {
        let result: JsonResult = read("result", &self.result)?;
        if let Some(text) = &result.block_exception {
            let rule = rule(text);
            let is_before = text.contains(Rule::MissingParentBeaconBlockRoot.name());
            let at = if is_before { At::PreBlock } else { At::PostBlock };
            return Ok(Outcome::Rejected(Rejection { at, rule }));
        }
        let first = result.rejected.iter().flatten().min_by_key(|rejected| rejected.index);
        if let Some(Rejected { index, error }) = first {
            let rejection = Rejection { at: At::Transaction(*index), rule: rule(error) };
            return Ok(Outcome::Rejected(rejection));
        }
        let pre = case.pre_state.whole().ok_or("the state before the block is not known")?;
        let accounts: JsonAccounts = read("alloc", &self.alloc)?;
        let outcome = BlockOutcome {
            receipts: receipts(
                inputs.transactions(),
                result.receipts.as_deref().unwrap_or_default(),
            )?,
            gas_used: number(
                "gasUsed",
                result.gas_used.ok_or("result: expected gasUsed, found none")?,
            )?,
            blob_gas_used: match result.blob_gas_used {
                Some(stated) => number("blobGasUsed", stated)?,
                None => 0,
            },
            requests: result.requests.iter().flatten().map(|data| data.0.clone()).collect(),
            changes: changes(pre, &accounts.state(BlockHashes::default())),
            access_list: result.block_access_list.clone().map(|list| list.0),
            roots_by_transaction: states(case, result.receipts.as_deref().unwrap_or_default()),
            hidden: Hidden {
                blob_gas_used: result.blob_gas_used.is_none() && case.rules.fork >= Fork::Cancun,
                access_list: result.block_access_list.is_none()
                    && case.rules.fork >= Fork::Amsterdam,
                requests: result.requests.is_none() && case.rules.fork >= Fork::Prague,
                ..Hidden::default()
            },
            ..BlockOutcome::default()
        };
        self.is_consistent(case, pre, &outcome)?;
        let access_list = outcome.access_list.filter(|_| case.phases == Phases::Full);
        Ok(Outcome::Accepted(Box::new(BlockOutcome { access_list, ..outcome })))
    }

    /// Whether the roots are those of what stands beside them.
    fn is_consistent(
        &self,
        case: &Case,
        pre: &MemoryState,
        outcome: &BlockOutcome,
    ) -> Result<(), String> {
        let pre = PreState::new(pre.clone());
        let Some(own) = TransitionResult::new(case, &pre, &outcome.changes, outcome) else {
            return Ok(());
        };
        let own = serde_json::to_value(own).map_err(|error| error.to_string())?;
        for member in [
            "stateRoot",
            "receiptsRoot",
            "logsHash",
            "logsBloom",
            "withdrawalsRoot",
            "requestsHash",
        ] {
            let (stated, computed) = (&self.result[member], &own[member]);
            // What is not there is judged by what it is made of.
            if stated.is_null()
                || computed.is_null()
                || member == "requestsHash" && outcome.hidden.requests
            {
                continue;
            }
            if stated != computed {
                return Err(format!(
                    "result.{member}: expected {computed}, as the rest of the answer makes it, found {stated}"
                ));
            }
        }
        Ok(())
    }
}

fn read<T: serde::de::DeserializeOwned>(name: &str, value: &Value) -> Result<T, String> {
    from_value(name, value).map_err(|failure| failure.problem)
}

/// A transaction may break several rules, and every client looks at them in an order of its own: the reason stays the
/// client's own, and the place alone is compared.
fn rule(text: &str) -> Rule {
    match rule_of_text(text) {
        Some(rule) if !text.contains(rule.name()) => Rule::Other(format!("{text} ({rule})")),
        _ => Rule::Other(text.to_owned()),
    }
}

fn number(name: &str, Amount(value): Amount) -> Result<u64, String> {
    u64::try_from(value).map_err(|_| format!("{name}: expected at most 64 bits, found {value}"))
}

fn receipts(transactions: &[TxEnvelope], stated: &[JsonReceipt]) -> Result<Vec<Receipt>, String> {
    if stated.len() != transactions.len() {
        let (expected, found) = (transactions.len(), stated.len());
        return Err(format!("result.receipts: expected {expected}, found {found}"));
    }
    let mut before = 0;
    let one = |(index, (receipt, envelope)): (usize, (&JsonReceipt, &TxEnvelope))| {
        let (expected, found) = (*envelope.tx_hash(), receipt.transaction_hash);
        if expected != found {
            return Err(format!(
                "result.receipts[{index}].transactionHash: expected {expected}, found {found}"
            ));
        }
        let cumulative_gas_used = number("cumulativeGasUsed", receipt.cumulative_gas_used)?;
        let gas_used = cumulative_gas_used.checked_sub(before).ok_or_else(|| {
            format!("result.receipts[{index}].cumulativeGasUsed: expected at least {before}, found {cumulative_gas_used}")
        })?;
        before = cumulative_gas_used;
        let gas_used = match receipt.gas_used {
            Some(stated) => number("gasUsed", stated)?,
            None => gas_used,
        };
        Ok(Receipt {
            transaction_type: envelope.ty(),
            success: match receipt.status {
                Some(Status::Flag(success)) => success,
                Some(Status::Number(Amount(status))) => !status.is_zero(),
                None => false,
            },
            gas_used,
            cumulative_gas_used,
            logs: logs(receipt.logs.as_deref().unwrap_or_default()).ok_or_else(|| {
                format!("result.receipts[{index}].logs: expected at most four topics")
            })?,
        })
    };
    stated.iter().zip(transactions).enumerate().map(one).collect()
}

fn logs(stated: &[JsonLog]) -> Option<Vec<Log>> {
    let one = |log: &JsonLog| {
        let data = LogData::new(log.topics.clone(), log.data.0.clone())?;
        Some(Log { address: log.address, data })
    };
    stated.iter().map(one).collect()
}

/// The roots between transactions; receipts have them before Byzantium.
fn states(case: &Case, stated: &[JsonReceipt]) -> Option<Vec<B256>> {
    let root = |receipt: &JsonReceipt| B256::try_from(&receipt.root.as_ref()?.0[..]).ok();
    if case.rules.fork >= Fork::Byzantium { None } else { stated.iter().map(root).collect() }
}

/// From one state to another.
fn changes(before: &MemoryState, after: &MemoryState) -> StateChanges {
    let mut changes = StateChanges::default();
    let mut addresses: Vec<Address> =
        before.accounts().chain(after.accounts()).map(|(address, _)| *address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    for address in addresses {
        let (old, new) = (before.get(address), after.get(address));
        if old == new {
            continue;
        }
        if let Some(code) = new.and_then(|account| after.code_by_hash(account.info.code_hash)) {
            let hash = new.map(|account| account.info.code_hash).unwrap_or_default();
            changes.codes.insert(hash, code.clone());
        }
        changes.accounts.push(address, change(old, new));
    }
    changes
}

fn change(old: Option<&StoredAccount>, new: Option<&StoredAccount>) -> AccountChange {
    let slots = |account: Option<&StoredAccount>| -> Vec<(U256, U256)> {
        let mut slots: Vec<_> = account
            .into_iter()
            .flat_map(|account| account.storage.iter().map(|(slot, value)| (*slot, *value)))
            .collect();
        slots.sort_unstable();
        slots
    };
    AccountChange {
        info: new.map(|account| account.info),
        storage_cleared: old.is_some_and(|account| !account.storage.is_empty()),
        storage: slots(new),
    }
}
