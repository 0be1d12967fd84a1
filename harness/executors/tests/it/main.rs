//! Tests of the executors that need no judge.

mod scheduler;
mod simulation;
