//! The machine of a measurement, as the kernel describes it.

use super::machine::Cores;
use lockstep_report::samples::Machine;
use std::{fs, path::Path};

/// The machine that this program runs on.
pub fn this_machine() -> Machine {
    let cpuinfo = read("/proc/cpuinfo").unwrap_or_default();
    let huge_pages = read("/sys/kernel/mm/transparent_hugepage/enabled");
    Machine {
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
        assert!(this_machine().cores >= 1);
    }
}
