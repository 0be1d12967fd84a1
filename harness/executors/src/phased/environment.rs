//! The block as an EVM sees it, in plain numbers.

use crate::evm::evm_env;
use alloy_primitives::{Address, B256, U256};
use lockstep_model::Case;

/// The environment of a block. Every member is one that revm's `BlockEnv` and `CfgEnv` have, in whatever version.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are revm's")]
pub struct Environment {
    /// The name of revm's `SpecId`, as its `FromStr` takes it: `Prague`.
    pub spec: &'static str,
    pub chain_id: u64,
    pub number: u64,
    pub beneficiary: Address,
    pub timestamp: u64,
    pub gas_limit: u64,
    pub basefee: u64,
    pub difficulty: U256,
    pub prevrandao: Option<B256>,
    /// Excess blob gas, from Cancun on.
    pub excess_blob_gas: Option<u64>,
    /// The blob base fee, from Cancun on.
    pub blob_gasprice: Option<u128>,
    /// `BLOB_BASE_FEE_UPDATE_FRACTION`: `BlockEnv::set_blob_excess_gas_and_price` takes it.
    pub blob_base_fee_update_fraction: u64,
    /// The most blobs of a transaction, where there is a limit: `CfgEnv::max_blobs_per_tx`.
    pub max_blobs_per_tx: Option<u64>,
    /// EIP-7825: `CfgEnv::tx_gas_limit_cap`.
    pub tx_gas_limit_cap: Option<u64>,
}

impl Environment {
    /// The environment of a case.
    pub fn of(case: &Case) -> Self {
        let env = evm_env(case);
        let (block, config) = (&env.block_env, &env.cfg_env);
        let blob = block.blob_excess_gas_and_price;
        Self {
            spec: config.spec.into(),
            chain_id: config.chain_id,
            number: case.block.number,
            beneficiary: block.beneficiary,
            timestamp: case.block.timestamp,
            gas_limit: block.gas_limit,
            basefee: block.basefee,
            difficulty: block.difficulty,
            prevrandao: block.prevrandao,
            excess_blob_gas: blob.map(|blob| blob.excess_blob_gas),
            blob_gasprice: blob.map(|blob| blob.blob_gasprice),
            blob_base_fee_update_fraction: case
                .rules
                .blobs
                .map_or_else(|| own_fraction(case), |blobs| blobs.update_fraction),
            max_blobs_per_tx: config.max_blobs_per_tx,
            tx_gas_limit_cap: config.tx_gas_limit_cap,
        }
    }
}

/// EIP-4844, EIP-7691.
fn own_fraction(case: &Case) -> u64 {
    if case.rules.fork >= lockstep_model::Fork::Prague { 5_007_716 } else { 3_338_477 }
}
