//! The EVM that all executors of this crate share: environments, the strict EVM, the
//! names of broken rules. A mistake in here is invisible to a comparison between executors; only
//! the fixtures' expectations catch it.

mod convert;
mod deferred_reward;
mod environment;
mod hardforks;
pub(crate) mod operations;
mod reader_db;
mod rejection;
mod strict;
pub(crate) mod transfer;

pub(crate) use convert::{model_info, revm_info, take_changes};
pub(crate) use deferred_reward::{
    Deferral, credited, has_state_clearing, owed_for, run_deferring_reward,
};
pub(crate) use environment::{evm_env, spec_id, transaction_env};
pub use hardforks::Hardforks;
pub(crate) use reader_db::{ReadError, ReaderDb, broken_evm};
pub(crate) use rejection::{rule_of_invalid_transaction, rule_of_validation};
pub(crate) use strict::{StorageProbe, StrictEvm};
