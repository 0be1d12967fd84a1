//! One block in flight.

use super::{
    SharedList,
    overlay::{Overlay, OverlayView},
    plan::{Index, Malformed, Plan, SlotBelow},
    verify::Verifier,
};
use crate::{
    commit::{Done, GasClaim, OrderedCommit},
    evm::{
        Deferral, ReadError, StrictEvm, broken_evm, rule_of_invalid_transaction,
        run_deferring_reward,
        transfer::{has_plain_transfers, may_be_plain, transfer},
    },
    phases,
    pool::{Pool, SharedWork, guarded},
    reference::{Stop, has_access_list},
    slow_storage::is_slow,
    sync::{Arc, AtomicBool, AtomicUsize, Mutex, Ordering, lock},
};
use alloy_evm::EvmEnv;
use alloy_primitives::U256;
use lockstep_faults::access_lists::{
    LIST_GAP_REPORTED_FIRST, PHASE_ACCESSES_UNLISTED, UNTOUCHED_ENTRIES_TOLERATED,
};
use lockstep_model::{
    AccountChange, At, BlockOutcome, Case, ExecutorError, Mode, ReadObserver, Rejection, Rule,
    RunOptions, StateChanges, Telemetry,
};
use revm::{
    context::{TxEnv, result::EVMError},
    state::{EvmState, bal::Bal},
};
use std::time::Instant;

/// Below this much work another thread would come too late to be worth waking.
const SMALL_BLOCK_NS: u64 = 150_000;

/// About how long a transaction takes: one without data runs no code.
fn about_ns(transaction: &TxEnv) -> u64 {
    if transaction.data.is_empty() { 500 } else { 3_000 + transaction.gas_limit.min(200_000) / 10 }
}

/// Accounts whose changes one worker gathers at a time.
const GATHERED_AT_ONCE: usize = 256;

/// A block that is ready to run.
pub(super) struct Job {
    pub(super) pool: Arc<Pool>,
    pub(super) mode: Mode,
    pub(super) case: Case,
    pub(super) options: RunOptions,
    pub(super) env: EvmEnv,
    pub(super) transactions: Arc<[TxEnv]>,
    pub(super) gas_claims: Arc<[GasClaim]>,
    pub(super) order: Arc<[Chunk]>,
    pub(super) list: SharedList,
    pub(super) plan: Result<Arc<Plan>, Malformed>,
}

impl Job {
    pub(super) fn telemetry(&self) -> Telemetry {
        let executions = self.transactions.len() as u64;
        Telemetry { mode: self.mode, threads: 1, executions, ..Telemetry::default() }
    }

    pub(super) fn execute(&self, telemetry: &mut Telemetry) -> Result<BlockOutcome, Stop> {
        let case = &self.case;
        let Ok(plan) = &self.plan else { return Err(wrong_list(At::PreBlock)) };
        let overlay = Arc::new(Overlay::new(plan.clone(), case.pre_state.clone()));
        self.pre_block(&overlay)?;
        let is_slow = is_slow(case);
        let is_slow = is_slow.map_err(|error| Stop::Broken(error.into()))?;
        let deferral = Deferral::of(case).map_err(|error| Stop::Broken(error.into()))?;

        let run = Arc::new(ListRun {
            order: self.order.clone(),
            next: AtomicUsize::new(0),
            results: std::iter::repeat_with(Mutex::default).take(self.transactions.len()).collect(),
            targets: if is_slow { targets(plan) } else { Vec::new() },
            next_target: AtomicUsize::new(0),
            next_gathered: AtomicUsize::new(0),
            gathered: Mutex::default(),
            broken: Mutex::default(),
            stopped: AtomicBool::new(false),
            env: self.env.clone(),
            transactions: self.transactions.clone(),
            beneficiary: plan.get(case.block.beneficiary).map(|(number, _)| number),
            overlay: overlay.clone(),
            deferral,
            observer: self.options.reads.clone(),
        });
        let crew = self.pool.invite(&run, self.useful_helpers(is_slow));
        let start = Instant::now();
        run.help();
        telemetry.shared_ns = start.elapsed().as_nanos() as u64;
        telemetry.threads = 1 + crew.dismiss();
        if let Some(error) = lock(&run.broken).take() {
            return Err(Stop::Broken(error));
        }
        let gas = self.commit(&run)?;
        self.finish(&overlay, &run, gas)
    }

    /// How everything ends that is listed, whether it is right or not.
    pub(super) fn stated_changes(&self) -> Result<Option<StateChanges>, ExecutorError> {
        let Ok(plan) = &self.plan else { return Ok(None) };
        let overlay = Overlay::new(plan.clone(), self.case.pre_state.clone());
        let mut changes = final_changes(&overlay, 0..plan.accounts.len())?;
        changes.codes.extend(plan.deployed_codes());
        Ok(Some(changes))
    }

