//! Tests of the executors that need no judge.

mod opacity;
mod scheduler;
mod simulation;
