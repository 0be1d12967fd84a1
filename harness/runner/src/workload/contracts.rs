//! The contracts of `corpora/contracts` as its build left them, and where they keep what.

use alloy_primitives::{Address, Bytes, U256, hex, keccak256};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::LazyLock};

/// The compiled contracts.
const ARTEFACTS: &str = include_str!("../../../../corpora/contracts/artefacts.json");

#[derive(Debug, Deserialize)]
struct Artefacts {
    contracts: BTreeMap<String, Artefact>,
}

#[derive(Debug, Deserialize)]
struct Artefact {
    functions: BTreeMap<String, String>,
    code: Bytes,
}

static CONTRACTS: LazyLock<Artefacts> = LazyLock::new(|| {
    serde_json::from_str(ARTEFACTS).expect("artefacts.json is what build.mjs writes")
});

fn artefact(name: &str) -> &'static Artefact {
    CONTRACTS.contracts.get(name).expect("a contract of corpora/contracts")
}

/// The runtime code of a contract.
pub(super) fn code(name: &str) -> Bytes {
    artefact(name).code.clone()
}

/// Calldata of a function: selector and words (Solidity ABI).
pub(super) fn call(name: &str, function: &str, words: &[U256]) -> Bytes {
    let selector = artefact(name).functions.get(function).expect("a function of the contract");
    let mut data = hex::decode(selector).expect("a selector in hex");
    words.iter().for_each(|word| data.extend(word.to_be_bytes::<32>()));
    data.into()
}

/// An address as a word.
pub(super) fn word(address: Address) -> U256 {
    U256::from_be_bytes(address.into_word().0)
}

/// Where a mapping that is declared at `slot` keeps the value of `key` (Solidity, "Layout of State
/// Variables in Storage").
pub(super) fn mapping_slot(slot: U256, key: U256) -> U256 {
    let mut place = [0; 64];
    place[..32].copy_from_slice(&key.to_be_bytes::<32>());
    place[32..].copy_from_slice(&slot.to_be_bytes::<32>());
    keccak256(place).into()
}

/// `Token.balanceOf`.
pub(super) fn balance_slot(owner: Address) -> U256 {
    mapping_slot(U256::from(1), word(owner))
}

/// `Token.allowance`.
pub(super) fn allowance_slot(owner: Address, spender: Address) -> U256 {
    let of_owner = mapping_slot(U256::from(2), word(owner));
    mapping_slot(of_owner, word(spender))
}
