//! Reports: what a record looks like to a person, a program and a CI system.

pub mod bench;
pub mod board;
pub mod faults;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod projections;
pub mod schema;
pub mod terminal;
