//! Lockstep's own executors.

use lockstep_engine::Factory;
use lockstep_executors::{
    AccessList, BlockStm, Reference, Sequential, Sharded, access_list::mutants::MutatedLists,
};
use lockstep_model::{Executor, Mode};
use std::{num::NonZeroUsize, sync::Arc, time::Duration};

/// The name of the reference. It can be a candidate too: then it is compared with itself.
pub(crate) const REFERENCE: &str = "reference";

/// The name of the baseline of every speedup.
pub(crate) const BASELINE: &str = "sequential";

/// The access-list executor, tried with wrong lists.
pub(crate) const MUTATED_LISTS: &str = "mutated_lists";

/// The executor that has shards.
pub(crate) const SHARDED: &str = "sharded";

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
    /// Takes part where it is named, and in the deep lane of `fuzz`.
    pub(crate) is_probe: bool,
    /// Another program, and the time that one block may take it.
    pub(crate) client: Option<Duration>,
}

impl Known {
    /// An executor that makes no difference.
    pub(crate) fn new(name: &str, factory: Factory) -> Self {
        let (name, forced, auto) = (name.to_owned(), factory.clone(), factory);
        Self { name, forced, auto, is_single: false, is_ours: false, is_probe: false, client: None }
    }

    pub(crate) fn factory(&self, mode: Mode) -> Factory {
        if mode == Mode::Auto { self.auto.clone() } else { self.forced.clone() }
    }
}

fn mutated_lists() -> Factory {
    Arc::new(|threads| {
        let executor = MutatedLists::new(threads).map_err(|error| error.to_string())?;
        Ok(Box::new(executor) as Box<dyn Executor>)
    })
}

/// `sharded`, with as many shards as threads where nothing else is said.
pub(crate) fn sharded(shards: Option<NonZeroUsize>, mode: Mode) -> Factory {
    Arc::new(move |threads| {
        let executor = Sharded::new(threads, mode).map_err(|error| error.to_string())?;
        Ok(Box::new(executor.with_shards(shards.map_or(threads, NonZeroUsize::get))))
    })
}

/// Every executor.
pub(crate) fn executors() -> Vec<Known> {
    let block_stm = |mode| -> Factory {
        Arc::new(move |threads| {
            let executor = BlockStm::new(threads, mode).map_err(|error| error.to_string())?;
            Ok(Box::new(executor) as Box<dyn Executor>)
        })
    };
    let repair = |mode| -> Factory {
        Arc::new(move |threads| {
            let executor = BlockStm::mending(threads, mode).map_err(|error| error.to_string())?;
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
        Known { auto: repair(Mode::Auto), ..Known::new("repair", repair(Mode::Forced)) },
        Known {
            auto: access_list(Mode::Auto),
            ..Known::new("access_list", access_list(Mode::Forced))
        },
        Known {
            auto: sharded(None, Mode::Auto),
            ..Known::new(SHARDED, sharded(None, Mode::Forced))
        },
        Known { is_probe: true, ..Known::new(MUTATED_LISTS, mutated_lists()) },
    ];
    ours.map(|known| Known { is_ours: true, ..known }).into()
}
