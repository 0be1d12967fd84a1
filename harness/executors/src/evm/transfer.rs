//! A plain transfer, without starting the interpreter.
//!
//! A transaction that sends value from one account without code to another, and nothing else, runs no
//! code: what it does is decided by the checks before execution. Those are revm's own, called one by
//! one in revm's order; what is left is arithmetic. Everything else, and every doubt, is left to the
//! interpreter.

use super::{Deferral, ReadError, StorageProbe, StrictEvm, owed_for, revm_info};
use alloy_primitives::{Address, Bytes, KECCAK256_EMPTY, TxKind, U256};
use lockstep_faults::{
    invalid::ABSENT_SENDER_PANICS,
    nonces::TRANSFER_NONCE_UNCHECKED,
    transfers::{
        PRECOMPILE_TRANSFER_PLAIN, SATURATING_SENDER_CHECK, SELF_TRANSFER_PLAIN,
        SENDER_LOSES_DELEGATION, SET_CODE_AS_PLAIN_TRANSFER, ZERO_TRANSFER_WRITES_EMPTY,
    },
};
use lockstep_model::AccountInfo;
use revm::{
    context::{
        BlockEnv, Cfg, Transaction, TxEnv,
        result::{EVMError, ExecutionResult, Output, ResultGas, SuccessReason},
    },
    handler::{Handler, MainnetHandler, pre_execution},
    primitives::hardfork::SpecId,
};

/// The result of a plain transfer.
pub(crate) struct Transfer {
    pub(crate) result: ExecutionResult,
    /// The reward owed to the fee recipient.
    pub(crate) reward: U256,
    /// The sender, before and after.
    pub(crate) sender: (AccountInfo, AccountInfo),
    pub(crate) recipient: Address,
    /// The value that the recipient gets.
    pub(crate) value: U256,
}

/// A state that plain transfers run on.
pub(crate) trait TransferState: StorageProbe<Error = ReadError> {
    /// The sender; all of it matters.
    fn sender(&mut self, address: Address) -> Result<Option<AccountInfo>, ReadError>;

    /// Whether value can be added to the account without running code and without overflow. Nothing
    /// else of it matters.
    fn can_receive(&mut self, address: Address) -> Result<bool, ReadError>;
}

type Error = EVMError<ReadError>;

/// The rules under which a plain transfer is what this module says. Before, touching an empty account
/// creates it; later, transfers log (EIP-7708).
pub(crate) fn has_plain_transfers(spec: SpecId) -> bool {
    spec.is_enabled_in(SpecId::SPURIOUS_DRAGON) && !spec.is_enabled_in(SpecId::AMSTERDAM)
}

/// Whether the transaction may be a plain transfer, by its own looks.
pub(crate) fn may_be_plain(transaction: &TxEnv, block: &BlockEnv) -> bool {
    let TxKind::Call(to) = transaction.kind else { return false };
    let newest = if SET_CODE_AS_PLAIN_TRANSFER.is_planted() { 4 } else { 2 };
    transaction.tx_type <= newest
        && transaction.data.is_empty()
        && transaction.access_list.0.is_empty()
        && (!transaction.value.is_zero() || ZERO_TRANSFER_WRITES_EMPTY.is_planted())
        && (to != transaction.caller || SELF_TRANSFER_PLAIN.is_planted())
        && ![to, transaction.caller].contains(&block.beneficiary)
        && (!is_low(to) || PRECOMPILE_TRANSFER_PLAIN.is_planted())
}

/// Whether the address is in the range of the precompiles.
fn is_low(address: Address) -> bool {
    address[..18].iter().all(|byte| *byte == 0)
}

/// Runs the transaction in the EVM's context if it is a plain transfer; `None` if it is not, and then
/// nothing has happened.
pub(crate) fn transfer<DB: TransferState>(
    evm: &mut StrictEvm<DB>,
    deferral: Deferral,
) -> Result<Option<Transfer>, Error> {
    let handler = MainnetHandler::<StrictEvm<DB>, Error, _>::default();
    handler.validate_env(evm)?;
    let gas = handler.validate_initial_tx_gas(evm)?;

    let caller = evm.context().tx.caller;
    let Some(sender) = evm.db_mut().sender(caller).map_err(EVMError::Database)? else {
        assert!(!ABSENT_SENDER_PANICS.is_planted(), "the sender was not loaded");
        return Ok(None);
    };
    let code_hash =
        if SENDER_LOSES_DELEGATION.is_planted() { KECCAK256_EMPTY } else { sender.code_hash };
    let sender = AccountInfo { code_hash, ..sender };
    if sender.code_hash != KECCAK256_EMPTY || sender.nonce == u64::MAX {
        return Ok(None);
    }
    let context = evm.context();
    let (tx, cfg, block) = (&context.tx, &context.cfg, &context.block);
    pre_execution::validate_account_nonce_and_code(
        &revm_info(sender),
        tx.nonce,
        cfg.is_eip3607_disabled(),
        cfg.is_nonce_check_disabled() || TRANSFER_NONCE_UNCHECKED.is_planted(),
    )?;
    let after_fee = match pre_execution::calculate_caller_fee(sender.balance, tx, block, cfg) {
        Err(_) if SATURATING_SENDER_CHECK.is_planted() => tx.value,
        after_fee => after_fee?,
    };
    let TxKind::Call(to) = tx.kind else { return Ok(None) };
    let (value, gas_limit) = (tx.value, tx.gas_limit);
    let price = tx.effective_gas_price(u128::from(block.basefee));
    let (remaining, reservoir) = gas.initial_gas_and_reservoir(gas_limit, cfg.tx_gas_limit_cap());
    let spent = gas_limit - remaining;
    if reservoir != 0 || gas.floor_gas() > spent {
        return Ok(None);
    }
    let reward = owed_for(context, spent);
    let Some(rest) = after_fee.checked_sub(value) else { return Ok(None) };
    if !deferral.allows(reward) {
        return Ok(None);
    }
    if !evm.db_mut().can_receive(to).map_err(EVMError::Database)? {
        return Ok(None);
    }
    let balance = rest.saturating_add(U256::from(price.saturating_mul(u128::from(remaining))));
    let after = AccountInfo { balance, nonce: sender.nonce + 1, ..sender };
    let gas = ResultGas::default().with_total_gas_spent(spent).with_floor_gas(gas.floor_gas());
    let result = ExecutionResult::Success {
        reason: SuccessReason::Stop,
        gas,
        logs: Vec::new(),
        output: Output::Call(Bytes::new()),
    };
    Ok(Some(Transfer { result, reward, sender: (sender, after), recipient: to, value }))
}
