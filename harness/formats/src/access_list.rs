//! EIP-7928 block access lists in JSON, in every dialect there is, and in RLP.
//!
//! | dialect | an account's change | a slot |
//! |---|---|---|
//! | EEST fixtures | `blockAccessIndex` with `postValue`, `postBalance`, `postNonce` or `newCode` | `slot`, `slotChanges` |
//! | execution-apis (`eth_getBlockAccessList`) | `index` with `value`, or `code` | `key`, `changes` |
//! | alloy | `index` with `value`, or `code` | `slot`, `changes` |
//! | RLP | one string, `0x...` | |

use super::hex::{Data, Quantity, u64_quantity};
use alloy_eip7928::{
    AccountChanges, BalanceChange, BlockAccessIndex, BlockAccessList, CodeChange, NonceChange,
    SlotChanges, StorageChange,
};
use alloy_primitives::Address;
use lockstep_judge::consensus;
use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use std::fmt;

/// A list, read from any of the dialects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonAccessList(pub BlockAccessList);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JsonChanges {
    address: Address,
    #[serde(default)]
    storage_changes: Vec<JsonSlot>,
    #[serde(default)]
    storage_reads: Vec<Quantity>,
    #[serde(default)]
    balance_changes: Vec<JsonChange<Quantity>>,
    #[serde(default)]
    nonce_changes: Vec<JsonChange<Quantity>>,
    #[serde(default)]
    code_changes: Vec<JsonChange<Data>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonSlot {
    #[serde(alias = "key")]
    slot: Quantity,
    #[serde(alias = "slotChanges")]
    changes: Vec<JsonChange<Quantity>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonChange<T> {
    #[serde(alias = "blockAccessIndex", alias = "txIndex", deserialize_with = "u64_quantity")]
    index: u64,
    #[serde(
        alias = "postValue",
        alias = "newValue",
        alias = "postBalance",
        alias = "postNonce",
        alias = "code",
        alias = "newCode"
    )]
    value: T,
}

impl<'de> Deserialize<'de> for JsonAccessList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = JsonAccessList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a block access list: an array of accounts, or its RLP in hexadecimal")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<JsonAccessList, E> {
                let bytes = Data::parse(text).map_err(E::custom)?.0;
                let list = consensus::access_list::decode(&bytes);
                list.map(JsonAccessList).map_err(|_| {
                    E::custom(
                        "expected the RLP of a block access list (EIP-7928), found other bytes",
                    )
                })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<JsonAccessList, A::Error> {
                let mut accounts = Vec::new();
                while let Some(changes) = seq.next_element::<JsonChanges>()? {
                    accounts.push(account(changes)?);
                }
                Ok(JsonAccessList(accounts))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

fn account<E: Error>(changes: JsonChanges) -> Result<AccountChanges, E> {
    let nonce = |change: JsonChange<Quantity>| {
        let nonce = change.value.as_u64();
        let nonce = nonce.ok_or_else(|| E::custom("expected a nonce of at most 64 bits"))?;
        Ok(NonceChange::new(BlockAccessIndex::new(change.index), nonce))
    };
    let balance = |change: JsonChange<Quantity>| {
        BalanceChange::new(BlockAccessIndex::new(change.index), change.value.0)
    };
    let code = |change: JsonChange<Data>| {
        CodeChange::new(BlockAccessIndex::new(change.index), change.value.0)
    };
    Ok(AccountChanges {
        address: changes.address,
        storage_changes: changes.storage_changes.into_iter().map(slot).collect(),
        storage_reads: changes.storage_reads.into_iter().map(|slot| slot.0).collect(),
        balance_changes: changes.balance_changes.into_iter().map(balance).collect(),
        nonce_changes: changes.nonce_changes.into_iter().map(nonce).collect::<Result<_, E>>()?,
        code_changes: changes.code_changes.into_iter().map(code).collect(),
    })
}

fn slot(slot: JsonSlot) -> SlotChanges {
    let change = |change: JsonChange<Quantity>| {
        StorageChange::new(BlockAccessIndex::new(change.index), change.value.0)
    };
    SlotChanges::new(slot.slot.0, slot.changes.into_iter().map(change).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Bytes, U256, hex};

    const ADDRESS: &str = "0x00000000000000000000000000000000000000aa";

    fn expected() -> BlockAccessList {
        let index = BlockAccessIndex::new(1);
        vec![
            AccountChanges::new(ADDRESS.parse().unwrap())
                .with_storage_change(SlotChanges::new(
                    U256::from(2),
                    vec![StorageChange::new(index, U256::from(3))],
                ))
                .with_storage_read(U256::from(4))
                .with_balance_change(BalanceChange::new(index, U256::from(5)))
                .with_nonce_change(NonceChange::new(index, 6))
                .with_code_change(CodeChange::new(index, Bytes::from_static(&[7]))),
        ]
    }

    fn read(json: &str) -> Result<BlockAccessList, serde_json::Error> {
        serde_json::from_str::<JsonAccessList>(json).map(|list| list.0)
    }

    #[test]
    fn every_dialect_says_the_same() {
        let fixture = format!(
            r#"[{{"address":"{ADDRESS}",
            "storageChanges":[{{"slot":"0x02","slotChanges":[{{"blockAccessIndex":"0x01","postValue":"0x03"}}]}}],
            "storageReads":["0x04"],
            "balanceChanges":[{{"blockAccessIndex":"0x01","postBalance":"0x05"}}],
            "nonceChanges":[{{"blockAccessIndex":"0x01","postNonce":"0x06"}}],
            "codeChanges":[{{"blockAccessIndex":"0x01","newCode":"0x07"}}]}}]"#
        );
        let rpc = format!(
            r#"[{{"address":"{ADDRESS}",
            "storageChanges":[{{"key":"0x2","changes":[{{"index":"0x1","value":"0x3"}}]}}],
            "storageReads":["0x4"],
            "balanceChanges":[{{"index":"0x1","value":"0x5"}}],
            "nonceChanges":[{{"index":"0x1","value":"0x6"}}],
            "codeChanges":[{{"index":"0x1","code":"0x07"}}]}}]"#
        );
        let alloy = rpc.replace("key", "slot");
        let rlp = format!("\"0x{}\"", hex::encode(alloy_rlp::encode(expected())));
        for dialect in [fixture, rpc, alloy, rlp] {
            assert_eq!(read(&dialect).unwrap(), expected(), "{dialect}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let unknown = read(&format!(r#"[{{"address":"{ADDRESS}","balances":[]}}]"#)).unwrap_err();
        assert!(unknown.to_string().contains("unknown field `balances`"), "{unknown}");
        let bytes = read("\"0xc101\"").unwrap_err();
        assert!(bytes.to_string().contains("RLP of a block access list"), "{bytes}");
        let number = read("7").unwrap_err();
        assert!(number.to_string().contains("an array of accounts"), "{number}");
    }
}
