//! From the parameters of a call to the block that they make up.
//!
//! The header is rebuilt from the payload, so that its hash is what the payload's fields give. The bytes of
//! the block are then read like any other block's.

use super::format::{JsonCall, JsonPayload};
use crate::{
    blockchain_test::{build::Problem, format::JsonWithdrawal},
    hex::{Data, Quantity},
};
use alloy_consensus::{Header, constants::EMPTY_OMMER_ROOT_HASH};
use alloy_eip7928::AccountChanges;
use alloy_eips::{eip4895::Withdrawal, eip7685::Requests};
use alloy_primitives::{B256, keccak256};
use alloy_rlp::Encodable;
use alloy_trie::root::ordered_trie_root_with_encoder;
use lockstep_judge::{
    chain::{ChainBlock, engine::Call},
    consensus::{BlockRule, Broken, DecodedBlock, access_list, decode::decode},
};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// The parameters of a call, as far as they are there.
struct Parameters {
    payload: JsonPayload,
    versioned_hashes: Option<Vec<B256>>,
    beacon_root: Option<B256>,
    requests: Option<Vec<Data>>,
    count: usize,
}

/// The block of a call.
///
/// # Errors
/// When a parameter is not what such a parameter can be.
pub(super) fn block(json: JsonCall) -> Result<ChainBlock, Problem> {
    let version = json.new_payload_version.parse().map_err(|_| {
        let problem = format!("expected a number, found `{}`", json.new_payload_version);
        ("newPayloadVersion".to_owned(), problem)
    })?;
    let parameters = parameters(&json.params)?;
    let malformed = parameters.malformed(version);
    let list = parameters.access_list();
    let decoded = match (&malformed, &list) {
        (Some(_), _) => Err(Broken::Block(BlockRule::EngineParameters)),
        (None, Some(Err(rule))) => Err(Broken::Block(*rule)),
        (None, _) => parameters.decoded()?,
    };
    let payload = &parameters.payload;
    Ok(ChainBlock {
        decoded: decoded.map(Arc::new),
        parent: Some(payload.parent_hash),
        exception: names(json.validation_error, json.error_code),
        access_list: list.and_then(Result::ok).map(Into::into),
        receipts: None,
        call: Some(Call {
            version,
            malformed,
            block_hash: payload.block_hash,
            versioned_hashes: parameters.versioned_hashes.clone(),
        }),
    })
}

/// Either of the two is how the call must end.
fn names(validation_error: Option<String>, error_code: Option<String>) -> Option<String> {
    match (validation_error, error_code) {
        (Some(error), Some(code)) => Some(format!("{error}|{code}")),
        (error, code) => error.or(code),
    }
}

fn parameters(values: &[serde_json::Value]) -> Result<Parameters, Problem> {
    let Some(payload) = parameter(values, 0)? else {
        return Err(("params".to_owned(), "expected a payload, found nothing".to_owned()));
    };
    Ok(Parameters {
        payload,
        versioned_hashes: parameter(values, 1)?,
        beacon_root: parameter(values, 2)?,
        requests: parameter(values, 3)?,
        count: values.len(),
    })
}

fn parameter<T: DeserializeOwned>(
    values: &[serde_json::Value],
    index: usize,
) -> Result<Option<T>, Problem> {
    let Some(value) = values.get(index).filter(|value| !value.is_null()) else { return Ok(None) };
    serde_path_to_error::deserialize(value).map(Some).map_err(|error| {
        let path = error.path().to_string();
        let separator = if path.starts_with('[') { "" } else { "." };
        let place = match path.as_str() {
            "." => format!("params[{index}]"),
            path => format!("params[{index}]{separator}{path}"),
        };
        (place, error.inner().to_string())
    })
}

impl Parameters {
    /// Why they do not have the form of this version of the method.
    fn malformed(&self, version: u64) -> Option<String> {
        let expected = match version {
            0..=2 => 1,
            3 => 3,
            _ => 4,
        };
        if self.count != expected {
            return Some(format!("{} parameters, version {version} has {expected}", self.count));
        }
        self.misplaced_field(version).or_else(|| self.requests.as_deref().and_then(disordered))
    }

    fn misplaced_field(&self, version: u64) -> Option<String> {
        let payload = &self.payload;
        // Which version has a field, and whether all later ones must have it. Version 2 is that of Paris
        // too: whether it has withdrawals, the header's rules say.
        let fields = [
            ("withdrawals", 2, 3, payload.withdrawals.is_some()),
            ("blobGasUsed", 3, 3, payload.blob_gas_used.is_some()),
            ("excessBlobGas", 3, 3, payload.excess_blob_gas.is_some()),
            ("versioned hashes", 3, 3, self.versioned_hashes.is_some()),
            ("the beacon root", 3, 3, self.beacon_root.is_some()),
            ("requests", 4, 4, self.requests.is_some()),
            ("blockAccessList", 5, 5, payload.block_access_list.is_some()),
            ("slotNumber", 5, 5, payload.slot_number.is_some()),
        ];
        fields.into_iter().find_map(|(name, allowed, required, present)| match present {
            true if version < allowed => Some(format!("{name} in a call of version {version}")),
            false if version >= required => {
                Some(format!("no {name} in a call of version {version}"))
            }
            _ => None,
        })
    }

