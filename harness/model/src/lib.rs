//! Cases, outcomes, and the traits of an executor.
//!
//! Plain data, and the one trait pair ([`Executor`], [`Prepared`]) that every executor
//! implements. It knows no EVM implementation, starts no thread and reads no clock: the judge
//! (`lockstep-judge`) and the parties (`lockstep-executors`, or a stranger's own crate) meet
//! here without knowing each other.
//!
//! Reading order: [`case`], [`state`], [`executor`], [`outcome`], [`reads`], [`rejection`], [`dependencies`],
//! [`contention`], [`steering`], [`trace`].

pub mod case;
pub mod changes;
pub mod contention;
pub mod dependencies;
pub mod executor;
pub mod fork;
pub mod memory_state;
pub mod outcome;
pub mod reads;
pub mod rejection;
pub mod run_options;
pub mod state;
pub mod steering;
pub mod trace;

pub use case::{
    BlobParams, Block, Case, MAINNET_DEPOSIT_CONTRACT, Ommer, Phases, Rules, Transaction,
};
pub use changes::{AccountChange, AccountLog, StateChanges};
pub use contention::{Contender, Contention, Place, Wait};
pub use dependencies::{Dependencies, Dependent};
pub use executor::{
    Execution, Executor, ExecutorError, Mode, Prepared, ReceiptObserver, Telemetry,
};
pub use fork::{Fork, UnknownFork};
pub use memory_state::MemoryState;
pub use outcome::{BlockOutcome, Hidden, Outcome, Receipt};
pub use reads::{Read, ReadObserver};
pub use rejection::{At, Rejection, Rule};
pub use run_options::RunOptions;
pub use state::{AccountInfo, StateError, StateReader};
pub use steering::{Happened, Incarnation, NextStep, Steering, StepKind};
pub use trace::{Step, Traced};
