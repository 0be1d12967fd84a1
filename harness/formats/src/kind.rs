//! Recognises the kind of a JSON file by its content.

use super::{File, OtherFile, SourceError, json};
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{borrow::Cow, cell::Cell, fmt};

/// A kind of file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// State tests, EEST or classic.
    StateTests,
    /// Blockchain tests, EEST or classic.
    BlockchainTests,
    /// Engine tests, with or without a genesis of their own.
    EngineTests,
    /// The genesis of engine-x tests.
    PreAlloc,
    /// No tests that can be run here.
    Other(OtherFile),
}

/// The kind of file that one key indicates.
#[derive(Debug, Clone, Copy)]
enum Sign {
    StateTests,
    BlockchainTests,
    EngineTests,
    /// Blockchain tests or engine tests.
    Chain,
    PreAlloc,
    Other(&'static str),
}

/// Recognises a file by its first test. Reading stops there: the rest is checked when the tests
/// are read.
///
/// # Errors
/// When the file is not JSON, or of no known kind.
pub fn kind(file: &File) -> Result<Kind, SourceError> {
    let found = Cell::new(None);
    let bytes = file.content.bytes();
    let mut json = serde_json::Deserializer::from_slice(&bytes);
    let outcome = Level { found: &found, depth: 0 }.deserialize(&mut json);
    let other =
        |what: Cow<'static, str>| Kind::Other(OtherFile { file: file.shown(), reason: what });
    match (found.get(), outcome) {
        (Some(Sign::StateTests), _) => Ok(Kind::StateTests),
        (Some(Sign::BlockchainTests), _) => Ok(Kind::BlockchainTests),
        (Some(Sign::EngineTests), _) => Ok(Kind::EngineTests),
        (Some(Sign::Chain), _) => Ok(chain_kind(&bytes)),
        (Some(Sign::PreAlloc), _) => Ok(Kind::PreAlloc),
        (Some(Sign::Other(what)), _) => Ok(other(what.into())),
        (None, Ok(())) => match known_elsewhere(file, &bytes) {
            Some(what) => Ok(other(what)),
            None => Err(unknown(file)),
        },
        (None, Err(error)) => {
            let place = format!("line {} column {}", error.line(), error.column());
            let problem = format!("expected JSON: {}", json::without_position(&error));
            Err(SourceError::place(&file.path, place, problem))
        }
    }
}

fn unknown(file: &File) -> SourceError {
    SourceError::file(
        &file.path,
        "expected state tests (`env`, `pre`, `transaction`, `post`), blockchain tests \
         (`genesisBlockHeader`, `blocks`) or engine tests (`engineNewPayloads`), found none of them",
    )
}

/// Both have a genesis; the keys that differ may stand behind megabytes of accounts.
fn chain_kind(bytes: &[u8]) -> Kind {
    match memchr::memmem::find(bytes, b"\"engineNewPayloads\"") {
        Some(_) => Kind::EngineTests,
        None => Kind::BlockchainTests,
    }
}

/// The kind of a file without known keys, by the format that it states or by its folder.
fn known_elsewhere(file: &File, bytes: &[u8]) -> Option<Cow<'static, str>> {
    if let Some(format) = stated_format(bytes) {
        return Some(format!("tests in the format `{format}`").into());
    }
    let folder = |(name, what): &(&str, &'static str)| {
        file.path.split('/').any(|part| part == *name).then_some(Cow::Borrowed(*what))
    };
    FOLDERS.iter().find_map(folder)
}

/// EEST's `_info.fixture-format`.
fn stated_format(bytes: &[u8]) -> Option<String> {
    const KEY: &[u8] = b"\"fixture-format\"";
    let rest = &bytes[memchr::memmem::find(bytes, KEY)? + KEY.len()..];
    let rest = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let value = rest.strip_prefix(b"\"")?;
    let end = value.iter().take(64).position(|byte| *byte == b'"')?;
    std::str::from_utf8(&value[..end]).ok().map(ToOwned::to_owned)
}

/// Folders without tests of blocks: of EEST releases, and of ethereum/tests.
const FOLDERS: &[(&str, &str)] = &[
    (".meta", "what is said of the other files"),
    ("ABITests", "ABI tests"),
    ("BasicTests", "tests of hashes, keys and addresses"),
    ("DifficultyTests", "difficulty tests"),
    ("EOFTests", "EOF tests"),
    ("GenesisTests", "genesis tests"),
    ("KeyStoreTests", "key store tests"),
    ("PoWTests", "proof-of-work tests"),
    ("RLPTests", "RLP tests"),
    ("TransactionTests", "transaction tests"),
    ("TrieTests", "trie tests"),
];

