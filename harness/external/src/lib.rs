//! Executors that are other programs.
//!
//! A client is named in `clients.toml`, and is a [`lockstep_model::Executor`] like any other: the judge does not know
//! that it is none of ours. What a client does not show is hidden in the outcome, and counted.
//!
//! ```text
//! case ──inputs──► t8n: a process a block (stream, files), or a server that is kept ──answer──► outcome
//!      ──fixture─► runner: a process a block, or one that reads file names ──row──► verdict
//! ```
//!
//! * [`config`]: `clients.toml`. * [`client`]: the executor. * `t8n`, `server`, `runner`: the kinds.
//! * [`frames`]: what programs say, read without them.
//! * `process`: a program that runs, within its time, and goes with us.
//!
//! A program that cannot be started, dies, does not answer in time, or answers nonsense has broken: that is an error
//! that names the client, the block and the command line, and a finding where findings are collected.

pub mod client;
pub mod config;
pub mod frames;
mod process;
mod runner;
mod server;
mod t8n;

pub use client::{Client, MakeReference, check_version};
pub use config::{ClientConfig, read};
