//! A header on top of its parent.

use super::{BlockRule, Era, blobs, difficulty};
use alloy_consensus::{Header, constants::EMPTY_OMMER_ROOT_HASH};
use alloy_eips::eip1559::{BaseFeeParams, INITIAL_BASE_FEE};
use alloy_primitives::B64;
use lockstep_model::Fork;

/// Yellow Paper (46).
const GAS_LIMIT_DIVISOR: u64 = 1024;

/// Yellow Paper (46).
const MINIMUM_GAS_LIMIT: u64 = 5000;

/// EIP-1985.
const MAXIMUM_GAS_LIMIT: u64 = i64::MAX as u64;

/// Yellow Paper (50).
const MAXIMUM_EXTRA_DATA: usize = 32;

/// EIP-1559: the gas limit doubles with the fork, so that the target stays.
const ELASTICITY: u64 = 2;

/// EIP-779: the extra data of the fork's block and the nine after it.
const DAO_EXTRA_DATA: &[u8] = b"dao-hard-fork";
const DAO_EXTRA_DATA_BLOCKS: u64 = 10;

/// Every rule that a header breaks.
pub fn broken(era: &Era, header: &Header, parent: &Header) -> Vec<BlockRule> {
    RULES.iter().filter_map(|rule| rule(era, header, parent).err()).collect()
}

/// One rule.
type HeaderRule = fn(&Era, &Header, &Header) -> Result<(), BlockRule>;

const RULES: &[HeaderRule] = &[
    has_its_number,
    has_a_possible_gas_limit,
    keeps_its_gas_limit_near_the_parents,
    has_a_base_fee_from_london_on,
    has_the_fields_of_its_fork,
    has_no_fields_of_later_forks,
    has_short_extra_data,
    has_the_extra_data_of_the_dao_fork,
    is_later_than_its_parent,
    uses_no_more_gas_than_its_limit,
    has_no_difficulty_from_paris_on,
    has_no_nonce_from_paris_on,
    has_no_ommers_from_paris_on,
    has_its_difficulty_before_paris,
    has_its_base_fee,
    blobs::has_whole_blobs,
    blobs::has_its_excess,
];

pub(super) fn require(holds: bool, rule: BlockRule) -> Result<(), BlockRule> {
    if holds { Ok(()) } else { Err(rule) }
}

/// Yellow Paper (47).
fn has_its_number(_: &Era, header: &Header, parent: &Header) -> Result<(), BlockRule> {
    require(parent.number.checked_add(1) == Some(header.number), BlockRule::Number)
}

/// Yellow Paper (48).
fn is_later_than_its_parent(_: &Era, header: &Header, parent: &Header) -> Result<(), BlockRule> {
    require(header.timestamp > parent.timestamp, BlockRule::Timestamp)
}

/// Yellow Paper (50).
fn has_short_extra_data(_: &Era, header: &Header, _: &Header) -> Result<(), BlockRule> {
    require(header.extra_data.len() <= MAXIMUM_EXTRA_DATA, BlockRule::ExtraDataSize)
}

/// EIP-779.
fn has_the_extra_data_of_the_dao_fork(
    era: &Era,
    header: &Header,
    _: &Header,
) -> Result<(), BlockRule> {
    let after = era.dao_fork.and_then(|fork| header.number.checked_sub(fork));
    let asked = after.is_some_and(|after| after < DAO_EXTRA_DATA_BLOCKS);
    require(!asked || header.extra_data[..] == *DAO_EXTRA_DATA, BlockRule::ExtraDataOfDao)
}

/// EIP-1985.
fn has_a_possible_gas_limit(_: &Era, header: &Header, _: &Header) -> Result<(), BlockRule> {
    require(header.gas_limit <= MAXIMUM_GAS_LIMIT, BlockRule::GasLimitSize)
}

/// Yellow Paper (53).
fn uses_no_more_gas_than_its_limit(_: &Era, header: &Header, _: &Header) -> Result<(), BlockRule> {
    require(header.gas_used <= header.gas_limit, BlockRule::GasUsedWithinLimit)
}

/// Yellow Paper (46); EIP-1559 at the fork.
fn keeps_its_gas_limit_near_the_parents(
    era: &Era,
    header: &Header,
    parent: &Header,
) -> Result<(), BlockRule> {
    let is_first_of_london = era.fork >= Fork::London && parent.base_fee_per_gas.is_none();
    let before = if is_first_of_london {
        parent.gas_limit.saturating_mul(ELASTICITY)
    } else {
        parent.gas_limit
    };
    let near = header.gas_limit.abs_diff(before) < before / GAS_LIMIT_DIVISOR;
    require(near && header.gas_limit >= MINIMUM_GAS_LIMIT, BlockRule::GasLimitBounds)
}