    /// Helpers that are worth waking.
    fn useful_helpers(&self, is_slow: bool) -> usize {
        let count = self.transactions.len().saturating_sub(1);
        if is_slow {
            return usize::MAX;
        }
        let about_ns: u64 = self.transactions.iter().map(about_ns).sum();
        if self.mode == Mode::Auto && about_ns < SMALL_BLOCK_NS {
            return 0;
        }
        // More threads than cores only wait for each other where reads are fast.
        if self.mode == Mode::Auto { count.min(self.pool.cores() - 1) } else { count }
    }

    fn pre_block(&self, overlay: &Arc<Overlay>) -> Result<(), Stop> {
        let view = OverlayView::new(overlay.clone(), 0);
        let start = phases::pre_block_with(&self.case, &self.env, view, true)?;
        verify_phase(overlay, 0, start.access_list, At::PreBlock)
    }

    /// Takes the results in block order.
    fn commit(&self, run: &ListRun) -> Result<OrderedCommit, Stop> {
        let case = &self.case;
        let mut gas = OrderedCommit::new(case, &self.options);
        for (index, (result, claim)) in run.results.iter().zip(&*self.gas_claims).enumerate() {
            let TxResult { done, is_stated } = lock(result).take().expect("all were executed");
            if LIST_GAP_REPORTED_FIRST.is_planted() && !is_stated {
                return Err(wrong_list(At::Transaction(index)));
            }
            // The transaction's own flaw comes first: below it the list is right.
            gas.commit(claim, done).map_err(Stop::Rejected)?;
            if !is_stated {
                return Err(wrong_list(At::Transaction(index)));
            }
        }
        Ok(gas)
    }

    fn finish(
        &self,
        overlay: &Arc<Overlay>,
        run: &ListRun,
        gas: OrderedCommit,
    ) -> Result<BlockOutcome, Stop> {
        let case = &self.case;
        let last = self.transactions.len() as Index + 1;
        let view = OverlayView::new(overlay.clone(), last);
        let end = phases::post_block_with(case, &self.env, view, &gas, true)?;
        verify_phase(overlay, last, end.access_list, At::PostBlock)?;
        if !overlay.all_touched()
            && !PHASE_ACCESSES_UNLISTED.is_planted()
            && !UNTOUCHED_ENTRIES_TOLERATED.is_planted()
        {
            return Err(wrong_list(At::PostBlock));
        }
        let by_index = self.options.changes_by_transaction.then(|| changes_by_index(overlay, last));
        let mut by_index =
            by_index.transpose().map_err(|error| Stop::Broken(error.into()))?.map(Vec::into_iter);
        let before = by_index.as_mut().and_then(Iterator::next);
        let by_transaction = by_index.map(|rest| rest.take(self.transactions.len()).collect());
        Ok(BlockOutcome {
            gas_used: gas.gas_used(),
            blob_gas_used: gas.blob_gas(),
            receipts: gas.into_receipts(),
            requests: end.requests,
            changes: run.take_changes().map_err(|error| Stop::Broken(error.into()))?,
            changes_before_transactions: before,
            changes_by_transaction: by_transaction,
            access_list: has_access_list(case).then(|| (*self.list).clone()),
            ..BlockOutcome::default()
        })
    }
}

/// Compares what a phase did with what is stated at its index; of a case without phases, nothing.
fn verify_phase(overlay: &Overlay, index: Index, built: Option<Bal>, at: At) -> Result<(), Stop> {
    let mut verifier = Verifier::new(overlay, index);
    verifier.phase(&built.unwrap_or_default());
    if verifier.finish() || PHASE_ACCESSES_UNLISTED.is_planted() {
        Ok(())
    } else {
        Err(wrong_list(at))
    }
}

fn wrong_list(at: At) -> Stop {
    Stop::Rejected(Rejection { at, rule: Rule::InvalidBlockAccessList })
}

/// Transactions that are executed one after the other by one worker.
pub(super) type Chunk = Vec<u32>;

