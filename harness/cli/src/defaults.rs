//! Lockstep's own executors.

use lockstep_executors::{BlockStm, Reference, Sequential};
use lockstep_model::Executor;
use lockstep_runner::check::Factory;
use std::sync::Arc;

/// The name of the reference. It can be a candidate too: then it is compared with itself.
pub(crate) const REFERENCE: &str = "reference";

/// Every executor, by name.
pub(crate) fn executors() -> Vec<(String, Factory)> {
    let reference: Factory = Arc::new(|_threads| Ok(Box::new(Reference)));
    let block_stm: Factory = Arc::new(|threads| {
        let executor = BlockStm::new(threads).map_err(|error| error.to_string())?;
        Ok(Box::new(executor) as Box<dyn Executor>)
    });
    let sequential: Factory = Arc::new(|_threads| Ok(Box::new(Sequential)));
    vec![(REFERENCE.to_owned(), reference), ("sequential".to_owned(), sequential), ("block_stm".to_owned(), block_stm)]
}
