//! From an engine's types to ours. Macros, since each version of revm has types of its own: these read fields, and any
//! version that has them will do.

/// [`StateChanges`](lockstep_model::StateChanges) out of a revm `BundleState`: `state` by address, each with `info`,
/// `storage` by slot with `present_value`, and `was_destroyed()`; `contracts` by hash, each with `original_bytes()`.
///
/// ```ignore
/// let changes = lockstep_executors::changes_of_bundle!(state.parallel_take_bundle(BundleRetention::PlainState));
/// ```
#[macro_export]
macro_rules! changes_of_bundle {
    ($bundle:expr) => {{
        let bundle = $bundle;
        let mut changes = ::lockstep_model::StateChanges::default();
        for (address, account) in &bundle.state {
            let info = account.info.as_ref().map(|info| ::lockstep_model::AccountInfo {
                balance: info.balance,
                nonce: info.nonce,
                code_hash: info.code_hash,
            });
            let storage = account.storage.iter().map(|(slot, value)| (*slot, value.present_value));
            changes.accounts.push(
                *address,
                ::lockstep_model::AccountChange {
                    info,
                    storage_cleared: account.was_destroyed(),
                    storage: storage.collect(),
                },
            );
        }
        for (hash, code) in &bundle.contracts {
            changes.codes.insert(*hash, code.original_bytes());
        }
        changes
    }};
}

/// [`StateChanges`](lockstep_model::StateChanges) out of a revm `EvmState` of one transaction: accounts by address, each with
/// `info`, `storage` by slot with `present_value`, `is_touched()`, `is_selfdestructed()` and `is_created()`. The second
/// argument says whether empty accounts end with the transaction (EIP-161).
///
/// ```ignore
/// let changes = lockstep_executors::changes_of_state!(result.state, clears_empty);
/// ```
#[macro_export]
macro_rules! changes_of_state {
    ($state:expr, $clears_empty:expr) => {{
        let (state, clears_empty) = ($state, $clears_empty);
        let mut changes = ::lockstep_model::StateChanges::default();
        for (address, account) in &state {
            if !account.is_touched() {
                continue;
            }
            let info = ::lockstep_model::AccountInfo {
                balance: account.info.balance,
                nonce: account.info.nonce,
                code_hash: account.info.code_hash,
            };
            let is_gone = account.is_selfdestructed() || clears_empty && info.is_empty();
            if let (false, Some(code)) = (is_gone, &account.info.code) {
                if !code.is_empty() {
                    changes.codes.insert(info.code_hash, code.original_bytes());
                }
            }
            let written = account.storage.iter().filter(|(_, slot)| slot.is_changed());
            let storage = written.map(|(slot, value)| (*slot, value.present_value));
            changes.accounts.push(
                *address,
                ::lockstep_model::AccountChange {
                    info: (!is_gone).then_some(info),
                    storage_cleared: is_gone || account.is_created(),
                    storage: if is_gone { ::std::vec::Vec::new() } else { storage.collect() },
                },
            );
        }
        changes
    }};
}

#[cfg(test)]
mod tests {
    use crate::sequential::changes_of;
    use alloy_primitives::{Address, U256, address, bytes};
    use revm::{
        Context, ExecuteEvm, MainBuilder, MainContext,
        bytecode::Bytecode,
        context::TxEnv,
        database::{CacheDB, EmptyDB},
        state::AccountInfo,
    };

    const SENDER: Address = address!("0x00000000000000000000000000000000000000aa");
    const CONTRACT: Address = address!("0x00000000000000000000000000000000000000cc");

    /// The same as what `sequential` makes of a state.
    #[test]
    fn a_state_of_one_transaction_becomes_its_changes() {
        let mut database = CacheDB::new(EmptyDB::default());
        database.insert_account_info(SENDER, AccountInfo::from_balance(U256::from(1_000_000_000)));
        // PUSH1 7 PUSH1 1 SSTORE
        let code = Bytecode::new_raw(bytes!("0x6007600155"));
        database.insert_account_info(CONTRACT, AccountInfo::from_bytecode(code));
        let context = Context::mainnet().with_db(database);
        let transaction =
            TxEnv::builder().caller(SENDER).to(CONTRACT).gas_limit(100_000).build_fill();
        let done = context.build_mainnet().transact(transaction).unwrap();
        let ours = changes_of_state!(done.state.clone(), true).by_account();
        assert_eq!(ours, changes_of(done.state).by_account());
        assert_eq!(ours[&CONTRACT].storage, [(U256::from(1), U256::from(7))]);
        assert_eq!(ours[&SENDER].info.unwrap().nonce, 1);
    }
}
