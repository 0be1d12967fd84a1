//! Corrections of alloy-evm's `EthBlockExecutor` where it differs from the protocol.
//!
//! The one reviewed place for it, together with the strict EVM (EIP-7610, gas of system calls).
//! The phases of every executor of this crate come from here.
//!
//! | correction | rule | shown by |
//! |---|---|---|
//! | the DAO drain comes before the transactions and keeps emptied accounts | EIP-779, as geth's `ApplyDAOHardFork` | mainnet block 1920000 |
//! | the request contracts must have code | EIP-7002, EIP-7251, EIP-8282 | `SYSTEM_CONTRACT_EMPTY` |
//! | deposit logs must have the deposit contract's exact layout | EIP-6110 | `INVALID_DEPOSIT_EVENT_LAYOUT` |
//! | every phase has its own access-list index | EIP-7928 | Amsterdam fixtures |
//!
//! Receipts carry a status here too; the intermediate roots that they need before Byzantium are
//! the judge's to compute from the changes of each transaction.

use super::{
    receipts::is_deposit,
    session::{Session, SessionDb, Stop, balance, broken_read, stop},
};
use alloy_eips::{
    eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
    eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
    eip8282::{BUILDER_DEPOSIT_CONTRACT_ADDRESS, BUILDER_EXIT_CONTRACT_ADDRESS},
};
use alloy_evm::{
    Evm,
    block::{BalIndexedDatabase, BlockExecutionResult, BlockExecutor},
    eth::dao_fork::{DAO_HARDFORK_ACCOUNTS, DAO_HARDFORK_BENEFICIARY},
};
use alloy_primitives::{Address, U256};
use lockstep_faults::phases::{
    BUILDER_CONTRACTS_UNCHECKED, DEPOSIT_LAYOUT_UNCHECKED, REQUEST_CONTRACTS_UNCHECKED,
};
use lockstep_model::{At, Case, Fork, Rejection, Rule, Rules};
use revm::{Database, DatabaseCommit, database::State, state::Account};

/// Everything before the first transaction.
pub(crate) fn pre_block<DB: SessionDb>(session: &mut Session<DB>, case: &Case) -> Result<(), Stop> {
    if case.rules.dao_drain {
        drain_dao(session.evm.db_mut())?;
    }
    session.apply_pre_execution_changes().map_err(|error| stop(error, At::PreBlock))
}

/// Everything after the last transaction: requests, withdrawals, rewards.
pub(crate) fn post_block<DB: SessionDb>(
    mut session: Session<DB>,
    case: &Case,
) -> Result<(State<DB>, BlockExecutionResult<super::receipts::PlainReceipt>), Stop> {
    set_access_index(&mut session, case.block.transactions.len() as u64 + 1);
    if case.rules.fork >= Fork::Prague && !REQUEST_CONTRACTS_UNCHECKED.is_planted() {
        require_code(session.evm.db_mut(), WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS)?;
        require_code(session.evm.db_mut(), CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS)?;
    }
    if case.rules.fork >= Fork::Prague {
        require_deposit_layout(&case.rules, &session)?;
    }
    if case.rules.fork >= Fork::Amsterdam && !BUILDER_CONTRACTS_UNCHECKED.is_planted() {
        require_code(session.evm.db_mut(), BUILDER_DEPOSIT_CONTRACT_ADDRESS)?;
        require_code(session.evm.db_mut(), BUILDER_EXIT_CONTRACT_ADDRESS)?;
    }
    let (evm, result) = session.finish().map_err(|error| stop(error, At::PostBlock))?;
    Ok((evm.finish().0, result))
}

/// Tells the access-list builder where in the block we are: `execute_block` never does.
pub(crate) fn set_access_index<DB: SessionDb>(session: &mut Session<DB>, index: u64) {
    BalIndexedDatabase::set_bal_index(session.evm.db_mut(), index);
}

