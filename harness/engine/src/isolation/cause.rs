//! How a worker ended.

use serde::{Deserialize, Serialize};
use std::{fmt, os::unix::process::ExitStatusExt, process::ExitStatus};

/// How a worker ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A thread used up its stack.
    StackOverflow,
    /// An allocation failed.
    OutOfMemory,
    /// By this signal.
    Signal(i32),
    /// With this exit status.
    Exit(i32),
    /// A worker thread panicked with this text.
    Panic(String),
}

impl Cause {
    /// From the exit status of a process, and the end of what it wrote to stderr.
    pub(super) fn of(status: ExitStatus, stderr: &str) -> Self {
        // The texts are those of Rust's runtime; both end in SIGABRT.
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exit(code),
            (None, _) if stderr.contains("has overflowed its stack") => Self::StackOverflow,
            (None, _) if stderr.contains("memory allocation of") => Self::OutOfMemory,
            (None, signal) => Self::Signal(signal.unwrap_or_default()),
        }
    }

    /// One word, for signatures.
    pub fn word(&self) -> String {
        match self {
            Self::StackOverflow => "stack-overflow".to_owned(),
            Self::OutOfMemory => "out-of-memory".to_owned(),
            Self::Signal(signal) => name(*signal).to_lowercase(),
            Self::Exit(code) => format!("exit-{code}"),
            Self::Panic(_) => "panic".to_owned(),
        }
    }
}

/// The signals that executors end by.
fn name(signal: i32) -> String {
    let name = match signal {
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        other => return format!("signal-{other}"),
    };
    name.to_owned()
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StackOverflow => f.write_str("a stack overflow ended the process"),
            Self::OutOfMemory => f.write_str("a failed allocation ended the process"),
            Self::Signal(9) => {
                f.write_str("SIGKILL ended the process: the kernel may have run out of memory")
            }
            Self::Signal(signal) => write!(f, "{} ended the process", name(*signal)),
            Self::Exit(code) => write!(f, "the process exited with status {code}"),
            Self::Panic(text) => write!(f, "a worker panicked: {text}"),
        }
    }
}
