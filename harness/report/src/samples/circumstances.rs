//! Circumstances of a measurement: program, machine, options.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the lines of a record. It changes when a field changes its meaning or goes.
pub const SCHEMA: u32 = 1;

/// The circumstances that all samples of one measurement share.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Circumstances {
    /// [`SCHEMA`] of the program that wrote the record.
    pub schema: u32,
    /// When it began, as in `2026-11-25T12:00:00Z`.
    pub started: String,
    /// Version of Lockstep.
    pub lockstep: String,
    /// The commit of the measured code.
    pub commit: Option<String>,
    /// Whether the tree differed from it.
    pub modified: bool,
    /// The compiler's version.
    pub compiler: String,
    /// The version of revm.
    pub revm: String,
    /// The allocator's name, where the program tells it.
    pub allocator: Option<String>,
    /// The machine.
    pub machine: Machine,
    /// Whether every thread was kept on a core.
    pub pinned: bool,
    /// Runs: every executor prepared each block anew in each.
    pub runs: usize,
    /// Rounds of each run.
    pub rounds: usize,
    /// The candidates, with their threads.
    pub candidates: Vec<String>,
    /// The words after the program's name.
    pub command: Vec<String>,
}

/// The machine, as far as it reports itself. An unreported value is `None`: nothing is made up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// The processor's own name.
    pub processor: Option<String>,
    /// Cores that the process may use.
    pub cores: usize,
    /// Bytes of memory.
    pub memory_bytes: Option<u64>,
    /// Operating system and architecture, as in `linux x86_64`.
    pub system: String,
    /// Version of the kernel.
    pub kernel: Option<String>,
    /// Whether the processor says that there is a hypervisor.
    pub virtual_machine: bool,
    /// The frequency governor of the processor.
    pub governor: Option<String>,
    /// Whether the kernel gives huge pages by itself: `always`, `madvise`, `never`.
    pub huge_pages: Option<String>,
}

impl Machine {
    /// Its name in reports.
    pub fn name(&self) -> String {
        let processor = self.processor.as_deref().unwrap_or(&self.system);
        format!("{processor}, {} cores", self.cores)
    }
}
