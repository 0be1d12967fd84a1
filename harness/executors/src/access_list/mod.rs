//! Execution driven by a block access list (EIP-7928, <https://eips.ethereum.org/EIPS/eip-7928>).
//!
//! The list says, for every account and slot that the block touches, after which transaction it has
//! which value. So every transaction can run at once, on the pre-state overlaid with the list: there is
//! no speculation, and nothing is executed twice.
//!
//! # Why it is correct
//!
//! 1. Transaction `i` runs on the pre-state overlaid with everything that the list states below `i`.
//! 2. Its changes are compared with the list at `i`, both ways: every value that it changed stands
//!    there, and nothing else does (`verify`).
//! 3. By induction: where the list is right below `i`, transaction `i` has run on the state of a
//!    sequential execution, so what it did is right, and then so is the list at `i`. Results are taken
//!    in block order by the shared commit, and the first index where the list says something else ends
//!    the block. Nothing of a wrong list gets past that point, whatever later transactions have made of
//!    it.
//! 4. Everything that was touched must be listed, and everything that is listed must have been touched.
//!    So the list that is accepted is the list that would have been built.
//!
//! The phases before and after the transactions are verified in the same way, at index 0 and `n + 1`.
//!
//! # Source of the list
//!
//! A block of Amsterdam may come with one. Otherwise the reference makes one off the clock, for every fork
//! ([`MadeList`]). Lists before Amsterdam
//! cannot say that storage was cleared or that an empty account exists: that stands beside it. A list
//! of anybody's can be given instead ([`AccessList::prepare_with`]).

pub mod mutants;
mod overlay;
mod plan;
mod run;
mod verify;

pub use crate::reference::{Beside, MadeList};
use crate::{
    commit::GasClaim,
    evm::{evm_env, transaction_env},
    pool::Pool,
    reference::{self, execution, refuse_unsupported},
    sync::Arc,
};
use alloy_eip7928::BlockAccessList;
use lockstep_model::{
    Case, Execution, Executor, ExecutorError, Mode, Prepared, RunOptions, StateChanges,
};
use plan::Plan;
use run::{Job, order};

/// The executor driven by block access lists.
#[derive(Debug)]
pub struct AccessList {
    pool: Arc<Pool>,
    mode: Mode,
}

impl AccessList {
    /// An executor with this many threads, the calling one counted. In mode `auto` it may use fewer.
    ///
    /// # Errors
    /// When the system has no thread left to give.
    ///
    /// # Panics
    /// When `threads` is zero.
    pub fn new(threads: usize, mode: Mode) -> std::io::Result<Self> {
        assert!(threads > 0, "an executor needs at least one thread");
        Ok(Self { pool: Arc::new(Pool::new(threads - 1)?), mode })
    }

    /// As [`Executor::prepare`], with this list instead of the reference's. One that is wrong in any
    /// way makes the run a rejection.
    ///
    /// # Errors
    /// When the executor cannot run this case at all.
    pub fn prepare_with(
        &mut self,
        case: &Case,
        options: &RunOptions,
        list: MadeList,
    ) -> Result<Box<dyn Prepared>, ExecutorError> {
        refuse_unsupported(case)?;
        let MadeList { list, beside } = list;
        let count = case.block.transactions.len();
        let plan = Plan::compile(&list, &beside, count);
        let gas_claims = GasClaim::all(&case.block.transactions);
        Ok(Box::new(PreparedAccessList(Job {
            pool: self.pool.clone(),
            mode: self.mode,
            case: case.clone(),
            options: options.clone(),
            env: evm_env(case),
            transactions: case.block.transactions.iter().map(transaction_env).collect(),
            order: order(&gas_claims, self.mode),
            gas_claims,
            list: Arc::new(list),
            plan: plan.map(Arc::new),
        })))
    }

    /// The list that the reference makes of a block.
    ///
    /// # Errors
    /// When the reference cannot run the case.
    pub fn make(case: &Case) -> Result<MadeList, ExecutorError> {
        reference::kept_list(case, || reference::access_list(case))
    }
}

impl Executor for AccessList {
    fn prepare(
        &mut self,
        case: &Case,
        options: &RunOptions,
    ) -> Result<Box<dyn Prepared>, ExecutorError> {
        let list = match &case.block.access_list {
            Some(given) => MadeList { list: given.to_vec(), beside: Beside::default() },
            None => Self::make(case)?,
        };
        self.prepare_with(case, options, list)
    }
}

struct PreparedAccessList(Job);

impl Prepared for PreparedAccessList {
    fn run(&mut self) -> Result<Execution, ExecutorError> {
        let mut telemetry = self.0.telemetry();
        let outcome = self.0.execute(&mut telemetry);
        execution(outcome, telemetry)
    }

    fn stated_changes(&self) -> Result<Option<StateChanges>, ExecutorError> {
        self.0.stated_changes()
    }
}

/// The list, owned by a block.
type SharedList = Arc<BlockAccessList>;
