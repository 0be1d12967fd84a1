//! The accounts before a block, in the shapes in which nodes and tools write them.
//!
//! * `{address: {balance, nonce, code, storage}}`: a genesis allocation, besu's and reth's too;
//! * `{"alloc": …}` and `{"accounts": …}`: a genesis file, geth's `dump`;
//! * what a node answers, `{"jsonrpc", "id", "result": …}`, with any of these in it;
//! * `[{"txHash", "result": …}]`: prestate tracers, a result for each transaction. The values of a later
//!   result are those after earlier transactions, so the first occurrence of an account, and of each
//!   of its slots, is the one before the block. In `diffMode` a result is `{"pre": …, "post": …}`.

use crate::{
    File, SourceError,
    accounts::{JsonAccount, JsonAccounts},
    hex::Ordered,
    json,
};
use alloy_primitives::Address;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};

/// Members that hold the accounts, of objects that are no accounts themselves.
const WRAPPERS: [&str; 3] = ["result", "alloc", "accounts"];

/// Objects within objects that are looked into.
const DEEPEST: usize = 4;

/// The result of tracing one transaction.
#[derive(Debug, Deserialize)]
struct Traced<'a> {
    #[serde(borrow)]
    result: &'a RawValue,
}

/// The accounts of a file, those left out that tracers list although they are not there.
///
/// # Errors
/// When the file has none of the shapes, or an account contradicts itself.
pub(super) fn accounts(file: &File) -> Result<JsonAccounts, SourceError> {
    let bytes = file.content.bytes();
    let found = std::str::from_utf8(&bytes).ok().and_then(|text| unwrap(text, DEEPEST));
    let mut accounts = match found {
        Some(accounts) => accounts,
        None => json::read::<JsonAccounts>(file)?,
    };
    if let Some((address, problem)) = accounts.contradiction() {
        return Err(SourceError::place(&file.path, address.to_string(), problem));
    }
    accounts.0.retain(|(_, account)| !account.is_absent());
    Ok(accounts)
}

fn unwrap(text: &str, depth: usize) -> Option<JsonAccounts> {
    if let Ok(accounts) = serde_json::from_str(text) {
        return Some(accounts);
    }
    if let Ok(traces) = serde_json::from_str::<Vec<Traced<'_>>>(text) {
        return traced(&traces);
    }
    let members: Ordered<String, &RawValue> = serde_json::from_str(text).ok()?;
    let wrapped = members.0.iter().find(|(name, _)| WRAPPERS.contains(&name.as_str()))?;
    unwrap(wrapped.1.get(), depth.checked_sub(1)?)
}

