//! Wrong block access lists, made of right ones: none may be accepted, and none may be a panic.

use super::{AccessList, MadeList};
use alloy_eip7928::{
    AccountChanges, BalanceChange, BlockAccessIndex, BlockAccessList, CodeChange, NonceChange,
    SlotChanges, StorageChange,
};
use alloy_primitives::{Address, Bytes, U256, keccak256};
use lockstep_model::{
    Case, Execution, Executor, ExecutorError, Mode, Outcome, Prepared, Rejection, Rule, RunOptions,
};

/// Makes a list wrong; false where it has nothing that can be made wrong in this way. A list that comes
/// out as it was is no mutant.
pub type Mutate = fn(&mut BlockAccessList, &Case) -> bool;

fn index(at: u64) -> BlockAccessIndex {
    BlockAccessIndex::new(at)
}

fn first<T>(items: Option<&mut T>, mutate: impl FnOnce(&mut T)) -> bool {
    items.map(mutate).is_some()
}

fn with_slots(list: &mut BlockAccessList) -> Option<&mut AccountChanges> {
    list.iter_mut().find(|account| !account.storage_changes.is_empty())
}

fn unused_address() -> Address {
    Address::repeat_byte(0xfe)
}

/// Puts an account where canonical order wants it.
fn insert(list: &mut BlockAccessList, account: AccountChanges) -> bool {
    if list.iter().any(|known| known.address == account.address) {
        return false;
    }
    list.push(account);
    list.sort_by_key(|account| account.address);
    true
}

/// Every mutator, named by the family of real bugs that it stands for.
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn all() -> Vec<(&'static str, Mutate)> {
    vec![
        ("K1 a system contract's entry is dropped", |list, _| {
            let system = [
                alloy_eips::eip4788::BEACON_ROOTS_ADDRESS,
                alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS,
            ];
            let before = list.len();
            list.retain(|account| !system.contains(&account.address));
            list.len() < before
        }),
        ("K2 the list is empty", |list, _| !std::mem::take(list).is_empty()),
        ("K3 an extra account", |list, _| insert(list, AccountChanges::new(unused_address()))),
        ("K3 an extra read", |list, _| {
            first(list.first_mut(), |account| {
                account.storage_reads.push(U256::MAX);
            })
        }),
        ("K4 an entry twice", |list, _| {
            let Some(account) = list.first().cloned() else { return false };
            list.insert(0, account);
            true
        }),
        ("K5 an index behind the block", |list, case| {
            let end = case.block.transactions.len() as u64 + 2;
            first(list.first_mut(), |account| {
                account.balance_changes.push(BalanceChange::new(index(end), U256::from(1)));
            })
        }),
        ("K5 a change after the block that never was", |list, case| {
            let end = case.block.transactions.len() as u64 + 1;
            let free = |account: &&mut AccountChanges| {
                account.balance_changes.last().is_none_or(|c| c.block_access_index.get() < end)
            };
            first(list.iter_mut().find(free), |account| {
                account.balance_changes.push(BalanceChange::new(index(end), U256::from(1)));
            })
        }),
        ("K6 accounts out of order", |list, _| {
            let enough = list.len() > 1;
            list.reverse();
            enough
        }),
        ("K6 slots out of order", |list, _| {
            let several = |account: &&mut AccountChanges| account.storage_changes.len() > 1;
            first(list.iter_mut().find(several), |account| account.storage_changes.reverse())
        }),
        ("K6 indices out of order", |list, _| {
            let several = |account: &&mut AccountChanges| account.balance_changes.len() > 1;
            first(list.iter_mut().find(several), |account| account.balance_changes.reverse())
        }),
        ("K7 a net-zero write is listed", |list, case| {
            let pre = case.pre_state.clone();
            let read = |account: &&mut AccountChanges| !account.storage_reads.is_empty();
            first(list.iter_mut().find(read), |account| {
                let slot = account.storage_reads.remove(0);
                let value = pre.storage(account.address, slot).unwrap();
                let change = StorageChange::new(index(1), value);
                account.storage_changes.push(SlotChanges::new(slot, vec![change]));
                account.storage_changes.sort_by_key(|slot| slot.slot);
            })
        }),
        ("K8 a change is dropped", |list, _| {
            first(with_slots(list), |account| {
                let slot = account.storage_changes.remove(0);
                account.storage_reads.push(slot.slot);
                account.storage_reads.sort();
            })
        }),
        ("K9 a written slot is missing", |list, _| {
            first(with_slots(list), |account| drop(account.storage_changes.remove(0)))
        }),
        ("K10 the system address", |list, _| {
            insert(list, AccountChanges::new(alloy_eips::eip4788::SYSTEM_ADDRESS))
        }),
        ("K11 a nonce change is dropped", |list, _| {
            let changed = |account: &&mut AccountChanges| !account.nonce_changes.is_empty();
            first(list.iter_mut().find(changed), |account| account.nonce_changes.clear())
        }),
        ("K12 the target of a system call is missing", |list, _| {
            let target = alloy_eips::eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS;
            let before = list.len();
            list.retain(|account| account.address != target);
            list.len() < before
        }),
        ("K13 the last change is dropped", |list, case| {
            let end = case.block.transactions.len() as u64 + 1;
            let late = |account: &&mut AccountChanges| {
                account.balance_changes.last().is_some_and(|c| c.block_access_index.get() == end)
            };
            first(list.iter_mut().find(late), |account| {
                account.balance_changes.pop();
            })
        }),
        ("K14 a change has the index of a neighbour", |list, _| {
            let early = |account: &&mut AccountChanges| matches!(&account.balance_changes[..], [c] if c.block_access_index.get() == 1);
            first(list.iter_mut().find(early), |account| {
                account.balance_changes[0].block_access_index = index(2);
            })
        }),
        ("K15 code is emptied", |list, _| {
            let coded = |account: &&mut AccountChanges| !account.code_changes.is_empty();
            first(list.iter_mut().find(coded), |account| {
                account.code_changes[0].new_code = Bytes::new();
            })
        }),
        ("K16 code that is no code", |list, _| {
            first(list.first_mut(), |account| {
                let code = Bytes::from_static(&[0xef, 0x01, 0x00, 0x01]);
                account.code_changes = vec![CodeChange::new(index(1), code)];
            })
        }),
        ("K17 another balance", |list, _| {
            let changed = |account: &&mut AccountChanges| !account.balance_changes.is_empty();
            first(list.iter_mut().find(changed), |account| {
                account.balance_changes[0].post_balance += U256::from(1);
            })
        }),
        ("K17 another nonce", |list, _| {
            let changed = |account: &&mut AccountChanges| !account.nonce_changes.is_empty();
            first(list.iter_mut().find(changed), |account| account.nonce_changes[0].new_nonce += 1)
        }),
        ("K17 another value", |list, _| {
            first(with_slots(list), |account| {
                account.storage_changes[0].changes[0].new_value ^= U256::from(1);
            })
        }),
        ("K17 a made-up nonce", |list, _| {
            let changed = |account: &&mut AccountChanges| account.nonce_changes.is_empty();
            first(list.iter_mut().find(changed), |account| {
                account.nonce_changes.push(NonceChange::new(index(1), 77));
            })
        }),
        ("K19 a read is missing", |list, _| {
            let read = |account: &&mut AccountChanges| !account.storage_reads.is_empty();
            first(list.iter_mut().find(read), |account| {
                account.storage_reads.pop();
            })
        }),
        ("K20 a slot that was only warmed", |list, _| {
            first(with_slots(list), |account| {
                account.storage_reads.push(U256::from(1) << 200);
                account.storage_reads.sort();
            })
        }),
    ]
}

