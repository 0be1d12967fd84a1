//! Lockstep's own executors.

use lockstep_engine::Factory;
use lockstep_executors::{
    AccessList, BlockStm, Reference, Sequential, Sharded, access_list::mutants::MutatedLists,
};
use lockstep_model::{Executor, Mode};
use std::{io, num::NonZeroUsize, sync::Arc, time::Duration};

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

/// A factory of executors that need threads from the system.
fn made_by<E: Executor + 'static>(
    make: impl Fn(usize) -> io::Result<E> + Send + Sync + 'static,
) -> Factory {
    Arc::new(move |threads| {
        let executor = make(threads).map_err(|error| error.to_string())?;
        Ok(Box::new(executor) as Box<dyn Executor>)
    })
}

/// An executor with two modes.
fn in_modes<E: Executor + 'static>(name: &str, make: fn(usize, Mode) -> io::Result<E>) -> Known {
    let factory = |mode| made_by(move |threads| make(threads, mode));
    Known { auto: factory(Mode::Auto), ..Known::new(name, factory(Mode::Forced)) }
}

/// `sharded` with another number of shards than of threads.
pub(crate) fn with_shards(shards: NonZeroUsize, mode: Mode) -> Factory {
    made_by(move |threads| Ok(Sharded::new(threads, mode)?.with_shards(shards.get())))
}

/// Every executor.
pub(crate) fn executors() -> Vec<Known> {
    let ours = [
        Known::new(REFERENCE, Arc::new(|_threads| Ok(Box::new(Reference)))),
        Known {
            is_single: true,
            ..Known::new(BASELINE, Arc::new(|_threads| Ok(Box::new(Sequential))))
        },
        in_modes("block_stm", BlockStm::new),
        in_modes("repair", BlockStm::mending),
        in_modes("access_list", AccessList::new),
        in_modes(SHARDED, Sharded::new),
        Known { is_probe: true, ..Known::new(MUTATED_LISTS, made_by(MutatedLists::new)) },
    ];
    ours.map(|known| Known { is_ours: true, ..known }).into()
}