fn traced(traces: &[Traced<'_>]) -> Option<JsonAccounts> {
    let mut merged = Merged::default();
    for trace in traces {
        merged.add(before(trace.result.get())?);
    }
    Some(Ordered(merged.accounts))
}

/// The accounts before one transaction.
fn before(result: &str) -> Option<JsonAccounts> {
    #[derive(Deserialize)]
    struct Diff {
        pre: JsonAccounts,
    }
    let plain = serde_json::from_str(result);
    plain.or_else(|_| serde_json::from_str::<Diff>(result).map(|diff| diff.pre)).ok()
}

/// Accounts and slots by their first occurrence.
#[derive(Default)]
struct Merged {
    accounts: Vec<(Address, JsonAccount)>,
    places: HashMap<Address, usize>,
}

impl Merged {
    fn add(&mut self, accounts: JsonAccounts) {
        for (address, account) in accounts.0 {
            match self.places.get(&address) {
                None => {
                    self.places.insert(address, self.accounts.len());
                    self.accounts.push((address, account));
                }
                Some(place) => add_slots(&mut self.accounts[*place].1, account),
            }
        }
    }
}

fn add_slots(first: &mut JsonAccount, later: JsonAccount) {
    let known: HashSet<_> = first.storage.0.iter().map(|(slot, _)| slot.0).collect();
    let new = later.storage.0.into_iter().filter(|(slot, _)| !known.contains(&slot.0));
    first.storage.0.extend(new);
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{U256, address};
    use lockstep_model::memory_state::BlockHashes;

    const ONE: Address = address!("0x0000000000000000000000000000000000000101");

    fn balance_and_slot(text: &str) -> Option<(U256, u64, Option<U256>)> {
        let accounts = accounts(&File::of_text("pre_state.json", text)).unwrap();
        let state = accounts.state(BlockHashes::default());
        let account = state.get(ONE)?;
        let slot = account.storage.get(&U256::from(1)).copied();
        Some((account.info.balance, account.info.nonce, slot))
    }

    #[test]
    fn every_shape_is_read() {
        let expected = Some((U256::from(16), 7, Some(U256::from(0x2a))));
        let one = "0000000000000000000000000000000000000101";
        let plain = format!(
            r#"{{"0x{one}": {{"balance": "0x10", "nonce": 7, "storage": {{"0x1": "0x2a"}}}}}}"#
        );
        let shapes = [
            plain.clone(),
            format!(
                r#"{{"alloc": {{"{one}": {{"balance": "16", "nonce": "0x7", "code": "0x", "storage": {{"0x01": "0x2a"}}}}}}}}"#
            ),
            format!(
                r#"{{"root": "ab", "accounts": {{"0x{one}": {{"balance": "16", "nonce": 7, "root": "0x1", "storage": {{"0x01": "2a"}}}}}}}}"#
            ),
            format!(r#"{{"jsonrpc": "2.0", "id": 1, "result": {plain}}}"#),
            format!(r#"{{"jsonrpc": "2.0", "result": [{{"txHash": "0x1", "result": {plain}}}]}}"#),
            format!(r#"[{{"result": {{"pre": {plain}, "post": {{}}}}}}]"#),
        ];
        for shape in shapes {
            assert_eq!(balance_and_slot(&shape), expected, "{shape}");
        }
    }

    #[test]
    fn the_first_occurrence_wins_and_absent_accounts_are_left_out() {
        let one = "0x0000000000000000000000000000000000000101";
        let traces = format!(
            r#"[{{"result": {{"{one}": {{"balance": "0x1", "storage": {{"0x1": "0x5"}}}}}}}},
                {{"result": {{"{one}": {{"balance": "0x2", "nonce": 1, "storage": {{"0x1": "0x6", "0x2": "0x7"}}}}}}}}]"#
        );
        assert_eq!(balance_and_slot(&traces), Some((U256::from(1), 0, Some(U256::from(5)))));
        assert_eq!(balance_and_slot(&format!(r#"{{"{one}": {{"balance": "0x0"}}}}"#)), None);
        let explicit =
            format!(r#"{{"{one}": {{"balance": "0x0", "nonce": "0x0", "code": "0x"}}}}"#);
        assert!(
            balance_and_slot(&explicit).is_some(),
            "an empty account that is stated in full exists"
        );
    }

    #[test]
    fn other_shapes_and_contradictions_are_refused() {
        let wrong =
            |text: &str| accounts(&File::of_text("pre_state.json", text)).unwrap_err().to_string();
        assert!(
            wrong(r#"{"jsonrpc": "2.0", "error": {"code": -32000}}"#).contains("pre_state.json")
        );
        let one = "0x0000000000000000000000000000000000000101";
        let hash = "0x1111111111111111111111111111111111111111111111111111111111111111";
        let text = format!(r#"{{"{one}": {{"code": "0x00", "codeHash": "{hash}"}}}}"#);
        assert!(wrong(&text).contains("expected code with the hash 0x1111"));
        let twice = format!(r#"{{"{one}": {{"balance": "0x1"}}, "{one}": {{"balance": "0x2"}}}}"#);
        assert!(wrong(&twice).contains("expected an account once, found it again"));
    }
}
