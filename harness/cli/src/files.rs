//! Files that commands leave behind.

use anyhow::{Context, Result};
use std::{fs, path::Path};

/// Makes the folder of `--out`, if it is not there.
pub(crate) fn make_out(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("--out {}: cannot be made", folder.display()))
}

/// Writes a file.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("{}: cannot be written", path.display()))
}

/// Writes a file that is there as a whole, or as it was before.
pub(crate) fn replace(path: &Path, text: &str) -> Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = Path::new(&new);
    let shown = path.display();
    fs::write(new, text).with_context(|| format!("{shown}: cannot be written"))?;
    fs::rename(new, path).with_context(|| format!("{shown}: cannot be written"))
}

/// Finds out before the work whether the file can be written after it. Its content stays: it may be
/// the work's input.
pub(crate) fn can_be_written(path: &Path) -> Result<()> {
    let opened = fs::OpenOptions::new().create(true).append(true).open(path);
    opened.map(drop).with_context(|| format!("--out {}: cannot be written", path.display()))
}
