//! A block that can be edited.

use super::fields::{Fields, Simpler, renumbered};
use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, Bytes, U256, map::AddressMap};
use lockstep_formats::export;
use lockstep_judge::{expected::Expectation, runnable::Runnable, state::PreState};
use lockstep_model::{Block, Case, MemoryState, Transaction, memory_state::BlockHashes};
use std::sync::Arc;

/// An account, with its code.
#[derive(Debug, Clone)]
struct Account {
    address: Address,
    balance: U256,
    nonce: u64,
    code: Bytes,
    storage: Vec<(U256, U256)>,
}

/// The block in its parts.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    case: Case,
    accounts: Vec<Account>,
    pub(super) transactions: Vec<Transaction>,
}

impl Draft {
    pub(super) fn new(block: &Runnable) -> Self {
        let state = &block.pre.state;
        let account =
            |(address, stored): (&Address, &lockstep_model::memory_state::StoredAccount)| {
                let mut storage: Vec<_> = stored.storage.iter().map(|(k, v)| (*k, *v)).collect();
                storage.sort_unstable();
                Account {
                    address: *address,
                    balance: stored.info.balance,
                    nonce: stored.info.nonce,
                    code: state.code_by_hash(stored.info.code_hash).cloned().unwrap_or_default(),
                    storage,
                }
            };
        let mut accounts: Vec<Account> = state.accounts().map(account).collect();
        accounts.sort_unstable_by_key(|account| account.address);
        let transactions = block.case.block.transactions.clone();
        Self { case: block.case.clone(), accounts, transactions }
    }

    /// Whether its transactions can be signed.
    pub(super) fn check_keys(&self) -> Result<(), export::UnknownKey> {
        export::sign(&self.transactions).map(drop)
    }

    /// Put together again, as the first block of a chain.
    pub(super) fn block(&self) -> Runnable {
        let mut state = MemoryState::new(BlockHashes::default());
        for Account { address, balance, nonce, code, storage } in &self.accounts {
            state.insert(*address, *balance, *nonce, code.clone(), storage.iter().copied());
        }
        let pre = PreState::new(state);
        let block =
            Block { transactions: self.transactions.clone(), ..Block::clone(&self.case.block) };
        let case =
            Case { block: Arc::new(block), pre_state: pre.state.clone(), ..self.case.clone() };
        export::rebased(&Runnable { case, pre, expectation: Expectation::default() })
    }

    /// Smaller is simpler.
    pub(super) fn size(&self) -> usize {
        let fields: usize = self
            .transactions
            .iter()
            .map(|tx| {
                let tx = &tx.envelope;
                1_000
                    + tx.input().len()
                    + 10 * usize::from(!tx.value().is_zero())
                    + 10 * usize::from(alloy_consensus::Typed2718::ty(tx))
                    + 50 * tx.access_list().map_or(0, |list| list.0.len())
                    + 50 * tx.authorization_list().map_or(0, <[_]>::len)
                    + usize::from(tx.gas_limit() > 21_000)
            })
            .sum();
        let accounts: usize = self
            .accounts
            .iter()
            .map(|account| {
                let code = account.code.iter().filter(|byte| **byte != JUMPDEST).count();
                200 + 2 * code + account.code.len() + 20 * account.storage.len()
            })
            .sum();
        fields + accounts + 100 * self.withdrawal_count()
    }

    pub(super) const fn transaction_count(&self) -> usize {
        self.transactions.len()
    }

