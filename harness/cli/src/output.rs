//! The two streams. Everything that the command prints goes through here.

use crate::args::Color;
use anstream::{AutoStream, ColorChoice};
use std::{
    io::{self, Write},
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether stdout no longer accepts output, and that was reported.
static IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether something that was printed is lost: a disk is full, say.
static IS_LOST: AtomicBool = AtomicBool::new(false);

/// Decides about color for the whole process.
pub(crate) fn set_color(color: Color) {
    match color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
    .write_global();
}

/// Writes to stdout. A reader that has gone away is no error: it has seen enough.
pub(crate) fn out(text: &str) {
    let Err(error) = write(AutoStream::auto(io::stdout().lock()), text) else { return };
    let is_closed = error.kind() == io::ErrorKind::BrokenPipe;
    IS_LOST.fetch_or(!is_closed, Ordering::Relaxed);
    if IS_CLOSED.swap(true, Ordering::Relaxed) {
        return;
    }
    if is_closed {
        err("stdout is closed: the rest is not printed\n");
    } else {
        self::error(&format!("stdout: {error}: the rest is not printed"));
    }
}

/// Writes to stderr.
pub(crate) fn err(text: &str) {
    // If stderr fails, no stream is left to report that on.
    let _ = write(AutoStream::auto(io::stderr().lock()), text);
}

/// Whether something that was printed is lost.
pub(crate) fn is_lost() -> bool {
    IS_LOST.load(Ordering::Relaxed)
}

/// An error of usage or of the environment.
pub(crate) fn error(text: &str) {
    err(&problem(text));
}

/// An error as a line.
pub(crate) fn problem(text: &str) -> String {
    format!("\x1b[31m\x1b[1merror\x1b[0m: {text}\n")
}

fn write(mut stream: impl Write, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes())?;
    stream.flush()
}
