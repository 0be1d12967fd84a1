//! `env`: the block without its transactions, and what is computed where only its parent is given.

use super::Failure;
use crate::hex::{Amount, Ordered};
use alloy_consensus::{Header, constants::EMPTY_OMMER_ROOT_HASH};
use alloy_eips::{
    eip1559::{BaseFeeParams, INITIAL_BASE_FEE, calc_next_block_base_fee},
    eip4895::Withdrawal,
    eip7840::BlobParams,
};
use alloy_primitives::{Address, B256, U256};
use lockstep_judge::consensus::{Era, Schedule, difficulty};
use lockstep_model::{Block, Fork, Ommer, Rules};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The chain that the block belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// A fork or a transition, as in `CancunToPragueAtTime15k`.
    pub fork: &'a str,
    /// EIP-155 chain id.
    pub chain_id: u64,
}

/// Blob parameters as drivers give them.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Blobs {
    target: Amount,
    max: Amount,
    base_fee_update_fraction: Amount,
}

/// The members that geth knows. Others are ignored: drivers send more.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct JsonEnv {
    current_coinbase: Option<Address>,
    current_gas_limit: Option<Amount>,
    current_number: Option<Amount>,
    current_timestamp: Option<Amount>,
    current_difficulty: Option<Amount>,
    current_random: Option<Amount>,
    current_base_fee: Option<Amount>,
    current_excess_blob_gas: Option<Amount>,
    parent_difficulty: Option<Amount>,
    parent_timestamp: Option<Amount>,
    parent_uncle_hash: Option<B256>,
    parent_base_fee: Option<Amount>,
    parent_gas_used: Option<Amount>,
    parent_gas_limit: Option<Amount>,
    parent_excess_blob_gas: Option<Amount>,
    parent_blob_gas_used: Option<Amount>,
    parent_beacon_block_root: Option<B256>,
    block_hashes: Option<Ordered<Amount, B256>>,
    ommers: Option<Vec<JsonOmmer>>,
    withdrawals: Option<Vec<JsonWithdrawal>>,
    slot_number: Option<Amount>,
}