/// Mutants that one block is tried with.
const TRIED: usize = 4;

/// The access-list executor, tried with wrong lists first: it breaks where it accepts one, and is the
/// access-list executor where it does not. Which lists, the case's id decides.
#[derive(Debug)]
pub struct MutatedLists(AccessList);

impl MutatedLists {
    /// An executor with this many threads, the calling one counted.
    ///
    /// # Errors
    /// When the system has no thread left to give.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        Ok(Self(AccessList::new(threads, Mode::Forced)?))
    }

    /// Breaks where the mutant is accepted.
    fn must_reject(
        &mut self,
        case: &Case,
        name: &str,
        mutant: MadeList,
    ) -> Result<(), ExecutorError> {
        // Reads by a wrong list are not observed: no outcome rests on them.
        let outcome = self.0.prepare_with(case, &RunOptions::of(case), mutant)?.run()?.outcome;
        match outcome {
            Outcome::Rejected(Rejection { rule: Rule::InvalidBlockAccessList, .. }) => Ok(()),
            Outcome::Rejected(rejection) => Err(ExecutorError::Broken(format!(
                "a wrong list ({name}) was rejected as {rejection:?}"
            ))),
            Outcome::Accepted(_) => {
                Err(ExecutorError::Broken(format!("a wrong list was accepted: {name}")))
            }
        }
    }
}

impl Executor for MutatedLists {
    fn prepare(
        &mut self,
        case: &Case,
        options: &RunOptions,
    ) -> Result<Box<dyn Prepared>, ExecutorError> {
        let made = AccessList::make(case)?;
        // The list of an invalid block ends where the block does: an error above that goes unnoticed.
        let right = self.0.prepare_with(case, options, made.clone())?.run()?;
        if let Outcome::Accepted(_) = right.outcome {
            let mutators = all();
            let first = keccak256(case.id.as_bytes())[0] as usize;
            for turn in 0..TRIED {
                let (name, mutate) = mutators[(first + turn * 7) % mutators.len()];
                let mut mutant = made.clone();
                if mutate(&mut mutant.list, case) && mutant != made {
                    self.must_reject(case, name, mutant)?;
                }
            }
        }
        Ok(Box::new(Done(Some(right))))
    }
}

/// A run that is over.
struct Done(Option<Execution>);

impl Prepared for Done {
    fn run(&mut self) -> Result<Execution, ExecutorError> {
        self.0.take().ok_or_else(|| ExecutorError::Broken("it ran once already".to_owned()))
    }
}
