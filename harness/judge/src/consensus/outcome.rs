//! Commitments of the header to the results of execution.

use super::{BlockRule, access_list};
use crate::state::{NormalChanges, PreState, roots};
use alloy_consensus::Header;
use alloy_eip7928::total_bal_items;
use alloy_eips::eip7685::Requests;
use alloy_primitives::B256;
use lockstep_model::{BlockOutcome, Fork};

/// A header field that execution does not bear out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The rule that the block breaks.
    pub rule: BlockRule,
    /// The field, as difference reports name it.
    pub field: &'static str,
    /// The value that the header states.
    pub stated: String,
    /// The value that execution gave.
    pub found: String,
}

/// Compares all that a header states of the execution with what it gave. The mismatches are in the
/// order in which clients look at them.
pub fn check(
    fork: Fork,
    header: &Header,
    pre: &PreState,
    changes: &NormalChanges,
    outcome: &BlockOutcome,
) -> Vec<Mismatch> {
    let mut found = Mismatches(Vec::new());
    found.check(BlockRule::GasUsed, "gas_used", &header.gas_used, &outcome.gas_used);
    found.receipts_gas(outcome);
    let bloom = roots::logs_bloom(&outcome.receipts);
    found.check(BlockRule::LogsBloom, "logs_bloom", &header.logs_bloom, &bloom);
    if let Some(root) = receipts_root(fork, pre, outcome) {
        found.check(BlockRule::ReceiptsRoot, "receipts_root", &header.receipts_root, &root);
    }
    if let Some(stated) = header.requests_hash {
        let hash = Requests::new(outcome.requests.clone()).requests_hash();
        found.check(BlockRule::RequestsHash, "requests_hash", &stated, &hash);
    }
    if let Some(stated) = header.block_access_list_hash.filter(|_| !outcome.hidden.access_list) {
        let list = outcome.access_list.as_deref().unwrap_or_default();
        let hash = alloy_eip7928::compute_block_access_list_hash(list);
        found.check(BlockRule::AccessList, "block_access_list_hash", &stated, &hash);
        if let Err(rule) = access_list::is_not_too_long(list, header.gas_limit) {
            found.0.push(Mismatch {
                rule,
                field: "block_access_list_items",
                stated: format!("at most {}", access_list::most_items(header.gas_limit)),
                found: total_bal_items(list).to_string(),
            });
        }
    }
    let root = roots::state_root(pre, changes);
    found.check(BlockRule::StateRoot, "state_root", &header.state_root, &root);
    found.0
}

/// The root of the receipts, as the fork has them. `None` where they hold states, and the executor gives none.
pub fn receipts_root(fork: Fork, pre: &PreState, outcome: &BlockOutcome) -> Option<B256> {
    if fork >= Fork::Byzantium {
        return Some(roots::receipts_root(&outcome.receipts));
    }
    let states = match &outcome.roots_by_transaction {
        Some(states) => states.clone(),
        None => roots::intermediate_roots(pre, outcome),
    };
    (states.len() == outcome.receipts.len())
        .then(|| roots::receipts_root_with_states(&outcome.receipts, &states))
}

struct Mismatches(Vec<Mismatch>);

impl Mismatches {
    /// The gas of each transaction is what the sum grew by: no header has it, and RPC answers do.
    fn receipts_gas(&mut self, outcome: &BlockOutcome) {
        let mut sum = 0_u64;
        for receipt in &outcome.receipts {
            let grown = receipt.cumulative_gas_used.wrapping_sub(sum);
            self.check(BlockRule::GasUsed, "receipt_gas_used", &grown, &receipt.gas_used);
            sum = receipt.cumulative_gas_used;
        }
    }

    fn check<T: PartialEq + ToString>(
        &mut self,
        rule: BlockRule,
        field: &'static str,
        stated: &T,
        found: &T,
    ) {
        if stated != found {
            let (stated, found) = (stated.to_string(), found.to_string());
            self.0.push(Mismatch { rule, field, stated, found });
        }
    }
}