/// The kind that a key indicates, at the top of the file (0) or in a test (1).
fn sign(depth: usize, key: &str) -> Option<Sign> {
    Some(match (depth, key) {
        (0, "root_hash" | "test_count" | "test_cases") => Sign::Other("index of a fixture release"),
        (0, "testIds" | "preAllocGroup") => Sign::PreAlloc,
        (1, "expect") => Sign::Other("fillers: what tests are made from"),
        (1, "exec" | "callcreates") => Sign::Other("VM tests, which later state tests replace"),
        (1, "txbytes" | "result" | "rlp") => Sign::Other("transaction tests"),
        (1, "vectors") => Sign::Other("EOF tests"),
        (1, "parentTimestamp" | "parentDifficulty") => Sign::Other("difficulty tests"),
        (1, "in") => Sign::Other("trie tests or RLP tests"),
        (1, "setupEngineNewPayloads" | "snapshotBlockHash" | "snapshotBlockNumber") => {
            Sign::Other("stateful engine tests: they need a snapshot of a chain")
        }
        (1, "transaction" | "post") => Sign::StateTests,
        (1, "blocks") => Sign::BlockchainTests,
        (1, "engineNewPayloads") => Sign::EngineTests,
        (1, "genesisBlockHeader" | "preHash") => Sign::Chain,
        _ => return None,
    })
}

/// Looks through the keys of one level, and ends the reading with an error once it knows.
#[derive(Clone, Copy)]
struct Level<'a> {
    found: &'a Cell<Option<Sign>>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.depth < 2 {
            deserializer.deserialize_any(self)
        } else {
            IgnoredAny::deserialize(deserializer).map(|_| ())
        }
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tests")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut is_empty = true;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            is_empty = false;
            if let Some(sign) = sign(self.depth, &key) {
                self.found.set(Some(sign));
                return Err(de::Error::custom("recognised"));
            }
            map.next_value_seed(Level { depth: self.depth + 1, ..self })?;
        }
        if is_empty && self.depth == 0 {
            self.found.set(Some(Sign::Other("an object without tests")));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(path: &str, text: &str) -> Kind {
        kind(&File::of_text(path, text)).unwrap()
    }

    fn other(path: &str, text: &str) -> String {
        match kind_of(path, text) {
            Kind::Other(other) => other.reason.into_owned(),
            kind => panic!("{kind:?}"),
        }
    }

    #[test]
    fn a_file_is_known_by_its_first_test() {
        assert_eq!(
            kind_of("a", r#"{"_comment": 1, "t": {"env": {}, "post": {}}}"#),
            Kind::StateTests
        );
        let chain = r#"{"t": {"genesisBlockHeader": {}, "pre": {}, "blocks": []}}"#;
        assert_eq!(kind_of("a", chain), Kind::BlockchainTests);
        let engine = r#"{"t": {"genesisBlockHeader": {}, "engineNewPayloads": []}}"#;
        assert_eq!(kind_of("a", engine), Kind::EngineTests);
        let engine_x = r#"{"t": {"network": "Osaka", "preHash": "0x1", "engineNewPayloads": []}}"#;
        assert_eq!(kind_of("a", engine_x), Kind::EngineTests);
        let alloc = r#"{"network": "Osaka", "pre": {}, "testIds": []}"#;
        assert_eq!(kind_of("a", alloc), Kind::PreAlloc);
    }

    #[test]
    fn other_kinds_are_named() {
        assert_eq!(other("a", r#"{"t": {"result": {}, "txbytes": "0x"}}"#), "transaction tests");
        assert_eq!(other("a", r#"{"t": {"vectors": {}}}"#), "EOF tests");
        assert_eq!(
            other("a/DifficultyTests/b.json", r#"{"t": {"Frontier": {}}}"#),
            "difficulty tests"
        );
        let stated = r#"{"t": {"calls": [], "_info": {"fixture-format": "engine_reorg"}}}"#;
        assert_eq!(other("a", stated), "tests in the format `engine_reorg`");
        assert_eq!(other("a", "{}"), "an object without tests");
        assert!(kind(&File::of_text("a", r#"{"t": {"what": 1}}"#)).is_err());
    }
}
