//! Everything that is done with executors.
//!
//! * [`source`]: where tests come from.
//! * [`consensus`]: what makes a block valid apart from its execution.
//! * [`chain`]: a tree of blocks, and what becomes of it.
//! * [`workload`]: blocks for benchmarks.
//! * [`generate`], [`fuzz`]: blocks for fuzzing, and campaigns with them.
//! * [`compare`]: what is different; pure functions.
//! * [`check`]: runs tests through the reference and the candidates.
//! * [`mod@bench`]: how much faster they are.
//! * [`import`]: what an import does beside executing, in parallel.
//! * [`instrument`]: readers that watch an executor from outside.
//! * [`record`], [`report`]: what came of it.
//!
//! It knows the model and nothing of any executor: the judge must not know the parties.

pub mod bench;
pub mod chain;
pub mod check;
pub mod compare;
pub mod consensus;
pub mod exceptions;
pub mod explain;
pub mod export;
pub mod fuzz;
pub mod gate;
pub mod generate;
pub mod import;
pub mod instrument;
pub mod lists;
pub(crate) mod placeholder;
pub mod pre_state;
pub mod record;
pub mod report;
pub mod shrink;
pub mod source;
pub(crate) mod system_contracts;
pub mod test;
pub mod workload;
