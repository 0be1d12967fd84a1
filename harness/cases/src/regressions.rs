//! Blocks that once showed a bug, as small as they could be made: `corpora/regressions`, compiled in. Each
//! says in its `_info.comment` what it is there for.

use lockstep_formats::{File, blockchain_test};
use lockstep_judge::definition::Test;

/// Names a file of the folder.
macro_rules! regressions {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"), "/data/regressions/", $name, ".json"
        )))),*]
    };
}

const FILES: &[(&str, &str)] = regressions![
    "another-list",
    "authorises-itself",
    "code-before-a-transfer",
    "delegated-anew",
    "empty-ripemd-and-a-failing-call",
    "empty-ripemd-and-a-failing-transaction",
    "fee-recipient-sends",
    "nonce-alone",
    "paid-after-destruction",
    "refund-after-a-transfer-of-nothing",
    "refund-of-an-absent-authority",
    "requests-of-the-block",
    "revived-without-storage",
    "storage-of-who-delegates",
    "stored-back",
    "two-credits-to-nobody",
];

/// All of them.
///
/// # Panics
/// Never: a test reads them.
pub fn tests() -> Vec<Test> {
    FILES.iter().flat_map(|(name, text)| read(name, text)).collect()
}

fn read(name: &str, text: &str) -> Vec<Test> {
    let file = File::of_text(format!("regressions/{name}.json"), text);
    let found = blockchain_test::tests(&file);
    assert!(found.unreadable.is_empty(), "{name}: {:?}", found.unreadable);
    found.tests
}

#[cfg(test)]
mod unit {
    use super::*;

    /// An unlisted file would never run.
    #[test]
    fn every_file_is_compiled_in_and_says_what_it_is_for() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data/regressions");
        let there = std::fs::read_dir(folder).unwrap().count();
        assert_eq!(there, FILES.len());
        assert_eq!(tests().len(), FILES.len());
        for (name, text) in FILES {
            let json: serde_json::Value = serde_json::from_str(text).unwrap();
            let test = json.as_object().unwrap().values().next().unwrap();
            let comment = test["_info"]["comment"].as_str().unwrap();
            assert!(comment.ends_with('.') || comment.ends_with(')'), "{name}: {comment}");
        }
    }
}
