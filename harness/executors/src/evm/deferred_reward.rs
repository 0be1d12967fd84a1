//! One transaction whose fee recipient is paid later.
//!
//! Every transaction credits the same account. Were that an ordinary write, every transaction
//! would depend on the one before. If a transaction has not looked at the fee recipient, its
//! reward is therefore given back as an amount: additions commute. If it has, the dependency
//! is real, and revm pays as always.

use super::{StorageProbe, StrictEvm, strict::untouch_ripemd160};
use crate::planted;
use alloy_primitives::U256;
use lockstep_faults::{
    caches::EVM_ERROR_LEAKS_INTO_NEXT,
    empty_accounts::ZERO_REWARD_IS_NO_TOUCH,
    fee_recipient::{
        FEE_RECIPIENT_WARM_TOO_EARLY, LEGACY_TIP_IS_GAS_PRICE, SEEN_REWARD_PAID_TWICE,
    },
};
use lockstep_model::{AccountInfo, Case, Fork, StateError};
use revm::{
    context::{
        Block, Cfg, ContextTr, Transaction, TxEnv,
        result::{EVMError, ExecutionResult, HaltReason},
    },
    handler::{EthFrame, EvmTr, FrameResult, Handler, post_execution},
    primitives::hardfork::SpecId,
};
use std::cell::Cell;

/// Which rewards may be paid later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deferral {
    /// All of them.
    All,
    /// All but those of zero. A zero reward may end an empty account (EIP-161), and with it the
    /// storage of one that has any: then the end must be a write of its own.
    Positive,
    /// None: the balance might overflow, and then the order decides who is paid.
    Nothing,
}

impl Deferral {
    /// Whether this much may be paid later.
    pub(crate) fn allows(self, owed: U256) -> bool {
        // However many are added up, a `u128` holds the sum. Larger ones do not exist outside of tests.
        owed.bit_len() <= 100
            && match self {
                Self::All => true,
                Self::Positive => !owed.is_zero(),
                Self::Nothing => false,
            }
    }

    /// The deferral that the block's fee recipient allows. Nothing but a pre-state can hold an empty
    /// account with storage, and nothing but a pre-state can hold that many wei.
    pub(crate) fn of(case: &Case) -> Result<Self, StateError> {
        let beneficiary = case.block.beneficiary;
        let balance = case.pre_state.account(beneficiary)?.unwrap_or_default().balance;
        if balance.bit(255) || balance.bit(254) {
            return Ok(Self::Nothing);
        }
        let has_storage = case.pre_state.has_storage(beneficiary)?;
        Ok(if has_storage { Self::Positive } else { Self::All })
    }
}

/// Whether the rules end an empty account that is touched (EIP-161).
pub(crate) fn has_state_clearing(case: &Case) -> bool {
    case.rules.fork >= Fork::SpuriousDragon
}

/// Runs one transaction and leaves its changes in the journal. Gives what the fee recipient is
/// still owed.
pub(crate) fn run_deferring_reward<DB: StorageProbe>(
    evm: &mut StrictEvm<DB>,
    transaction: TxEnv,
    deferral: Deferral,
) -> Result<(ExecutionResult, Option<U256>), EVMError<DB::Error>> {
    let context = evm.context();
    context.tx = transaction;
    // A transaction that met a second error on its way out has left its first one here, and the next
    // transaction would be blamed for it.
    if !EVM_ERROR_LEAKS_INTO_NEXT.is_planted() {
        context.error = Ok(());
    }
    planted::take_transient(&mut context.journaled_state.inner.transient_storage);
    if FEE_RECIPIENT_WARM_TOO_EARLY.is_planted() {
        let beneficiary = context.block.beneficiary;
        context.journaled_state.inner.warm_addresses.set_coinbase(beneficiary);
    }
    let mut handler =
        DeferringHandler { owed: Cell::new(None), deferral, database: Default::default() };
    let result = handler.run(evm)?;
    let context = evm.context();
    let beneficiary = context.block.beneficiary;
    let state = &mut context.journaled_state.inner.state;
    untouch_ripemd160(state, result.is_success(), beneficiary);
    planted::credit_failed_precompile(&context.tx, result.is_success(), state);
    Ok((result, handler.owed.get()))
}

struct DeferringHandler<DB> {
    owed: Cell<Option<U256>>,
    deferral: Deferral,
    database: std::marker::PhantomData<DB>,
}

impl<DB: StorageProbe> Handler for DeferringHandler<DB> {
    type Evm = StrictEvm<DB>;
    type Error = EVMError<DB::Error>;
    type HaltReason = HaltReason;

