//! What a campaign found.

use lockstep_judge::difference::Difference;
use serde::{Deserialize, Serialize};

/// A block on which an executor was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The seed of the block.
    pub seed: u64,
    /// Which block of the seed's chain: 0 is the one of the seed itself.
    #[serde(default, skip_serializing_if = "is_first")]
    pub link: u64,
    /// The block.
    pub block: String,
    /// The executor, with its threads.
    pub executor: String,
    /// What it did.
    pub kind: Kind,
    /// How its outcome differs.
    pub differences: Vec<Difference>,
    /// What it said, where it broke; the first wrong read, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_first(link: &u64) -> bool {
    *link == 0
}

/// What an executor did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Its outcome is not the reference's.
    Diverged,
    /// Its outcome is not what it was a moment ago, be one of them right.
    Unstable,
    /// Its outcome is right, by luck: a transaction has read what was not the last write below it.
    Misread,
    /// It panicked.
    Panicked,
    /// It gave an error.
    Broke,
    /// It did not come to an end.
    Hung,
}

impl Kind {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Diverged => "diverged",
            Self::Unstable => "unstable",
            Self::Misread => "misread",
            Self::Panicked => "panicked",
            Self::Broke => "broke",
            Self::Hung => "hung",
        }
    }
}

impl Finding {
    /// What findings of the same bug have in common, most likely: who did what, and in which field it
    /// shows first.
    pub fn signature(&self) -> String {
        let (name, _) = self.executor.split_once('@').unwrap_or((&self.executor, ""));
        let place = self.differences.first().map_or_else(String::new, |first| {
            format!("-{:?}-{}", first.scope, first.field).to_lowercase()
        });
        let text = format!("{name}-{}{place}", self.kind.name());
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
        text.chars().map(plain).collect()
    }
}
