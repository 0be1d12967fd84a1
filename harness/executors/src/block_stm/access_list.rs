//! Rebuilds the EIP-7928 block access list at ordered commit.
//!
//! Workers remember what each incarnation accessed; the commit adds it under the transaction's
//! index, in block order, with revm's own list builder. Only what revm did not do itself is added
//! by hand: the credit to a fee recipient that the transaction had not looked at.

use super::{memory::MultiVersionMemory, planted, version::Position};
use crate::evm::{ReadError, revm_info};
use alloy_eips::eip4788::SYSTEM_ADDRESS;
use alloy_primitives::{Address, U256};
use lockstep_faults::access_lists::{
    POST_BLOCK_READS_UNLISTED, REWARDS_BYPASS_BUILDER, SYSTEM_ADDRESS_ALWAYS_LISTED,
};
use revm::state::{
    Account, EvmState, TransactionId,
    bal::{Bal, BlockAccessIndex, alloy::AlloyBal},
};

/// The accesses of one incarnation.
#[derive(Debug)]
pub(crate) struct Accesses {
    pub(crate) state: EvmState,
    pub(crate) owed_reward: Option<U256>,
}

/// The list in the making.
#[derive(Debug, Default)]
pub(crate) struct AccessListBuilder(Bal);

impl AccessListBuilder {
    /// Goes on from what the pre-block phase accessed.
    pub(crate) const fn after(pre_block: Bal) -> Self {
        Self(pre_block)
    }

    /// Adds a transaction. Everything below its position is final.
    pub(crate) fn commit(
        &mut self,
        position: Position,
        accesses: Accesses,
        beneficiary: Address,
        memory: &MultiVersionMemory,
    ) -> Result<(), ReadError> {
        let index = BlockAccessIndex::new(position.into());
        let mut accounts: Vec<_> = accesses.state.iter().collect();
        accounts.sort_unstable_by_key(|(address, _)| **address);
        for (address, account) in accounts {
            if !planted::is_unlisted(account) {
                self.0.update_account(index, *address, &planted::as_compared(account));
            }
        }
        if SYSTEM_ADDRESS_ALWAYS_LISTED.is_planted() {
            self.0.accounts.entry(SYSTEM_ADDRESS).or_default();
        }
        if let Some(amount) = accesses.owed_reward
            && !REWARDS_BYPASS_BUILDER.is_planted()
        {
            let before = memory.account(beneficiary, position)?.info;
            let mut account = match before {
                Some(info) => Account::from(revm_info(info)),
                None => Account::new_not_existing(TransactionId::ZERO),
            };
            let balance = account.info.balance;
            account.info.balance = balance.checked_add(amount).unwrap_or(balance);
            self.0.update_account(index, beneficiary, &account);
        }
        Ok(())
    }

    /// Adds what the post-block phase accessed; gives the list.
    pub(crate) fn finish(mut self, post_block: Option<Bal>) -> AlloyBal {
        for (address, account) in post_block.unwrap_or_default().accounts {
            if POST_BLOCK_READS_UNLISTED.is_planted() && !self.0.accounts.contains_key(&address) {
                continue;
            }
            let ours = self.0.accounts.entry(address).or_default();
            ours.account_info.extend(account.account_info);
            ours.storage.extend(account.storage);
        }
        self.0.into_alloy_bal()
    }
}
