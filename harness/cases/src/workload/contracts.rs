//! The contracts of `corpora/contracts` as its build left them, and where they keep what.

use super::draft::Draft;
use alloy_primitives::{Address, Bytes, U256, hex, keccak256};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::LazyLock};

/// The compiled contracts.
const ARTEFACTS: &str = include_str!("../../data/contracts.json");

#[derive(Debug, Deserialize)]
struct Artefacts {
    contracts: BTreeMap<String, Artefact>,
}

#[derive(Debug, Deserialize)]
struct Artefact {
    functions: BTreeMap<String, String>,
    storage: BTreeMap<String, String>,
    code: Bytes,
}

static CONTRACTS: LazyLock<Artefacts> = LazyLock::new(|| {
    serde_json::from_str(ARTEFACTS).expect("artefacts.json is what build.mjs writes")
});

/// Every compiled contract: its name, its code, and its variables by slot.
pub(crate) fn compiled()
-> impl Iterator<Item = (&'static str, &'static [u8], &'static BTreeMap<String, String>)> {
    let all = CONTRACTS.contracts.iter();
    all.map(|(name, contract)| (name.as_str(), &contract.code[..], &contract.storage))
}

fn artefact(name: &str) -> &'static Artefact {
    CONTRACTS.contracts.get(name).expect("a contract of corpora/contracts")
}

/// A contract whose storage is still being filled.
pub(super) struct Contract {
    pub(super) address: Address,
    name: &'static str,
    storage: BTreeMap<U256, U256>,
}

impl Contract {
    pub(super) fn new(draft: &mut Draft, name: &'static str) -> Self {
        Self { address: draft.address(), name, storage: BTreeMap::new() }
    }

    /// Sets a slot.
    pub(super) fn set(&mut self, slot: u64, value: U256) {
        self.storage.insert(U256::from(slot), value);
    }

    /// Sets the value of `key` in the mapping at `slot`.
    pub(super) fn map(&mut self, slot: u64, key: U256, value: U256) {
        self.storage.insert(mapping_slot(U256::from(slot), key), value);
    }

    /// Sets a slot that is counted from where the mapping at `slot` keeps the value of `key`.
    pub(super) fn map_field(&mut self, slot: u64, key: U256, field: u64, value: U256) {
        let place = mapping_slot(U256::from(slot), key);
        self.storage.insert(place + U256::from(field), value);
    }

    /// Adds a transaction that calls a function.
    pub(super) fn send(
        &self,
        draft: &mut Draft,
        from: Address,
        function: &str,
        words: &[U256],
        gas_limit: u64,
    ) {
        self.pay(draft, from, 0, (function, words), gas_limit);
    }

    /// As [`Self::send`], with some wei.
    pub(super) fn pay(
        &self,
        draft: &mut Draft,
        from: Address,
        value: u64,
        (function, words): (&str, &[U256]),
        gas_limit: u64,
    ) {
        draft.send(from, self.address, value, (call(self.name, function, words), gas_limit));
    }

    pub(super) fn deploy(self, draft: &mut Draft) {
        draft.contract(self.address, code(self.name), self.storage);
    }
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

/// The slot in which a mapping declared at `slot` keeps the value of `key` (Solidity, "Layout of State
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
