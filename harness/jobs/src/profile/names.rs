//! What a slot is called: `balanceOf[0x…]` instead of a hash.
//!
//! Solidity and Vyper find the slot of a mapping's value by hashing key and slot of the mapping, and the first slot of an array by
//! hashing the slot of the array (Solidity, "Layout of State Variables in Storage"). What the block has hashed is
//! known; so a slot is followed back to the variable that it belongs to.

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use lockstep_cases::layouts::{Layout, Layouts};
use lockstep_model::{Case, Place};
use std::{cell::RefCell, collections::BTreeMap};

/// Names of the places of one block.
pub(super) struct Names<'a> {
    case: &'a Case,
    layouts: &'a Layouts,
    /// By hash, as a number.
    hashed: BTreeMap<U256, Bytes>,
    /// Names of accounts, once found.
    accounts: RefCell<BTreeMap<Address, String>>,
}

/// Slots of a struct, or of an array, behind the hash that they are counted from.
const MOST_BEHIND: u64 = 1 << 20;

/// Mappings of mappings of mappings…
const MOST_DEEP: u32 = 8;

impl<'a> Names<'a> {
    pub(super) fn new(case: &'a Case, layouts: &'a Layouts, hashed: BTreeMap<B256, Bytes>) -> Self {
        let hashed = hashed.into_iter().map(|(hash, bytes)| (hash.into(), bytes)).collect();
        Self { case, layouts, hashed, accounts: RefCell::default() }
    }

    /// The hash of an account's code; `None` where it has none.
    pub(super) fn code_hash(&self, address: Address) -> Option<B256> {
        let info = self.case.pre_state.account(address).ok().flatten()?;
        Some(info.code_hash).filter(|hash| *hash != KECCAK256_EMPTY)
    }

    fn layout(&self, address: Address) -> Option<&'a Layout> {
        self.layouts.of(self.case.rules.chain_id, address, self.code_hash(address))
    }

    /// The contract's name and address, or the address alone.
    pub(super) fn account(&self, address: Address) -> String {
        let make = || match self.layout(address) {
            Some(layout) => format!("{} ({address})", layout.name),
            None => address.to_string(),
        };
        self.accounts.borrow_mut().entry(address).or_insert_with(make).clone()
    }

    /// The name of a place.
    pub(super) fn place(&self, place: &Place) -> String {
        let account = self.account(place.address());
        match place {
            Place::Balance(_) => format!("balance of {account}"),
            Place::Nonce(_) => format!("nonce of {account}"),
            Place::Code(_) => format!("code of {account}"),
            Place::FeeRecipient(_) => format!("balance of the fee recipient {account}"),
            Place::Storage(_) => format!("all storage of {account}"),
            Place::Slot(address, slot) => {
                format!("{} of {account}", self.slot(self.layout(*address), *slot, MOST_DEEP))
            }
        }
    }

    fn slot(&self, layout: Option<&Layout>, slot: U256, depth: u32) -> String {
        if let Some(name) = layout.and_then(|layout| layout.storage.get(&slot)) {
            return name.clone();
        }
        match self.behind_hash(slot) {
            Some((bytes, behind)) if depth > 0 => {
                self.hashed_slot(layout, bytes, behind, depth - 1)
            }
            _ if slot.bit_len() <= 32 => format!("slot {slot}"),
            _ => format!("slot {slot:#x}"),
        }
    }

    /// The last hash that the slot can be counted from, and how far it is behind it.
    fn behind_hash(&self, slot: U256) -> Option<(&Bytes, u64)> {
        let (hash, bytes) = self.hashed.range(..=slot).next_back()?;
        let behind = u64::try_from(slot - *hash).ok().filter(|behind| *behind < MOST_BEHIND)?;
        Some((bytes, behind))
    }

    fn hashed_slot(
        &self,
        layout: Option<&Layout>,
        bytes: &Bytes,
        behind: u64,
        depth: u32,
    ) -> String {
        let base = |bytes: &[u8]| self.slot(layout, U256::from_be_slice(bytes), depth);
        match bytes.len() {
            // An array: its slots are counted from the hash of its own.
            32 => format!("{}[{behind}]", base(bytes)),
            // A text as the key of a mapping, or its value in 64 bytes.
            len if len > 32 => {
                let (key, slot) = bytes.split_at(len - 32);
                let field = if behind == 0 { String::new() } else { format!(".{behind}") };
                format!("{}[{}]{field}", base(slot), key_name(key))
            }
            _ => format!("slot behind the hash of {bytes}"),
        }
    }
}

/// A key as a person writes it.
fn key_name(key: &[u8]) -> String {
    let is_printable = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    if key.len() != 32 {
        return match std::str::from_utf8(key) {
            Ok(text) if !text.is_empty() && key.iter().all(is_printable) => format!("\"{text}\""),
            _ => Bytes::copy_from_slice(key).to_string(),
        };
    }
    let number = U256::from_be_slice(key);
    match number.bit_len() {
        0..=64 => number.to_string(),
        65..=160 => Address::from_slice(&key[12..]).to_string(),
        _ => format!("{number:#x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::keccak256;
    use lockstep_cases::workload::{Signatures, Size, Workload};

    fn word(value: u64) -> [u8; 32] {
        U256::from(value).to_be_bytes()
    }

    #[test]
    fn slots_are_followed_back_to_their_variable() {
        let size =
            Size { seed: 0, gas: 100_000, contention: None, signatures: Signatures::Placeholder };
        let case = Workload::named("transfers").unwrap().sized(size).case;
        let mut layout = Layout { name: "Token".to_owned(), ..Layout::default() };
        layout.storage.insert(U256::from(1), "balanceOf".to_owned());
        let owner = Address::repeat_byte(7);
        let of_owner = [&owner.into_word()[..], &word(1)].concat();
        let inner = [&word(3)[..], &keccak256(&of_owner)[..]].concat();
        let text = [b"name".as_slice(), &word(9)].concat();
        let hashed = [of_owner.clone(), inner.clone(), word(5).to_vec(), text.clone()];
        let hashed = hashed.map(|bytes| (keccak256(&bytes), Bytes::from(bytes)));
        let layouts = Layouts::default();
        let names = Names::new(&case, &layouts, hashed.into_iter().collect());
        let name = |slot: U256| names.slot(Some(&layout), slot, MOST_DEEP);
        assert_eq!(name(U256::from(1)), "balanceOf");
        assert_eq!(name(U256::from(8)), "slot 8");
        assert_eq!(name(keccak256(&of_owner).into()), format!("balanceOf[{owner}]"));
        assert_eq!(name(keccak256(&inner).into()), format!("balanceOf[{owner}][3]"));
        let field = U256::from_be_bytes(keccak256(&of_owner).0) + U256::from(2);
        assert_eq!(name(field), format!("balanceOf[{owner}].2"));
        let item = U256::from_be_bytes(keccak256(word(5)).0) + U256::from(4);
        assert_eq!(name(item), "slot 5[4]");
        assert_eq!(name(keccak256(&text).into()), "slot 9[\"name\"]");
        assert!(name(U256::MAX).starts_with("slot 0xffff"));
    }
}
