//! From a case to revm's configuration, block and transaction environments.

use crate::remembered;
use alloy_consensus::TxEnvelope;
use alloy_eips::eip7702::{RecoveredAuthority, RecoveredAuthorization};
use alloy_evm::{EvmEnv, FromRecoveredTx};
use lockstep_model::{Block, Case, Fork, Rules, Transaction};
use revm::{
    context::{BlockEnv, CfgEnv, TxEnv},
    context_interface::{block::BlobExcessGasAndPrice, either::Either},
    primitives::{U256, eip4844, hardfork::SpecId},
};

/// EIP-7594: the most blobs that one transaction may carry from Osaka on.
const MAX_BLOBS_PER_TRANSACTION_OSAKA: u64 = 6;

/// revm's name of a fork.
pub(crate) const fn spec_id(fork: Fork) -> SpecId {
    match fork {
        Fork::Frontier => SpecId::FRONTIER,
        Fork::Homestead => SpecId::HOMESTEAD,
        Fork::Tangerine => SpecId::TANGERINE,
        Fork::SpuriousDragon => SpecId::SPURIOUS_DRAGON,
        Fork::Byzantium => SpecId::BYZANTIUM,
        // Refused by `unsupported_rules`: revm has no EIP-1283.
        Fork::Constantinople | Fork::Petersburg => SpecId::PETERSBURG,
        Fork::Istanbul => SpecId::ISTANBUL,
        Fork::Berlin => SpecId::BERLIN,
        Fork::London => SpecId::LONDON,
        Fork::Paris => SpecId::MERGE,
        Fork::Shanghai => SpecId::SHANGHAI,
        Fork::Cancun => SpecId::CANCUN,
        Fork::Prague => SpecId::PRAGUE,
        Fork::Osaka => SpecId::OSAKA,
        Fork::Amsterdam => SpecId::AMSTERDAM,
    }
}

/// Configuration and block environment of a case.
pub(crate) fn evm_env(case: &Case) -> EvmEnv {
    EvmEnv::new(cfg_env(&case.rules), block_env(&case.rules, &case.block))
}

fn cfg_env(rules: &Rules) -> CfgEnv {
    // A fresh environment: setting the fork on an old one would leave its gas table.
    let cfg = CfgEnv::new_with_spec(spec_id(rules.fork)).with_chain_id(rules.chain_id);
    cfg.with_max_blobs_per_tx(max_blobs_per_transaction(rules))
}

fn max_blobs_per_transaction(rules: &Rules) -> u64 {
    let by_block = rules.blobs.map_or(
        if rules.fork >= Fork::Prague {
            eip4844::MAX_BLOB_NUMBER_PER_BLOCK_PRAGUE
        } else {
            eip4844::MAX_BLOB_NUMBER_PER_BLOCK_CANCUN
        },
        |blobs| blobs.max,
    );
    if rules.fork >= Fork::Osaka { by_block.min(MAX_BLOBS_PER_TRANSACTION_OSAKA) } else { by_block }
}

fn blob_update_fraction(rules: &Rules) -> u64 {
    rules.blobs.map_or(
        if rules.fork >= Fork::Prague {
            eip4844::BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE
        } else {
            eip4844::BLOB_BASE_FEE_UPDATE_FRACTION_CANCUN
        },
        |blobs| blobs.update_fraction,
    )
}

fn block_env(rules: &Rules, block: &Block) -> BlockEnv {
    let excess_blob_gas = block.excess_blob_gas.filter(|_| rules.fork >= Fork::Cancun);
    BlockEnv {
        number: U256::from(block.number),
        beneficiary: block.beneficiary,
        timestamp: U256::from(block.timestamp),
        gas_limit: block.gas_limit,
        basefee: block.base_fee,
        difficulty: block.difficulty,
        prevrandao: block.prev_randao.filter(|_| rules.fork >= Fork::Paris),
        blob_excess_gas_and_price: excess_blob_gas
            .map(|excess| BlobExcessGasAndPrice::new(excess, blob_update_fraction(rules))),
        slot_num: block.slot_number.unwrap_or_default(),
    }
}

/// The transaction environment. Recovers EIP-7702 authorities, so it belongs off the clock.
pub(crate) fn transaction_env(transaction: &Transaction) -> TxEnv {
    let sender = transaction.sender;
    let TxEnvelope::Eip7702(signed) = &transaction.envelope else {
        return TxEnv::from_recovered_tx(&transaction.envelope, sender);
    };
    let mut tx = signed.tx().clone();
    let list = std::mem::take(&mut tx.authorization_list);
    let recovered = list.into_iter().map(|signed| {
        let authority = remembered::authority(&signed);
        let authority = authority.map_or(RecoveredAuthority::Invalid, RecoveredAuthority::Valid);
        let authorization = signed.strip_signature();
        Either::Right(RecoveredAuthorization::new_unchecked(authorization, authority))
    });
    TxEnv { authorization_list: recovered.collect(), ..TxEnv::from_recovered_tx(&tx, sender) }
}
