//! Lockstep's own executors.

use lockstep_executors::{AccessList, BlockStm, Reference, Sequential};
use lockstep_model::{Executor, Mode};
use lockstep_runner::check::Factory;
use std::sync::Arc;

/// The name of the reference. It can be a candidate too: then it is compared with itself.
pub(crate) const REFERENCE: &str = "reference";

/// The name of the baseline of every speedup.
pub(crate) const BASELINE: &str = "sequential";

/// An executor that the command knows.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) name: String,
    /// Parallel at every block size: for `check`.
    pub(crate) forced: Factory,
    /// Free to choose fewer threads: for `bench`.
    pub(crate) auto: Factory,
    /// It has one thread, whatever it is given.
    pub(crate) is_single: bool,
    /// Not brought by anybody.
    pub(crate) is_ours: bool,
}

impl Known {
    /// An executor that makes no difference.
    pub(crate) fn new(name: &str, factory: Factory) -> Self {
        let (name, forced, auto) = (name.to_owned(), factory.clone(), factory);
        Self { name, forced, auto, is_single: false, is_ours: false }
    }

    pub(crate) fn factory(&self, mode: Mode) -> Factory {
        if mode == Mode::Auto { self.auto.clone() } else { self.forced.clone() }
    }
}

/// Every executor.
pub(crate) fn executors() -> Vec<Known> {
    let block_stm = |mode| -> Factory {
        Arc::new(move |threads| {
            let executor = BlockStm::new(threads, mode).map_err(|error| error.to_string())?;
            Ok(Box::new(executor) as Box<dyn Executor>)
        })
    };
    let access_list = |mode| -> Factory {
        Arc::new(move |threads| {
            let executor = AccessList::new(threads, mode).map_err(|error| error.to_string())?;
            Ok(Box::new(executor) as Box<dyn Executor>)
        })
    };
    let ours = [
        Known::new(REFERENCE, Arc::new(|_threads| Ok(Box::new(Reference)))),
        Known {
            is_single: true,
            ..Known::new(BASELINE, Arc::new(|_threads| Ok(Box::new(Sequential))))
        },
        Known { auto: block_stm(Mode::Auto), ..Known::new("block_stm", block_stm(Mode::Forced)) },
        Known {
            auto: access_list(Mode::Auto),
            ..Known::new("access_list", access_list(Mode::Forced))
        },
    ];
    ours.map(|known| Known { is_ours: true, ..known }).into()
}
