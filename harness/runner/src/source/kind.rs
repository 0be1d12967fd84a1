//! What a JSON file is, by its content.

use super::{File, SourceError};
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{borrow::Cow, cell::Cell, fmt};

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// State tests, EEST or classic.
    StateTests,
    /// Blockchain tests, EEST or classic.
    BlockchainTests,
    /// A file that belongs to a fixture release but holds no tests, like EEST's index.
    NoTests,
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
    match (found.get(), outcome) {
        (Some(kind), _) => Ok(kind),
        (None, Ok(())) => Err(unknown(file)),
        (None, Err(error)) => Err(SourceError::place(
            &file.path,
            format!("line {} column {}", error.line(), error.column()),
            format!("expected JSON: {error}"),
        )),
    }
}

fn unknown(file: &File) -> SourceError {
    SourceError::file(
        &file.path,
        "expected state tests (`env`, `pre`, `transaction`, `post`) or blockchain tests \
         (`genesisBlockHeader`, `blocks`), found neither",
    )
}

/// What a key says, at the top of the file (0) or in a test (1).
fn kind_of_key(depth: usize, key: &str) -> Option<Kind> {
    match (depth, key) {
        (0, "root_hash" | "test_count" | "test_cases") => Some(Kind::NoTests),
        (1, "transaction" | "post") => Some(Kind::StateTests),
        (1, "genesisBlockHeader" | "blocks") => Some(Kind::BlockchainTests),
        _ => None,
    }
}

/// Looks through the keys of one level, and ends the reading with an error once it knows.
#[derive(Clone, Copy)]
struct Level<'a> {
    found: &'a Cell<Option<Kind>>,
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
            if let Some(kind) = kind_of_key(self.depth, &key) {
                self.found.set(Some(kind));
                return Err(de::Error::custom("recognised"));
            }
            map.next_value_seed(Level { depth: self.depth + 1, ..self })?;
        }
        if is_empty && self.depth == 0 {
            self.found.set(Some(Kind::NoTests));
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
