//! `txs`: transactions as JSON objects, or as the RLP of their list.

use super::{Failure, Rejected, from_value, text_of};
use crate::{
    hex::{Amount, Data},
    keys,
};
use alloy_consensus::{
    SignableTransaction, Signed, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxEnvelope, TxLegacy,
    transaction::SignerRecoverable as _,
};
use alloy_eips::{
    Decodable2718 as _,
    eip2930::{AccessList, AccessListItem},
    eip7702::{Authorization, SignedAuthorization},
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, hex};
use alloy_rlp::{Buf as _, Header};
use k256::ecdsa::SigningKey;
use lockstep_model::{Fork, Rule, Rules, Transaction};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonTransaction {
    #[serde(rename = "type", default)]
    kind: Amount,
    chain_id: Option<Amount>,
    nonce: Amount,
    to: Option<String>,
    #[serde(alias = "gasLimit")]
    gas: Amount,
    gas_price: Option<Amount>,
    max_fee_per_gas: Option<Amount>,
    max_priority_fee_per_gas: Option<Amount>,
    max_fee_per_blob_gas: Option<Amount>,
    value: Amount,
    #[serde(alias = "data")]
    input: Data,
    access_list: Option<Vec<JsonAccess>>,
    blob_versioned_hashes: Option<Vec<B256>>,
    authorization_list: Option<Vec<JsonAuthorization>>,
    #[serde(default)]
    v: Amount,
    #[serde(default)]
    r: Amount,
    #[serde(default)]
    s: Amount,
    secret_key: Option<B256>,
    #[serde(default = "yes")]
    protected: bool,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonAccess {
    address: Address,
    #[serde(default)]
    storage_keys: Vec<B256>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonAuthorization {
    chain_id: Amount,
    address: Address,
    nonce: Amount,
    #[serde(alias = "v")]
    y_parity: Amount,
    r: Amount,
    s: Amount,
}

/// The transactions of a document, each or the text that rejects it.
pub(super) fn read(
    txs: &Value,
    rules: &Rules,
) -> Result<Vec<Result<Transaction, Rejected>>, Failure> {
    let envelopes = match txs {
        Value::String(text) => from_rlp(text)?,
        Value::Null => Vec::new(),
        list => {
            let list: Vec<JsonTransaction> = from_value("txs", list)?;
            list.iter().map(|tx| envelope(tx, rules)).collect()
        }
    };
    let sent = |(index, envelope): (usize, Result<TxEnvelope, String>)| {
        let rejected = |error| Rejected { index, error };
        let envelope = envelope.map_err(rejected)?;
        let sender = sender(&envelope, rules).map_err(|rule| rejected(text_of(&rule)))?;
        Ok(Transaction::new(sender, envelope))
    };
    Ok(envelopes.into_iter().enumerate().map(sent).collect())
}

/// The sender, where the signature is one under the rules of the block (EIP-2, EIP-155).
fn sender(envelope: &TxEnvelope, rules: &Rules) -> Result<Address, Rule> {
    let is_higher = envelope.signature().normalize_s().is_some();
    if rules.fork >= Fork::Homestead && is_higher {
        return Err(Rule::InvalidSignature);
    }
    let has_chain_id = matches!(envelope, TxEnvelope::Legacy(tx) if tx.tx().chain_id.is_some());
    if rules.fork < Fork::SpuriousDragon && has_chain_id {
        return Err(Rule::InvalidSignature);
    }
    envelope.recover_signer_unchecked().map_err(|_| Rule::InvalidSignature)
}

/// The transactions of an RLP list: a list each, or a string with the bytes of a typed one (EIP-2718).
fn from_rlp(text: &str) -> Result<Vec<Result<TxEnvelope, String>>, Failure> {
    let bytes = hex::decode(text).map_err(Failure::rlp)?;
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let mut rest = &bytes[..];
    let header = Header::decode(&mut rest).map_err(Failure::rlp)?;
    if !header.list || header.payload_length != rest.len() {
        let (found, stated) = (rest.len(), header.payload_length);
        return Err(Failure::rlp(format!(
            "expected a list of {stated} bytes, found {found} bytes"
        )));
    }
    let mut envelopes = Vec::new();
    while !rest.is_empty() {
        let whole = rest;
        let header = Header::decode(&mut rest).map_err(Failure::rlp)?;
        let payload = &rest[..header.payload_length];
        rest.advance(header.payload_length);
        let item = &whole[..whole.len() - rest.len()];
        envelopes.push(decode(if header.list { item } else { payload }));
    }
    Ok(envelopes)
}

fn decode(mut bytes: &[u8]) -> Result<TxEnvelope, String> {
    if bytes.first().is_some_and(|kind| *kind > 4 && *kind < 0xc0) || bytes.is_empty() {
        return Err(text_of(&Rule::UnknownTransactionType));
    }
    let envelope = TxEnvelope::decode_2718(&mut bytes);
    let envelope = envelope.map_err(|error| format!("rlp: {error}"))?;
    if !bytes.is_empty() {
        return Err(format!("rlp: {} bytes behind the transaction", bytes.len()));
    }
    match &envelope {
        TxEnvelope::Eip4844(signed) if signed.tx().sidecar().is_some() => {
            Err(text_of(&Rule::BlobsInBlock))
        }
        _ => Ok(envelope),
    }
}

fn too_large() -> String {
    text_of(&Rule::NumberTooLarge)
}

fn narrow<T: TryFrom<U256>>(value: Amount) -> Result<T, String> {
    T::try_from(value.0).map_err(|_| too_large())
}

fn price(value: Option<Amount>) -> Result<u128, String> {
    narrow(value.unwrap_or_default())
}

/// The members that every type has.
struct Fields {
    chain_id: u64,
    nonce: u64,
    gas_limit: u64,
    to: TxKind,
    value: U256,
    input: Bytes,
    access_list: AccessList,
}

impl Fields {
    fn called(&self, rule: &Rule) -> Result<Address, String> {
        self.to.to().copied().ok_or_else(|| text_of(rule))
    }
}

fn envelope(tx: &JsonTransaction, rules: &Rules) -> Result<TxEnvelope, String> {
    let fields = Fields {
        chain_id: tx.chain_id.map_or(Ok(rules.chain_id), narrow)?,
        nonce: narrow(tx.nonce)?,
        gas_limit: narrow(tx.gas)?,
        to: recipient(tx.to.as_deref())?,
        value: tx.value.0,
        input: tx.input.0.clone(),
        access_list: access_list(tx.access_list.as_deref().unwrap_or_default()),
    };
    match narrow::<u8>(tx.kind).unwrap_or(u8::MAX) {
        0 => legacy(tx, fields, rules),
        1 => with_access_list(tx, fields),
        2 => dynamic_fee(tx, fields),
        3 => blob(tx, fields),
        4 => set_code(tx, fields),
        _ => Err(text_of(&Rule::UnknownTransactionType)),
    }
}

fn with_access_list(tx: &JsonTransaction, fields: Fields) -> Result<TxEnvelope, String> {
    let gas_price = price(tx.gas_price)?;
    let Fields { chain_id, nonce, gas_limit, to, value, input, access_list } = fields;
    let typed = TxEip2930 { chain_id, nonce, gas_price, gas_limit, to, value, access_list, input };
    Ok(TxEnvelope::Eip2930(signed(tx, typed)?))
}

fn dynamic_fee(tx: &JsonTransaction, fields: Fields) -> Result<TxEnvelope, String> {
    let typed = TxEip1559 {
        chain_id: fields.chain_id,
        nonce: fields.nonce,
        gas_limit: fields.gas_limit,
        max_fee_per_gas: price(tx.max_fee_per_gas)?,
        max_priority_fee_per_gas: price(tx.max_priority_fee_per_gas)?,
        to: fields.to,
        value: fields.value,
        access_list: fields.access_list,
        input: fields.input,
    };
    Ok(TxEnvelope::Eip1559(signed(tx, typed)?))
}

fn blob(tx: &JsonTransaction, fields: Fields) -> Result<TxEnvelope, String> {
    let typed = TxEip4844 {
        chain_id: fields.chain_id,
        nonce: fields.nonce,
        gas_limit: fields.gas_limit,
        max_fee_per_gas: price(tx.max_fee_per_gas)?,
        max_priority_fee_per_gas: price(tx.max_priority_fee_per_gas)?,
        to: fields.called(&Rule::BlobContractCreation)?,
        value: fields.value,
        access_list: fields.access_list,
        blob_versioned_hashes: tx.blob_versioned_hashes.clone().unwrap_or_default(),
        max_fee_per_blob_gas: price(tx.max_fee_per_blob_gas)?,
        input: fields.input,
    };
    let (typed, signature, hash) = signed(tx, typed)?.into_parts();
    Ok(TxEnvelope::Eip4844(Signed::new_unchecked(typed.into(), signature, hash)))
}

fn set_code(tx: &JsonTransaction, fields: Fields) -> Result<TxEnvelope, String> {
    let list = tx.authorization_list.as_deref().unwrap_or_default();
    let typed = TxEip7702 {
        chain_id: fields.chain_id,
        nonce: fields.nonce,
        gas_limit: fields.gas_limit,
        max_fee_per_gas: price(tx.max_fee_per_gas)?,
        max_priority_fee_per_gas: price(tx.max_priority_fee_per_gas)?,
        to: fields.called(&Rule::SetCodeContractCreation)?,
        value: fields.value,
        access_list: fields.access_list,
        authorization_list: list.iter().map(authorization).collect::<Result<_, _>>()?,
        input: fields.input,
    };
    Ok(TxEnvelope::Eip7702(signed(tx, typed)?))
}

fn recipient(to: Option<&str>) -> Result<TxKind, String> {
    match to.filter(|text| !text.is_empty()) {
        None => Ok(TxKind::Create),
        Some(text) => text
            .parse()
            .map(TxKind::Call)
            .map_err(|error| format!("to: expected an address, found `{text}`: {error}")),
    }
}

fn access_list(list: &[JsonAccess]) -> AccessList {
    let item = |access: &JsonAccess| AccessListItem {
        address: access.address,
        storage_keys: access.storage_keys.clone(),
    };
    AccessList(list.iter().map(item).collect())
}

fn authorization(json: &JsonAuthorization) -> Result<SignedAuthorization, String> {
    let tuple = Authorization {
        chain_id: json.chain_id.0,
        address: json.address,
        nonce: narrow(json.nonce)?,
    };
    Ok(SignedAuthorization::new_unchecked(tuple, narrow(json.y_parity)?, json.r.0, json.s.0))
}

/// The key that is to sign: one is stated, and there is no signature.
fn key(tx: &JsonTransaction) -> Result<Option<SigningKey>, String> {
    let is_unsigned = tx.v.0.is_zero() && tx.r.0.is_zero() && tx.s.0.is_zero();
    let key = tx.secret_key.filter(|_| is_unsigned);
    let key = key.map(|key| SigningKey::from_slice(key.as_slice()));
    key.transpose().map_err(|error| format!("secretKey: {error}"))
}

fn signed<T: SignableTransaction<Signature>>(
    tx: &JsonTransaction,
    typed: T,
) -> Result<Signed<T>, String> {
    let signature = match key(tx)? {
        Some(key) => keys::sign_with(&key, typed.signature_hash()),
        None => match tx.v.0.try_into() {
            Ok(parity @ (0_u8 | 1)) => Signature::new(tx.r.0, tx.s.0, parity == 1),
            _ => return Err(text_of(&Rule::InvalidSignature)),
        },
    };
    Ok(typed.into_signed(signature))
}

/// A legacy transaction: its `v` tells the chain that it is signed for (EIP-155).
fn legacy(tx: &JsonTransaction, fields: Fields, rules: &Rules) -> Result<TxEnvelope, String> {
    let Fields { nonce, gas_limit, to, value, input, .. } = fields;
    let gas_price = price(tx.gas_price)?;
    let typed = |chain_id| TxLegacy { chain_id, nonce, gas_price, gas_limit, to, value, input };
    if let Some(key) = key(tx)? {
        let is_protected = tx.protected && rules.fork >= Fork::SpuriousDragon;
        let typed = typed(is_protected.then_some(rules.chain_id));
        let signature = keys::sign_with(&key, typed.signature_hash());
        return Ok(typed.into_signed(signature).into());
    }
    let invalid = || text_of(&Rule::InvalidSignature);
    let v: u128 = tx.v.0.try_into().map_err(|_| invalid())?;
    let (chain_id, parity) = match v {
        27 | 28 => (None, v - 27),
        35.. => (Some(u64::try_from((v - 35) / 2).map_err(|_| invalid())?), (v - 35) % 2),
        _ => return Err(invalid()),
    };
    Ok(typed(chain_id).into_signed(Signature::new(tx.r.0, tx.s.0, parity == 1)).into())
}
