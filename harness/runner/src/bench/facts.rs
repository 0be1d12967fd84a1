//! What machine a run was measured on.

use super::machine::Cores;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};

/// The version of the lines of a record. It changes when a field changes its meaning or goes.
pub const SCHEMA: u32 = 1;

/// What is said once of everything that was measured in one go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Circumstances {
    /// [`SCHEMA`] of whoever wrote the record.
    pub schema: u32,
    /// When it began, as in `2026-11-25T12:00:00Z`.
    pub started: String,
    /// Version of Lockstep.
    pub lockstep: String,
    /// The commit of what was measured.
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
    /// Runs: everyone prepared each block anew in each.
    pub runs: usize,
    /// Rounds of each run.
    pub rounds: usize,
    /// The candidates, with their threads.
    pub candidates: Vec<String>,
    /// The words after the program's name.
    pub command: Vec<String>,
}

/// The machine, as far as it says so itself. What it does not say is `None`: nothing is made up.
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
    /// Who decides the processor's frequency.
    pub governor: Option<String>,
    /// Whether the kernel gives huge pages by itself: `always`, `madvise`, `never`.
    pub huge_pages: Option<String>,
}

impl Machine {
    /// The one that this program runs on.
    pub fn this() -> Self {
        let cpuinfo = read("/proc/cpuinfo").unwrap_or_default();
        let huge_pages = read("/sys/kernel/mm/transparent_hugepage/enabled");
        Self {
            processor: field(&cpuinfo, "model name", ':').map(str::to_owned),
            cores: Cores::allowed().count(),
            memory_bytes: memory_bytes(&read("/proc/meminfo").unwrap_or_default()),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            kernel: read("/proc/sys/kernel/osrelease"),
            virtual_machine: field(&cpuinfo, "flags", ':')
                .is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor")),
            governor: read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            huge_pages: huge_pages.as_deref().and_then(chosen).map(str::to_owned),
        }
    }

    /// Its name in reports.
    pub fn name(&self) -> String {
        let processor = self.processor.as_deref().unwrap_or(&self.system);
        format!("{processor}, {} cores", self.cores)
    }
}

fn read(path: impl AsRef<Path>) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

fn field<'a>(text: &'a str, name: &str, separator: char) -> Option<&'a str> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(separator));
    pairs.find_map(|(key, value)| (key.trim() == name).then(|| value.trim()))
}

fn memory_bytes(meminfo: &str) -> Option<u64> {
    let kibibytes = field(meminfo, "MemTotal", ':')?.strip_suffix(" kB")?;
    Some(kibibytes.trim().parse::<u64>().ok()? * 1024)
}

/// The word in brackets.
fn chosen(text: &str) -> Option<&str> {
    Some(text.split_once('[')?.1.split_once(']')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_read() {
        let text =
            "processor\t: 0\nmodel name\t: A Processor @ 2.00GHz\nflags\t\t: fpu hypervisor\n";
        assert_eq!(field(text, "model name", ':'), Some("A Processor @ 2.00GHz"));
        assert_eq!(memory_bytes("MemTotal:       1024 kB\nMemFree: 1 kB\n"), Some(1 << 20));
        assert_eq!(chosen("always [madvise] never"), Some("madvise"));
        assert!(Machine::this().cores >= 1);
    }
}
