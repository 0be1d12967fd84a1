//! The value that explains what came out.

use super::{Came, Tracer, Traces, is_same_receipt};
use crate::history::{History, Place, Value, Writer};
use alloy_primitives::{Address, B256, Bytes, U256};
use lockstep_judge::state::NormalChanges;
use lockstep_model::{
    AccountChange, AccountInfo, Case, ExecutorError, MemoryState, StateChanges, StateError,
    StateReader, Traced,
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

/// A read of a value that was not the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleRead {
    /// The location that was read; `None`: all of the state, as it was before the transaction that is named.
    pub place: Option<Place>,
    /// The writer of the value that was read.
    pub wrong_writer: Writer,
    /// The writer of the value that should have been read.
    pub right_writer: Writer,
    /// The value that was read, in words.
    pub wrong: String,
    /// The value that should have been read, in words.
    pub right: String,
}

/// The result of the search.
pub(super) struct Found {
    pub(super) stale: Option<StaleRead>,
    pub(super) traces: Option<Traces>,
}

/// Looks for a value that makes the transaction come out as it did.
pub(super) fn find(
    case: &Case,
    history: &History,
    index: usize,
    came: &Came<'_>,
    tracer: Tracer<'_>,
) -> Result<Found, ExecutorError> {
    let state = history.before(index).state.clone();
    let recorder = Arc::new(Recorder { state: state.clone(), places: Mutex::default() });
    let right = tracer(case, index, recorder.clone())?;
    let places =
        std::mem::take(&mut *recorder.places.lock().unwrap_or_else(PoisonError::into_inner));
    let explains = |traced: &Traced| explains(history, case, index, came, traced);
    if explains(&right) {
        // It came out as it should: what is wrong is not its own doing.
        return Ok(Found { stale: None, traces: None });
    }
    for place in places {
        let now = history.value(place, index);
        let mut tried = vec![now];
        for at in history.below(index) {
            let then = history.value(place, at);
            if tried.contains(&then) {
                continue;
            }
            tried.push(then);
            let traced = tracer(case, index, Arc::new(with(&state, place, then)))?;
            if explains(&traced) {
                let stale = StaleRead {
                    place: Some(place),
                    wrong_writer: history.writer_below(place, at),
                    right_writer: history.writer_below(place, index),
                    wrong: then.to_string(),
                    right: now.to_string(),
                };
                return Ok(Found { stale: Some(stale), traces: Some(traces(right, traced)) });
            }
        }
    }
    for at in history.below(index) {
        let traced = tracer(case, index, history.before(at).state.clone())?;
        if explains(&traced) {
            let stale = StaleRead {
                place: None,
                wrong_writer: at.checked_sub(1).map_or(Writer::PreState, Writer::Transaction),
                right_writer: index.checked_sub(1).map_or(Writer::PreState, Writer::Transaction),
                wrong: format!("the state before transaction {at}"),
                right: format!("the state before transaction {index}"),
            };
            return Ok(Found { stale: Some(stale), traces: Some(traces(right, traced)) });
        }
    }
    let empty = Traces { first_different: 0, wrong: Vec::new(), right: right.steps };
    Ok(Found { stale: None, traces: Some(empty) })
}

fn traces(right: Traced, wrong: Traced) -> Traces {
    let steps = right.steps.iter().zip(&wrong.steps);
    let first_different = steps.take_while(|(right, wrong)| right == wrong).count();
    Traces { first_different, right: right.steps, wrong: wrong.steps }
}

/// Whether this is what came out.
fn explains(
    history: &History,
    case: &Case,
    index: usize,
    came: &Came<'_>,
    traced: &Traced,
) -> bool {
    match (came, &traced.result) {
        (Came::Executed(receipt, changes), Ok(result)) => {
            is_same_receipt(result, receipt)
                && changes.is_none_or(|changes| {
                    let normal = |changes: &StateChanges| {
                        let mut all = NormalChanges::new(history.before(index), changes).accounts;
                        // Rewards owed to the fee recipient may be added elsewhere.
                        all.remove(&case.block.beneficiary);
                        all
                    };
                    normal(changes) == normal(&traced.changes)
                })
        }
        (Came::Refused(rule), Err(found)) => *rule == found,
        _ => false,
    }
}

/// The state, but for one place.
fn with(state: &MemoryState, place: Place, value: Value) -> MemoryState {
    let mut state = state.clone();
    let (address, change) = match (place, value) {
        (Place::Slot(address, slot), Value::Slot(value)) => {
            let info = state.get(address).map(|known| known.info).unwrap_or_default();
            let storage = vec![(slot, value)];
            (address, AccountChange { info: Some(info), storage_cleared: false, storage })
        }
        (Place::Account(address), Value::Account(info)) => {
            (address, AccountChange { info, ..AccountChange::default() })
        }
        _ => unreachable!("the value is one of the place"),
    };
    state.apply(&StateChanges {
        accounts: vec![(address, change)].into(),
        ..StateChanges::default()
    });
    state
}

/// Writes down what is read.
#[derive(Debug)]
struct Recorder {
    state: Arc<MemoryState>,
    places: Mutex<BTreeSet<Place>>,
}

impl Recorder {
    fn note(&self, place: Place) {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
    }
}

impl StateReader for Recorder {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.note(Place::Account(address));
        self.state.account(address)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.note(Place::Slot(address, slot));
        self.state.storage(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.state.code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.state.block_hash(number)
    }

    fn has_storage(&self, address: Address) -> Result<bool, StateError> {
        self.state.has_storage(address)
    }
}
