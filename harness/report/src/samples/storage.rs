//! Storage other than memory, as it was measured.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Measured properties of storage other than memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StorageFacts {
    /// Time of one read, in the mean, in ns.
    pub read_ns: Option<u64>,
    /// Bytes that the device itself had to deliver while runs were timed: zero where everything was in
    /// the page cache. `None` where the system does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_bytes: Option<u64>,
}