    /// Those who go count no longer: later nonces of their senders, and of accounts that they
    /// authorise, are lower.
    pub(super) fn without_transactions(&self, start: usize, end: usize) -> Self {
        let mut gone = AddressMap::<u64>::default();
        let mut kept = Vec::with_capacity(self.transactions.len());
        for (index, transaction) in self.transactions.iter().enumerate() {
            let mut fields = Fields::of(&transaction.envelope);
            if (start..end).contains(&index) {
                *gone.entry(transaction.sender).or_default() += 1;
                for authority in authorities(&fields) {
                    *gone.entry(authority).or_default() += 1;
                }
                continue;
            }
            let lower = |address: &Address| gone.get(address).copied().unwrap_or_default();
            let shift = lower(&transaction.sender);
            let is_shifted = shift > 0 || authorities(&fields).iter().any(|who| lower(who) > 0);
            if !is_shifted {
                kept.push(transaction.clone());
                continue;
            }
            fields.nonce = fields.nonce.saturating_sub(shift);
            for signed in &mut fields.authorizations {
                if let Ok(authority) = signed.recover_authority() {
                    let nonce = signed.nonce().saturating_sub(lower(&authority));
                    *signed = renumbered(signed, nonce);
                }
            }
            kept.push(Transaction { envelope: fields.envelope(), ..transaction.clone() });
        }
        Self { transactions: kept, ..self.clone() }
    }

    pub(super) fn withdrawal_count(&self) -> usize {
        self.case.block.withdrawals.as_ref().map_or(0, Vec::len)
    }

    pub(super) fn without_withdrawals(&self, start: usize, end: usize) -> Self {
        let mut block = Block::clone(&self.case.block);
        if let Some(withdrawals) = &mut block.withdrawals {
            withdrawals.drain(start..end);
        }
        let case = Case { block: Arc::new(block), ..self.case.clone() };
        Self { case, ..self.clone() }
    }

    pub(super) const fn account_count(&self) -> usize {
        self.accounts.len()
    }

    pub(super) fn without_accounts(&self, start: usize, end: usize) -> Self {
        let mut draft = self.clone();
        draft.accounts.drain(start..end);
        draft
    }

    pub(super) fn slot_count(&self) -> usize {
        self.accounts.iter().map(|account| account.storage.len()).sum()
    }

    pub(super) fn without_slots(&self, start: usize, end: usize) -> Self {
        let mut draft = self.clone();
        let mut number = 0;
        for account in &mut draft.accounts {
            account.storage.retain(|_| {
                number += 1;
                !(start..end).contains(&(number - 1))
            });
        }
        draft
    }

    pub(super) fn contracts(&self) -> Vec<Address> {
        let contracts = self.accounts.iter().filter(|account| !account.code.is_empty());
        contracts.map(|account| account.address).collect()
    }

    fn account(&self, address: Address) -> Option<usize> {
        self.accounts.iter().position(|account| account.address == address)
    }

    pub(super) fn code_length(&self, address: Address) -> Option<usize> {
        Some(self.accounts[self.account(address)?].code.len())
    }

    pub(super) fn with_code_cut(&self, address: Address, length: usize) -> Self {
        let mut draft = self.clone();
        if let Some(index) = self.account(address) {
            let code = &mut draft.accounts[index].code;
            *code = code.slice(..length.min(code.len()));
        }
        draft
    }

    /// `None` where it is blank already.
    pub(super) fn with_code_blanked(
        &self,
        address: Address,
        start: usize,
        end: usize,
    ) -> Option<Self> {
        let mut draft = self.clone();
        let index = self.account(address)?;
        let mut code = draft.accounts[index].code.to_vec();
        let end = end.min(code.len());
        let part = code.get_mut(start..end)?;
        if part.iter().all(|byte| *byte == JUMPDEST) {
            return None;
        }
        part.fill(JUMPDEST);
        draft.accounts[index].code = code.into();
        Some(draft)
    }

    /// `None` where the field is as simple as can be.
    pub(super) fn with_fields(&self, index: usize, simpler: Simpler) -> Option<Self> {
        let mut draft = self.clone();
        let transaction = draft.transactions.get_mut(index)?;
        let mut fields = Fields::of(&transaction.envelope);
        if !simpler(&mut fields) {
            return None;
        }
        transaction.envelope = fields.envelope();
        Some(draft)
    }
}

/// Does nothing.
const JUMPDEST: u8 = 0x5b;

/// Authorities whose nonces the authorization list of a transaction moves, if all of it is valid.
fn authorities(fields: &Fields) -> Vec<Address> {
    let signed = fields.authorizations.iter();
    signed.filter_map(|signed| signed.recover_authority().ok()).collect()
}
