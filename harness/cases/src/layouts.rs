//! What contracts are called, and their variables.

use crate::workload::compiled;
use alloy_primitives::{Address, B256, U256, keccak256};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A contract's name, and the names of its variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// Its name.
    pub name: String,
    /// Variables by the slot at which they begin. Those that share a slot are in one text.
    pub storage: BTreeMap<U256, String>,
}

/// Layouts of contracts.
#[derive(Debug, Clone, Default)]
pub struct Layouts {
    by_code: BTreeMap<B256, Layout>,
    /// By chain and address; any chain where none is said.
    by_address: BTreeMap<(Option<u64>, Address), Layout>,
}

/// Contracts of the main network that many blocks call.
const KNOWN: &str = include_str!("../data/known_contracts.toml");

#[derive(Debug, Deserialize)]
struct Known {
    contract: Vec<KnownContract>,
}

#[derive(Debug, Deserialize)]
struct KnownContract {
    name: String,
    chain_id: u64,
    address: Address,
    #[serde(default)]
    storage: BTreeMap<String, String>,
}

/// A compiler's account of the storage of a contract: `storageLayout` of solc, or what
/// `forge inspect NAME storageLayout --json` prints.
#[derive(Debug, Deserialize)]
struct StorageLayout {
    storage: Vec<Variable>,
}

#[derive(Debug, Deserialize)]
struct Variable {
    label: String,
    slot: String,
    #[serde(default)]
    contract: String,
}

impl Layouts {
    /// The contracts that come with the program, and some of the main network.
    ///
    /// # Panics
    /// Never: a test reads the list.
    pub fn built_in() -> Self {
        let mut layouts = Self::default();
        for (name, code, storage) in compiled() {
            let layout = Layout { name: name.to_owned(), storage: numbered(storage) };
            layouts.by_code.insert(keccak256(code), layout);
        }
        let known: Known = toml::from_str(KNOWN).expect("known_contracts.toml is as it should be");
        for KnownContract { name, chain_id, address, storage } in known.contract {
            let layout = Layout { name, storage: numbered(&storage) };
            layouts.by_address.insert((Some(chain_id), address), layout);
        }
        layouts
    }

    /// The layout of the contract at an address, on a chain, with this code.
    pub fn of(&self, chain: u64, address: Address, code: Option<B256>) -> Option<&Layout> {
        self.by_address
            .get(&(None, address))
            .or_else(|| self.by_address.get(&(Some(chain), address)))
            .or_else(|| self.by_code.get(&code?))
    }

    /// Adds the layout of the contract at an address, as a compiler writes it.
    ///
    /// # Errors
    /// When the text is none.
    pub fn add(&mut self, address: Address, json: &str) -> Result<(), serde_json::Error> {
        let layout: StorageLayout = serde_json::from_str(json)?;
        let contract = layout.storage.first().map(|variable| variable.contract.clone());
        let name = contract.as_deref().and_then(|path| path.rsplit(':').next());
        let name = name.filter(|name| !name.is_empty()).unwrap_or("contract").to_owned();
        let mut storage: BTreeMap<U256, String> = BTreeMap::new();
        for Variable { label, slot, .. } in layout.storage {
            let Ok(slot) = slot.parse() else { continue };
            let known = storage.entry(slot).or_default();
            *known = if known.is_empty() { label } else { format!("{known}, {label}") };
        }
        self.by_address.insert((None, address), Layout { name, storage });
        Ok(())
    }
}

fn numbered(storage: &BTreeMap<String, String>) -> BTreeMap<U256, String> {
    let number = |(slot, name): (&String, &String)| Some((slot.parse().ok()?, name.clone()));
    storage.iter().filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contracts_are_found_by_code_by_address_and_by_what_a_user_says() {
        let mut layouts = Layouts::built_in();
        let (_, code, _) = compiled().find(|(name, ..)| *name == "Token").unwrap();
        let token = layouts.of(1, Address::ZERO, Some(keccak256(code))).unwrap();
        assert_eq!(
            (token.name.as_str(), token.storage[&U256::from(1)].as_str()),
            ("Token", "balanceOf")
        );
        let weth = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2".parse().unwrap();
        assert_eq!(layouts.of(1, weth, None).unwrap().storage[&U256::from(3)], "balanceOf");
        assert!(layouts.of(5, weth, None).is_none());
        let mine = Address::repeat_byte(1);
        let json = r#"{"storage": [{"label": "a", "slot": "0", "contract": "src/Mine.sol:Mine"},
            {"label": "b", "slot": "0"}, {"label": "c", "slot": "7"}]}"#;
        layouts.add(mine, json).unwrap();
        let layout = layouts.of(9, mine, None).unwrap();
        assert_eq!((layout.name.as_str(), layout.storage[&U256::ZERO].as_str()), ("Mine", "a, b"));
        assert!(layouts.add(mine, "{}").is_err());
    }
}
