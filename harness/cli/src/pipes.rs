//! Inputs that can be read once.
//!
//! A run may need several worker processes. So the job copies each pipe into a file first, and tells the
//! workers where the copies are.

use anyhow::{Context, Result};
use std::{
    collections::HashMap,
    ffi::OsString,
    fs,
    io::{self, Read},
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Tells a worker process where copies are: a JSON object of paths.
const COPIES: &str = "LOCKSTEP_COPIES";

/// The standard input.
const STDIN: &str = "/dev/stdin";

/// Copies of pipes; they go with the value.
#[derive(Debug)]
pub(crate) struct Copied {
    folder: TempDir,
    copies: HashMap<PathBuf, PathBuf>,
}

impl Copied {
    /// Copies those of the paths that are pipes or devices.
    pub(crate) fn new<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<Self> {
        let folder = TempDir::new().context("cannot make a folder for copies of pipes")?;
        let mut copied = Self { folder, copies: HashMap::new() };
        for path in paths.into_iter().filter(|path| is_pipe(path)) {
            copied.add(path).with_context(|| format!("{}: cannot be copied", path.display()))?;
        }
        Ok(copied)
    }

    fn add(&mut self, path: &Path) -> io::Result<()> {
        if self.copies.contains_key(path) {
            return Ok(());
        }
        let copy = self.folder.path().join(self.copies.len().to_string());
        io::copy(&mut fs::File::open(path)?, &mut fs::File::create(&copy)?)?;
        self.copies.insert(path.to_owned(), copy);
        Ok(())
    }

    /// The path of each copy, by the path of its original.
    pub(crate) const fn paths(&self) -> &HashMap<PathBuf, PathBuf> {
        &self.copies
    }

    /// The environment variable that names them to a worker process, with its value.
    pub(crate) fn to_env(&self) -> (OsString, OsString) {
        let copies = serde_json::to_string(&self.copies).unwrap_or_default();
        (COPIES.into(), copies.into())
    }
}

/// The copies that the job made for this worker process.
pub(crate) fn copies() -> HashMap<PathBuf, PathBuf> {
    let copies = std::env::var(COPIES).ok();
    copies.and_then(|copies| serde_json::from_str(&copies).ok()).unwrap_or_default()
}

/// The path of a list of paths.
pub(crate) fn list_path(list: &Path) -> &Path {
    if list == Path::new("-") { Path::new(STDIN) } else { list }
}

/// The paths that a file lists, one a line.
pub(crate) fn listed(list: &Path, copies: &HashMap<PathBuf, PathBuf>) -> Result<Vec<PathBuf>> {
    let path = list_path(list);
    let mut text = String::new();
    let source = copies.get(path).map_or(path, PathBuf::as_path);
    let read = fs::File::open(source).and_then(|mut file| file.read_to_string(&mut text));
    read.with_context(|| format!("--files-from {}: cannot be read", list.display()))?;
    let lines =
        text.lines().map(|line| line.trim_end_matches('\r')).filter(|line| !line.is_empty());
    Ok(lines.map(PathBuf::from).collect())
}

fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| {
        let kind = metadata.file_type();
        kind.is_fifo() || kind.is_char_device() || kind.is_socket()
    })
}
