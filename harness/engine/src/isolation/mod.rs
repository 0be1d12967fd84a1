//! Isolation: assignments in, events out, over pipes to a worker process that may die.
//!
//! ```text
//! job ──Assignment──► stdin  ┐ worker process: the same program with the same arguments
//! job ◄──Event─────── stdout ┘ and `LOCKSTEP_WORKER` in its environment
//!                     heartbeat file: what the worker is at, one write for each executor run
//! ```
//!
//! A stack overflow, an `abort` and a kill by the kernel cannot be caught inside a process, and a thread that
//! hangs cannot be stopped. So the job kills the process of a worker whose [`Beat`] stands still, and hires
//! another one; the last beat tells what the worker was at.
//!
//! An assignment without an event was lost with its worker: the job assigns it again.
//!
//! * [`Beat`], [`Heart`], [`Pulse`]: what a worker is at, as it writes it and as the job reads it.
//! * [`Inbox`], [`Outbox`]: the worker's side. * [`Staff`], [`Worker`]: the job's side.
//! * [`Cause`]: how a worker ended.

mod beat;
mod cause;
mod inside;
mod staff;
mod threads;

pub use beat::{Beat, Heart, Pulse, Standstill};
pub use cause::Cause;
pub use inside::{Ends, Inbox, Outbox, is_worker, of_this_process};
pub use staff::{Message, Notice, Staff, Worker};
pub use threads::ThreadState;

/// Tells a process that it is a worker: the path of its heartbeat file.
const WORKER: &str = "LOCKSTEP_WORKER";