#[derive(Debug, Deserialize)]
struct JsonOmmer {
    delta: Amount,
    address: Address,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonWithdrawal {
    index: Amount,
    validator_index: Amount,
    address: Address,
    amount: Amount,
}

/// What `env` says.
pub(super) struct Env {
    pub(super) rules: Rules,
    pub(super) block: Block,
    pub(super) hashes: BTreeMap<u64, B256>,
    pub(super) ommers: Vec<(Address, u64)>,
    pub(super) most_blobs: u64,
}

fn narrow(name: &str, Amount(value): Amount) -> Result<u64, Failure> {
    let problem = || format!("{name}: expected at most 64 bits, found {value}");
    u64::try_from(value).map_err(|_| Failure::json("env", problem()))
}

fn narrow_if(name: &str, value: Option<Amount>) -> Result<Option<u64>, Failure> {
    value.map(|value| narrow(name, value)).transpose()
}

fn required<T>(name: &str, value: Option<T>) -> Result<T, Failure> {
    value.ok_or_else(|| Failure::json("env", format!("missing required field '{name}'")))
}

fn needed<T>(value: Option<T>, problem: &str) -> Result<T, Failure> {
    value.ok_or_else(|| Failure::configuration(problem))
}

fn schedule(target: &Target<'_>) -> Result<Schedule, Failure> {
    Schedule::of_network(target.fork, target.chain_id, &|_| None).map_err(Failure::configuration)
}

/// The rules of the block.
fn era(
    env: &JsonEnv,
    schedule: &Schedule,
    (number, timestamp): (u64, u64),
    blobs: Option<Blobs>,
) -> Result<Era, Failure> {
    // A tool does not know the total difficulty: a transition by it has taken place where there is
    // randomness.
    let merged = if env.current_random.is_some() { U256::MAX } else { U256::ZERO };
    let mut era = schedule.era(number, timestamp, merged).clone();
    if era.fork == Fork::Constantinople {
        let problem = "Constantinople without Petersburg (EIP-1283) is not supported";
        return Err(Failure::configuration(problem));
    }
    if let (Some(blobs), Some(params)) = (blobs, &mut era.blobs) {
        *params = given(blobs, params)?;
    }
    Ok(era)
}

pub(super) fn read(
    env: JsonEnv,
    target: &Target<'_>,
    blobs: Option<Blobs>,
) -> Result<Env, Failure> {
    let beneficiary = required("currentCoinbase", env.current_coinbase)?;
    let number = required("currentNumber", env.current_number)?;
    let number = narrow("currentNumber", number)?;
    let timestamp = required("currentTimestamp", env.current_timestamp)?;
    let timestamp = narrow("currentTimestamp", timestamp)?;
    let gas_limit = required("currentGasLimit", env.current_gas_limit)?;
    let gas_limit = narrow("currentGasLimit", gas_limit)?;
    let schedule = schedule(target)?;
    let era = era(&env, &schedule, (number, timestamp), blobs)?;
    let since = |fork| era.fork >= fork;
    let rules = schedule.rules(&era, number);
    let is_merged = since(Fork::Paris);
    let stated = env.current_difficulty.unwrap_or_default().0;
    if is_merged && !stated.is_zero() {
        let problem = "post-merge difficulty must be zero (or omitted) in env";
        return Err(Failure::configuration(problem));
    }
    let random = is_merged
        .then(|| {
            needed(env.current_random, "post-merge requires currentRandom to be defined in env")
        })
        .transpose()?;
    let hashes = hashes(env.block_hashes.as_ref())?;
    let parent_hash = number.checked_sub(1).and_then(|parent| hashes.get(&parent));
    let ommers = ommers(env.ommers.as_deref().unwrap_or_default())?;
    let block = Block {
        number,
        timestamp,
        beneficiary,
        gas_limit,
        difficulty: if is_merged { U256::ZERO } else { difficulty(&env, &era, number, timestamp)? },
        prev_randao: random.map(|Amount(value)| value.into()),
        base_fee: base_fee(&env, &schedule, number, since(Fork::London))?,
        excess_blob_gas: excess_blob_gas(&env, &era)?,
        parent_hash: parent_hash.copied().unwrap_or_default(),
        parent_beacon_block_root: since(Fork::Cancun)
            .then(|| {
                let problem = "post-cancun env requires parentBeaconBlockRoot to be set";
                needed(env.parent_beacon_block_root, problem)
            })
            .transpose()?,
        slot_number: since(Fork::Amsterdam)
            .then(|| Ok(narrow_if("slotNumber", env.slot_number)?.unwrap_or_default()))
            .transpose()?,
        transactions: Vec::new(),
        ommers: ommers
            .iter()
            .map(|&(beneficiary, delta)| Ommer {
                beneficiary,
                number: number.saturating_sub(delta),
            })
            .collect(),
        withdrawals: since(Fork::Shanghai)
            .then(|| {
                let problem = "Shanghai config but missing 'withdrawals' in env section";
                withdrawals(needed(env.withdrawals.as_deref(), problem)?)
            })
            .transpose()?,
        access_list: None,
    };
    crate::check_blob_price(&rules, block.excess_blob_gas)
        .map_err(|problem| Failure::json("env", format!("currentExcessBlobGas: {problem}")))?;
    let most_blobs = era.blobs.map_or(0, |blobs| blobs.max_blob_count);
    Ok(Env { rules, block, hashes, ommers, most_blobs })
}

fn given(blobs: Blobs, own: &BlobParams) -> Result<BlobParams, Failure> {
    Ok(BlobParams {
        target_blob_count: narrow("blobParams.target", blobs.target)?,
        max_blob_count: narrow("blobParams.max", blobs.max)?,
        update_fraction: narrow(
            "blobParams.baseFeeUpdateFraction",
            blobs.base_fee_update_fraction,
        )?
        .into(),
        ..*own
    })
}

fn hashes(stated: Option<&Ordered<Amount, B256>>) -> Result<BTreeMap<u64, B256>, Failure> {
    let entries = stated.into_iter().flat_map(|hashes| &hashes.0);
    entries.map(|(number, hash)| Ok((narrow("blockHashes", *number)?, *hash))).collect()
}

fn ommers(stated: &[JsonOmmer]) -> Result<Vec<(Address, u64)>, Failure> {
    stated.iter().map(|ommer| Ok((ommer.address, narrow("ommers.delta", ommer.delta)?))).collect()
}

fn withdrawals(stated: &[JsonWithdrawal]) -> Result<Vec<Withdrawal>, Failure> {
    let one = |withdrawal: &JsonWithdrawal| {
        Ok(Withdrawal {
            index: narrow("withdrawals.index", withdrawal.index)?,
            validator_index: narrow("withdrawals.validatorIndex", withdrawal.validator_index)?,
            address: withdrawal.address,
            amount: narrow("withdrawals.amount", withdrawal.amount)?,
        })
    };
    stated.iter().map(one).collect()
}

/// The difficulty, stated or computed from the parent (Yellow Paper 4.4.4).
fn difficulty(env: &JsonEnv, era: &Era, number: u64, timestamp: u64) -> Result<U256, Failure> {
    if let Some(Amount(stated)) = env.current_difficulty {
        return Ok(stated);
    }
    let problem = "currentDifficulty was not provided, and cannot be calculated due to missing \
                   parentDifficulty and parentTimestamp";
    let parent_difficulty = needed(env.parent_difficulty, problem)?.0;
    let parent_timestamp = narrow("parentTimestamp", needed(env.parent_timestamp, problem)?)?;
    if number == 0 {
        return Err(Failure::configuration(
            "currentDifficulty needs to be provided for block number 0",
        ));
    }
    if timestamp <= parent_timestamp {
        return Err(Failure::configuration(format!(
            "currentDifficulty cannot be calculated -- currentTime ({timestamp}) needs to be after parent time ({parent_timestamp})"
        )));
    }
    let ommers_hash = env.parent_uncle_hash.filter(|hash| !hash.is_zero());
    let parent = Header {
        number: number - 1,
        timestamp: parent_timestamp,
        difficulty: parent_difficulty,
        ommers_hash: ommers_hash.unwrap_or(EMPTY_OMMER_ROOT_HASH),
        ..Header::default()
    };
    Ok(difficulty::expected(era, &parent, timestamp))
}

/// The base fee, stated or computed from the parent (EIP-1559).
fn base_fee(
    env: &JsonEnv,
    schedule: &Schedule,
    number: u64,
    is_needed: bool,
) -> Result<u64, Failure> {
    if !is_needed {
        return Ok(0);
    }
    if let Some(stated) = env.current_base_fee {
        return narrow("currentBaseFee", stated);
    }
    let problem = "EIP-1559 config but missing 'parentBaseFee' in env section";
    let parent_timestamp = narrow_if("parentTimestamp", env.parent_timestamp)?.unwrap_or_default();
    let parent = schedule.era(number.saturating_sub(1), parent_timestamp, U256::ZERO);
    if number > 0 && parent.fork < Fork::London && env.parent_base_fee.is_none() {
        return Ok(INITIAL_BASE_FEE);
    }
    let before = narrow("parentBaseFee", needed(env.parent_base_fee, problem)?)?;
    let used = narrow_if("parentGasUsed", env.parent_gas_used)?.unwrap_or_default();
    let limit = narrow_if("parentGasLimit", env.parent_gas_limit)?.unwrap_or_default();
    let params = BaseFeeParams::ethereum();
    if limit < params.elasticity_multiplier as u64 {
        return Err(Failure::configuration(
            "EIP-1559 config but missing 'parentGasLimit' in env section",
        ));
    }
    Ok(calc_next_block_base_fee(used, limit, before, params))
}

/// The excess of blob gas, stated or computed from the parent (EIP-4844, EIP-7918).
fn excess_blob_gas(env: &JsonEnv, era: &Era) -> Result<Option<u64>, Failure> {
    let Some(params) = &era.blobs else { return Ok(None) };
    if let Some(stated) = env.current_excess_blob_gas {
        return narrow("currentExcessBlobGas", stated).map(Some);
    }
    let excess = narrow_if("parentExcessBlobGas", env.parent_excess_blob_gas)?.unwrap_or_default();
    let used = narrow_if("parentBlobGasUsed", env.parent_blob_gas_used)?.unwrap_or_default();
    let base_fee = narrow_if("parentBaseFee", env.parent_base_fee)?.unwrap_or_default();
    let is_countable =
        excess.checked_add(used).is_some() && used.checked_mul(params.max_blob_count).is_some();
    if !is_countable {
        let problem = "parentExcessBlobGas: expected a sum that fits 64 bits";
        return Err(Failure::json("env", problem));
    }
    Ok(Some(params.next_block_excess_blob_gas_osaka(excess, used, base_fee)))
}
