//! Sources of cases.
//!
//! * [`batch`]: tests from files, archives and folders, a batch at a time.
//! * [`built_in`], [`kept`]: tests that come with the program.
//! * [`pack`]: state tests packed into blocks.
//! * [`generate`]: blocks from bytes or a seed.
//! * [`workload`]: blocks for benchmarks.
//! * [`layouts`]: what contracts and their variables are called.

pub mod batch;
pub mod built_in;
pub mod generate;
pub mod kept;
pub mod layouts;
pub mod pack;
pub mod workload;
