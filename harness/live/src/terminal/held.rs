//! What a run prints while the dashboard has the terminal.
//!
//! A line on the terminal would tear the picture, be it of this program, of a worker or of a panic. So
//! stderr, and stdout where it is a terminal too, lead to a file until the dashboard is gone; then all of it is
//! printed.

use rustix::{
    fd::OwnedFd,
    io::dup,
    stdio::{dup2_stderr, dup2_stdout, stderr, stdout},
    termios::isatty,
};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

/// Streams that lead to a file, until this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    stderr: Stream,
    stdout: Option<Stream>,
}

#[derive(Debug)]
struct Stream {
    original: OwnedFd,
    file: File,
}

impl Stream {
    fn new(original: OwnedFd) -> io::Result<Self> {
        Ok(Self { original, file: tempfile::tempfile()? })
    }

    /// Prints what was held.
    fn print(&mut self) -> io::Result<()> {
        let mut text = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut text)?;
        File::from(self.original.try_clone()?).write_all(&text)
    }
}

impl Held {
    /// Holds what is printed from now on; also gives the terminal, to draw on.
    pub(super) fn new() -> io::Result<(Self, File)> {
        let terminal = File::from(dup(stderr())?);
        let stdout = if isatty(stdout()) { Some(Stream::new(dup(stdout())?)?) } else { None };
        let held = Self { stderr: Stream::new(dup(stderr())?)?, stdout };
        dup2_stderr(&held.stderr.file)?;
        if let Some(stdout) = &held.stdout {
            io::stdout().flush()?;
            dup2_stdout(&stdout.file)?;
        }
        Ok((held, terminal))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Where a stream cannot be given back, no stream is left to say so.
        let _ = dup2_stderr(&self.stderr.original);
        let _ = self.stderr.print();
        if let Some(stdout) = &mut self.stdout {
            let _ = io::stdout().flush();
            let _ = dup2_stdout(&stdout.original);
            let _ = stdout.print();
        }
    }
}
