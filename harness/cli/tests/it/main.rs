//! The whole of it: judge, executors and command together.

mod bad_input;
mod command;
mod flips;
mod official;
mod overlap;
mod parity;
mod scene;
mod state_test;
mod wrong;
mod wrong_executors;
