//! One transaction in one worker's EVM: what it did, and why it may have ended without a result.

use super::{
    access_list::Accesses, planted, rewards::Owed, version::Position, view::View, writes::WriteSet,
};
use crate::{
    commit::Done,
    evm::{
        Deferral, ReadError, StrictEvm, broken_evm, has_state_clearing,
        operations::{OperationLog, Recorder, Sites},
        rule_of_invalid_transaction, run_deferring_reward,
        transfer::{has_plain_transfers, may_be_plain, transfer},
    },
    planted::{logs_to_cut, spoil_logs},
    reference::has_access_list,
};
use alloy_evm::EvmEnv;
use alloy_primitives::{Address, U256};
use lockstep_faults::{caches::JOURNAL_KEEPS_FAILED_LOADS, nonces::STATE_CLEARING_TOO_EARLY};
use lockstep_model::{Case, ExecutorError, Rule};
use revm::{
    context::{
        TxEnv,
        result::{EVMError, ExecutionResult},
    },
    primitives::hardfork::SpecId,
};

/// Rules of a block that decide how its transactions run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    deferral: Deferral,
    /// EIP-161.
    state_clearing: bool,
    /// EIP-7928.
    has_access_list: bool,
    plain_transfers: bool,
}

impl Rules {
    pub(crate) fn of(case: &Case, deferral: Deferral, spec: SpecId) -> Self {
        let has_access_list = has_access_list(case);
        Self {
            deferral,
            state_clearing: has_state_clearing(case) || STATE_CLEARING_TOO_EARLY.is_planted(),
            has_access_list,
            plain_transfers: !has_access_list && has_plain_transfers(spec),
        }
    }
}

/// The result of one execution.
pub(crate) struct Executed {
    pub(crate) result: Result<Done, Rule>,
    pub(crate) owed: Owed,
    pub(crate) accesses: Option<Box<Accesses>>,
    pub(crate) operations: Option<Box<OperationLog>>,
}

/// Why an execution gave nothing.
pub(crate) enum Unfinished {
    Blocked(Position),
    /// What it has read is stale.
    Stale,
    Broken(ExecutorError),
}

type Outcome = Result<(ExecutionResult, Option<U256>), EVMError<ReadError>>;

/// An EVM on one view of the block, and the writes of its last transaction.
pub(crate) struct Transactor<'a> {
    evm: StrictEvm<View<'a>>,
    rules: Rules,
    pub(super) writes: WriteSet,
    /// Kept between executions that are written down.
    recorder: Box<Recorder>,
    /// Whether the operations of this execution are written down.
    is_recorded: bool,
}

impl<'a> Transactor<'a> {
    pub(crate) fn new(view: View<'a>, env: EvmEnv, rules: Rules) -> Self {
        let view = if rules.has_access_list { view.observing_everything() } else { view };
        let mut evm = StrictEvm::new(view, env);
        evm.watch_balances();
        let writes = WriteSet::default();
        Self { evm, rules, writes, recorder: Box::default(), is_recorded: false }
    }

    pub(crate) const fn view(&mut self) -> &mut View<'a> {
        self.evm.db_mut()
    }

    /// The writes of the last transaction, and the accounts of which it has looked at the balance.
    pub(crate) fn take_writes(&mut self) -> (WriteSet, Vec<Address>) {
        (std::mem::take(&mut self.writes), self.evm.db_mut().take_observed())
    }

    /// The operations of the next execution are written down, those on slots that are read at these places; or not.
    pub(super) fn record(&mut self, into: Option<(Box<OperationLog>, Sites)>) {
        self.is_recorded = into.is_some();
        self.evm.db_mut().record(self.is_recorded);
        if let Some((log, sites)) = into {
            self.recorder.begin(log, sites);
        }
    }

    /// Runs the transaction where the view has been moved to.
    pub(crate) fn run(&mut self, transaction: &TxEnv) -> Result<Executed, Unfinished> {
        let evm = &mut self.evm;
        let is_plain =
            self.rules.plain_transfers && may_be_plain(transaction, &evm.context().block);
        let outcome = if is_plain {
            evm.context().tx = transaction.clone();
            match transfer(evm, self.rules.deferral) {
                Ok(Some(done)) => {
                    self.writes.set(transaction.caller, Some(done.sender.1), false);
                    let base = evm.db_mut().pre_state_of(done.recipient);
                    self.writes.credit(done.recipient, done.value, base);
                    Ok((done.result, Some(done.reward)))
                }
                Ok(None) => {
                    evm.db_mut().forget_reads();
                    self.interpret(transaction)
                }
                Err(error) => Err(error),
            }
        } else {
            self.interpret(transaction)
        };
        self.sort(outcome, transaction)
    }

    /// Runs the transaction in revm.
    fn interpret(&mut self, transaction: &TxEnv) -> Outcome {
        let evm = &mut self.evm;
        evm.db_mut().observe(transaction.caller);
        if !self.is_recorded {
            return run_deferring_reward(evm, transaction.clone(), self.rules.deferral);
        }
        evm.record_with(Some(std::mem::take(&mut self.recorder)));
        let outcome = run_deferring_reward(evm, transaction.clone(), self.rules.deferral);
        self.recorder = evm.take_recorder().expect("as it was put in");
        outcome
    }

    /// Classifies the result of a transaction, and takes its writes out of the journal.
    fn sort(&mut self, outcome: Outcome, transaction: &TxEnv) -> Result<Executed, Unfinished> {
        let journal = &mut self.evm.context().journaled_state;
        let mut state = std::mem::take(&mut journal.inner.state);
        let has_failed = outcome.is_err();
        let cut = logs_to_cut(&state);
        let executed = match outcome {
            Ok((result, owed)) => {
                let lists = self.rules.has_access_list;
                let mut accesses =
                    lists.then(|| Box::new(Accesses { state: state.clone(), owed_reward: owed }));
                planted::add_own_list(accesses.as_deref_mut(), &transaction.access_list);
                let clearing = self.rules.state_clearing;
                self.writes.take(&mut state, &mut journal.database, clearing);
                let owed = owed.map_or(Owed::Nothing, |owed| Owed::Amount(owed.saturating_to()));
                let mut done: Done = result.into();
                spoil_logs(&mut done.logs, cut);
                let operations = self.is_recorded.then(|| self.recorder.take());
                let operations = operations.filter(|(_, is_whole)| *is_whole).map(|(log, _)| log);
                Ok(Executed { result: Ok(done), owed, accesses, operations })
            }
            // A result like any other: it stands once its reads are known to be final.
            Err(EVMError::Transaction(invalid)) => {
                let result = Err(rule_of_invalid_transaction(&invalid));
                // A sender that is refused was looked at closely.
                journal.database.observe(transaction.caller);
                let (accesses, operations) = Default::default();
                Ok(Executed { result, owed: Owed::Nothing, accesses, operations })
            }
            Err(EVMError::Database(ReadError::Stale)) => Err(Unfinished::Stale),
            Err(EVMError::Database(ReadError::Blocked(position))) => {
                Err(Unfinished::Blocked(position))
            }
            Err(error) => Err(Unfinished::Broken(broken_evm(error))),
        };
        // Its room is kept for the next transaction; after an error it may hold what was loaded.
        if !(JOURNAL_KEEPS_FAILED_LOADS.is_planted() && has_failed) {
            state.clear();
        }
        journal.inner.state = state;
        executed
    }
}
