//! From a transaction template to a transaction, or to the rule that its encoding breaks.

use super::{
    format::{AccessListEntry, Authorization, Indexes, Template},
    wide::{Prices, Shown},
};
use crate::{hex::Number, placeholder};
use alloy_consensus::{Signed, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxEnvelope, TxLegacy};
use alloy_eips::{
    eip2718::Decodable2718,
    eip2930::{AccessList, AccessListItem},
    eip7702::{Authorization as Tuple, SignedAuthorization},
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use lockstep_model::Rule;

/// Why there is no transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoTransaction {
    /// It breaks a rule of its encoding: the case under test, where a rejection is expected.
    Undecodable(Rule),
    /// The file is wrong: this list has no such entry.
    NoSuchIndex(&'static str, usize),
}

impl From<Rule> for NoTransaction {
    fn from(rule: Rule) -> Self {
        Self::Undecodable(rule)
    }
}

/// A transaction that a post picks.
pub(super) struct Built {
    pub(super) envelope: TxEnvelope,
    pub(super) fields: Fields,
    /// Its prices, where they are not those that are in it.
    pub(super) wide: Option<Prices>,
}

/// Builds the transaction that a post picks. Its signature is a placeholder.
pub(super) fn build(
    template: &Template,
    picked: Indexes,
    chain_id: u64,
) -> Result<Built, NoTransaction> {
    let fields = Fields::new(template, picked, chain_id)?;
    let prices = Prices::of(template)?;
    let wide = prices.are_wide(fields.gas_limit).then_some(prices);
    let fields = Fields { shown: wide.map(|prices| prices.shown()), ..fields };
    let envelope = envelope(fields.clone(), template)?;
    Ok(Built { envelope, fields, wide })
}

fn envelope(fields: Fields, template: &Template) -> Result<TxEnvelope, NoTransaction> {
    if let Some(list) = &template.authorization_list {
        return fields.set_code(template, list);
    }
    if template.max_fee_per_blob_gas.is_some() || template.blob_versioned_hashes.is_some() {
        return fields.blob(template);
    }
    if template.max_fee_per_gas.is_some() {
        return fields.dynamic_fee(template);
    }
    if fields.has_access_list {
        return fields.access_list(template);
    }
    fields.legacy(template)
}

/// The fields that all transaction types have.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    chain_id: u64,
    nonce: u64,
    pub(super) gas_limit: u64,
    to: TxKind,
    pub(super) value: U256,
    pub(super) input: Bytes,
    pub(super) blobs: usize,
    access_list: AccessList,
    has_access_list: bool,
    /// Prices instead of those of the template.
    shown: Option<Shown>,
}

impl Fields {
    fn new(template: &Template, picked: Indexes, chain_id: u64) -> Result<Self, NoTransaction> {
        let pick = |name, count: usize, index| {
            if index < count { Ok(()) } else { Err(NoTransaction::NoSuchIndex(name, index)) }
        };
        pick("data", template.data.len(), picked.data)?;
        pick("gasLimit", template.gas_limit.len(), picked.gas)?;
        pick("value", template.value.len(), picked.value)?;
        let lists = template.access_lists.as_ref();
        let list = lists.and_then(|lists| lists.get(picked.data)).and_then(Option::as_ref);
        Ok(Self {
            chain_id,
            nonce: narrow(&template.nonce)?,
            gas_limit: narrow(&template.gas_limit[picked.gas])?,
            to: template.to.0.map_or(TxKind::Create, TxKind::Call),
            value: word(&template.value[picked.value])?,
            input: template.data[picked.data].0.clone(),
            blobs: template.blob_versioned_hashes.as_ref().map_or(0, Vec::len),
            access_list: list.map(|list| access_list(list)).unwrap_or_default(),
            has_access_list: list.is_some(),
            shown: None,
        })
    }

    fn legacy(self, template: &Template) -> Result<TxEnvelope, NoTransaction> {
        Ok(TxEnvelope::Legacy(placeholder::signed(TxLegacy {
            chain_id: None,
            nonce: self.nonce,
            gas_price: self.price(template.gas_price.as_ref(), |shown| shown.most)?,
            gas_limit: self.gas_limit,
            to: self.to,
            value: self.value,
            input: self.input,
        })))
    }

