//! A transaction that can be edited: the fields of all types, side by side.

use alloy_consensus::{
    Transaction as _, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxEnvelope, TxLegacy,
    Typed2718 as _,
};
use alloy_eips::{eip2930::AccessList, eip7702::SignedAuthorization};
use alloy_primitives::{B256, Bytes, TxKind, U256};
use lockstep_formats::{keys, placeholder};

/// The fields.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fields {
    kind: u8,
    chain_id: Option<u64>,
    pub(super) nonce: u64,
    gas_limit: u64,
    /// The gas price for types 0 and 1.
    max_fee: u128,
    tip: u128,
    to: TxKind,
    value: U256,
    input: Bytes,
    access_list: AccessList,
    blobs: Vec<B256>,
    max_fee_per_blob_gas: u128,
    pub(super) authorizations: Vec<SignedAuthorization>,
}

/// Makes a field simpler; false where it is as simple as can be.
pub(super) type Simpler = fn(&mut Fields) -> bool;

/// Every way, the greatest step of each field first.
pub(super) const SIMPLER: &[Simpler] = &[
    |fields| replace(&mut fields.input, Bytes::new()),
    |fields| {
        let half = fields.input.len() / 2;
        let shorter = fields.input.slice(..half);
        replace(&mut fields.input, shorter)
    },
    |fields| replace(&mut fields.access_list, AccessList::default()),
    |fields| {
        let is_longer = fields.authorizations.len() > 1;
        is_longer && fields.authorizations.pop().is_some()
    },
    |fields| {
        let is_longer = fields.authorizations.len() > 1;
        is_longer && {
            fields.authorizations.remove(0);
            true
        }
    },
    |fields| replace(&mut fields.kind, 0),
    |fields| replace(&mut fields.value, U256::ZERO),
    |fields| replace(&mut fields.tip, 0),
    |fields| replace(&mut fields.value, U256::ONE),
    |fields| replace(&mut fields.gas_limit, 21_000),
    |fields| replace(&mut fields.gas_limit, 100_000),
];

fn replace<T: PartialEq>(field: &mut T, by: T) -> bool {
    let differs = *field != by;
    *field = by;
    differs
}

impl Fields {
    pub(super) fn of(tx: &TxEnvelope) -> Self {
        Self {
            kind: tx.ty(),
            chain_id: tx.chain_id(),
            nonce: tx.nonce(),
            gas_limit: tx.gas_limit(),
            max_fee: tx.max_fee_per_gas(),
            tip: tx.max_priority_fee_per_gas().unwrap_or_default(),
            to: tx.kind(),
            value: tx.value(),
            input: tx.input().clone(),
            access_list: tx.access_list().cloned().unwrap_or_default(),
            blobs: tx.blob_versioned_hashes().map(<[B256]>::to_vec).unwrap_or_default(),
            max_fee_per_blob_gas: tx.max_fee_per_blob_gas().unwrap_or_default(),
            authorizations: tx
                .authorization_list()
                .map(<[SignedAuthorization]>::to_vec)
                .unwrap_or_default(),
        }
    }

    /// As an unsigned transaction.
    pub(super) fn envelope(self) -> TxEnvelope {
        let Self { kind, chain_id, nonce, gas_limit, max_fee, tip, to, value, input, .. } = self;
        let access_list = self.access_list;
        let (gas_price, id) = (max_fee, chain_id.unwrap_or(1));
        let (max_fee_per_gas, max_priority_fee_per_gas) = (max_fee, tip);
        let target = to.to().copied().unwrap_or_default();
        match kind {
            0 => placeholder::signed(TxLegacy {
                chain_id: None,
                nonce,
                gas_price,
                gas_limit,
                to,
                value,
                input,
            })
            .into(),
            1 => placeholder::signed(TxEip2930 {
                chain_id: id,
                nonce,
                gas_price,
                gas_limit,
                to,
                value,
                access_list,
                input,
            })
            .into(),
            2 => placeholder::signed(TxEip1559 {
                chain_id: id,
                nonce,
                gas_limit,
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to,
                value,
                access_list,
                input,
            })
            .into(),
            3 => TxEnvelope::Eip4844(placeholder::signed(
                TxEip4844 {
                    chain_id: id,
                    nonce,
                    gas_limit,
                    max_fee_per_gas,
                    max_priority_fee_per_gas,
                    to: target,
                    value,
                    access_list,
                    blob_versioned_hashes: self.blobs,
                    max_fee_per_blob_gas: self.max_fee_per_blob_gas,
                    input,
                }
                .into(),
            )),
            _ => placeholder::signed(TxEip7702 {
                chain_id: id,
                nonce,
                gas_limit,
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to: target,
                value,
                access_list,
                authorization_list: self.authorizations,
                input,
            })
            .into(),
        }
    }
}

/// The authorisation with another nonce, signed anew where its signer's key is known.
pub(super) fn renumbered(signed: &SignedAuthorization, nonce: u64) -> SignedAuthorization {
    let key = signed.recover_authority().ok().and_then(keys::index_of);
    let Some(key) = key.filter(|_| signed.nonce() != nonce) else { return signed.clone() };
    let mut authorization = signed.inner().clone();
    authorization.nonce = nonce;
    let signature = keys::sign(key, authorization.signature_hash());
    authorization.into_signed(signature)
}
