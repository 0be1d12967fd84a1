//! Blockchain tests, EEST and classic.
//!
//! One test for each test of a file: a genesis, blocks in the order of import, and the state in the
//! end. The bytes of a block are what is run; everything that the file says of them besides is
//! compared with them when the file is read (`stated`).

mod build;
mod format;
mod stated;

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
    for (name, test) in suite.0 {
        match build::test(file, &name, test) {
            Ok(test) => tests.push(test),
            Err(error) => errors.push(error),
        }
    }
    (tests, errors)
}