/// EIP-1559.
fn has_a_base_fee_from_london_on(era: &Era, header: &Header, _: &Header) -> Result<(), BlockRule> {
    let has_one = header.base_fee_per_gas.is_some();
    if era.fork >= Fork::London {
        require(has_one, BlockRule::BaseFeePresent)
    } else {
        require(!has_one, BlockRule::BaseFeeAbsent)
    }
}

/// EIP-1559.
fn has_its_base_fee(era: &Era, header: &Header, parent: &Header) -> Result<(), BlockRule> {
    if era.fork < Fork::London {
        return Ok(());
    }
    let expected =
        parent.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or(INITIAL_BASE_FEE);
    require(header.base_fee_per_gas == Some(expected), BlockRule::BaseFee)
}

/// Yellow Paper (41).
fn has_its_difficulty_before_paris(
    era: &Era,
    header: &Header,
    parent: &Header,
) -> Result<(), BlockRule> {
    if era.fork >= Fork::Paris {
        return Ok(());
    }
    let expected = difficulty::expected(era, parent, header.timestamp);
    require(header.difficulty == expected, BlockRule::Difficulty)
}

/// EIP-3675.
fn has_no_difficulty_from_paris_on(
    era: &Era,
    header: &Header,
    _: &Header,
) -> Result<(), BlockRule> {
    require(era.fork < Fork::Paris || header.difficulty.is_zero(), BlockRule::DifficultyZero)
}

/// EIP-3675.
fn has_no_nonce_from_paris_on(era: &Era, header: &Header, _: &Header) -> Result<(), BlockRule> {
    require(era.fork < Fork::Paris || header.nonce == B64::ZERO, BlockRule::NonceZero)
}

/// EIP-3675.
fn has_no_ommers_from_paris_on(era: &Era, header: &Header, _: &Header) -> Result<(), BlockRule> {
    let has_none = header.ommers_hash == EMPTY_OMMER_ROOT_HASH;
    require(era.fork < Fork::Paris || has_none, BlockRule::NoOmmers)
}

/// Which header fields came with which fork, and whether they are there.
const fn fields(header: &Header) -> [(Fork, bool); 7] {
    [
        // EIP-4895
        (Fork::Shanghai, header.withdrawals_root.is_some()),
        // EIP-4844
        (Fork::Cancun, header.blob_gas_used.is_some()),
        (Fork::Cancun, header.excess_blob_gas.is_some()),
        // EIP-4788
        (Fork::Cancun, header.parent_beacon_block_root.is_some()),
        // EIP-7685
        (Fork::Prague, header.requests_hash.is_some()),
        // EIP-7928
        (Fork::Amsterdam, header.block_access_list_hash.is_some()),
        // EIP-7843
        (Fork::Amsterdam, header.slot_number.is_some()),
    ]
}

/// The fields of a fork that a header lacks, and those of later forks that it has.
pub fn misplaced_fields(era: &Era, header: &Header) -> impl Iterator<Item = String> {
    const NAMES: [&str; 7] = [
        "withdrawalsRoot",
        "blobGasUsed",
        "excessBlobGas",
        "parentBeaconBlockRoot",
        "requestsHash",
        "blockAccessListHash",
        "slotNumber",
    ];
    let fork = era.fork;
    fields(header).into_iter().zip(NAMES).filter_map(move |((from, present), name)| {
        match (fork >= from, present) {
            (true, false) => Some(format!("`{name}` is missing")),
            (false, true) => Some(format!("`{name}` is of {from}")),
            _ => None,
        }
    })
}

fn has_the_fields_of_its_fork(era: &Era, header: &Header, _: &Header) -> Result<(), BlockRule> {
    let complete = fields(header).iter().all(|(from, present)| era.fork < *from || *present);
    require(complete, BlockRule::FieldsPresent)
}

fn has_no_fields_of_later_forks(era: &Era, header: &Header, _: &Header) -> Result<(), BlockRule> {
    let clean = fields(header).iter().all(|(from, present)| era.fork >= *from || !*present);
    require(clean, BlockRule::FieldsAbsent)
}
