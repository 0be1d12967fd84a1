//! The executor.

use crate::{
    convert::{self, receipts},
    rules::rule,
    state::{State, changes, listed},
};
use alloy_consensus::Transaction as _;
use ethrex_common::types::{Block, block_access_list::BlockAccessList};
use ethrex_crypto::NativeCrypto;
use ethrex_rlp::{decode::RLPDecode as _, encode::RLPEncode as _};
use ethrex_vm::{BlockExecutionResult, Evm, EvmError};
use lockstep_executors::Reference;
use lockstep_model::{
    At, BlockOutcome, Case, Execution, Executor, ExecutorError, Fork, Mode, Outcome, Phases,
    Prepared, Rejection, RunOptions, StateChanges, Telemetry,
};
use rayon::ThreadPool;
use std::sync::{Arc, atomic::AtomicUsize};

/// Which of ethrex's ways through a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// `Evm::execute_block`.
    Sequential,
    /// `Evm::execute_block_pipeline` with the block's access list.
    List,
}

/// ethrex.
pub(crate) struct Ethrex {
    way: Way,
    pool: Arc<ThreadPool>,
}

impl Ethrex {
    /// Threads count for the list alone.
    pub(crate) fn new(way: Way, threads: usize) -> Result<Self, String> {
        let threads = if way == Way::List { threads } else { 1 };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        Ok(Self { way, pool: Arc::new(pool.map_err(|error| error.to_string())?) })
    }
}

impl Executor for Ethrex {
    fn prepare(
        &mut self,
        case: &Case,
        _options: &RunOptions,
    ) -> Result<Box<dyn Prepared>, ExecutorError> {
        let unsupported = |why: &str| ExecutorError::Unsupported(why.to_owned());
        if case.rules.fork < Fork::Paris {
            return Err(unsupported("blocks before Paris"));
        }
        if case.phases != Phases::Full {
            return Err(unsupported("transactions without their block"));
        }
        if lockstep_formats::export::may_overflow(case) {
            return Err(unsupported("rewards may overflow the fee recipient's balance"));
        }
        let block = convert::block(case, case.block.transactions.len())
            .map_err(ExecutorError::Unsupported)?;
        let list = if self.way == Way::List { Some(list(case)?) } else { None };
        let state = State { reader: case.pre_state.clone(), config: convert::config(case) };
        Ok(Box::new(Ready { pool: self.pool.clone(), case: case.clone(), block, list, state }))
    }
}

/// The list of a block, by the reference.
fn list(case: &Case) -> Result<Arc<BlockAccessList>, ExecutorError> {
    if case.rules.fork < Fork::Amsterdam {
        return Err(ExecutorError::Unsupported("lists before Amsterdam".to_owned()));
    }
    let outcome = Reference.prepare(case, &RunOptions::of(case))?.run()?.outcome;
    let Some(list) = outcome.accepted().and_then(|block| block.access_list.as_ref()) else {
        return Err(ExecutorError::Unsupported("an invalid block: it has no list".to_owned()));
    };
    let rlp = alloy_rlp::encode(list);
    let list = BlockAccessList::decode(&rlp);
    list.map(Arc::new).map_err(|error| {
        ExecutorError::Broken(format!("the right list cannot be decoded: {error}"))
    })
}

/// A block that is ready to run.
struct Ready {
    pool: Arc<ThreadPool>,
    case: Case,
    block: Block,
    list: Option<Arc<BlockAccessList>>,
    state: State,
}

/// What ethrex gives for a block.
type Ran = Result<(BlockExecutionResult, Option<BlockAccessList>), EvmError>;

impl Prepared for Ready {
    fn run(&mut self) -> Result<Execution, ExecutorError> {
        let mut evm = self.evm();
        let ran = match &self.list {
            Some(list) => self.by_list(&mut evm, list),
            None => evm.execute_block(&self.block),
        };
        let (mode, threads) = match &self.list {
            Some(_) => (Mode::Forced, self.pool.current_num_threads()),
            None => (Mode::Sequential, 1),
        };
        let telemetry = Telemetry { mode, threads, ..Telemetry::default() };
        let outcome = match ran {
            Ok((result, list)) => self.accepted(&mut evm, result, list)?,
            Err(EvmError::DB(text)) => {
                return Err(ExecutorError::State(lockstep_model::StateError(text)));
            }
            // A rule of the header, which is judged before.
            Err(error) if error.to_string().contains("access list exceeds gas limit") => {
                return Err(ExecutorError::Unsupported("a list that is too long".to_owned()));
            }
            Err(error) => Outcome::Rejected(self.rejection(&error)),
        };
        Ok(Execution { outcome, telemetry })
    }
}

impl Ready {
    fn evm(&self) -> Evm {
        Evm::new_for_l1(self.state.clone(), Arc::new(NativeCrypto))
    }

    fn by_list(&self, evm: &mut Evm, list: &Arc<BlockAccessList>) -> Ran {
        let queue = AtomicUsize::new(0);
        self.pool.install(|| {
            evm.execute_block_pipeline(&self.block, None, &queue, Some(list.clone()), true)
        })
    }

    fn accepted(
        &self,
        evm: &mut Evm,
        result: BlockExecutionResult,
        list: Option<BlockAccessList>,
    ) -> Result<Outcome, ExecutorError> {
        let case = &self.case;
        let requests = result.requests.iter().map(|requests| requests.encode());
        let requests = requests.filter(|encoded| !encoded.is_empty());
        let list = list.as_ref().or(self.list.as_deref());
        let access_list = list.map(BlockAccessList::encode_to_vec).map(|rlp| {
            alloy_rlp::decode_exact(&rlp).map_err(|error| {
                ExecutorError::Broken(format!("its list cannot be decoded: {error}"))
            })
        });
        Ok(Outcome::Accepted(Box::new(BlockOutcome {
            receipts: receipts(case, &result.receipts),
            gas_used: result.block_gas_used,
            blob_gas_used: blob_gas(case),
            requests: requests.map(|encoded| encoded.0.into()).collect(),
            changes: self.changes(evm)?,
            access_list: access_list.transpose()?,
            ..BlockOutcome::default()
        })))
    }

    fn changes(&self, evm: &mut Evm) -> Result<StateChanges, ExecutorError> {
        let before = &*self.case.pre_state;
        if let Some(list) = &self.list {
            return Ok(listed(list, before)?);
        }
        let updates = evm.get_state_transitions();
        let updates = updates.map_err(|error| ExecutorError::Broken(error.to_string()))?;
        Ok(changes(updates, before)?)
    }

    /// ethrex names no transaction: it is the last of the shortest part of the block that is invalid.
    fn rejection(&self, error: &EvmError) -> Rejection {
        let rule = rule(error);
        let is_of_a_transaction = matches!(error, EvmError::Transaction(_));
        let count = self.case.block.transactions.len();
        let place = (1..=count).find(|length| {
            let part = convert::block(&self.case, *length);
            part.is_ok_and(|part| {
                matches!(self.evm().execute_block(&part), Err(EvmError::Transaction(_)))
            })
        });
        match place.filter(|_| is_of_a_transaction) {
            Some(length) => Rejection { at: At::Transaction(length - 1), rule },
            None => Rejection { at: At::PostBlock, rule },
        }
    }
}

/// ethrex takes it from the header; it is that of the transactions.
fn blob_gas(case: &Case) -> u64 {
    let own = |transaction: &lockstep_model::Transaction| transaction.envelope.blob_gas_used();
    case.block.transactions.iter().filter_map(own).sum()
}
