//! `post_state.json`: proved values after the block, as far as a partial pre-state can decide them.

use super::{BlockFiles, Contents};
use crate::{
    SourceError,
    hex::{Ordered, Quantity, u64_quantity},
    json,
};
use alloy_primitives::{Address, B256};
use lockstep_judge::{expected::ExpectedAccount, state::PreState};
use lockstep_model::Phases;
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Debug, Deserialize)]
struct PostState {
    accounts: Ordered<Address, PostAccount>,
    #[serde(default)]
    absent: Vec<Address>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostAccount {
    balance: Quantity,
    #[serde(deserialize_with = "u64_quantity")]
    nonce: u64,
    code_hash: B256,
    #[serde(default)]
    storage: Ordered<Quantity, Quantity>,
}

/// The accounts that the block must leave.
pub(super) fn accounts(
    files: &BlockFiles,
    block: &Contents,
    pre: &PreState,
    phases: Phases,
    undecidable: &mut Vec<Cow<'static, str>>,
) -> Result<Vec<ExpectedAccount>, SourceError> {
    let Some(file) = &files.post_state else { return Ok(Vec::new()) };
    let post: PostState = json::read(file)?;
    let unknown = |address: Address| {
        let why = unknown_balance(address, block, pre, phases);
        if let Some(why) = why
            && !undecidable.iter().any(|known| known == why)
        {
            undecidable.push(Cow::Borrowed(why));
        }
        why.is_some()
    };
    let mut unknown = unknown;
    let mut accounts = Vec::new();
    for (address, account) in post.accounts.0 {
        // A recipient of a withdrawal that was not captured starts from nothing at all.
        let known =
            pre.proof.is_some() || pre.account(address).is_some() || !withdraws(block, address);
        accounts.push(ExpectedAccount {
            address,
            exists: true,
            balance: (!unknown(address)).then_some(account.balance.0),
            nonce: known.then_some(account.nonce),
            code_hash: known.then_some(account.code_hash),
            storage: account.storage.0.iter().map(|(slot, value)| (slot.0, value.0)).collect(),
            storage_is_complete: false,
        });
    }
    accounts.extend(post.absent.into_iter().map(ExpectedAccount::absent));
    Ok(accounts)
}

/// Why the balance of this account cannot be decided.
fn unknown_balance(
    address: Address,
    block: &Contents,
    pre: &PreState,
    phases: Phases,
) -> Option<&'static str> {
    if pre.proof.is_none() && pre.account(address).is_none() && withdraws(block, address) {
        return Some("balance of a withdrawal recipient that is not in the pre-state");
    }
    if phases == Phases::TransactionsOnly && withdraws(block, address) {
        return Some("balance of a withdrawal recipient: withdrawals were not run");
    }
    if block.ommers.is_none() {
        return Some("balances of a block with ommers: their rewards were not paid");
    }
    None
}

fn withdraws(block: &Contents, address: Address) -> bool {
    block.withdrawals.iter().flatten().any(|withdrawal| withdrawal.address == address)
}
