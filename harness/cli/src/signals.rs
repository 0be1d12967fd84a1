//! Names of signals.

/// A signal as a person knows it.
pub(crate) fn name(signal: i32) -> String {
    let name = match signal {
        4 => " (SIGILL)",
        6 => " (SIGABRT: an abort, or a stack overflow)",
        7 => " (SIGBUS)",
        9 => " (SIGKILL: perhaps for want of memory)",
        11 => " (SIGSEGV)",
        _ => "",
    };
    format!("signal {signal}{name}")
}
