//! Blockchain tests, EEST and classic.
//!
//! One test for each test of a file: a genesis, blocks in the order of import, and the state in the
//! end. The bytes of a block are executed; all other statements of the file about it are
//! compared with the bytes when the file is read (`stated`). In a zkEVM fixture the plain blocks are run: the
//! witness beside them is ignored.

pub(super) mod build;
pub(super) mod format;
pub(super) mod stated;

use super::{File, Found, SourceError, json};
use format::BlockchainTest;
use lockstep_judge::{chain::Chain, definition::Body, exceptions};

/// Reads every test of a file, in the order of the file. Tests that cannot be read are errors
/// beside those that can.
pub fn tests(file: &File) -> Found {
    let (suite, unreadable) = json::suite::<BlockchainTest>(file);
    let mut found = Found { unreadable, ..Found::default() };
    for (name, test) in suite {
        match build::test(file, &name, test) {
            Ok(test) => {
                if let Body::Chain(chain) = &test.body {
                    found.unreadable.extend(unknown_names(file, &name, "blocks", chain));
                }
                found.tests.push(test);
            }
            Err(error) => found.unreadable.push(error),
        }
    }
    found
}

/// Exception names that are not in the table: each costs the comparison of the reason, not the test.
pub(super) fn unknown_names(
    file: &File,
    test: &str,
    list: &str,
    chain: &Chain,
) -> Vec<SourceError> {
    let stated = chain.blocks.iter().enumerate();
    let stated = stated.filter_map(|(index, block)| Some((index, block.exception.as_ref()?)));
    let unknown = stated.flat_map(|(index, names)| {
        let place = format!("{test}.{list}[{index}]");
        exceptions::unknown(names)
            .into_iter()
            .map(move |name| SourceError::place(&file.path, &place, unknown_exception(name)))
    });
    unknown.collect()
}

/// The message for an exception name that is not in the table.
pub(super) fn unknown_exception(name: &str) -> String {
    format!(
        "unknown exception `{name}`, expected one of the known names: the test runs, the reason of its \
         rejection is not compared"
    )
}