    fn access_list(&self) -> Option<Result<Vec<AccountChanges>, BlockRule>> {
        let bytes = self.payload.block_access_list.as_ref()?;
        Some(access_list::decode(&bytes.0))
    }

    fn decoded(&self) -> Result<Result<DecodedBlock, Broken>, Problem> {
        let header = self.header()?;
        let withdrawals = self.withdrawals()?;
        Ok(decode(&encoded(&header, &self.payload.transactions, withdrawals.as_deref())))
    }

    fn withdrawals(&self) -> Result<Option<Vec<Withdrawal>>, Problem> {
        let withdrawals = self.payload.withdrawals.as_ref();
        withdrawals.map(|list| list.iter().enumerate().map(withdrawal).collect()).transpose()
    }

    /// The header that the payload stands for (EIP-3675 and the specification of each version).
    fn header(&self) -> Result<Header, Problem> {
        let payload = &self.payload;
        let transactions =
            ordered_trie_root_with_encoder(&payload.transactions, |bytes, buffer| {
                buffer.extend_from_slice(&bytes.0);
            });
        let withdrawals = self.withdrawals()?;
        let requests = self.requests.as_ref().map(|requests| {
            let requests = requests.iter().map(|request| request.0.clone()).collect();
            Requests::new(requests).requests_hash()
        });
        Ok(Header {
            parent_hash: payload.parent_hash,
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: payload.fee_recipient,
            state_root: payload.state_root,
            transactions_root: transactions,
            receipts_root: payload.receipts_root,
            logs_bloom: payload.logs_bloom,
            number: payload.block_number,
            gas_limit: payload.gas_limit,
            gas_used: payload.gas_used,
            timestamp: payload.timestamp,
            extra_data: payload.extra_data.0.clone(),
            mix_hash: payload.prev_randao,
            base_fee_per_gas: Some(payload.base_fee_per_gas),
            withdrawals_root: withdrawals
                .as_deref()
                .map(alloy_consensus::proofs::calculate_withdrawals_root),
            blob_gas_used: narrow("blobGasUsed", payload.blob_gas_used)?,
            excess_blob_gas: narrow("excessBlobGas", payload.excess_blob_gas)?,
            parent_beacon_block_root: self.beacon_root,
            requests_hash: requests,
            block_access_list_hash: payload
                .block_access_list
                .as_ref()
                .map(|list| keccak256(&list.0)),
            slot_number: narrow("slotNumber", payload.slot_number)?,
            ..Header::default()
        })
    }
}

/// EIP-7685: ascending types, each once, none without data.
fn disordered(requests: &[Data]) -> Option<String> {
    let short = requests.iter().position(|request| request.0.len() <= 1);
    if let Some(index) = short {
        return Some(format!("request {index} has no data"));
    }
    let ascend = requests.windows(2).all(|pair| pair[0].0[0] < pair[1].0[0]);
    (!ascend).then(|| "requests whose types do not ascend".to_owned())
}

fn narrow(field: &str, value: Option<Quantity>) -> Result<Option<u64>, Problem> {
    let wrong = || (format!("params[0].{field}"), "expected at most 64 bits".to_owned());
    value.map(|value| value.as_u64().ok_or_else(wrong)).transpose()
}

fn withdrawal((index, json): (usize, &JsonWithdrawal)) -> Result<Withdrawal, Problem> {
    let narrow = |field: &str, value: Quantity| {
        let place = format!("params[0].withdrawals[{index}].{field}");
        value.as_u64().ok_or((place, "expected at most 64 bits".to_owned()))
    };
    Ok(Withdrawal {
        index: narrow("index", json.index)?,
        validator_index: narrow("validatorIndex", json.validator_index)?,
        address: json.address,
        amount: narrow("amount", json.amount)?,
    })
}

/// The bytes of the block. A legacy transaction stands in them as it is, a typed one as a string.
fn encoded(header: &Header, transactions: &[Data], withdrawals: Option<&[Withdrawal]>) -> Vec<u8> {
    let mut list = Vec::new();
    for transaction in transactions {
        match transaction.0.first() {
            Some(0xc0..) => list.extend_from_slice(&transaction.0),
            _ => transaction.0.encode(&mut list),
        }
    }
    let mut payload = alloy_rlp::encode(header);
    alloy_rlp::Header { list: true, payload_length: list.len() }.encode(&mut payload);
    payload.extend(list);
    payload.push(alloy_rlp::EMPTY_LIST_CODE);
    if let Some(withdrawals) = withdrawals {
        alloy_rlp::encode_list::<Withdrawal, Withdrawal>(withdrawals, &mut payload);
    }
    let mut bytes = Vec::with_capacity(payload.len() + 9);
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut bytes);
    bytes.extend(payload);
    bytes
}
