//! State tests, EEST and classic.
//!
//! One test for each (test, fork, index). A state test is one transaction: no system calls,
//! rewards or withdrawals.

mod build;
mod format;
mod sender;
mod transaction;

use super::{File, SourceError, json};
use crate::test::Test;
use format::Suite;

/// Reads every test of a file, in the order of the file. Tests that cannot be read are errors
/// beside those that can.
pub fn tests(file: &File) -> (Vec<Test>, Vec<SourceError>) {
    let suite: Suite = match json::read(file) {
        Ok(suite) => suite,
        Err(error) => return (Vec::new(), vec![error]),
    };
    let (mut tests, mut errors) = (Vec::new(), Vec::new());
    for (name, unit) in &suite.0 {
        match build::Unit::new(file, name, unit) {
            Ok(unit) => unit.tests(&mut tests, &mut errors),
            Err(error) => errors.push(error),
        }
    }
    (tests, errors)
}
