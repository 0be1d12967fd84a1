//! The rewards of the fee recipient: one number for each transaction, summed by a read of its account.
//!
//! Were rewards writes to the account, every transaction would write one hot place. They commute, so
//! they stay with their transactions; a reader of the account adds up those below it.

use super::version::Position;
use crate::{
    evm::ReadError,
    sync::{AtomicU64, Mutex, Ordering, PoisonError, lock},
};

/// The reward that one transaction owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Owed {
    /// Not executed, or about to be executed again.
    #[default]
    Unknown,
    /// Nothing: revm has paid, or the transaction is invalid.
    Nothing,
    /// This much, and be it zero, which is a touch. Less than 2^100: [`crate::evm::Deferral::allows`].
    Amount(u128),
}

/// An [`Owed`] in two words. Readers may see a torn value: a wrong guess, as everything
/// that is read of a transaction before it is committed may be one, and found out at the reader's own commit.
#[derive(Debug, Default)]
struct OwedCell {
    /// 0: unknown; else one of the marks, with the upper half of the amount.
    upper: AtomicU64,
    lower: AtomicU64,
}

const NOTHING: u64 = 1 << 63;
const AMOUNT: u64 = 1 << 62;

impl OwedCell {
    fn set(&self, owed: Owed) {
        let (upper, lower) = match owed {
            Owed::Unknown => (0, 0),
            Owed::Nothing => (NOTHING, 0),
            Owed::Amount(amount) => (AMOUNT | (amount >> 64) as u64, amount as u64),
        };
        // Relaxed: until the transaction has ended, behind the scheduler's lock, any mix of the halves is a guess
        // like any other. Model: `an_ended_reward_is_right`.
        self.lower.store(lower, Ordering::Relaxed);
        self.upper.store(upper, Ordering::Relaxed);
    }

    fn get(&self) -> Owed {
        match self.upper.load(Ordering::Relaxed) {
            0 => Owed::Unknown,
            NOTHING => Owed::Nothing,
            upper => {
                let lower = self.lower.load(Ordering::Relaxed);
                Owed::Amount(u128::from(upper & !AMOUNT) << 64 | u128::from(lower))
            }
        }
    }
}

/// Rewards that were added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rewards {
    pub(crate) sum: u128,
    pub(crate) payments: u32,
}

impl Rewards {
    fn add(&mut self, owed: u128) {
        self.sum += owed;
        self.payments += 1;
    }
}

/// The rewards of a block.
#[derive(Debug, Default)]
pub(crate) struct RewardLedger {
    /// One for each transaction.
    owed: Vec<OwedCell>,
    /// Totals before each committed transaction, and after the last of them.
    totals: Mutex<Vec<Rewards>>,
}

impl RewardLedger {
    /// Forgets everything, keeps the room, and is for a block of so many transactions.
    pub(crate) fn renew(&mut self, transactions: usize) {
        self.owed.clear();
        self.owed.resize_with(transactions, OwedCell::default);
        let totals = self.totals.get_mut().unwrap_or_else(PoisonError::into_inner);
        totals.clear();
        totals.reserve(transactions + 1);
        totals.push(Rewards::default());
    }

    /// Transactions of the block.
    pub(crate) const fn transactions(&self) -> usize {
        self.owed.len()
    }

    pub(crate) fn set(&self, position: Position, owed: Owed) {
        self.owed[position as usize - 1].set(owed);
    }

    /// Adds the rewards of committed transactions to the totals, in block order.
    pub(crate) fn commit(&self, transactions: impl IntoIterator<Item = usize>) {
        let mut totals = lock(&self.totals);
        for transaction in transactions {
            let mut total = *totals.last().expect("it starts with one");
            if let Owed::Amount(amount) = self.owed[transaction].get() {
                total.add(amount);
            }
            totals.push(total);
        }
    }

    /// Rewards of the positions above `after` and below `position`; blocked by the last that is not known.
    pub(crate) fn between(
        &self,
        after: Position,
        position: Position,
    ) -> Result<Rewards, ReadError> {
        // Position p is transaction p - 1.
        let (first, end) = (after as usize, (position as usize).saturating_sub(1));
        let (mut rewards, committed) = {
            let totals = lock(&self.totals);
            let committed = (totals.len() - 1).min(end);
            let below = |index: usize| totals[index.min(committed)];
            let (from, to) = (below(first), below(committed));
            let sum = to.sum - from.sum;
            (Rewards { sum, payments: to.payments - from.payments }, committed)
        };
        // From above: who waits, waits for the last of them, and not for one after the other.
        for transaction in (committed.max(first)..end).rev() {
            match self.owed[transaction].get() {
                Owed::Amount(amount) => rewards.add(amount),
                Owed::Nothing => {}
                Owed::Unknown => return Err(ReadError::Blocked(transaction as u32 + 1)),
            }
        }
        Ok(rewards)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_gives_what_was_set() {
        let cell = OwedCell::default();
        assert_eq!(cell.get(), Owed::Unknown);
        for owed in [0, 1, u128::from(u64::MAX), 1 << 64, (1 << 100) - 1].map(Owed::Amount) {
            cell.set(owed);
            assert_eq!(cell.get(), owed);
        }
        for owed in [Owed::Nothing, Owed::Unknown] {
            cell.set(owed);
            assert_eq!(cell.get(), owed);
        }
    }

    #[test]
    fn rewards_between_add_up_wherever_the_commit_stands() {
        let mut ledger = RewardLedger::default();
        ledger.renew(7);
        ledger.set(1, Owed::Amount(100));
        ledger.commit([0]);
        ledger.renew(5);
        for position in 1..=4 {
            ledger.set(position, Owed::Amount(1 << position));
        }
        ledger.set(3, Owed::Nothing);
        let expected = Rewards { sum: 4 + 16, payments: 2 };
        for committed in 0..4 {
            assert_eq!(ledger.between(1, 5), Ok(expected), "{committed} committed");
            ledger.commit([committed]);
        }
        assert_eq!(ledger.between(0, 1), Ok(Rewards::default()));
        assert_eq!(ledger.between(2, 2), Ok(Rewards::default()));
        assert_eq!(ledger.between(0, 6), Err(ReadError::Blocked(5)));
        ledger.renew(5);
        assert_eq!(ledger.between(0, 4), Err(ReadError::Blocked(3)), "the last of three");
    }
}
