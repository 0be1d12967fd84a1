//! Official fixtures, where they are at hand: `LOCKSTEP_FIXTURES` names the folder that holds
//! `ethereum-tests/` and `mainnet-blocks/`. Without it these tests say so and check nothing.

use crate::command::lockstep;
use std::path::PathBuf;

#[expect(clippy::print_stderr, reason = "a test that checks nothing must say so")]
fn fixtures(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("LOCKSTEP_FIXTURES").map(PathBuf::from);
    let found = folder.map(|folder| folder.join(path)).filter(|path| path.exists());
    if found.is_none() {
        eprintln!("skipped: no {path} below LOCKSTEP_FIXTURES");
    }
    found
}

/// A slice of the official state tests; the whole of them is CI's job, in release.
#[test]
fn a_slice_of_the_state_tests() {
    let Some(archive) = fixtures("ethereum-tests/eest-v5.4.0-state_tests.tar.zst") else { return };
    let run = lockstep(&[
        "check",
        "--format",
        "json",
        "--partition",
        "slice:3/50",
        archive.to_str().unwrap(),
    ]);
    let summary = run.summary();
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert_eq!(summary["failed"], 0);
    assert!(summary["passed"].as_u64().unwrap() > 300, "{summary}");
}

#[test]
fn the_old_real_blocks() {
    let Some(archive) = fixtures("mainnet-blocks/mainnet-blocks.tar.zst") else { return };
    let filter = "::(1|46147|1149999|1920000|2463000|2674998|2675000|2675001|4370000)$";
    let archive = archive.to_str().unwrap();
    let run =
        lockstep(&["check", "--format", "json", "--threads", "1,3", "--filter", filter, archive]);
    assert_eq!(run.status, 0, "{}", run.stdout);
    assert!(run.summary()["passed"].as_u64().unwrap() >= 7);
}

/// Official fixtures of these names exist and pass: each of them rejects a block.
pub(crate) fn fixtures_reject(names: &[&str]) {
    let Some(archive) = fixtures("ethereum-tests/eest-v5.4.0-blockchain_tests.tar.zst") else {
        return;
    };
    let run = lockstep(&[
        "check",
        "--format",
        "json",
        "--filter",
        &names.join("|"),
        archive.to_str().unwrap(),
    ]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    for name in names {
        assert!(run.stdout.contains(name), "no fixture {name}");
    }
}

#[test]
fn a_slice_of_the_blockchain_tests() {
    let Some(archive) = fixtures("ethereum-tests/ethereum-tests-v14.1.tar.zst") else { return };
    let filter = "BlockchainTests/(InvalidBlocks|TransitionTests)/";
    let archive = archive.to_str().unwrap();
    let run = lockstep(&["check", "--format", "json", "--filter", filter, archive]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.summary()["passed"].as_u64().unwrap() > 100, "{}", run.stderr);
}
