//! The reviewed lists: known failures, drafts, slow tests.

use regex::Regex;
use serde::Deserialize;

/// The lists that are compiled in.
const REVIEWED: &str = include_str!("../data/reviewed.toml");

/// The reviewed lists.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    /// Known failures.
    pub known: Vec<Entry>,
    /// Slow tests.
    pub slow: Vec<Entry>,
    /// Draft archives.
    pub drafts: Vec<Draft>,
}

/// Tests of one list, with the reason for their being there.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Matches the ids of the tests.
    pub id: Regex,
    /// Why.
    pub reason: String,
    /// The executor whose divergence from the reference is known. `None`: an expectation that the reference
    /// misses.
    pub executor: Option<String>,
}

/// An archive whose expectations are outdated.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// SHA-256 of the archive, in hexadecimal.
    pub sha256: String,
    /// Why.
    pub reason: String,
    /// How many tests it has.
    pub tests: usize,
    /// How many of them are outdated: passing tests of a draft must keep passing, and outdated ones
    /// must not start to pass without a reason.
    pub outdated: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    known: Vec<RawKnown>,
    #[serde(default)]
    slow: Vec<RawSlow>,
    #[serde(default)]
    draft: Vec<Draft>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKnown {
    id: String,
    reason: String,
    executor: Option<String>,
    /// Read to make sure that it is there.
    #[serde(rename = "reviewer")]
    _reviewer: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSlow {
    id: String,
    reason: String,
}

impl Lists {
    /// The lists that are compiled in.
    ///
    /// # Panics
    /// Never: a test reads them.
    pub fn reviewed() -> Self {
        Self::parse(REVIEWED).expect("the compiled-in lists are well-formed")
    }

    /// Reads lists.
    ///
    /// # Errors
    /// The error in the text, and its place.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: Document = toml::from_str(text).map_err(|error| error.to_string())?;
        let entry = |id: String, reason: String, executor| {
            let id = Regex::new(&id).map_err(|error| format!("`{id}`: {error}"))?;
            Ok::<_, String>(Entry { id, reason, executor })
        };
        let known = document.known.into_iter();
        let known = known.map(|raw| entry(raw.id, raw.reason, raw.executor));
        let slow = document.slow.into_iter().map(|raw| entry(raw.id, raw.reason, None));
        Ok(Self {
            known: known.collect::<Result<_, _>>()?,
            slow: slow.collect::<Result<_, _>>()?,
            drafts: document.draft,
        })
    }

    /// The known entry for a test and an executor, by its place in the list; without an executor, for
    /// an expectation that the reference misses.
    pub fn known(&self, id: &str, executor: Option<&str>) -> Option<usize> {
        let matches =
            |entry: &Entry| entry.executor.as_deref() == executor && entry.id.is_match(id);
        self.known.iter().position(matches)
    }

    /// Adds other lists behind these.
    pub fn extend(&mut self, other: Self) {
        self.known.extend(other.known);
        self.slow.extend(other.slow);
        self.drafts.extend(other.drafts);
    }

    /// Whether the test is on the slow list.
    pub fn is_slow(&self, id: &str) -> bool {
        self.slow.iter().any(|entry| entry.id.is_match(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_in_lists_are_read() {
        let lists = Lists::reviewed();
        assert!(lists.is_slow("x/stTimeConsuming/CALLBlake2f_MaxRounds.json::y[Cancun,0,0,0]"));
        assert!(lists.is_slow("x/static_Call50000_sha256.json::y"));
        assert!(!lists.is_slow("x/Call50000.json::y"));
        assert!(lists.drafts.iter().all(|draft| draft.sha256.len() == 64));
    }

    #[test]
    fn a_known_entry_needs_a_reviewer() {
        let error = Lists::parse("[[known]]\nid = 'a'\nreason = 'b'").unwrap_err();
        assert!(error.contains("reviewer"), "{error}");
    }
}
