//! The contracts that system calls need.

use alloy_eips::{eip2935, eip4788, eip7002, eip7251, eip8282};
use alloy_primitives::{Address, Bytes};
use lockstep_model::Fork;

/// Those that a fork has, with their real code.
pub fn of(fork: Fork) -> Vec<(Address, Bytes)> {
    let mut known = Vec::new();
    if fork >= Fork::Cancun {
        known.push((eip4788::BEACON_ROOTS_ADDRESS, eip4788::BEACON_ROOTS_CODE.clone()));
    }
    if fork >= Fork::Prague {
        known.extend([
            (eip2935::HISTORY_STORAGE_ADDRESS, eip2935::HISTORY_STORAGE_CODE.clone()),
            (
                eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
                eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_CODE.clone(),
            ),
            (
                eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
                eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_CODE.clone(),
            ),
        ]);
    }
    if fork >= Fork::Amsterdam {
        known.extend([
            (
                eip8282::BUILDER_DEPOSIT_CONTRACT_ADDRESS,
                eip8282::BUILDER_DEPOSIT_CONTRACT_CODE.clone(),
            ),
            (eip8282::BUILDER_EXIT_CONTRACT_ADDRESS, eip8282::BUILDER_EXIT_CONTRACT_CODE.clone()),
        ]);
    }
    known
}