    fn access_list(self, template: &Template) -> Result<TxEnvelope, NoTransaction> {
        Ok(TxEnvelope::Eip2930(placeholder::signed(TxEip2930 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_price: self.price(template.gas_price.as_ref(), |shown| shown.most)?,
            gas_limit: self.gas_limit,
            to: self.to,
            value: self.value,
            access_list: self.access_list,
            input: self.input,
        })))
    }

    fn dynamic_fee(self, template: &Template) -> Result<TxEnvelope, NoTransaction> {
        Ok(TxEnvelope::Eip1559(placeholder::signed(TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.price(template.max_fee_per_gas.as_ref(), |shown| shown.most)?,
            max_priority_fee_per_gas: self.priority(template)?,
            to: self.to,
            value: self.value,
            access_list: self.access_list,
            input: self.input,
        })))
    }

    fn blob(self, template: &Template) -> Result<TxEnvelope, NoTransaction> {
        let to = self.recipient(Rule::BlobContractCreation)?;
        let blob_fee = template.max_fee_per_blob_gas.as_ref();
        let max_fee_per_blob_gas = self.price(blob_fee, |shown| shown.blob)?;
        let transaction = TxEip4844 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.price(template.max_fee_per_gas.as_ref(), |shown| shown.most)?,
            max_priority_fee_per_gas: self.priority(template)?,
            to,
            value: self.value,
            access_list: self.access_list,
            blob_versioned_hashes: template.blob_versioned_hashes.clone().unwrap_or_default(),
            max_fee_per_blob_gas,
            input: self.input,
        };
        Ok(TxEnvelope::Eip4844(Signed::new_unchecked(
            transaction.into(),
            placeholder::signature(),
            B256::ZERO,
        )))
    }

    fn set_code(
        self,
        template: &Template,
        list: &[Authorization],
    ) -> Result<TxEnvelope, NoTransaction> {
        let to = self.recipient(Rule::SetCodeContractCreation)?;
        Ok(TxEnvelope::Eip7702(placeholder::signed(TxEip7702 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.price(template.max_fee_per_gas.as_ref(), |shown| shown.most)?,
            max_priority_fee_per_gas: self.priority(template)?,
            to,
            value: self.value,
            access_list: self.access_list,
            authorization_list: list.iter().map(authorization).collect::<Result<_, _>>()?,
            input: self.input,
        })))
    }

    fn price(
        &self,
        number: Option<&Number>,
        shown: impl FnOnce(Shown) -> u128,
    ) -> Result<u128, Rule> {
        match (self.shown, number) {
            (Some(prices), Some(_)) => Ok(shown(prices)),
            _ => price(number),
        }
    }

    fn priority(&self, template: &Template) -> Result<u128, Rule> {
        self.price(template.max_priority_fee_per_gas.as_ref(), |shown| shown.priority)
    }

    fn recipient(&self, rule: Rule) -> Result<Address, Rule> {
        self.to.to().copied().ok_or(rule)
    }
}

fn access_list(entries: &[AccessListEntry]) -> AccessList {
    let item = |entry: &AccessListEntry| AccessListItem {
        address: entry.address,
        storage_keys: entry.storage_keys.iter().map(|key| key.as_word()).collect(),
    };
    AccessList(entries.iter().map(item).collect())
}

fn authorization(entry: &Authorization) -> Result<SignedAuthorization, Rule> {
    let format = |_| Rule::InvalidAuthorizationFormat;
    let parity = entry.y_parity.as_ref().or(entry.v.as_ref());
    let parity = parity.map_or(Ok(U256::ZERO), word).map_err(format)?;
    let parity = u8::try_from(parity).map_err(|_| Rule::InvalidAuthorizationFormat)?;
    let tuple = Tuple {
        chain_id: word(&entry.chain_id).map_err(format)?,
        address: entry.address,
        nonce: narrow(&entry.nonce).map_err(format)?,
    };
    let (r, s) = (word(&entry.r).map_err(format)?, word(&entry.s).map_err(format)?);
    Ok(SignedAuthorization::new_unchecked(tuple, parity, r, s))
}

fn word(number: &Number) -> Result<U256, Rule> {
    match number {
        Number::Fits(value) => Ok(*value),
        Number::TooLarge => Err(Rule::NumberTooLarge),
    }
}

fn narrow(number: &Number) -> Result<u64, Rule> {
    u64::try_from(word(number)?).map_err(|_| Rule::NumberTooLarge)
}

/// A price that fits: others are shown as one that does.
fn price(number: Option<&Number>) -> Result<u128, Rule> {
    let value = number.map_or(Ok(U256::ZERO), word)?;
    u128::try_from(value).map_err(|_| Rule::NumberTooLarge)
}

/// The difference between a transaction and a post's `txbytes`; `None` where there is none.
/// Signatures are not compared, nor is the chain id that an EIP-155 signature adds.
pub(crate) fn differs_from_bytes(transaction: &TxEnvelope, bytes: &[u8]) -> Option<String> {
    let mut rest = bytes;
    match TxEnvelope::decode_2718(&mut rest) {
        Err(error) => Some(format!("bytes that do not decode: {error}")),
        Ok(_) if !rest.is_empty() => Some(format!("{} bytes too many", rest.len())),
        Ok(decoded) => (unsigned(&decoded) != unsigned(transaction))
            .then(|| format!("a transaction that decodes to {:?}", unsigned(&decoded))),
    }
}

fn unsigned(transaction: &TxEnvelope) -> alloy_consensus::TypedTransaction {
    let mut typed = alloy_consensus::TypedTransaction::from(transaction.clone());
    if let alloy_consensus::TypedTransaction::Legacy(legacy) = &mut typed {
        legacy.chain_id = None;
    }
    typed
}