/// In which order transactions are taken: those with a high gas limit first, for a long one that is
/// taken last keeps one worker busy while all others wait; the others in block order, several at a time.
pub(super) fn order(claims: &[GasClaim], mode: Mode) -> Arc<[Chunk]> {
    if mode == Mode::Forced {
        // One at a time: `forced` is there to make transactions meet.
        return (0..claims.len() as u32).map(|index| vec![index]).collect();
    }
    const LONG: u64 = 500_000;
    const GAS_OF_A_CHUNK: u64 = 400_000;
    const MOST: usize = 16;
    let (mut long, short): (Vec<u32>, Vec<u32>) =
        (0..claims.len() as u32).partition(|index| claims[*index as usize].gas_limit >= LONG);
    long.sort_by_key(|index| std::cmp::Reverse(claims[*index as usize].gas_limit));
    let mut chunks: Vec<Chunk> = long.into_iter().map(|index| vec![index]).collect();
    let mut gas = u64::MAX;
    for index in short {
        let limit = claims[index as usize].gas_limit;
        match chunks.last_mut() {
            Some(chunk) if gas.saturating_add(limit) <= GAS_OF_A_CHUNK && chunk.len() < MOST => {
                chunk.push(index);
                gas += limit;
            }
            _ => {
                chunks.push(vec![index]);
                gas = limit;
            }
        }
    }
    chunks.into()
}

/// Everything that is listed: an account, or one of its slots.
fn targets(plan: &Plan) -> Vec<(usize, Option<U256>)> {
    let mut targets = Vec::with_capacity(plan.accounts.len() + plan.slots);
    for (number, account) in plan.accounts.iter().enumerate() {
        targets.push((number, None));
        let mut slots: Vec<U256> = account.slots.keys().copied().collect();
        slots.sort_unstable();
        targets.extend(slots.into_iter().map(|slot| (number, Some(slot))));
    }
    targets
}

/// The result of one transaction.
struct TxResult {
    done: Result<Done, Rule>,
    /// Whether the list states what it did, all of it, and nothing else.
    is_stated: bool,
}

/// A block in flight, shared by all workers.
struct ListRun {
    order: Arc<[Chunk]>,
    next: AtomicUsize,
    results: Box<[Mutex<Option<TxResult>>]>,
    /// Listed state that is read ahead.
    targets: Vec<(usize, Option<U256>)>,
    next_target: AtomicUsize,
    next_gathered: AtomicUsize,
    gathered: Mutex<Vec<Result<StateChanges, ReadError>>>,
    broken: Mutex<Option<ExecutorError>>,
    stopped: AtomicBool,
    env: EvmEnv,
    transactions: Arc<[TxEnv]>,
    overlay: Arc<Overlay>,
    /// The fee recipient's number, if it is listed.
    beneficiary: Option<usize>,
    deferral: Deferral,
    observer: Option<Arc<dyn ReadObserver>>,
}

impl SharedWork for ListRun {
    fn help(&self) {
        let done = guarded(|| {
            self.read_ahead()?;
            self.execute_all()?;
            self.gather();
            Ok(())
        });
        if let Err(error) = done {
            lock(&self.broken).get_or_insert(error);
            self.stopped.store(true, Ordering::Relaxed);
        }
    }
}

impl ListRun {
    fn claim(&self, counter: &AtomicUsize) -> usize {
        if self.stopped.load(Ordering::Relaxed) {
            return usize::MAX;
        }
        counter.fetch_add(1, Ordering::Relaxed)
    }

    /// Reads listed state before anybody needs it.
    fn read_ahead(&self) -> Result<(), ExecutorError> {
        while let Some((number, slot)) = self.targets.get(self.claim(&self.next_target)) {
            let account = &self.overlay.plan.accounts[*number];
            let read = match slot.and_then(|key| Some((key, account.slots.get(&key)?))) {
                Some((key, slot)) => self.overlay.pre_slot(account, key, slot).map(drop),
                None => self.overlay.pre(*number).map(drop),
            };
            read?;
        }
        Ok(())
    }

    fn execute_all(&self) -> Result<(), ExecutorError> {
        let mut evm = None;
        while let Some(chunk) = self.order.get(self.claim(&self.next)) {
            let evm = evm.get_or_insert_with(|| {
                let view = OverlayView::new(self.overlay.clone(), 0);
                StrictEvm::new(view.observed_by(self.observer.clone()), self.env.clone())
            });
            for index in chunk {
                let result = self.execute(evm, *index as usize).map_err(broken_evm)?;
                *lock(&self.results[*index as usize]) = Some(result);
            }
        }
        Ok(())
    }

