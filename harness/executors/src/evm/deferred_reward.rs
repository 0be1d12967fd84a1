//! One transaction whose fee recipient is paid later.
//!
//! Every transaction credits the same account. Were that an ordinary write, every transaction
//! would depend on the one before. Where a transaction has not looked at the fee recipient, its
//! reward is therefore given back as an amount: additions commute. Where it has, the dependency
//! is real, and revm pays as always.

use super::{StorageProbe, StrictEvm};
use alloy_primitives::U256;
use revm::{
    context::{
        Block, Cfg, ContextTr, JournalTr, Transaction, TxEnv,
        result::{EVMError, ExecutionResult, HaltReason},
    },
    handler::{EthFrame, EvmTr, FrameResult, Handler, post_execution},
    primitives::hardfork::SpecId,
    state::EvmState,
};
use std::{cell::Cell, mem};

/// What one transaction did.
pub(crate) struct TransactionRun {
    pub(crate) result: ExecutionResult,
    /// revm's journal as the transaction left it, without the normalisation of `finalize`.
    pub(crate) state: EvmState,
    /// What the fee recipient is still owed; `None` where revm has paid. Zero is a touch.
    pub(crate) owed_reward: Option<U256>,
}

/// Which rewards may be paid later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deferral {
    /// All of them.
    All,
    /// All but those of zero. A zero reward may end an empty account (EIP-161), and with it the
    /// storage of one that has any: then the end must be a write of its own.
    Positive,
}

/// Runs one transaction. The journal is empty afterwards, whatever the outcome.
pub(crate) fn transact_deferring_reward<DB: StorageProbe>(
    evm: &mut StrictEvm<DB>,
    transaction: TxEnv,
    deferral: Deferral,
) -> Result<TransactionRun, EVMError<DB::Error>> {
    evm.context().tx = transaction;
    let mut handler =
        DeferringHandler { owed: Cell::new(None), deferral, database: Default::default() };
    let result = handler.run(evm);
    let journal = &mut evm.context().journaled_state;
    let state = mem::take(&mut journal.inner.state);
    journal.finalize();
    Ok(TransactionRun { result: result?, state, owed_reward: handler.owed.get() })
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
        let beneficiary = context.block.beneficiary;
        let owed = reward(context, exec_result);
        let pays_now = self.deferral == Deferral::Positive && owed.is_zero();
        if pays_now || context.journaled_state.inner.state.contains_key(&beneficiary) {
            return post_execution::reward_beneficiary(context, exec_result.gas())
                .map_err(Into::into);
        }
        self.owed.set(Some(owed));
        Ok(())
    }
}

/// The fee recipient's reward, as revm's `post_execution::reward_beneficiary` computes it.
fn reward<CTX: ContextTr>(context: &CTX, result: &FrameResult) -> U256 {
    let base_fee = u128::from(context.block().basefee());
    let price = context.tx().effective_gas_price(base_fee);
    // EIP-1559: the base fee is burnt.
    let tip = if context.cfg().spec().into().is_enabled_in(SpecId::LONDON) {
        price.saturating_sub(base_fee)
    } else {
        price
    };
    let gas = result.gas();
    U256::from(tip * u128::from(gas.used().saturating_sub(gas.reservoir())))
}
