//! Times of the stages of an import.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Times of an import in each round, in ns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stages {
    /// Signatures to senders.
    pub senders_ns: Vec<u64>,
    /// Execution, with senders known.
    pub execution_ns: Vec<u64>,
    /// Receipts root and bloom.
    pub receipts_ns: Vec<u64>,
    /// The state root.
    pub state_root_ns: Vec<u64>,
    /// All of it, whatever can beside each other.
    pub import_ns: Vec<u64>,
}

impl Stages {
    /// The stages by name, the whole last.
    pub fn named(&self) -> [(&'static str, &[u64]); 5] {
        [
            ("senders", &self.senders_ns),
            ("execution", &self.execution_ns),
            ("receipts root", &self.receipts_ns),
            ("state root", &self.state_root_ns),
            ("import", &self.import_ns),
        ]
    }
}