    fn execute(
        &self,
        evm: &mut StrictEvm<OverlayView>,
        number: usize,
    ) -> Result<TxResult, ExecutionError> {
        let transaction = &self.transactions[number];
        let index = number as Index + 1;
        evm.db_mut().move_to(index);
        let mut verifier = Verifier::new(&self.overlay, index);
        let is_plain = has_plain_transfers(self.env.cfg_env.spec)
            && may_be_plain(transaction, &self.env.block_env);
        if is_plain {
            evm.context().tx = transaction.clone();
            match transfer(evm, self.deferral) {
                Ok(Some(done)) => {
                    let (before, after) = done.sender;
                    let [sender, recipient] = evm.db_mut().transfer();
                    verifier.sender(sender, before, after);
                    verifier.credit(recipient, done.value)?;
                    verifier.credit(self.beneficiary, done.reward)?;
                    let is_stated = verifier.finish();
                    return Ok(TxResult { done: Ok(done.result.into()), is_stated });
                }
                Ok(None) => {}
                Err(error) => return refused(error),
            }
        }
        let outcome = run_deferring_reward(evm, transaction.clone(), self.deferral);
        let journal = &mut evm.context().journaled_state;
        let mut state: EvmState = std::mem::take(&mut journal.inner.state);
        let result = match outcome {
            Ok((result, owed)) => {
                verifier.journal(&mut state);
                if let Some(owed) = owed {
                    verifier.credit(self.beneficiary, owed)?;
                }
                Ok(TxResult { done: Ok(result.into()), is_stated: verifier.finish() })
            }
            Err(error) => refused(error),
        };
        // Its room is kept for the next transaction.
        state.clear();
        journal.inner.state = state;
        result
    }

    /// Gathers the values that the list ends with, some accounts at a time.
    fn gather(&self) {
        let accounts = self.overlay.plan.accounts.len();
        let mut parts = Vec::new();
        loop {
            let start = self.claim(&self.next_gathered).saturating_mul(GATHERED_AT_ONCE);
            if start >= accounts {
                break;
            }
            parts.push(final_changes(&self.overlay, start..accounts.min(start + GATHERED_AT_ONCE)));
        }
        lock(&self.gathered).append(&mut parts);
    }

    fn take_changes(&self) -> Result<StateChanges, ReadError> {
        let mut changes = StateChanges::default();
        for part in std::mem::take(&mut *lock(&self.gathered)) {
            changes.extend(part?);
        }
        changes.codes.extend(self.overlay.plan.deployed_codes());
        Ok(changes)
    }
}

type ExecutionError = EVMError<ReadError>;

/// An invalid transaction is a result: the block ends there, if nothing ends it below.
fn refused(error: ExecutionError) -> Result<TxResult, ExecutionError> {
    match error {
        EVMError::Transaction(invalid) => {
            Ok(TxResult { done: Err(rule_of_invalid_transaction(&invalid)), is_stated: true })
        }
        error => Err(error),
    }
}

/// How these accounts end.
fn final_changes(
    overlay: &Overlay,
    accounts: std::ops::Range<usize>,
) -> Result<StateChanges, ReadError> {
    let mut piece = Vec::with_capacity(accounts.len());
    for number in accounts {
        let account = &overlay.plan.accounts[number];
        if account.is_changed() {
            let change = change_between(overlay, number, 0..Index::MAX)?;
            piece.push((account.address, change));
        }
    }
    Ok(StateChanges { accounts: piece.into(), ..StateChanges::default() })
}

/// The changes of an account at some indices.
fn change_between(
    overlay: &Overlay,
    number: usize,
    indices: std::ops::Range<Index>,
) -> Result<AccountChange, ReadError> {
    let account = &overlay.plan.accounts[number];
    let info = overlay.info_below((number, account), indices.end)?;
    let cleared = account.cleared.indices().any(|index| indices.contains(&index));
    let written = account
        .slots
        .iter()
        .filter(|(_, slot)| slot.values.indices().any(|index| indices.contains(&index)))
        .map(|(key, slot)| match account.slot_below(slot, indices.end) {
            SlotBelow::Value(value) => (*key, value),
            SlotBelow::PreState => unreachable!("something is stated below"),
        });
    Ok(AccountChange {
        info,
        storage_cleared: cleared || info.is_none(),
        storage: written.collect(),
    })
}

/// The changes at each index from 0 to `last`.
fn changes_by_index(overlay: &Overlay, last: Index) -> Result<Vec<StateChanges>, ReadError> {
    let mut all = vec![StateChanges::default(); last as usize + 1];
    for (number, account) in overlay.plan.accounts.iter().enumerate() {
        let mut indices: Vec<Index> = account.changed_at().collect();
        indices.sort_unstable();
        indices.dedup();
        for index in indices {
            let change = change_between(overlay, number, index..index + 1)?;
            let changes = &mut all[index as usize];
            if let Some(code) = change.info.and_then(|info| overlay.plan.codes.get(&info.code_hash))
            {
                changes.codes.insert(code.hash_slow(), code.original_bytes());
            }
            changes.accounts.push(account.address, change);
        }
    }
    Ok(all)
}