    fn reward_beneficiary(
        &self,
        evm: &mut Self::Evm,
        exec_result: &mut <EthFrame as revm::handler::FrameTr>::FrameResult,
    ) -> Result<(), Self::Error> {
        let context = evm.ctx();
        planted::leave_transient(&context.journaled_state.inner.transient_storage);
        let beneficiary = context.block.beneficiary;
        let owed = reward(context, exec_result);
        let pays_now = !self.deferral.allows(owed);
        if pays_now || context.journaled_state.inner.state.contains_key(&beneficiary) {
            if SEEN_REWARD_PAID_TWICE.is_planted() && !pays_now {
                self.owed.set(Some(owed));
            }
            return post_execution::reward_beneficiary(context, exec_result.gas())
                .map_err(Into::into);
        }
        self.owed.set(Some(owed));
        Ok(())
    }
}

/// The fee recipient's reward, as revm's `post_execution::reward_beneficiary` computes it.
fn reward<CTX: ContextTr>(context: &CTX, result: &FrameResult) -> U256 {
    let gas = result.gas();
    owed_for(context, gas.used().saturating_sub(gas.reservoir()))
}

/// The fee recipient's reward for this much gas.
pub(crate) fn owed_for<CTX: ContextTr>(context: &CTX, gas_used: u64) -> U256 {
    let base_fee = u128::from(context.block().basefee());
    let price = context.tx().effective_gas_price(base_fee);
    // EIP-1559: the base fee is burnt.
    let tip = if context.cfg().spec().into().is_enabled_in(SpecId::LONDON) {
        let is_forgotten = LEGACY_TIP_IS_GAS_PRICE.is_planted() && context.tx().tx_type() == 0;
        price.saturating_sub(if is_forgotten { 0 } else { base_fee })
    } else {
        price
    };
    U256::from(tip * u128::from(gas_used))
}

/// The account after a credit: EIP-161 clears an account that a zero credit leaves empty; before
/// Spurious Dragon the same touch creates it.
pub(crate) fn credited(
    before: Option<AccountInfo>,
    amount: U256,
    state_clearing: bool,
) -> Option<AccountInfo> {
    let mut info = before.unwrap_or_default();
    if ZERO_REWARD_IS_NO_TOUCH.is_planted() && amount.is_zero() {
        return before;
    }
    // revm leaves a balance alone that would overflow.
    info.balance = info.balance.checked_add(amount).unwrap_or(info.balance);
    (!state_clearing || !info.is_empty()).then_some(info)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evm::{ReadError, ReaderDb},
        sync::Arc,
    };
    use alloy_evm::EvmEnv;
    use alloy_primitives::Address;
    use lockstep_model::MemoryState;
    use revm::{
        context::{BlockEnv, CfgEnv},
        context_interface::context::ContextError,
    };

    /// A transaction that was blocked inside a call, and once more on its way out, leaves its first error
    /// in the EVM. Taken for the next transaction's, that one waited for itself.
    #[test]
    fn an_error_that_nobody_took_is_not_the_next_transactions() {
        let mut state = MemoryState::default();
        let (sender, recipient) = (Address::repeat_byte(1), Address::repeat_byte(2));
        state.insert(sender, U256::from(1_000_000), 0, Default::default(), []);
        let env = EvmEnv::new(CfgEnv::new_with_spec(SpecId::PRAGUE), BlockEnv::default());
        let mut evm = StrictEvm::new(ReaderDb(Arc::new(state)), env);
        let transfer =
            TxEnv { caller: sender, kind: recipient.into(), gas_limit: 21_000, ..TxEnv::default() };
        evm.context().error = Err(ContextError::Db(ReadError::Blocked(7)));
        let (result, _) = run_deferring_reward(&mut evm, transfer, Deferral::All).unwrap();
        assert!(result.is_success(), "{result:?}");
    }

    #[test]
    fn a_zero_credit_is_a_touch() {
        let empty = Some(AccountInfo::default());
        assert_eq!(credited(None, U256::ZERO, true), None);
        assert_eq!(credited(empty, U256::ZERO, true), None);
        assert_eq!(credited(None, U256::ZERO, false), empty);
        assert_eq!(credited(empty, U256::ZERO, false), empty);
    }

    #[test]
    fn a_credit_creates_an_absent_account() {
        let one = U256::from(1);
        assert_eq!(
            credited(None, one, true),
            Some(AccountInfo { balance: one, ..Default::default() })
        );
    }
}
