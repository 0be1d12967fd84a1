//! The journal that a block keeps, after each transaction, against a fresh one over the committed state.
//!
//! The committed state comes from the reference, transaction by transaction. Both journals are asked all
//! that a transaction can ask.

use super::{
    AfterTransactions, Overlaid, runs_in_one_journal,
    state::{BlockState, end_authorities},
    transact,
};
use crate::{
    evm::{Deferral, StorageProbe, StrictEvm, evm_env, model_info, transaction_env},
    phases,
    reference::{Reference, SessionDb},
    sync::Arc,
};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use lockstep_cases::generate::{Limits, from_seed};
use lockstep_model::{Case, Executor as _, Fork, MemoryState, Outcome, RunOptions, StateReader};
use revm::{
    context::JournalInner, context_interface::journaled_state::entry::JournalEntry,
    primitives::hardfork::SpecId,
};

type Journal = JournalInner<JournalEntry>;

/// Slots that are asked for beside those that the journal holds.
const SLOTS: [u64; 3] = [0, 1, 4_711];

/// The properties of an account that a transaction can observe when it loads it.
#[derive(Debug, PartialEq)]
struct Answer {
    is_cold: bool,
    balance: U256,
    nonce: u64,
    code_hash: B256,
    code: Bytes,
    /// As EIP-7702 asks.
    exists: bool,
    is_empty: bool,
    is_created_locally: bool,
    is_destroyed_locally: bool,
    /// As EIP-7610 asks, where the answer decides.
    has_storage: Option<bool>,
    /// Key, original value, present value, whether it is cold.
    slots: Vec<(U256, U256, U256, bool)>,
}

fn ask<DB: StorageProbe>(
    journal: &mut Journal,
    db: &mut DB,
    address: Address,
    slots: &[U256],
) -> Answer {
    let spec = journal.cfg.spec;
    let load = journal.load_code(db, address).expect("memory can be read");
    let (is_cold, account) = (load.is_cold, load.data.clone());
    let info = &account.info;
    let slot = |key: &U256| {
        let mut target = journal.load_account_mut(db, address).expect("memory can be read").data;
        let slot = target.sload_concrete_error(*key, false).expect("memory can be read");
        (*key, slot.data.original_value, slot.data.present_value, slot.is_cold)
    };
    let slots = slots.iter().map(slot).collect();
    let may_be_created = info.code_hash == KECCAK256_EMPTY && info.nonce == 0;
    let has_storage = may_be_created.then(|| {
        !account.is_selfdestructed() && db.has_storage(address).expect("memory can be read")
    });
    Answer {
        is_cold,
        balance: info.balance,
        nonce: info.nonce,
        code_hash: info.code_hash,
        code: info.code.as_ref().expect("it was loaded").original_bytes(),
        exists: !(account.is_empty() && account.is_loaded_as_not_existing_not_touched()),
        is_empty: account.state_clear_aware_is_empty(spec),
        is_created_locally: account.is_created_locally(),
        is_destroyed_locally: account.is_selfdestructed_locally(),
        has_storage,
        slots,
    }
}

/// Only code reads slots. An account without code gets some by creation, which a journal knows, or by
/// delegation.
fn can_be_read(journal: &Journal, address: Address) -> bool {
    let has_code = journal.state[&address].info.code_hash != KECCAK256_EMPTY;
    has_code || journal.cfg.spec.is_enabled_in(SpecId::PRAGUE)
}

fn fresh(kept: &Journal) -> Journal {
    Journal { cfg: kept.cfg.clone(), warm_addresses: kept.warm_addresses.clone(), ..Journal::new() }
}

/// Compares the two journals; returns how many accounts were asked for.
fn compare<DB: SessionDb>(
    evm: &mut StrictEvm<BlockState<DB>>,
    committed: &Arc<MemoryState>,
    beneficiary: Address,
    seed: u64,
) -> usize {
    let kept = evm.context().journaled_state.inner.clone();
    assert!(kept.transient_storage.is_empty() && kept.logs.is_empty() && kept.journal.is_empty());
    assert!(kept.depth == 0 && kept.selfdestructed_addresses.is_empty());
    let addresses: Vec<Address> = kept.state.keys().copied().collect();
    for address in &addresses {
        let slots = if can_be_read(&kept, *address) {
            let keys = kept.state[address].storage.keys().copied();
            keys.chain(SLOTS.map(U256::from)).collect()
        } else {
            Vec::new()
        };
        let mut reused = kept.clone();
        end_authorities(&mut reused.state, [*address]);
        let reused = ask(&mut reused, evm.db_mut(), *address, &slots);
        let mut below = crate::evm::ReaderDb(committed.clone());
        let expected = ask(&mut fresh(&kept), &mut below, *address, &slots);
        assert_eq!(reused, expected, "seed {seed}: {address}");
    }
    if !addresses.contains(&beneficiary) {
        let owed = evm.db_mut().account(beneficiary).expect("memory can be read");
        let expected = committed.account(beneficiary).expect("memory can be read");
        assert_eq!(owed.as_ref().map(model_info), expected, "seed {seed}: the fee recipient");
    }
    addresses.len()
}

/// Compares along one block; returns how many accounts were asked for.
fn follow(case: &Case, pre: &MemoryState, seed: u64) -> usize {
    let options = RunOptions { changes_by_transaction: true, ..RunOptions::default() };
    let reference = Reference.prepare(case, &options).unwrap().run().unwrap().outcome;
    let Outcome::Accepted(expected) = reference else { return 0 };
    let env = evm_env(case);
    let reader = crate::evm::ReaderDb(case.pre_state.clone());
    let before = phases::pre_block(case, &env, reader).expect("the reference accepts it");
    let mut committed = pre.clone();
    committed.apply(&before.changes);
    let below = Overlaid::new(case.pre_state.clone(), &before.changes);
    let deferral = Deferral::of(case).unwrap();
    let mut evm = StrictEvm::new(BlockState::new(below, case.block.beneficiary), env);
    let mut asked = 0;
    let changes = expected.changes_by_transaction.expect("it was asked for");
    for (transaction, changes) in case.block.transactions.iter().zip(&changes) {
        transact(&mut evm, transaction_env(transaction), deferral)
            .expect("the reference accepts it");
        committed.apply(changes);
        asked += compare(&mut evm, &Arc::new(committed.clone()), case.block.beneficiary, seed);
    }
    // The post-block phase reads the journal too.
    let _ = AfterTransactions::new(evm);
    asked
}

#[test]
fn a_kept_journal_answers_as_a_fresh_one() {
    let forks = Fork::ALL.into_iter();
    let forks = forks.filter(|fork| {
        (Fork::SpuriousDragon..Fork::Amsterdam).contains(fork) && *fork != Fork::Constantinople
    });
    let limits = Limits { forks: forks.collect(), transactions: 24, ..Limits::default() };
    let mut asked = 0;
    for seed in 0..600 {
        let block = from_seed(seed, &limits).block;
        let case = block.case;
        assert!(runs_in_one_journal(&case, &RunOptions::default()));
        asked += follow(&case, &block.pre.state, seed);
    }
    assert!(asked > 10_000, "{asked}");
}
