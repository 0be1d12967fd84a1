//! State tests, EEST and classic.
//!
//! One test for each (test, fork, index). A state test is one transaction: no system calls,
//! rewards or withdrawals.

mod build;
mod format;
mod sender;
mod transaction;
mod wide;

use super::{File, Found, json};
use format::StateTest;

/// Reads every test of a file, in the order of the file. Tests that cannot be read are errors
/// beside those that can.
pub fn tests(file: &File) -> Found {
    let (suite, unreadable) = json::suite::<StateTest>(file);
    let mut found = Found { unreadable, ..Found::default() };
    for (name, unit) in &suite {
        match build::Unit::new(file, name, unit) {
            Ok(unit) => unit.tests(&mut found.tests, &mut found.unreadable),
            Err(error) => found.unreadable.push(error),
        }
    }
    found
}
