//! A finding of a campaign, as `fuzz --out` has written it.

use lockstep_judge::difference::Difference;
use serde::{Deserialize, Serialize};

/// The fields of a finding's file that reports and campaigns are made of.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Found {
    /// What makes it the same finding as another one.
    #[serde(skip_serializing)]
    pub signature: String,
    /// The command that reproduces it.
    pub replay: String,
    /// The arguments of that command.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// The version of Lockstep that found it.
    pub version: String,
    /// The seed of its block.
    pub seed: u64,
    /// When it was found, as RFC 3339.
    #[serde(default)]
    pub found: Option<String>,
    /// What was tested.
    #[serde(default)]
    pub commit: Option<String>,
    /// The executor, with its threads.
    #[serde(default)]
    pub executor: String,
    /// How it is wrong, in a word.
    #[serde(default)]
    pub kind: String,
    /// The block.
    #[serde(default)]
    pub block: String,
    /// How its outcome differs.
    #[serde(default, skip_serializing)]
    pub differences: Vec<Difference>,
    /// The text of an error, a panic or a crash.
    #[serde(default, skip_serializing)]
    pub reason: Option<String>,
    /// The file that shows the bug: the block made small where there is one, else the finding itself.
    #[serde(skip)]
    pub file: String,
    /// What two findings of the same bug have in common, over runs: the digest of the block made small where there
    /// is one, else the signature.
    #[serde(skip)]
    pub fingerprint: String,
}

impl Found {
    /// Whether a text is one.
    pub fn is_one(text: &str) -> bool {
        let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        value["signature"].is_string() && value["replay"].is_string()
    }

    /// How the executor is wrong, a line for each difference.
    pub fn lines(&self) -> String {
        let differences = self.differences.iter().map(ToString::to_string);
        differences.chain(self.reason.clone()).collect::<Vec<_>>().join("\n")
    }

    /// The same, in one line.
    pub fn text(&self) -> String {
        let first = self.differences.first().map(ToString::to_string);
        first.or_else(|| self.reason.clone()).unwrap_or_else(|| self.kind.clone())
    }
}
