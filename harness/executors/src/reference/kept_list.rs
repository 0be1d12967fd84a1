//! The access list of the last block that the reference ran on this thread.
//!
//! An executor that is driven by lists needs that of every block, and the reference has just run it. So the
//! reference makes the list as it goes, once an executor on its thread has asked for one.

use super::MadeList;
use crate::remembered::remembers;
use lockstep_model::{Block, Case, ExecutorError, Phases, Rules, StateReader};
use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

thread_local! {
    static IS_WANTED: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// A list, and what it was made of. The inputs are held: while they are, no others stand in their place.
struct Kept {
    block: Arc<Block>,
    pre_state: Arc<dyn StateReader>,
    rules: Rules,
    phases: Phases,
    list: MadeList,
}

impl Kept {
    fn is_of(&self, case: &Case) -> bool {
        Arc::ptr_eq(&self.block, &case.block)
            && std::ptr::addr_eq(Arc::as_ptr(&self.pre_state), Arc::as_ptr(&case.pre_state))
            && self.rules == case.rules
            && self.phases == case.phases
    }
}

/// Whether the reference should make the list of the block that it runs.
pub(super) fn wants_list() -> bool {
    IS_WANTED.get()
}

/// Keeps the list of a block.
pub(super) fn keep_list(case: &Case, list: MadeList) {
    let (block, pre_state) = (case.block.clone(), case.pre_state.clone());
    let kept = Kept { block, pre_state, rules: case.rules, phases: case.phases, list };
    LAST.set(Some(kept));
}

/// The list of a block; made where it is not the last.
pub(crate) fn kept_list(
    case: &Case,
    make: impl FnOnce() -> Result<MadeList, ExecutorError>,
) -> Result<MadeList, ExecutorError> {
    if !remembers() {
        return make();
    }
    IS_WANTED.set(true);
    let known = LAST.with_borrow(|last| {
        last.as_ref().filter(|kept| kept.is_of(case)).map(|kept| kept.list.clone())
    });
    if let Some(list) = known {
        return Ok(list);
    }
    let list = make()?;
    keep_list(case, list.clone());
    Ok(list)
}
