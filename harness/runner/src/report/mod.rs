//! Reports: what a record looks like to a person, a program and a CI system.

pub mod bench;
pub mod json;
pub mod junit;
pub mod terminal;
