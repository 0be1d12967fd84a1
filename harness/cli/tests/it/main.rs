//! The whole of it: judge, executors and command together.

mod bad_input;
mod bench;
mod browser;
mod capture;
mod chain;
mod chain_flips;
mod chain_json;
mod clients;
mod command;
mod direction;
mod engine;
mod export;
mod fixtures;
mod flips;
mod formats;
mod fuzz;
mod gate;
mod generated;
#[cfg(target_os = "linux")]
mod isolation;
mod lists;
mod official;
mod overlap;
mod parity;
mod reported;
mod reports;
mod rules;
mod runner;
mod scene;
mod state_test;
mod suite;
mod t8n;
mod witness;
mod workloads;
mod wrong;
mod wrong_executors;
