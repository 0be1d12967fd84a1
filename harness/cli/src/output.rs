//! The two streams. Everything that the command prints goes through here.

use crate::args::Color;
use anstream::{AutoStream, ColorChoice};
use std::io::{self, Write};

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
    write(AutoStream::auto(io::stdout().lock()), text);
}

/// Writes to stderr.
pub(crate) fn err(text: &str) {
    write(AutoStream::auto(io::stderr().lock()), text);
}

/// An error of usage or of the environment.
pub(crate) fn error(text: &str) {
    err(&problem(text));
}

/// An error as a line.
pub(crate) fn problem(text: &str) -> String {
    format!("\x1b[31m\x1b[1merror\x1b[0m: {text}\n")
}

fn write(mut stream: impl Write, text: &str) {
    let _ = stream.write_all(text.as_bytes());
    let _ = stream.flush();
}