/// EIP-779: moves the balances of the DAO accounts to the withdrawal contract.
///
/// As in geth, drained accounts exist afterwards even where they are empty: state clearing came
/// later (EIP-161).
fn drain_dao<DB: SessionDb>(state: &mut State<DB>) -> Result<(), Stop> {
    let mut drained = U256::ZERO;
    for address in DAO_HARDFORK_ACCOUNTS {
        drained += balance(state, address)?.unwrap_or_default();
        set_balance(state, address, U256::ZERO)?;
    }
    let before = balance(state, DAO_HARDFORK_BENEFICIARY)?.unwrap_or_default();
    set_balance(state, DAO_HARDFORK_BENEFICIARY, before + drained)
}

fn set_balance<DB: SessionDb>(
    state: &mut State<DB>,
    address: Address,
    balance: U256,
) -> Result<(), Stop> {
    let info = state.basic(address).map_err(|error| broken_read(&error))?;
    let mut account = Account::from(info.unwrap_or_default());
    account.info.balance = balance;
    account.mark_touch();
    if account.is_empty() {
        // Committed as a created account, or the database would clear it. Such an account has no
        // storage that this could lose.
        account.mark_created();
    }
    state.commit([(address, account)].into_iter().collect());
    Ok(())
}

/// EIP-7002, EIP-7251, EIP-8282: "if there is no code at the address, the block is invalid".
fn require_code<DB: SessionDb>(state: &mut State<DB>, address: Address) -> Result<(), Stop> {
    let account = state.basic(address).map_err(|error| broken_read(&error))?;
    if account.is_some_and(|account| !account.is_empty_code_hash()) {
        return Ok(());
    }
    Err(Stop::Rejected(Rejection { at: At::PostBlock, rule: Rule::SystemContractEmpty }))
}

/// EIP-6110: the event's data must be laid out as the deposit contract does it, not merely be
/// decodable.
fn require_deposit_layout<DB: SessionDb>(rules: &Rules, session: &Session<DB>) -> Result<(), Stop> {
    let mut logs = session.receipts.iter().flat_map(|receipt| &receipt.logs);
    if DEPOSIT_LAYOUT_UNCHECKED.is_planted() {
        return Ok(());
    }
    if logs.all(|log| !is_deposit(rules, log) || has_deposit_layout(&log.data.data)) {
        return Ok(());
    }
    Err(Stop::Rejected(Rejection { at: At::PostBlock, rule: Rule::InvalidDepositEventLayout }))
}

/// EIP-6110, `is_valid_deposit_event_data`: 576 bytes, five offsets, then five fields, each with
/// its length before it.
fn has_deposit_layout(data: &[u8]) -> bool {
    const FIELDS: [(usize, u64); 5] = [(160, 48), (256, 32), (320, 8), (384, 96), (512, 8)];
    let word = |at: usize| U256::from_be_slice(&data[at..at + 32]);
    data.len() == 576
        && FIELDS.iter().enumerate().all(|(index, (offset, length))| {
            word(32 * index) == U256::from(*offset) && word(*offset) == U256::from(*length)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deposit_data() -> Vec<u8> {
        let mut data = vec![0; 576];
        for (index, (offset, length)) in
            [(160_u16, 48_u8), (256, 32), (320, 8), (384, 96), (512, 8)].into_iter().enumerate()
        {
            data[32 * index + 30..32 * index + 32].copy_from_slice(&offset.to_be_bytes());
            data[usize::from(offset) + 31] = length;
        }
        data
    }

    #[test]
    fn deposit_layout_is_exact() {
        assert!(has_deposit_layout(&deposit_data()));
        let mut moved = deposit_data();
        moved[31] = 161;
        assert!(!has_deposit_layout(&moved));
        let mut resized = deposit_data();
        resized[191] = 47;
        assert!(!has_deposit_layout(&resized));
        assert!(!has_deposit_layout(&deposit_data()[..575]));
    }
}
