//! How a block gets executed.
//!
//! * [`mod@reference`]: the sequential reference, alloy-evm's `EthBlockExecutor` over revm with one
//!   reviewed file of corrections.
//! * [`sequential`]: the fastest one-thread execution by revm, the baseline of every speedup.
//! * [`block_stm`]: the optimistic parallel executor.
//! * [`sharded`]: accounts belong to threads, which ask one another.
//! * [`access_list`]: the executor driven by an EIP-7928 block access list.
//! * [`adapter`]: brings any alloy-evm block executor factory. * [`phased`]: brings an engine of transactions alone.
//! * [`remember`]: keeps results of pure functions, where nothing is measured.
//! * `evm`: what every executor here shares of the EVM itself.
//! * [`commit`]: the ordered commit that every parallel executor ends in.
//! * [`mod@trace`]: one transaction, step by step.
//! * [`sync`]: the one door to threads, locks and atomics.
//!
//! It depends on the model and on revm; it does not know the judge. For checks whether a fault
//! `is_planted`, see the crate `lockstep-faults`: without that crate's feature the answer is no, and the
//! branch is not compiled.

pub mod access_list;
pub mod adapter;
pub mod block_stm;
pub(crate) mod codes;
pub mod commit;
pub(crate) mod evm;
pub mod phased;
pub(crate) mod phases;
mod planted;
pub(crate) mod pool;
mod preimages;
pub mod reference;
mod remembered;
pub mod sequential;
pub mod sharded;
pub(crate) mod slow_storage;
pub mod sync;
pub mod trace;

pub use access_list::AccessList;
pub use block_stm::{BlockStm, contention, dependencies};
pub use preimages::preimages;
pub use reference::Reference;
pub use remembered::remember;
pub use sequential::Sequential;
pub use sharded::Sharded;
pub use trace::{trace, trace_into};
