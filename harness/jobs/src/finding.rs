//! A wrong executor on a generated block.

use lockstep_cases::generate::Recipe;
use lockstep_engine::isolation::Cause;
use lockstep_judge::{difference::Difference, runnable::Runnable};
use lockstep_model::Outcome;
use serde::{Deserialize, Serialize};

mod role;

pub use role::Role;

/// A block on which an executor was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Makes the block again.
    #[serde(flatten)]
    pub recipe: Recipe,
    /// The block.
    pub block: String,
    /// The executor, with its threads.
    pub executor: String,
    /// The kind of its failure.
    pub kind: Kind,
    /// The reference's outcome: `accepts`, or the rule that the block breaks; `None` where that
    /// is not known.
    #[serde(default)]
    pub reference: Option<String>,
    /// How its process ended, where it crashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// How its outcome differs.
    pub differences: Vec<Difference>,
    /// The account of the first difference, by its role in the block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The text of an error, a panic or a crash; the first wrong read, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The way in which an executor failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Its outcome differs from the reference's.
    Diverged,
    /// Two of its runs have different outcomes.
    Unstable,
    /// Its outcome is right by luck: a transaction has read a value that is not the last write below it.
    Misread,
    /// It panicked.
    Panicked,
    /// It returned an error.
    Broke,
    /// It did not end in time.
    Hung,
    /// It ended its process.
    Crashed,
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
            Self::Crashed => "crashed",
        }
    }
}

impl Finding {
    /// A finding without differences.
    pub fn new(recipe: Recipe, executor: &str, kind: Kind) -> Self {
        let Recipe { seed, link, .. } = recipe;
        let block = match link {
            0 => format!("generated::seed={seed}"),
            link => format!("generated::seed={seed}#{link}"),
        };
        Self {
            recipe,
            block,
            executor: executor.to_owned(),
            kind,
            reference: None,
            cause: None,
            differences: Vec::new(),
            role: None,
            reason: None,
        }
    }

    /// Adds what the reference made of the block.
    #[must_use]
    pub fn with_reference(mut self, right: &Outcome) -> Self {
        self.reference = Some(match right {
            Outcome::Accepted(_) => ACCEPTS.to_owned(),
            Outcome::Rejected(rejection) => rejection.rule.to_string(),
        });
        self
    }

    /// Adds differences, and the role of the account of the first one.
    #[must_use]
    pub fn with_differences(
        mut self,
        block: &Runnable,
        right: &Outcome,
        differences: Vec<Difference>,
    ) -> Self {
        let first = telling(&differences).and_then(|first| first.address);
        self.role = first.map(|address| Role::of(block, right, address));
        self.differences = differences;
        self
    }

    /// Common to findings of the same bug, most likely: the executor, what it did, what the reference did, and
    /// the kind of field, of the kind of account, that differs first.
    pub fn signature(&self) -> String {
        let (name, _) = self.executor.split_once('@').unwrap_or((&self.executor, ""));
        // Two runs that differ are the same bug, whether or not that is known of this one.
        let kind = if self.kind == Kind::Unstable { Kind::Diverged } else { self.kind };
        let mut parts = vec![name.to_owned(), kind.name().to_owned()];
        parts.extend(self.cause.as_ref().map(Cause::word));
        parts.extend(self.reference.clone());
        if let Some(first) = telling(&self.differences) {
            parts.push(format!("{:?}-{}", first.scope, first.field));
        }
        parts.extend(self.role.map(|role| role.name().to_owned()));
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
        parts.join("-").to_lowercase().chars().map(plain).collect()
    }
}

/// How a block fails. The failure has to stay the same while the block gets smaller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind of the executor's failure.
    pub kind: Kind,
    /// See [`Finding::signature`].
    pub signature: String,
    /// The first difference, or the text of the error.
    pub text: String,
}

impl Failure {
    /// Whether both have the same signature.
    pub fn is_like(&self, other: &Self) -> bool {
        self.signature == other.signature
    }
}

/// The first informative difference: a state root comes before the accounts that it is made of.
fn telling(differences: &[Difference]) -> Option<&Difference> {
    let is_root = |one: &&Difference| one.field == "state_root";
    differences.iter().find(|one| !is_root(one)).or(differences.first())
}

/// The reference's outcome of a block that it rejects, where only so much is known.
pub const REJECTS: &str = "rejects";

/// The reference's outcome of a valid block.
pub const ACCEPTS: &str = "accepts";
